import numpy as np
import pytest
from astropy.table import Table

from superspire.evaluation.catalogues import (
    extract_cutouts,
    forced_fluxes,
    project_injected,
)
from superspire.evaluation.comparison import compare, quoted, readable
from superspire.evaluation.protocols import measure

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
    ra, dec = wcs.all_pix2world(x, y, 0)
    catalogue = {"mock": Table({"RA": ra, "DEC": dec, "S450": flux})}
    injected = project_injected(catalogue, index, systems)
    return measure(found, true, injected, 10.0, 4.0)


@pytest.fixture(scope="module", params=[0.0, 1.0], ids=["noiseless", "noisy"])
def tables(request, sky):
    return evaluate(sky, request.param)


def pooled(table, measure, low):
    rows = table[(table["measure"] == measure) & np.isfinite(table["flux_max"])]
    rows = rows[(rows["flux_min"] >= low) & (rows["n"] > 0)]
    return np.average(rows["fraction"], weights=rows["n_unique"])


def test_a_perfect_map_scores_near_one(tables):
    for protocol, measures in (
        ("paper", ["position"]),
        ("strict", ["position", "position and flux"]),
    ):
        for quantity in ("completeness", "purity"):
            table = tables[quantity]
            table = table[table["protocol"] == protocol]
            for name in measures:
                assert pooled(table, name, 5.9) > 0.95, (protocol, quantity, name)


def test_chance_is_far_below(tables):
    strict = tables["completeness"].query("protocol == 'strict'")
    assert strict["chance"].dropna().max() < 0.15


def test_offsets_of_a_perfect_map_are_small(tables):
    for _, table in tables["offsets"].groupby("protocol"):
        assert table["separation"].quantile(0.68) < 0.5
        assert table["weight"].sum() == len(table)


def test_fluxes_of_a_perfect_map_agree(tables):
    strict = tables["fluxes"].query("protocol == 'strict' and flux > 10")
    assert np.median(strict["flux_sr"] / strict["flux"]) == pytest.approx(1, abs=0.05)
    paper = tables["fluxes"].query("protocol == 'paper' and flux > 10")
    assert np.median(paper["flux_sr"] / paper["flux"]) == pytest.approx(1, abs=0.05)


def test_comparison_holds_every_claim(tables):
    stack = {"n": 5, "fwhm": 8.0, "fwhm_error": 0.1}
    stacks = {"sr_at_target": stack, "sr_at_injected": stack | {"fwhm": 8.2}}
    datasets = {
        name: {**tables, "stack": stacks} for name in ("observed", "independent")
    }
    table = compare(datasets, np.random.default_rng(1)).set_index(["claim", "dataset"])
    assert len(table) == 14
    row = table.loc[("completeness at 10 mJy", "independent")]
    assert row["paper_protocol_low"] <= row["paper_protocol"] <= 1.0
    assert row["strict_n"] > 0
    assert row["paper_protocol"] > 0.9
    width = table.loc[("FWHM of the stacked sources [arcsec]", "observed")]
    assert (width["paper_protocol"], width["strict"]) == (8.0, 8.2)
    share = table.loc[("share of offsets within 15 arcsec", "independent")]
    assert share["paper_protocol"] == 1.0
    assert share["paper_protocol_chance"] < 0.8


def test_comparison_is_readable(tables):
    stack = {"n": 5, "fwhm": 8.0, "fwhm_error": 0.1}
    stacks = {"sr_at_target": stack, "sr_at_injected": stack | {"fwhm": 8.2}}
    datasets = {
        name: {**tables, "stack": stacks} for name in ("observed", "independent")
    }
    table = compare(datasets, np.random.default_rng(1))
    short = readable(table).set_index("claim")
    assert short.columns.tolist() == [
        "paper",
        "paper's protocol, observed",
        "paper's protocol, independent",
        "strict, independent",
        "by chance",
    ]
    assert len(short) == table["claim"].nunique()
    width = short.loc["FWHM of the stacked sources [arcsec]"]
    assert width.iloc[1:].tolist() == [
        "8.00 ± 0.10, n 5",
        "8.00 ± 0.10, n 5",
        "8.20 ± 0.10, n 5",
        "–",
    ]
    row = table.set_index(["claim", "dataset"]).loc[
        ("completeness at 10 mJy", "independent")
    ]
    text = short.loc["completeness at 10 mJy", "strict, independent"]
    assert text.startswith(f"{row['strict']:.3f} ")
    assert text.endswith(f"n {row['strict_n']:.0f}")


def test_a_claim_without_sources_is_a_dash():
    assert quoted({"a": np.nan, "a_low": np.nan, "a_high": np.nan}, "a") == "–"
    record = {"a": 0.6, "a_low": np.nan, "a_high": np.nan, "a_n": 4}
    assert quoted(record, "a") == "0.600, n 4"
    record = {"a": 0.6, "a_low": 0.5, "a_high": 0.65, "a_n": 4}
    assert quoted(record, "a") == "0.600 (+0.050 -0.100), n 4"
    outside = {"a": 0.6, "a_low": 0.7, "a_high": 0.9, "a_n": 4}
    assert quoted(outside, "a") == "0.600 (68 %: 0.700 to 0.900), n 4"
