import io

import numpy as np
import pytest
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from helpers import layouts
from helpers.shared import REAL
from superspire.errors import InputError
from superspire.instruments import BANDS, CUTOUT, SPIRE
from superspire.io import Map
from superspire.maps import tiling
from superspire.maps.interpolation import interpolate
from superspire.maps.reader import read_observation
from superspire.maps.tiling import (
    MARGIN,
    OVERLAP,
    common_grid,
    fill_gaps,
    near_edge,
    super_resolve_field,
    tile_inputs,
    tile_starts,
    tile_weights,
)

NAMES = {band: f"map{band}.fits" for band in SPIRE}


def make_wcs(pixel, shape, ra=150.0, dec=2.2, rotation=0.0):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    wcs.wcs.cdelt = [-pixel / 3600, pixel / 3600]
    c, s = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    wcs.wcs.pc = [[c, -s], [s, c]]
    return wcs


def make_maps(side, value=None, **position):
    """Three square maps of `side` arcsec; `value` of tangent-plane offsets."""
    maps = {}
    for band in SPIRE:
        pixel = BANDS[band].pixel
        n = int(side / pixel)
        wcs = make_wcs(pixel, (n, n), **position)
        y, x = (np.indices((n, n)) - (n - 1) / 2) * pixel
        data = np.ones((n, n)) if value is None else value(x, y)
        maps[band] = Map(data.astype(np.float32), wcs)
    return maps


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 3000))
def test_weights_sum_to_one_at_every_pixel(size):
    starts, weights = tile_weights(size)
    total = np.zeros(size + 2 * CUTOUT)
    for start, weight in zip(starts, weights, strict=True):
        total[start + CUTOUT : start + 2 * CUTOUT] += weight
    np.testing.assert_allclose(total[CUTOUT : CUTOUT + size], 1.0, atol=1e-6)
    assert total[:CUTOUT].sum() == total[CUTOUT + size :].sum() == 0
    assert weights.min() >= 0


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 3000))
def test_tiles_reach_over_the_border_and_overlap(size):
    starts = tile_starts(size)
    assert starts[0] <= -MARGIN
    assert starts[-1] + CUTOUT >= size + MARGIN
    assert (np.diff(starts) <= CUTOUT - OVERLAP).all()


def test_weights_are_smooth_and_vanish_at_tile_borders():
    starts, weights = tile_weights(1500)
    for i, weight in enumerate(weights):
        inside = (starts[i] + np.arange(CUTOUT) >= 0) & (
            starts[i] + np.arange(CUTOUT) < 1500
        )
        assert np.abs(np.diff(weight[inside])).max() < 0.03
        if i > 0:
            assert weight[:MARGIN].max() == 0.0
        if i < len(weights) - 1:
            assert weight[-MARGIN:].max() == 0.0


def first_band(inputs):
    return inputs[..., 0]


@pytest.mark.parametrize("rotation", [0.0, 30.0])
def test_constant_sky_is_reproduced(rotation):
    maps = make_maps(600.0, rotation=rotation)
    wcs, shape = common_grid(maps, NAMES)
    image, covered = super_resolve_field(first_band, maps, wcs, shape)
    assert covered.mean() > (0.9 if rotation == 0 else 0.4)
    np.testing.assert_allclose(image[covered], 1.0, atol=2e-6)
    assert np.isnan(image[~covered]).all()


def test_linear_sky_is_reproduced():
    maps = make_maps(600.0, lambda x, y: 0.01 * x - 0.02 * y)
    wcs, shape = common_grid(maps, NAMES)
    image, covered = super_resolve_field(first_band, maps, wcs, shape)
    y, x = np.nonzero(covered)
    sky = wcs.pixel_to_world(x, y)
    column, row = maps[250].wcs.world_to_pixel(sky)
    centre = (maps[250].data.shape[0] - 1) / 2
    expected = 0.06 * (column - centre) - 0.12 * (row - centre)
    np.testing.assert_allclose(image[y, x], expected, atol=2e-3)


def test_tiles_leave_no_seam():
    rng = np.random.default_rng(3)
    maps = make_maps(900.0, lambda x, y: rng.normal(size=x.shape))

    def blur(inputs):
        return np.stack([gaussian_filter(i.mean(axis=-1), 5) for i in inputs])

    wcs, shape = common_grid(maps, NAMES)
    assert min(shape) > CUTOUT * 2
    image, covered = super_resolve_field(blur, maps, wcs, shape, batch=3)
    bands = np.stack([interpolate(maps[b], wcs, shape) for b in SPIRE], axis=-1)
    whole = gaussian_filter(np.nan_to_num(bands).mean(axis=-1), 5)
    inner = np.s_[40:-40, 40:-40]
    assert covered[inner].all()
    np.testing.assert_allclose(image[inner], whole[inner], atol=1e-4)


def test_result_does_not_depend_on_batch_or_array(tmp_path):
    maps = make_maps(600.0, lambda x, y: np.sin(x / 40) + y / 200)
    wcs, shape = common_grid(maps, NAMES)
    image, covered = super_resolve_field(first_band, maps, wcs, shape, batch=1)
    file = np.lib.format.open_memmap(
        tmp_path / "sr.npy", mode="w+", dtype=np.float32, shape=shape
    )
    other, other_covered = super_resolve_field(
        first_band, maps, wcs, shape, batch=9, out=file
    )
    assert other is file
    np.testing.assert_array_equal(image, other)
    np.testing.assert_array_equal(covered, other_covered)


def test_gaps_stay_unobserved_and_never_reach_the_network():
    maps = make_maps(600.0)
    maps[500].data[20:25, 30:34] = np.nan
    maps[250].data[:, :30] = np.nan
    seen = []

    def predict(inputs):
        seen.append(np.isfinite(inputs).all())
        return inputs[..., 2]

    wcs, shape = common_grid(maps, NAMES)
    image, covered = super_resolve_field(predict, maps, wcs, shape)
    assert all(seen)
    np.testing.assert_array_equal(np.isfinite(image), covered)
    hole = maps[500].wcs.pixel_to_world(31.5, 22)
    x, y = np.round(wcs.world_to_pixel(hole)).astype(int)
    assert np.isnan(image[y - 20 : y + 21, x - 20 : x + 21]).all()
    assert shape[1] < 600 - 30 * 6 + 20


def test_fields_smaller_than_a_tile():
    maps = make_maps(200.0)
    wcs, shape = common_grid(maps, NAMES)
    image, covered = super_resolve_field(first_band, maps, wcs, shape)
    assert max(shape) < 210
    np.testing.assert_allclose(image[covered], 1.0, atol=2e-6)


def test_progress_is_shown():
    maps = make_maps(200.0)
    wcs, shape = common_grid(maps, NAMES)
    terminal = io.StringIO()
    super_resolve_field(first_band, maps, wcs, shape, terminal=terminal)
    assert "1/1" in terminal.getvalue()


def test_grid_is_north_up_at_one_arcsec():
    maps = make_maps(400.0, rotation=20.0, ra=350.0, dec=-40.0)
    wcs, (ny, nx) = common_grid(maps, NAMES)
    middle = wcs.pixel_to_world(nx / 2, ny / 2)
    north = wcs.pixel_to_world(nx / 2, ny / 2 + 1)
    east = wcs.pixel_to_world(nx / 2 - 1, ny / 2)
    assert middle.separation(north).arcsec == pytest.approx(1.0, abs=1e-5)
    assert north.dec > middle.dec
    assert middle.position_angle(east).deg == pytest.approx(90, abs=0.1)
    assert middle.ra.deg == pytest.approx(350.0, abs=0.01)
    assert middle.dec.deg == pytest.approx(-40.0, abs=0.01)


def test_a_source_falls_on_its_place_in_every_band():
    target = (150.01, 2.21)
    maps = make_maps(360.0)
    for band, map_ in maps.items():
        x, y = map_.wcs.all_world2pix(*target, 0)
        rows, columns = np.indices(map_.data.shape)
        sigma = BANDS[band].sigma / BANDS[band].pixel
        map_.data[:] = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2 / sigma**2)
    wcs, shape = common_grid(maps, NAMES)
    for channel in range(3):
        image, _ = super_resolve_field(
            lambda inputs, c=channel: inputs[..., c], maps, wcs, shape
        )
        image = np.nan_to_num(image)
        rows, columns = np.indices(shape)
        ra, dec = wcs.all_pix2world(
            (columns * image).sum() / image.sum(), (rows * image).sum() / image.sum(), 0
        )
        assert ra == pytest.approx(target[0], abs=0.1 / 3600)
        assert dec == pytest.approx(target[1], abs=0.1 / 3600)


@pytest.mark.parametrize("ra", [150.5, 330.0])
def test_bands_that_do_not_overlap(ra):
    maps = make_maps(400.0)
    maps[350] = make_maps(400.0, ra=ra)[350]
    with pytest.raises(InputError, match="share observed sky") as caught:
        common_grid(maps, NAMES)
    message = str(caught.value)
    assert all(name in message for name in NAMES.values())
    assert f"RA {ra:.4f}" in message


def test_boxes_that_overlap_without_common_sky():
    maps = make_maps(400.0)
    half = maps[250].data.shape[1] // 2
    maps[250].data[:, half:] = np.nan
    maps[350].data[:, : maps[350].data.shape[1] // 2 + 2] = np.nan
    maps[350].data[0, 0] = np.nan
    with pytest.raises(InputError, match="share observed sky"):
        common_grid(maps, NAMES)


def test_filled_gaps_follow_their_surroundings():
    image = np.full((200, 300), 7.0, np.float32)
    image[80:90, 100:120] = np.nan
    image[:, 200:] = np.nan
    filled = fill_gaps(image)
    observed = np.isfinite(image)
    np.testing.assert_array_equal(filled[observed], image[observed])
    np.testing.assert_allclose(filled[80:90, 100:120], 7.0, rtol=0.01)
    assert filled[100, 201] == pytest.approx(7.0, rel=0.01)
    assert filled[100, 299] == 0.0


def test_sources_near_unobserved_sky_are_flagged():
    covered = np.ones((200, 200), bool)
    covered[100, 100] = False
    x = np.array([50.0, 100.0, 118.0, 119.0, 10.0, 190.0, 5.0])
    y = np.array([50.0, 110.0, 100.0, 100.0, 50.0, 50.0, 195.0])
    expected = [False, True, True, False, True, True, True]
    assert near_edge(covered, x, y).tolist() == expected


@pytest.mark.parametrize("rows", [1, 7, 40])
def test_strips_do_not_change_the_edge(monkeypatch, rows):
    rng = np.random.default_rng(3)
    covered = np.ones((130, 90), bool)
    covered[60:64, 40:43] = False
    x, y = rng.uniform(-0.5, 89.4, 300), rng.uniform(-0.5, 129.4, 300)
    expected = near_edge(covered, x, y)
    assert 0.2 < expected.mean() < 0.9
    monkeypatch.setattr(tiling, "EDGE_ROWS", rows)
    assert np.array_equal(near_edge(covered, x, y), expected)


def test_real_bands_share_their_sky():
    folder = REAL / "spire_hsa_level2_beta_and"
    if not folder.exists():
        pytest.skip("the real maps are not here")
    arrays = zip(("psw", "pmw", "plw"), SPIRE, strict=True)
    maps = {
        band: read_observation(next(folder.glob(f"*{array}*")), band).map
        for array, band in arrays
    }
    wcs, shape = common_grid(maps, NAMES)
    assert 1000 < min(shape) <= max(shape) < 1400
    x, y = np.round(wcs.all_world2pix(17.43370, 35.62016, 0)).astype(int)
    inputs, covered = tile_inputs(maps, wcs, x - CUTOUT // 2, y - CUTOUT // 2)
    assert covered.mean() > 0.95
    for channel in range(3):
        row, column = np.unravel_index(inputs[..., channel].argmax(), covered.shape)
        assert np.hypot(row - CUTOUT // 2, column - CUTOUT // 2) < 10.0


def test_replica_of_a_survey_is_tiled(tmp_path):
    maps = {
        band: read_observation(
            layouts.hsa(
                tmp_path / f"{band}.fits",
                np.full((60, 60), 40.0),
                "MJy/sr",
                pixel=BANDS[band].pixel,
            ),
            band,
            sky_level=-1.0,
        ).map
        for band in SPIRE
    }
    wcs, shape = common_grid(maps, NAMES)
    image, covered = super_resolve_field(first_band, maps, wcs, shape)
    np.testing.assert_allclose(image[covered], -1.0, atol=1e-3)
