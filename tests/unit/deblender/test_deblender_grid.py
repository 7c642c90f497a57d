"""The grids of the deblender against plain loops."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from superspire.dataset.interpolation import interpolate
from superspire.deblender.grid import CELL, FINE, FINE_CELLS, on_cells, to_pixels
from superspire.io import Map
from superspire.sky.maps import field_wcs

CENTER = (150.0, 2.0)


def random_map(n=20, pixel=25.0 / 3.0, angle=0.0, seed=0):
    wcs, _ = field_wcs(CENTER, n * pixel, pixel)
    turn = np.deg2rad(angle)
    wcs.wcs.pc = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    data = np.random.default_rng(seed).standard_normal((n, n), dtype=np.float32)
    return Map(data, wcs)


def test_a_cell_is_four_fine_cells():
    assert FINE_CELLS * FINE**2 == CELL**2


@pytest.mark.parametrize("step", [1, 2, 4])
def test_squares_of_pixels_become_an_image(step):
    cells = np.random.default_rng(step).standard_normal((3, 5, step**2))
    image = to_pixels(cells, step)
    assert image.shape == (3 * step, 5 * step)
    for y in range(3 * step):
        for x in range(5 * step):
            part = (y % step) * step + x % step
            assert image[y, x] == cells[y // step, x // step, part]


def by_hand(map_, wcs, shape):
    """Average the map over the four middles of fine cells, one cell after the other."""
    image = np.empty((shape[0] // 4, shape[1] // 4))
    for row, column in np.ndindex(image.shape):
        middles = np.array([0.5, 2.5])
        x, y = np.meshgrid(4 * column + middles, 4 * row + middles)
        u, v = map_.wcs.all_world2pix(*wcs.all_pix2world(x, y, 0), 0)
        data = map_.data.astype(float)
        values = map_coordinates(data, [v, u], order=1, cval=np.nan)
        image[row, column] = values.mean()
    return image


@pytest.mark.parametrize("angle", [0.0, 33.0])
@pytest.mark.parametrize("shape", [(60, 84), (100, 40)])
def test_cells_are_means_of_the_interpolated_map(angle, shape):
    map_ = random_map(angle=angle)
    wcs, _ = field_wcs((150.003, 1.998), 90.0, 1.0)
    cells = on_cells(map_, wcs, shape)
    assert cells.dtype == np.float32
    expected = by_hand(map_, wcs, shape)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(cells, expected, atol=5e-3)


def test_cells_without_a_map_are_nan():
    map_ = random_map(n=8)
    wcs, n = field_wcs(CENTER, 120.0, 1.0)
    cells = on_cells(map_, wcs, (n, n))
    expected = by_hand(map_, wcs, (n, n))
    assert np.array_equal(np.isfinite(cells), np.isfinite(expected))
    assert 0.1 < np.isfinite(cells).mean() < 0.5


def test_cells_beside_a_gap_are_nan():
    map_ = random_map()
    map_.data[7:9, 11] = np.nan
    wcs, n = field_wcs(CENTER, 120.0, 1.0)
    cells = on_cells(map_, wcs, (n, n))
    expected = by_hand(map_, wcs, (n, n))
    assert np.array_equal(np.isnan(cells), np.isnan(expected))
    assert np.isnan(cells).any()


def test_a_gradient_on_the_sky_stays_where_it_is():
    """Linear interpolation is exact for a plane; its value is that at the middle."""
    wcs, n = field_wcs(CENTER, 240.0, 12.0)
    x, y = np.meshgrid(np.arange(n), np.arange(n))
    map_ = Map((2.0 * x - 3.0 * y).astype(np.float32), wcs)
    fine, side = field_wcs(CENTER, 200.0, 1.0)
    cells = on_cells(map_, fine, (side, side))
    middle = (4 * np.arange(side // 4) + 1.5 - (side - 1) / 2) / 12 + (n - 1) / 2
    expected = 2.0 * middle[None] - 3.0 * middle[:, None]
    np.testing.assert_allclose(cells, expected, atol=5 * 1e-3)


def test_interpolation_at_single_pixels_averages_to_less_than_cells_lose():
    """Cells see a source of 500 µm as the pixels of 1 arcsec do, to half a percent."""
    wcs, n = field_wcs(CENTER, 240.0, 12.0)
    y, x = np.indices((n, n)) - 9.3
    sigma = 36.6 / 2.3548 / 12.0
    map_ = Map(np.exp(-0.5 * (x**2 + y**2) / sigma**2).astype(np.float32), wcs)
    fine, side = field_wcs(CENTER, 160.0, 1.0)
    cells = on_cells(map_, fine, (side, side))
    pixels = interpolate(map_, fine, (side, side))
    means = pixels.reshape(side // 4, 4, side // 4, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(cells, means, atol=5e-3)
