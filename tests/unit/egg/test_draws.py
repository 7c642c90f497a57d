"""Galaxies of fixed redshift and mass against a table made of such galaxies."""

import numpy as np
import pandas as pd
import pytest

from superspire.egg import draws
from superspire.errors import InputError
from superspire.seeds import stream
from superspire.sky.dust import load_library
from superspire.sky.galaxies import SFR_SCATTER, STARBURST_BOOST, STARBURST_FRACTION

POINT = (2.0, 10.8, 0)
STATISTICS = ["mean", "std", "p1", "p16", "p50", "p84", "p99.9"]
QUANTITIES = ["log10_SFR", "Tdust_K", "fPAH", "log10_IR8", "log10_S500_mJy"]


@pytest.fixture(scope="module")
def dust():
    return load_library("compact")


@pytest.fixture(scope="module")
def drawn(dust):
    return draws.draw_point(*POINT, 30_000, stream(1, "egg"), dust)


@pytest.fixture(scope="module")
def reference(drawn):
    rows = []
    for name in QUANTITIES:
        values, _ = draws.sample_statistics(drawn[name], STATISTICS)
        row = dict(zip(["z", "logM", "passive"], POINT, strict=True))
        row |= {"quantity": name, "N": 30_000}
        rows.append(row | dict(zip(STATISTICS, values, strict=True)))
    return pd.DataFrame(rows)


def compare(reference, dust, seed=2, n=20_000, change=lambda drawn: drawn):
    def draw(z, log_mass, passive, number):
        rng = stream(seed, "draws", number)
        return change(draws.draw_point(z, log_mass, passive, n, rng, dust))

    return draws.compare_draws(reference, draw)


def test_star_formation_has_the_scatter_of_the_model(drawn):
    n, p, boost = 30_000, STARBURST_FRACTION, STARBURST_BOOST
    std = np.sqrt(SFR_SCATTER**2 + p * (1 - p) * boost**2)
    sfr = drawn["RSB_dex"]
    assert sfr.mean() == pytest.approx(p * boost, abs=4.5 * std / np.sqrt(n))
    assert sfr.std() == pytest.approx(std, abs=4.5 * std / np.sqrt(n))
    np.testing.assert_allclose(drawn["log10_SFR"], np.log10(drawn["SFR"]))


def test_other_draws_of_the_same_model_agree(reference, dust):
    table = compare(reference, dust)
    assert len(table) == len(QUANTITIES) * len(STATISTICS)
    assert set(table["agrees"]) == {"yes"}
    assert 0.3 < np.mean(table["sigma"] ** 2) < 2.5
    assert table["group"].value_counts()["draws: fluxes"] == len(STATISTICS)
    ratio = table["egg_error"] / table["ours_error"]
    errors = table["ours_error"] > 1e-4
    np.testing.assert_allclose(ratio[errors], np.sqrt(2 / 3), rtol=1e-2)


def test_a_shifted_and_a_wider_distribution_are_flagged(reference, dust):
    def warmer(drawn):
        return drawn | {"Tdust_K": drawn["Tdust_K"] + 0.3}

    def wider(drawn):
        mean = drawn["log10_SFR"].mean()
        return drawn | {"log10_SFR": mean + 1.04 * (drawn["log10_SFR"] - mean)}

    for change, quantity, statistic in (
        (warmer, "Tdust_K", "mean"),
        (wider, "log10_SFR", "std"),
    ):
        table = compare(reference, dust, change=change)
        flagged = table[table["agrees"] == "no"]
        assert set(flagged["quantity"]) == {quantity}
        assert statistic in set(flagged["statistic"])


def test_limits_of_a_range_are_compared_to_the_digits_of_the_table(reference, dust):
    """Of IR8 the highest percentiles are its upper limit, without any error."""
    table = compare(reference, dust)
    row = table[(table["quantity"] == "log10_IR8") & (table["statistic"] == "p99.9")]
    assert row["ours"].item() == pytest.approx(np.log10(27.5))
    assert row["ours_error"].item() == 0
    assert row["sigma"].item() == 0
    for factor, agrees in ((1 + 2e-6, "yes"), (1.001, "no")):
        other = reference.copy()
        other.loc[other["quantity"] == "log10_IR8", "p99.9"] *= factor
        table = compare(other, dust)
        assert table.loc[row.index, "agrees"].item() == agrees


def test_same_seed_same_draws_and_other_points_other_draws(reference, dust):
    pd.testing.assert_frame_equal(
        compare(reference, dust, n=2000), compare(reference, dust, n=2000)
    )
    first, second = (
        draws.draw_point(*POINT, 4000, stream(1, "draws", i), dust)["log10_SFR"]
        for i in range(2)
    )
    assert abs(np.corrcoef(first, second)[0, 1]) < 4.5 / np.sqrt(4000)


def test_draws_are_independent_from_block_to_block(dust, monkeypatch):
    monkeypatch.setattr(draws, "BLOCK", 1500)
    sample = draws.draw_point(*POINT, 4000, stream(1, "blocks"), dust)["log10_SFR"]
    assert len(np.unique(sample)) == 4000
    blocks = sample[:1500], sample[1500:3000]
    assert abs(np.corrcoef(*blocks)[0, 1]) < 4.5 / np.sqrt(1500)


def test_unknown_quantity(reference, dust):
    with pytest.raises(InputError, match=r"found 'log10_Lx'"):
        compare(reference.assign(quantity="log10_Lx"), dust, n=100)
