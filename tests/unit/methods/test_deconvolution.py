"""Richardson-Lucy deconvolution and blind extraction of sources of known flux."""

import numpy as np
import pytest

from helpers.classical_skies import COLOURS, NO_CONFUSION, observe, position
from superspire.instruments import SPIRE
from superspire.methods import TITLES
from superspire.methods.beams import square_profile
from superspire.methods.blind import find_blindly
from superspire.methods.deconvolution import (
    deconvolve,
    find_deconvolved,
    peak_response,
    smooth,
)
from superspire.methods.methods import FLOOR, MethodInputs, find
from superspire.sky.beams import beam_of

BEAM = beam_of(250)
SPREAD = square_profile(BEAM, 6.0, 3.0, 45.0)


def test_deconvolution_keeps_the_flux():
    image = np.zeros((121, 121))
    image[30:61, 40:71] += 20.0 * SPREAD
    image[60:91, 50:81] += 35.0 * SPREAD
    sharp = deconvolve(image, SPREAD, 15.0)
    assert sharp.sum() == pytest.approx(image.sum(), rel=0.01)
    assert sharp.max() > 1.5 * image.max()


def test_deconvolution_sharpens_around_the_source():
    image = np.zeros((121, 121))
    image[45:76, 45:76] = 30.0 * SPREAD
    sharp = deconvolve(image, SPREAD, 15.0)
    assert np.unravel_index(sharp.argmax(), sharp.shape) == (60, 60)
    wide, narrow = (np.sum(i >= 0.5 * i.max()) for i in (image, sharp))
    assert narrow < 0.4 * wide
    flux = smooth(sharp).max() / peak_response(SPREAD, 30.0, 15.0)
    assert flux == pytest.approx(30.0, rel=0.02)


def test_sources_of_a_deconvolved_map():
    x, y, flux = [0.0, 16.0, -200.0], [0.0, 0.0, 150.0], [20.0, 20.0, 20.0]
    ra, dec = position(x, y)
    table = find_deconvolved(observe(ra, dec, flux, 0.5)[250], BEAM, 1.8, 8.0)
    table = table[np.argsort(-table["flux"])][:3]
    for one_ra, one_dec in zip(ra, dec, strict=True):
        offset = 3600 * np.hypot(table["ra"] - one_ra, table["dec"] - one_dec)
        assert offset.min() < 3.0
    alone = 3600 * np.hypot(table["ra"] - ra[2], table["dec"] - dec[2])
    assert table["flux"][alone.argmin()] == pytest.approx(20.0, rel=0.15)


@pytest.mark.parametrize("band", [250, 500])
def test_blind_sources_have_the_colour_of_the_mean(band):
    ra, dec = position([-303.0, 204.0], [100.0, -95.0])
    maps = observe(ra, dec, [40.0, 80.0], 0.3)
    table = find_blindly(maps[band], beam_of(band), COLOURS[str(band)], 20.0)
    table = table[np.argsort(table["flux"])]
    assert np.asarray(table["flux"]) == pytest.approx([40.0, 80.0], rel=0.06)
    assert np.asarray(table["ra"]) == pytest.approx(ra, abs=1.0 / 3600)
    assert np.asarray(table["dec"]) == pytest.approx(dec, abs=1.0 / 3600)


@pytest.mark.parametrize("name", TITLES)
def test_every_method_finds_bright_lone_sources(name):
    x, y = np.array([-300.0, 0.0, 250.0]), np.array([200.0, -20.0, 100.0])
    ra, dec = position(x, y)
    maps = observe(ra, dec, np.full(3, 50.0), 1.0)
    table = find(name, maps, MethodInputs(NO_CONFUSION, {}, (ra, dec)))
    assert set(table.colnames) >= {"ra", "dec", "flux", "snr"}
    assert np.all(table["snr"] >= FLOOR)
    bright = table[table["flux"] > 25.0]
    assert len(bright) == 3
    assert np.asarray(bright["flux"]) == pytest.approx(50.0, rel=0.25)
    assert np.sort(bright["ra"]) == pytest.approx(np.sort(ra), abs=2.0 / 3600)


def test_unobserved_sky_gives_no_sources():
    ra, dec = position([-300.0, 300.0], [0.0, 0.0])
    maps = observe(ra, dec, [60.0, 60.0], 1.0)
    for band in SPIRE:
        maps[band].data[:, maps[band].data.shape[1] // 2 :] = np.nan
    for name in TITLES:
        table = find(name, maps, MethodInputs(NO_CONFUSION, {}, (ra, dec)))
        assert np.all(np.isfinite(np.asarray(table["flux"])))
        x = maps[250].wcs.all_world2pix(table["ra"], table["dec"], 0)[0]
        assert np.all(x < 0.55 * maps[250].data.shape[1])
        assert np.max(table["flux"]) == pytest.approx(60.0, rel=0.2)
