"""Ultra-red sources on skies where every flux is known."""

import numpy as np
import pandas as pd
import pytest

from helpers.classical_skies import CENTRE, COLOURS, SIDE, observe, position
from superspire.instruments import CUTOUT, SPIRE
from superspire.methods import ultra_red
from superspire.sky.beams import beam_of
from superspire.sky.maps import field_wcs

RED = {"250": 0.6, "350": 0.8, "500": 1.0}
BEAMS = {band: beam_of(band) for band in SPIRE}


def catalogue(x, y, flux, colours, cutout=0):
    return pd.DataFrame({"cutout": cutout, "x": x, "y": y}).assign(
        **{f"S{band}": colours[str(band)] * np.asarray(flux) for band in SPIRE}
    )


def test_colours_and_limit_select():
    fluxes = {
        "S250": [1.0, 3.0, 1.0, 1.0],
        "S350": [2.0, 2.0, 2.0, 4.0],
        "S500": [3.0, 4.0, 2.5, 3.5],
    }
    assert ultra_red.is_ultra_red(fluxes).tolist() == [True, False, True, False]
    assert ultra_red.is_ultra_red(fluxes, 3.0).tolist() == [True, False, False, False]


@pytest.mark.parametrize("colours", [RED, COLOURS])
def test_both_fluxes_of_lone_sources_are_right(colours):
    ra, dec = position([-300.0, 0.0, 300.0], [-200.0, 100.0, 250.0])
    maps = observe(ra, dec, [10.0, 20.0, 30.0], colours=colours)
    peak = ultra_red.peak_fluxes(maps, BEAMS, ra, dec)
    forced = ultra_red.deblended_fluxes(maps, BEAMS, ra, dec)
    for band in SPIRE:
        expected = colours[str(band)] * np.array([10.0, 20.0, 30.0])
        assert forced[f"S{band}"] == pytest.approx(expected, rel=0.03)
        assert peak[f"S{band}"] == pytest.approx(expected, rel=0.03)


def test_a_blend_reddens_the_peak_and_not_the_fit():
    """Two blue sources 20 arcsec apart share most of their light at 500 µm."""
    ra, dec = position([-10.0, 10.0], [0.0, 0.0])
    maps = observe(ra, dec, [20.0, 20.0], colours={"250": 1.0, "350": 0.99, "500": 0.9})
    assert ultra_red.is_ultra_red(ultra_red.peak_fluxes(maps, BEAMS, ra, dec)).all()
    fit = ultra_red.deblended_fluxes(maps, BEAMS, ra, dec)
    assert not ultra_red.is_ultra_red(fit).any()


def test_galaxies_get_their_cutouts_and_the_others_go():
    wcs, size = field_wcs(CENTRE, SIDE, 1.0)
    corner = (size - 1) / 2 - 50.0
    index = pd.DataFrame(
        {"cutout": [7, 9], "x0": [corner, corner - CUTOUT], "y0": [corner, corner]}
    )
    ra, dec = position([-45.0, -60.0, 300.0, 374.0], [-45.0, 0.0, 300.0, -60.0])
    table = pd.DataFrame({"RA": ra, "DEC": dec, "S500": [1.0, 2.0, 3.0, 4.0]})
    found = ultra_red.in_cutouts(table, index, wcs)
    assert found["cutout"].tolist() == [7, 9, 7]
    assert found["S500"].tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_allclose(found["x"], [5.0, CUTOUT - 10.0, 350.0], atol=1e-5)
    np.testing.assert_allclose(found["y"], [5.0, 50.0, 350.0], atol=1e-5)


def test_completeness_purity_and_chance_of_a_known_list():
    """Of four red galaxies one is listed as red, one as blue, two are not listed."""
    x, y = np.array([50.0, 150.0, 250.0, 350.0]), np.full(4, 200.0)
    truth = pd.concat(
        [
            catalogue(x, y, [20.0, 20.0, 20.0, 6.0], RED),
            catalogue([100.0], [300.0], [30.0], COLOURS),
        ]
    )
    listed = pd.concat(
        [
            catalogue(x[:1] + 3.0, y[:1], [18.0], RED),
            catalogue(x[1:2], y[1:2], [20.0], COLOURS),
            catalogue([103.0, 350.0], [300.0, 203.0], [12.0, 12.0], RED),
        ]
    )
    found = ultra_red.measure_ultra_red(listed, truth, 4.0, limits=(10.0,)).iloc[0]
    assert found[["limit", "true", "candidates"]].tolist() == [10.0, 3, 3]
    assert found["listed"] == pytest.approx(2 / 3)
    assert found["completeness"] == pytest.approx(1 / 3)
    # The galaxy of 6 mJy confirms a candidate above 10 mJy: it has half the limit.
    assert found["purity"] == pytest.approx(2 / 3)
    assert 0.0 < found["purity_low"] < 2 / 3 < found["purity_high"] < 1.0
    assert found["purity_chance"] == 0.0


def test_chance_is_the_share_of_the_sky_that_partners_cover():
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0, CUTOUT, (2, 400))
    truth = catalogue(x, y, np.full(400, 20.0), RED)
    listed = catalogue(*rng.uniform(0, CUTOUT, (2, 300)), np.full(300, 20.0), RED)
    found = ultra_red.measure_ultra_red(listed, truth, 4.0, limits=(10.0,)).iloc[0]
    expected = 1.0 - np.exp(-np.pi * 4.0**2 * 400 / CUTOUT**2)
    assert found["purity_chance"] == pytest.approx(expected, abs=0.02)
    assert found["purity"] == pytest.approx(expected, abs=0.06)


def test_no_source_is_no_failure():
    empty = catalogue(*np.empty((3, 0)), RED)
    found = ultra_red.measure_ultra_red(empty, empty, 4.0)
    assert found["true"].tolist() == [0, 0, 0]
    assert found[["completeness", "purity"]].isna().all(axis=None)
