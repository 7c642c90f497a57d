import numpy as np
import pytest
from astropy.table import Table

from superspire.evaluation.catalogues import (
    extract_cutouts,
    forced_fluxes,
    measure_backgrounds,
    project_injected,
)
from superspire.evaluation.comparison import compare, quoted, readable
from superspire.evaluation.measures import trim_edges
from superspire.evaluation.protocols import measure, select

SIZE = 424


def cut(image, index):
    return np.stack(
        [image[r.y0 : r.y0 + SIZE, r.x0 : r.x0 + SIZE] for r in index.itertuples()]
    )


def evaluate(sky, noise):
    """Take the noiseless 450 map for the super-resolved one."""
    image, (x, y, flux), wcs, index = sky
    rng = np.random.default_rng(8)
    generated = cut(image, index)
    target = generated + rng.normal(0, noise, generated.shape) if noise else generated
    systems = {"mock": wcs}
    found = extract_cutouts(generated, index, systems, 5.0)
    found["flux"] = found["peak"].value * found["aperture_flux"].unit
    found["flux_aperture"] = found["aperture_flux"]
    true = extract_cutouts(target, index, systems, 5.0)
    true["flux"] = found["flux"].unit * true["peak"].value
    true["flux_sr"] = forced_fluxes(generated, index, true)
    levels = measure_backgrounds(generated, target, index)
    found["background_rms"] = levels["sr_rms"].to_numpy()[found["cutout"]]
    ra, dec = wcs.all_pix2world(x, y, 0)
    catalogue = {"mock": Table({"RA": ra, "DEC": dec, "S450": flux})}
    injected = project_injected(catalogue, index, systems)
    return measure(found, true, injected, 10.0, 4.0) | {"background": levels}


@pytest.fixture(scope="module", params=[0.0, 1.0], ids=["noiseless", "noisy"])
def tables(request, sky):
    return evaluate(sky, request.param)


def pooled(table, measure, low):
    rows = table[(table["measure"] == measure) & np.isfinite(table["flux_max"])]
    rows = rows[(rows["flux_min"] >= low) & (rows["n"] > 0)]
    return np.average(rows["fraction"], weights=rows["n_distinct"])


def test_a_perfect_map_scores_near_one(tables):
    for protocol in ("paper", "strict"):
        for quantity in ("completeness", "purity"):
            table = tables[quantity]
            table = table[table["protocol"] == protocol]
            for name in ("position", "position and flux"):
                assert pooled(table, name, 5.9) > 0.95, (protocol, quantity, name)


def test_chance_is_far_below(tables):
    strict = tables["completeness"].query("protocol == 'strict'")
    assert strict["chance"].dropna().max() < 0.15


def test_offsets_of_a_perfect_map_are_small(tables):
    offsets = tables["offsets"]
    for _, table in offsets[offsets["flux"] > 6].groupby(["protocol", "selection"]):
        assert table["separation"].quantile(0.68) < 0.5
        assert table["weight"].sum() == len(table)


def test_fluxes_of_a_perfect_map_agree(tables):
    bright = tables["fluxes"][tables["fluxes"]["flux"] > 10]
    for names, pairs in bright.groupby(["protocol", "selection", "measure"]):
        if names == ("strict", "true", "aperture"):
            continue
        ratio = np.median(pairs["flux_sr"] / pairs["flux"])
        assert ratio == pytest.approx(1, abs=0.06), names


def test_super_resolved_sources_of_figure_4_exceed_ten_times_the_background(sky):
    image, _, wcs, index = sky
    index = index[:1]
    generated = cut(image, index)
    found = extract_cutouts(generated, index, {"mock": wcs}, 5.0)
    found["flux"] = found["flux_aperture"] = found["aperture_flux"]
    true = found.copy()
    true["flux_sr"] = true["aperture_flux"]
    found["background_rms"] = 0.0
    low = measure(found, true, None, 10.0, 4.0)["fluxes"]
    found["background_rms"] = 0.8
    high = measure(found, true, None, 10.0, 4.0)["fluxes"]
    kept = [select(t, selection="super-resolved", measure="peak") for t in (low, high)]
    bright = trim_edges(found.to_pandas())["peak"] > 8.0
    assert len(kept[1]) == bright.sum() < len(kept[0])
    others = [select(t, selection="true") for t in (low, high)]
    assert len(others[0]) == len(others[1])


STACK = {"n": 5, "n_distinct": 5.0, "fwhm": 8.0, "fwhm_error": 0.1}


def compared(tables, names=("simulated", "observed", "independent"), mocked=True):
    stacks = {
        "sr_at_sr": STACK,
        "sr_at_target": STACK | {"fwhm": 8.3},
        "sr_at_injected": STACK | {"fwhm": 8.4},
        "target_at_target": STACK | {"fwhm": None, "fwhm_error": None},
    }
    datasets = {name: {**tables, "stack": stacks} for name in names}
    return compare(datasets, np.random.default_rng(1), mocked)


@pytest.fixture(scope="module")
def comparison(tables):
    return compared(tables)


def test_comparison_holds_every_claim_once_for_each_set_and_protocol(comparison):
    assert {
        "completeness_15mjy",
        "completeness_10mjy",
        "completeness_below_confusion",
        "purity_min",
        "offsets_within_15arcsec",
        "offset_north_west",
        "pull_median",
        "pull_max",
        "flux_ratio_simulated",
        "flux_ratio_observed",
        "eddington_bias",
        "fwhm",
        "background_min",
        "resolved_below_500_confusion",
    } <= set(comparison["claim"])
    assert not comparison.duplicated(["claim", "dataset", "protocol"]).any()
    sets = comparison.groupby("claim")["dataset"].unique()
    assert list(sets["flux_ratio_simulated"]) == ["simulated"]
    assert list(sets["flux_ratio_observed"]) == ["observed", "independent"]
    assert len(sets["purity_min"]) == 3


def test_comparison_quotes_each_protocol_by_itself(comparison):
    rows = comparison.set_index(["claim", "dataset", "protocol"])
    ten = rows.loc[("completeness_10mjy", "independent", "paper")]
    assert ten["low"] <= ten["value"] <= 1.0
    assert ten["value"] > 0.9
    assert ten["n_distinct"] == ten["n"] > 0
    widths = rows.xs("observed", level="dataset")["value"]
    assert widths["fwhm", "paper"] == 8.0
    assert widths["fwhm_at_true", "paper"] == 8.3
    assert widths["fwhm_at_true", "strict"] == 8.4
    assert np.isnan(widths["fwhm_target", "paper"])
    near = rows.loc[("offsets_within_15arcsec_reverse", "independent", "paper")]
    assert near["value"] == 1.0
    assert near["chance"] < 0.8


def test_what_the_paper_does_not_quantify_is_empty(comparison):
    quoted = comparison.drop_duplicates("claim").set_index("claim")["paper"]
    assert quoted["completeness_15mjy"] == "> 0.95"
    assert "1.02" in quoted["pull_max"]
    for name in ("offset_north_west", "eddington_bias", "flux_ratio_observed"):
        assert quoted[name] == ""


def test_a_mock_is_called_a_mock(tables, comparison):
    assert comparison["mock"].all()
    real = compared(tables, ("observed",), mocked=False)
    assert not real["mock"].any()
    assert "paper's protocol, mock COSMOS, in-sample" in readable(comparison)
    assert "paper's protocol, observed, in-sample" in readable(real)


def test_a_field_without_known_truth_has_no_strict_values(tables):
    paper = {
        name: select(table, protocol="paper") if "protocol" in table else table
        for name, table in tables.items()
    }
    table = compared(paper, ("observed",), mocked=False)
    assert set(table["protocol"]) == {"paper"}
    assert (readable(table)["strict, independent mock sky"] == "–").all()


def test_comparison_is_readable(comparison):
    short = readable(comparison).set_index("quantity")
    assert short.columns.tolist() == [
        "paper",
        "paper's protocol, simulated test sky",
        "paper's protocol, mock COSMOS, in-sample",
        "paper's protocol, independent mock sky",
        "strict, independent mock sky",
        "by chance",
    ]
    assert len(short) == comparison["claim"].nunique()
    width = short.loc["FWHM of the stacked super-resolved sources [arcsec]"]
    assert width.tolist() == ["7.9", *3 * ["8.00 ± 0.10, n 5.0"], "–", "–"]
    rows = comparison.set_index(["claim", "dataset", "protocol"])
    row = rows.loc[("completeness_10mjy", "independent", "strict")]
    text = short.loc["completeness at 10 mJy (8.5-12)", "strict, independent mock sky"]
    assert text.startswith(f"{row['value']:.3f} ")
    assert text.endswith(f"n {row['n_distinct']:.0f}")


@pytest.mark.parametrize(
    ("value", "low", "high", "n", "text"),
    [
        (np.nan, np.nan, np.nan, 0, "–"),
        (0.6, np.nan, np.nan, 4, "0.6, n 4.0"),
        (0.6, 0.5, 0.65, 44.2, "0.600 (+0.050 -0.100), n 44"),
        (8.123, 8.1, 8.2, 12, "8.12 (+0.08 -0.02), n 12"),
        (-0.70383, np.nan, np.nan, 119, "-0.704, n 119"),
    ],
)
def test_values_are_written_with_their_intervals(value, low, high, n, text):
    row = {"value": value, "low": low, "high": high, "n_distinct": n}
    assert quoted(row) == text
