import os
from pathlib import Path

import numpy as np
import pytest

from superspire.instruments import PAPER_BANDS, SPIRE
from superspire.sky import galaxies as gal
from superspire.sky.dust import FluxTable, dust_mass, pah_fraction, template_index
from superspire.sky.filter_curves import load_responses
from superspire.sky.model_egg import evaluate_model

FLUXES = tuple(f"S{band}_mJy" for band in PAPER_BANDS)
CURVES = Path(__file__).parents[4] / "shared" / "real" / "filters"
EGG_NAMES = ("PSW", "PMW", "PLW")
EGG_INTEGRALS = (0.9995314, 0.9997324, 0.9999774)
PERCENTILES = {
    "p1": (1, 0.1), "p5": (5, 0.05), "p16": (16, 0.03), "p50": (50, 0.03),
    "p84": (84, 0.03), "p95": (95, 0.05), "p99": (99, 0.1), "p99.9": (99.9, 0.3),
}  # fmt: skip


def relative_error(found, expected):
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    scale = np.where(expected == 0.0, 1.0, np.abs(expected))
    return np.abs(found - expected) / scale


@pytest.fixture(scope="module")
def grid(reference):
    return reference("egg_deterministic_grid")


def evaluate_grid(grid, library, responses=None):
    passive = grid.passive == 1
    return evaluate_model(grid.z, grid.logM, passive, library, responses=responses)


def test_properties_without_scatter(grid, compact):
    table = evaluate_grid(grid, compact)
    assert len(table) > 100
    for name in set(grid.columns) - set(FLUXES):
        assert relative_error(table[name], grid[name]).max() < 1e-5, name


@pytest.mark.parametrize("band", FLUXES)
def test_fluxes_of_the_compact_library(grid, compact, band):
    error = relative_error(evaluate_grid(grid, compact)[band], grid[band])
    assert np.median(error) < 1e-3
    assert error.max() < 3e-3


def test_fluxes_of_the_published_library(grid, original):
    table = evaluate_grid(grid, original)
    assert relative_error(table["S450_mJy"], grid["S450_mJy"]).max() < 1e-5
    # Top-hats in place of the true SPIRE responses.
    for band in SPIRE:
        name = f"S{band}_mJy"
        assert relative_error(table[name], grid[name]).max() < 2.5e-3


def test_fluxes_through_the_responses_of_egg(grid, original):
    """EGG's own curves, in share/filter-db of its source, whose terms are unclear."""
    folder = Path(os.environ.get("SUPERSPIRE_EGG_FILTERS", "/nonexistent"))
    if not folder.is_dir():
        pytest.skip("SUPERSPIRE_EGG_FILTERS names no folder with SPIRE.P?W.fits")
    files = {
        b: folder / f"SPIRE.{n}.fits" for b, n in zip(SPIRE, EGG_NAMES, strict=True)
    }
    table = evaluate_grid(grid, original, load_responses(files))
    for band in FLUXES:
        assert relative_error(table[band], grid[band]).max() < 1e-5, band


@pytest.mark.skipif(not CURVES.is_dir(), reason=f"no response curves at {CURVES}")
def test_fluxes_through_the_responses_of_svo(grid, original):
    """SVO's curves have fewer nodes, and EGG's integrals are not quite one."""
    files = {band: CURVES / f"spire_{band}.xml" for band in SPIRE}
    table = evaluate_grid(grid, original, load_responses(files))
    for band, integral in zip(SPIRE, EGG_INTEGRALS, strict=True):
        name = f"S{band}_mJy"
        assert relative_error(table[name] * integral, grid[name]).max() < 1e-3


def draw_point(point, library, n, seed):
    z, log_mass, passive = (np.full(n, value) for value in point)
    scatter = gal.draw_scatter(n, np.random.default_rng(seed))
    g = gal.evaluate(z, log_mass, passive == 1, scatter)
    index = template_index(library, g.tdust)
    fraction = pah_fraction(library, index, g.ir8)
    mass = dust_mass(library, index, fraction, g.log_lir)
    table = FluxTable(library, point[0], point[0] + 0.01)
    flux = np.log10(table.fluxes(z, g.log_lir, g.tdust, g.ir8))
    drawn = {
        "log10_SFR": g.log_sfr,
        "RSB_dex": g.starburstiness,
        "log10_IRX": g.log_irx,
        "log10_LIR": g.log_lir,
        "Tdust_K": g.tdust,
        "log10_IR8": np.log10(g.ir8),
        "fPAH": fraction,
        "log10_Mdust": np.log10(mass),
    }
    return drawn | {f"log10_{band}": flux[:, i] for i, band in enumerate(FLUXES)}


@pytest.mark.parametrize(
    "point", [(2.0, 10.8, 0), (0.3, 10.3, 0), (5.0, 10.5, 0), (1.0, 11.0, 1)]
)
def test_scatter(reference, compact, point):
    table = reference("egg_stochastic_points")
    keys = ["z", "logM", "passive"]
    rows = table[(table[keys] == list(point)).all(axis=1)].set_index("quantity")
    drawn = draw_point(point, compact, 100_000, 7)
    assert set(rows.index) == set(drawn)
    for name, values in drawn.items():
        row = rows.loc[name]
        width = row["std"]
        assert values.mean() == pytest.approx(row["mean"], abs=0.025 * width), name
        assert values.std() == pytest.approx(width, rel=0.02), name
        for column, (percent, tolerance) in PERCENTILES.items():
            found = np.percentile(values, percent)
            assert found == pytest.approx(row[column], abs=tolerance * width), name


def test_starbursts_are_active_and_rare():
    scatter = gal.draw_scatter(200_000, np.random.default_rng(8))
    assert scatter.starburst.mean() == pytest.approx(0.033, abs=0.002)
    burst = gal.Scatter(starburst=np.ones(2))
    z, mass = np.array([1.0, 1.0]), np.array([10.0, 10.0])
    log_sfr = gal.evaluate(z, mass, np.array([False, True]), burst).log_sfr
    calm = gal.evaluate(z, mass, np.array([False, True])).log_sfr
    np.testing.assert_allclose(log_sfr - calm, [0.72, 0.0], atol=1e-12)


def test_single_precision_is_kept():
    z = np.array([0.5, 2.0, 5.0], dtype=np.float32)
    mass = np.array([9.0, 10.5, 11.5], dtype=np.float32)
    scatter = gal.draw_scatter(3, np.random.default_rng(9))
    single = gal.evaluate(z, mass, np.zeros(3, bool), scatter)
    wide = (x.astype(float) for x in (z, mass))
    double = gal.evaluate(*wide, np.zeros(3, bool), scatter)
    for a, b in zip(single, double, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)
