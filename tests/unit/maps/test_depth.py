"""The depth of a map is the standard error of the flux of a point source."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from superspire.errors import InputError
from superspire.instruments import BANDS
from superspire.io import Map
from superspire.maps.depth import depth_map, fitted_fluxes, measure_depth
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.dust import load_library
from superspire.sky.maps import field_wcs, make_map

CENTER = (150.1, 2.2)
SIDE = 720.0
DEPTHS = [0.005, 0.02, 0.08]


@pytest.fixture(scope="module")
def sky():
    """Map at 24 µm of the galaxies of the model, without noise."""
    dust = load_library("compact")
    area = (SIDE / 3600.0) ** 2
    table = simulate_catalogue(area, 3, bands=(24,), center=CENTER, dust=dust)
    ra, dec, flux = (np.asarray(table[n], float) for n in ("RA", "DEC", "S24"))
    return make_map(ra, dec, flux, 24, CENTER, SIDE)


def noise(shape, depth, smoothing, seed=1):
    """Noise in which a fitted flux has a standard deviation [mJy]."""
    beam = BANDS[24].sigma / BANDS[24].pixel
    white = np.random.default_rng(seed).normal(size=shape)
    if smoothing:
        white = gaussian_filter(white, smoothing, mode="wrap")
    # A Gaussian smoothed by another: the variance of its fit is 1 / (4 pi s²).
    wide = np.hypot(beam, smoothing)
    rms = depth * np.sqrt(np.pi) * wide
    return (rms * white).astype(np.float32)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("smoothing", [0.0, 0.7])
def test_depth_of_noise_is_recovered(depth, smoothing):
    wcs, n = field_wcs(CENTER, SIDE, 1.2)
    map_ = Map(noise((n, n), depth, smoothing), wcs)
    assert measure_depth(map_, 24, sources=False) == pytest.approx(depth, rel=0.06)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("smoothing", [0.0, 0.7])
def test_sources_do_not_count(sky, depth, smoothing):
    map_ = Map(sky.data + noise(sky.data.shape, depth, smoothing), sky.wcs)
    assert measure_depth(map_, 24) == pytest.approx(depth, abs=0.001, rel=0.05)


def test_neither_level_nor_gradient_nor_gaps_change_the_depth(sky):
    data = sky.data + noise(sky.data.shape, 0.02, 0.0)
    wanted = measure_depth(Map(data, sky.wcs), 24)
    slope = np.linspace(0.0, 0.1, data.shape[0], dtype=np.float32)[:, None]
    changed = data + 5.0 + slope
    changed[200:300, 100:250] = np.nan
    changed[:, :40] = np.nan
    found = measure_depth(Map(changed, sky.wcs), 24)
    assert found == pytest.approx(wanted, rel=0.05)


def test_flux_of_a_source_is_fitted_also_beside_a_gap():
    wcs, n = field_wcs(CENTER, 300.0, 1.2)
    beam = 2.0 * (BANDS[24].sigma / 1.2) ** 2
    y, x = np.mgrid[:n, :n]
    data = np.exp(-((x - 100) ** 2 + (y - 120) ** 2) / beam).astype(np.float32)
    data[:, 104:107] = np.nan
    flux, seen = fitted_fluxes(Map(2.5 * data, wcs), 24)
    assert seen[120, 100]
    assert flux[120, 100] == pytest.approx(2.5, rel=1e-3)


def test_error_map_gives_the_shape_of_the_depth(sky):
    wide = np.where(np.arange(sky.data.shape[1]) < 300, 1.0, 2.0).astype(np.float32)
    data = sky.data + wide * noise(sky.data.shape, 0.02, 0.0)
    error = 7.0 * np.broadcast_to(wide, data.shape)
    level = measure_depth(Map(data, sky.wcs), 24, error)
    depth = depth_map(level, Map(data, sky.wcs), error)
    assert depth.data[50, 100] == pytest.approx(0.02, rel=0.15)
    assert depth.data[50, 500] == pytest.approx(0.04, rel=0.15)


def test_depth_without_an_error_map_is_a_number(sky):
    assert depth_map(0.02, sky) == 0.02
    none = np.full(sky.data.shape, np.nan)
    assert depth_map(0.02, sky, none) == 0.02
    assert measure_depth(sky, 24, none) == measure_depth(sky, 24)


def test_too_small_a_map_is_refused():
    wcs, n = field_wcs(CENTER, 30.0, 1.2)
    with pytest.raises(InputError, match="100 beam areas of observed sky"):
        measure_depth(Map(np.zeros((n, n), np.float32), wcs), 24)
