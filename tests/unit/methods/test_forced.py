"""Forced photometry against fluxes that are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.classical_skies import COLOURS, NO_CONFUSION, beam_sum, observe, position
from superspire.instruments import BANDS, SPIRE
from superspire.methods.beams import radial_table
from superspire.methods.forced import (
    design_matrix,
    fit_fluxes,
    force,
    lone_error,
)
from superspire.sky.beams import beam_of

BEAMS = {band: beam_of(band) for band in SPIRE}


def test_noiseless_sources_alone_and_blended_get_their_fluxes():
    x = np.array([-300.0, 0.0, 12.0, 200.0, 209.0, 205.0])
    y = np.array([250.0, 0.0, 5.0, -180.0, -180.0, -168.0])
    flux = np.array([10.0, 20.0, 8.0, 15.0, 15.0, 5.0])
    ra, dec = position(x, y)
    table = force(observe(ra, dec, flux), BEAMS, NO_CONFUSION, ra, dec)
    assert np.asarray(table["S250"]) == pytest.approx(1.8 * flux, rel=0.05)
    assert np.asarray(table["S350"]) == pytest.approx(1.4 * flux, rel=0.1)
    assert np.asarray(table["flux"])[:3] == pytest.approx(flux[:3], rel=0.02)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.0, 50.0), min_size=2, max_size=8), st.integers(0, 99))
def test_exact_where_the_model_is_exact(fluxes, seed):
    rng = np.random.default_rng(seed)
    sources = 15.0 * np.arange(len(fluxes))[:, None] + rng.uniform(0, 5, (1, 2))
    rows, columns = np.indices((30, 30)) * 6.0
    pixels = np.column_stack([columns.ravel(), rows.ravel()])
    design = design_matrix(sources, pixels, radial_table(BEAMS[250], 6.0, 27.0))
    values = design @ np.array(fluxes) - 3.0
    assert fit_fluxes(design, values) == pytest.approx(
        np.array(fluxes), abs=1e-3 * max(1.0, *fluxes)
    )


def test_tiles_do_not_show():
    rng = np.random.default_rng(2)
    x, y = rng.uniform(-400, 400, (2, 150))
    flux = rng.uniform(5, 20, 150)
    ra, dec = position(x, y)
    maps = observe(ra, dec, flux, 1.0)
    here = force(maps, BEAMS, NO_CONFUSION, ra, dec)
    order = np.r_[rng.permutation(150)]
    far_ra, far_dec = position([-490.0], [-490.0])
    moved = force(
        maps, BEAMS, NO_CONFUSION, np.r_[ra[order], far_ra], np.r_[dec[order], far_dec]
    )
    one = dict(zip(np.asarray(here["ra"]), np.asarray(here["S250"]), strict=True))
    two = dict(zip(np.asarray(moved["ra"]), np.asarray(moved["S250"]), strict=True))
    both = one.keys() & two.keys()
    assert len(both) >= 148
    assert max(abs(one[key] - two[key]) for key in both) < 1.0


def test_error_of_a_lone_source_is_that_of_its_fits():
    ra, dec = position(
        *np.meshgrid(np.arange(-450, 451, 100.0), np.arange(-450, 451, 100.0))
    )
    ra, dec = ra.ravel(), dec.ravel()
    maps = observe(ra, dec, np.full(100, 20.0), 2.0)
    for band in SPIRE:
        error = lone_error(maps[band], BEAMS[band], BANDS[band].pixel)
        assert error == pytest.approx(2.0 / np.sqrt(beam_sum(band)), rel=0.12)
    table = force(maps, BEAMS, NO_CONFUSION, ra, dec)
    error = lone_error(maps[250], BEAMS[250], 6.0)
    scatter = np.std(np.asarray(table["S250"]) - 20.0 * COLOURS["250"])
    assert scatter == pytest.approx(error, rel=5 / np.sqrt(200))
    snr = np.asarray(table["flux"] / table["snr"])
    assert np.std(np.asarray(table["flux"])) == pytest.approx(
        snr[0], rel=5 / np.sqrt(200)
    )


def test_nothing_to_measure():
    maps = observe(*position([0.0], [0.0]), [10.0])
    assert len(force(maps, BEAMS, NO_CONFUSION, np.empty(0), np.empty(0))) == 0
    assert (
        len(force(maps, BEAMS, NO_CONFUSION, np.array([80.0]), np.array([40.0]))) == 0
    )
