"""The grids of the deblender against plain loops."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from superspire.instruments import BANDS
from superspire.io import Map
from superspire.maps.cells import (
    CELL,
    FINE,
    FINE_CELLS,
    cell_index,
    match_pixel_smoothing,
    on_cells,
    to_pixels,
)
from superspire.maps.interpolation import interpolate
from superspire.sky.maps import field_wcs, make_map

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
    y, x = np.indices(image.shape)
    np.testing.assert_array_equal(cells[cell_index(y, x, step)], image)


def by_hand(map_, wcs, shape):
    """Average the map over the four middles of fine cells, one cell after the other."""
    image = np.empty((shape[0] // 4, shape[1] // 4))
    for row, column in np.ndindex(image.shape):
        centres = np.array([0.5, 2.5])
        x, y = np.meshgrid(4 * column + centres, 4 * row + centres)
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
    centre = (4 * np.arange(side // 4) + 1.5 - (side - 1) / 2) / 12 + (n - 1) / 2
    expected = 2.0 * centre[None] - 3.0 * centre[:, None]
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


def point_sources(band, pixel, side=1200.0, n=6):
    """Observe a grid of sources that fall on different positions within the pixels."""
    step = side / n
    position = (np.arange(n) + 0.5) * step - side / 2 + 1.37 * np.arange(n)
    x, y = (axis.ravel() for axis in np.meshgrid(position, position))
    wcs, _ = field_wcs(CENTER, side, 1.0)
    centre = wcs.wcs.crpix[0] - 1
    ra, dec = wcs.wcs_pix2world(x + centre, y + centre, 0)
    flux = np.full(len(ra), 100.0)
    return make_map(ra, dec, flux, band, CENTER, side, pixel=pixel), wcs, x, y, centre


def seen(map_, wcs, x, y, centre):
    """Peaks and centroids of the sources on the cells."""
    cells = on_cells(map_, wcs, (1200, 1200))
    cells = cells - np.nanmedian(cells)
    peaks, positions = [], []
    for a, b in zip(x + centre, y + centre, strict=True):
        column, row = round((a - 1.5) / CELL), round((b - 1.5) / CELL)
        part = cells[row - 8 : row + 9, column - 8 : column + 9]
        v, u = np.indices(part.shape) - 8
        peaks.append(part.max())
        total = part.sum()
        dx = CELL * ((part * u).sum() / total + column) + 1.5 - a
        dy = CELL * ((part * v).sum() / total + row) + 1.5 - b
        positions.append((dx, dy))
    return np.mean(peaks), np.mean(positions, axis=0)


@pytest.mark.parametrize(("band", "pixel"), [(350, 10.0), (500, 14.0)])
def test_sources_in_coarser_pixels_are_as_sharp_as_in_training(band, pixel):
    usual, wcs, *where = point_sources(band, BANDS[band].pixel)
    expected, _ = seen(usual, wcs, *where)
    coarse = point_sources(band, pixel)[0]
    plain, _ = seen(coarse, wcs, *where)
    assert plain < 0.975 * expected
    sharper, offset = seen(
        match_pixel_smoothing(coarse, BANDS[band].pixel), wcs, *where
    )
    assert sharper == pytest.approx(expected, rel=0.015)
    assert sharper - plain > 0.55 * (expected - plain)
    assert offset == pytest.approx([0, 0], abs=0.15)


def weighted(map_, band, wcs, x, y, centre):
    """Mean flux of the sources, from the cells weighted with the beam."""
    cells = on_cells(map_, wcs, (1200, 1200))
    cells = np.nan_to_num(cells - np.nanmedian(cells))
    v, u = (CELL * axis + 1.5 for axis in np.indices(cells.shape))
    fluxes = []
    for a, b in zip(x + centre, y + centre, strict=True):
        beam = np.exp(-0.5 * ((u - a) ** 2 + (v - b) ** 2) / BANDS[band].sigma ** 2)
        fluxes.append((beam * cells).sum() / (beam**2).sum())
    return np.mean(fluxes)


@pytest.mark.parametrize(
    ("band", "pixel"), [(250, 3.0), (250, 5.0), (350, 6.25), (500, 8.0)]
)
def test_sources_in_finer_pixels_are_as_sharp_as_in_training(band, pixel):
    usual, *where = point_sources(band, BANDS[band].pixel)
    fine = point_sources(band, pixel)[0]
    matched = match_pixel_smoothing(fine, BANDS[band].pixel)
    expected, before, after = (
        weighted(each, band, *where) for each in (usual, fine, matched)
    )
    assert before > 1.01 * expected
    assert after == pytest.approx(expected, rel=0.01)


def test_oblong_pixels_are_matched_along_each_axis():
    """Pixels of 3 by 10 arcsec, whose sources come out round."""
    pixel = BANDS[350].pixel
    wcs, _ = field_wcs(CENTER, 300.0, 1.0)
    wcs.wcs.crpix = [50.5, 15.5]
    wcs.wcs.cdelt = [-3.0 / 3600, 10.0 / 3600]
    y, x = np.indices((30, 100))
    sigma = BANDS[350].sigma
    squared = (3.0 * (x - 49.7)) ** 2 / (sigma**2 + 9 / 12)
    squared += (10.0 * (y - 14.6)) ** 2 / (sigma**2 + 100 / 12)
    oblong = Map(np.exp(-0.5 * squared).astype(np.float32), wcs)
    grid, n = field_wcs(CENTER, 240.0, 1.0)
    image = on_cells(match_pixel_smoothing(oblong, pixel), grid, (n, n))
    image = np.where(image > 0.02, image, 0.0)
    v, u = np.indices(image.shape) * float(CELL)
    centre = [(axis * image).sum() / image.sum() for axis in (u, v)]
    spread = [
        ((axis - m) ** 2 * image).sum() / image.sum()
        for axis, m in zip((u, v), centre, strict=True)
    ]
    assert spread[0] == pytest.approx(spread[1], rel=0.02)


def test_pixels_that_are_not_coarser_stay():
    map_ = random_map(pixel=8.0)
    assert match_pixel_smoothing(map_, 25.0 / 3.0) is map_


def test_gaps_of_finer_pixels_stay():
    map_ = random_map(40, pixel=3.0, angle=20.0)
    map_.data[10:20, 5:15] = np.nan
    smooth = match_pixel_smoothing(map_, 25.0 / 3.0)
    np.testing.assert_array_equal(np.isnan(smooth.data), np.isnan(map_.data))
    assert smooth.wcs.wcs.compare(map_.wcs.wcs)
    assert np.nanstd(smooth.data) < 0.5 * np.nanstd(map_.data)


def test_gaps_of_coarser_pixels_stay():
    map_ = random_map(40, pixel=10.0, angle=20.0)
    map_.data[10:20, 5:15] = np.nan
    finer = match_pixel_smoothing(map_, 25.0 / 3.0)
    assert finer.data.shape[0] > 50
    y, x = np.indices(finer.data.shape)
    u, v = map_.wcs.all_world2pix(*finer.wcs.all_pix2world(x, y, 0), 0)
    u, v = (np.clip(np.round(axis).astype(int), 0, 39) for axis in (u, v))
    assert np.array_equal(np.isnan(finer.data), np.isnan(map_.data[v, u]))
    assert 0.04 < np.isnan(finer.data).mean() < 0.09
