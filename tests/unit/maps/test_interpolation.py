"""Interpolation through the WCS."""

import numpy as np
import pytest
from astropy.wcs import WCS
from scipy.interpolate import RegularGridInterpolator

from superspire.instruments import BANDS, SPIRE
from superspire.io import Map
from superspire.maps.interpolation import interpolate, pixel_positions
from superspire.maps.positions import convert
from superspire.sky.maps import field_wcs, make_map

CENTER = (150.0, 2.0)


def rotated(angle, pixel, n):
    wcs, _ = field_wcs(CENTER, n * pixel, pixel)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs.wcs.pc = [[c, -s], [s, c]]
    return wcs


@pytest.mark.parametrize("angle", [0.0, 33.0])
def test_positions_are_those_of_the_wcs(angle):
    source, grid = rotated(angle, 8.3333, 100), rotated(0.0, 1.0, 424)
    x, y = pixel_positions(source, grid, (424, 424))
    rows, columns = np.indices((424, 424))
    exact = convert(source, grid, columns, rows)
    assert np.abs(np.array([x, y]) - exact).max() < 1e-5


def test_galactic_map_falls_back_to_exact_positions():
    source = WCS(naxis=2)
    source.wcs.ctype = ["GLON-CAR", "GLAT-CAR"]
    source.wcs.crval, source.wcs.cdelt = [236.0, 42.0], [-0.5, 0.5]
    source.wcs.crpix = [200, 200]
    grid, _ = field_wcs(CENTER, 200 * 1800.0, 1800.0)
    x, y = pixel_positions(source, grid, (200, 200))
    rows, columns = np.indices((200, 200))
    exact = np.array(convert(source, grid, columns, rows))
    good = np.isfinite(exact)
    assert np.abs(np.array([x, y]) - exact)[good].max() < 2e-3


def test_agrees_with_scipy_and_is_exact_on_a_plane():
    source = rotated(20.0, 6.0, 90)
    rows, columns = np.indices((90, 90)).astype(np.float32)
    data = 3 * columns - 2 * rows + np.float32(1)
    grid = rotated(0.0, 1.0, 300)
    image = interpolate(Map(data, source), grid, (300, 300))
    x, y = pixel_positions(source, grid, (300, 300))
    assert np.allclose(image, 3 * x - 2 * y + 1, atol=1e-3)
    noisy = np.random.default_rng(0).normal(size=(90, 90)).astype(np.float32)
    lookup = RegularGridInterpolator((np.arange(90), np.arange(90)), noisy)
    image = interpolate(Map(noisy, source), grid, (300, 300))
    assert np.allclose(image, lookup((y, x)), atol=1e-4)


def test_nothing_is_invented_outside_the_map_or_next_to_nan():
    source = rotated(0.0, 6.0, 20)
    data = np.ones((20, 20), np.float32)
    data[5, 5] = np.nan
    grid, _ = field_wcs(CENTER, 400.0, 1.0)
    image = interpolate(Map(data, source), grid, (400, 400))
    x, y = pixel_positions(source, grid, (400, 400))
    outside = (x < -1e-6) | (x > 19 + 1e-6) | (y < -1e-6) | (y > 19 + 1e-6)
    assert np.isnan(image[outside]).all()
    near = (np.abs(x - 5) < 0.99) & (np.abs(y - 5) < 0.99)
    assert np.isnan(image[near]).all()
    assert (image[np.isfinite(image)] == 1).all()


def test_injected_source_lands_within_a_tenth_of_an_arcsecond_in_every_band():
    ra, dec = np.array([150.021]), np.array([1.9847])
    grid, n = field_wcs(CENTER, 424.0, 1.0)
    expected = np.array(grid.wcs_world2pix(ra, dec, 0)).ravel()
    for band in SPIRE:
        native = make_map(ra, dec, np.array([10.0]), band, CENTER, 700.0)
        image = interpolate(native, grid, (n, n)).astype(float)
        image -= np.median(image)
        sigma = BANDS[band].sigma
        y, x = np.indices(image.shape)
        centre = expected.copy()
        for _ in range(20):
            window = np.exp(
                -((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / 2 / sigma**2
            )
            weight = window * np.clip(image, 0, None)
            shift = [
                (weight * (a - c)).sum() / weight.sum()
                for a, c in zip((x, y), centre, strict=True)
            ]
            centre += 2 * np.array(shift)
        assert np.hypot(*(centre - expected)) < 0.1
