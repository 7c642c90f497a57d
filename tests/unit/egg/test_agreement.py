"""Whether agreement and disagreement with EGG are told apart."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from helpers.egg_tables import AREA, FIELDS, REFERENCE, fields_like_egg, read_all
from superspire.egg import agreement as ag
from superspire.egg import agreement_summary as summary
from superspire.egg import grid_comparison as grid
from superspire.egg.egg_reference import FILES, read_reference, reference_table
from superspire.errors import InputError

TOTAL = AREA * FIELDS


@pytest.fixture(scope="module")
def reference():
    return reference_table(read_all())


@pytest.fixture(scope="module")
def same(reference):
    return ag.compare(reference, ag.combine_fields(fields_like_egg()), TOTAL, FIELDS)


def shifted(reference, group, quantity, factor, band=None):
    """Compare fields in which one quantity is EGG's times a factor."""
    fields = fields_like_egg()
    for field in fields:
        rows = (field["group"] == group) & field["quantity"].str.startswith(quantity)
        if band:
            rows &= field["band_um"] == band
        assert rows.any()
        field.loc[rows, ["value", "n"]] *= factor
    return ag.compare(reference, ag.combine_fields(fields), TOTAL, FIELDS)


def test_egg_agrees_with_itself(same, reference):
    assert set(same["agrees"]) == {"yes"}
    assert np.abs(same["sigma"]).max() < 1e-6
    assert set(same["group"]) == set(ag.TOLERANCES)
    assert len(same) < len(reference)
    assert not same[ag.KEYS].duplicated().any()
    assert summary.name_disagreeing(same) == []


@pytest.mark.parametrize(
    ("group", "quantity", "band", "beyond", "within"),
    [
        ("total", "galaxies", None, 1.02, 1.009),
        ("background", "background in MJy/sr", 350, 1.025, 1.01),
        ("counts", "0.1-0.1259", 250, 0.97, 0.99),
        ("integral counts", "above 5 mJy", 450, 1.05, 1.01),
        ("redshifts", "S450 > 5 mJy: p50", None, 1.05, 0.995),
        ("luminosity cuts", "share of the galaxies with log L_IR > 9.5", None, 0.9, 1),
        ("confusion", "sigma, clustered positions, all", 500, 5.11 / 5.65, 1.029),
        ("correlation", "w of S500 > 5 mJy at 16-32", None, 3.0, 0.95),
    ],
)
def test_only_what_disagrees_is_flagged(
    reference, group, quantity, band, beyond, within
):
    table = shifted(reference, group, quantity, beyond, band)
    flagged = table[table["agrees"] == "no"]
    assert len(flagged) == 1
    assert flagged["group"].item() == group
    assert flagged["percent"].item() == pytest.approx(100 * (beyond - 1))
    assert flagged["quantity"].item().startswith(quantity)
    (line,) = summary.name_disagreeing(table)
    assert quantity in line
    assert f"allowed: {ag.TOLERANCE_NAMES[group]}" in line
    assert band is None or f"at {band} um" in line
    assert set(shifted(reference, group, quantity, within, band)["agrees"]) == {"yes"}


def test_not_a_number_disagrees(reference):
    table = shifted(reference, "background", "background in MJy/sr", np.nan, 250)
    assert (table["agrees"] == "no").sum() == 1


def test_noise_is_told_from_disagreement(reference):
    """Fields with Poisson counts exceed the tolerance as often as announced."""
    rng, tables = np.random.default_rng(5), []
    for _ in range(12):
        ours = ag.combine_fields(fields_like_egg(rng))
        tables.append(ag.compare(reference, ours, TOTAL, FIELDS))
    counts = pd.concat(tables)
    counts = counts[counts["group"] == "counts"]
    n = len(counts)
    assert n > 1000
    # The reference is not drawn again, so that half of the variance is there.
    chi2 = np.sum(counts["sigma"] ** 2)
    assert chi2 == pytest.approx(0.5 * n, abs=4.5 * 0.5 * np.sqrt(2 * n))
    assert (counts["agrees"] == "no").sum() <= 1
    assert 0 < counts["chance"].sum() < 0.0027 * n


def test_quantities_that_egg_has_not_are_not_judged(reference):
    fields = fields_like_egg()
    extra = fields[0].iloc[[0]].assign(quantity="stars")
    fields = [pd.concat([field, extra]) for field in fields]
    table = ag.compare(reference, ag.combine_fields(fields), TOTAL, FIELDS)
    row = table[table["quantity"] == "stars"].iloc[0]
    assert row["agrees"] == ""
    assert np.isnan(row["sigma"])
    groups = pd.DataFrame(summary.summarise_groups(table))
    assert groups["quantities"].sum() == len(table) - 1


def test_a_quantity_that_was_not_measured_is_named(reference):
    fields = [f[f["quantity"] != "above 5 mJy"] for f in fields_like_egg()]
    with pytest.raises(InputError, match=r"integral counts, above 5 mJy, 250, and 3"):
        ag.compare(reference, ag.combine_fields(fields), TOTAL, FIELDS)


def test_fields_are_averaged():
    row = {"group": "counts", "quantity": "a", "band_um": 250, "unit": ""}
    row |= {"low": 1.0, "high": 2.0}
    values = [(10.0, 40, 2.0), (14.0, 56, 3.0), (12.0, 48, 6.0)]
    fields = [
        pd.DataFrame(
            [
                row | {"value": v, "n": n, "poisson": p},
                row | {"group": "confusion", "value": v, "n": None, "poisson": None},
                row | {"group": "correlation", "value": v, "n": n, "poisson": 0.1},
            ]
        )
        for v, n, p in values
    ]
    table = ag.combine_fields(fields).set_index("group")
    assert table["ours"].tolist() == [12.0] * 3
    assert table.loc["counts", "n"] == 144
    assert table.loc["counts", "ours_error"] == pytest.approx(7.0 / 3.0)
    for group in ("confusion", "correlation"):
        assert table.loc[group, "ours_error"] == pytest.approx(2.0 / np.sqrt(3))
    single = ag.combine_fields(fields[:1]).set_index("group")
    assert np.isnan(single.loc["confusion", "ours_error"])
    assert single.loc["correlation", "ours_error"] == pytest.approx(0.1)


def test_unknown_errors_are_those_of_the_other_side_scaled_with_the_area(reference):
    fields = fields_like_egg()[:1]
    table = ag.compare(reference, ag.combine_fields(fields), AREA, 1)
    confusion = table[table["group"] == "confusion"]
    ratio = confusion["ours_error"] / confusion["egg_error"]
    np.testing.assert_allclose(ratio, np.sqrt(FIELDS), rtol=1e-3)
    redshifts = table[table["group"] == "redshifts"]
    ratio = redshifts["ours_error"] / redshifts["egg_error"]
    np.testing.assert_allclose(ratio, np.sqrt(FIELDS), rtol=1e-3)


@given(
    numbers=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1),
    fraction=st.floats(0.01, 0.5),
)
def test_joined_bins_keep_the_sources(numbers, fraction):
    ours, eggs = np.array(numbers, float).T
    edges = np.arange(len(numbers) + 1.0)
    table = pd.DataFrame(
        {"quantity": "", "low": edges[:-1], "high": edges[1:], "n": ours, "ours": ours}
    )
    joined = ag.join_sparse_bins(table.assign(egg=eggs, egg_n=eggs), fraction)
    assert joined["n"].sum() == joined["ours"].sum() == ours.sum()
    assert joined["egg"].sum() == eggs.sum()
    assert joined["low"].iloc[0] == 0
    assert joined["high"].iloc[-1] == len(numbers)
    assert joined["low"].iloc[1:].tolist() == joined["high"].iloc[:-1].tolist()
    both = joined["n"] + joined["egg_n"]
    assert len(joined) == 1 or both.min() * fraction >= ag.MIN_SOURCES - 1e-9


def test_numbers_have_the_errors_of_their_common_density():
    """So that none found where few are expected is no disagreement."""
    names = [("counts", 30.0, 0.0), ("integral counts", 68.0, 0.0)]
    table = pd.DataFrame(names, columns=["group", "egg_n", "n"])
    table = table.assign(egg=table["egg_n"] / 20, egg_error=0.1, ours_error=0.0)
    found = ag.set_errors(table, 0.2, 2)
    density = table["egg_n"] / 20.2
    np.testing.assert_allclose(found["ours_error"], np.sqrt(density / 0.2))
    np.testing.assert_allclose(found["egg_error"], np.sqrt(density / 20), rtol=1e-6)


def test_maps_have_the_scatter_of_all_fields():
    table = pd.DataFrame({"group": ["confusion"], "egg": 5.0, "n": None, "egg_n": None})
    # Of fields of one deg² the rms is 0.2 in EGG, and 0.4 in two of ours.
    table = table.assign(egg_error=0.2 / np.sqrt(20), ours_error=0.4 / np.sqrt(2))
    found = ag.set_errors(table, 2.0, 2)
    variance = (4 * 0.04 + 0.16) / 5
    assert found["ours_error"].item() == pytest.approx(np.sqrt(variance / 2))
    assert found["egg_error"].item() == pytest.approx(np.sqrt(variance / 20), rel=1e-5)
    single = ag.set_errors(table.assign(ours_error=np.nan), 2.0, 1)
    assert single["ours_error"].item() == pytest.approx(0.2 / np.sqrt(2))


def test_redshifts_of_too_few_sources_are_not_judged(reference):
    table = shifted(reference, "redshifts", "S450 > 20 mJy: p95", np.nan)
    rows = table["quantity"] == "S450 > 20 mJy: p95"
    assert table.loc[rows, "agrees"].tolist() == [""]
    assert set(table.loc[~rows, "agrees"]) == {"yes"}


def test_largest_of_many_pulls():
    assert summary.pull_limit(1) == pytest.approx(norm.isf(0.025))
    largest = np.abs(np.random.default_rng(1).normal(size=(4000, 100))).max(axis=1)
    for chance in (0.05, 0.5):
        beyond = np.mean(largest > summary.pull_limit(100, chance))
        assert beyond == pytest.approx(chance, abs=4.5 * np.sqrt(chance / 4000))


def test_summary_of_normal_pulls():
    rng, n = np.random.default_rng(2), 4000
    table = pd.DataFrame({"egg": np.full(n, 100.0), "egg_error": 0.6})
    table = table.assign(ours_error=0.8, sigma=rng.normal(size=n), agrees="yes")
    table = table.assign(difference=table["sigma"] + 0.5, chance=0.001)
    found = summary.summarise(table)
    assert found["chi2"] == pytest.approx(n, abs=4.5 * np.sqrt(2 * n))
    assert found["expected_beyond"] == pytest.approx(4.0)
    assert found["percent"] == pytest.approx(0.5, abs=4.5 / np.sqrt(n))
    assert found["largest_sigma"] == table["sigma"].abs().max()
    assert found["quantities"] == found["agree"] == n


def test_verdict_counts_and_names():
    groups = pd.DataFrame(
        [
            {"group": "counts", "quantities": 10, "agree": 9, "expected_beyond": 0.02},
            {"group": "grid: x", "quantities": 5, "agree": 5, "expected_beyond": 0.0},
        ]
    )
    text = summary.verdict(groups, ["counts, bright"])
    assert text.startswith("9 of 10 statistics agree")
    assert "By chance 0.02 would not." in text
    assert "5 of 5 values of the grid agree" in text
    assert text.endswith("These do not:\n  counts, bright")
    assert "These" not in summary.verdict(groups, [])


def test_missing_columns_are_named(tmp_path):
    for name in FILES:
        table = pd.read_csv(REFERENCE / f"egg_{name}.csv", comment="#")
        path = tmp_path / f"{name}.csv"
        lost = FILES[name][-1]
        table.drop(columns=lost).to_csv(path, index=False)
        with pytest.raises(InputError, match=f"found no {lost}"):
            read_reference(path, name)


@pytest.fixture
def points():
    return pd.read_csv(REFERENCE / "egg_deterministic_grid.csv", comment="#")


def test_grid_differences_are_flagged(points):
    ours = points.copy()
    ours.loc[3, "S500_mJy"] *= 1.004
    ours.loc[5, "IR8"] *= 1.0001
    ours.loc[7, "S250_mJy"] *= 1.002
    table = grid.compare_grid(ours, points)
    assert table.loc[3, "S500_mJy"] == pytest.approx(0.004)
    properties, fluxes = grid.summarise_grid(table)
    assert properties["quantities"] - properties["agree"] == 1
    assert fluxes["quantities"] - fluxes["agree"] == 1
    assert fluxes["percent"] == pytest.approx(0.4)
    names = grid.name_disagreeing_points(table)
    assert len(names) == 2
    assert "S500_mJy" in names[0]
    assert "+0.4 % (allowed: 0.3 %)" in names[0]


def test_grid_of_other_points_is_refused(points):
    with pytest.raises(InputError, match="117 points of EGG's grid"):
        grid.compare_grid(points.iloc[::-1].reset_index(drop=True), points)
    with pytest.raises(InputError, match="found no IR8"):
        grid.compare_grid(points.drop(columns="IR8"), points)
