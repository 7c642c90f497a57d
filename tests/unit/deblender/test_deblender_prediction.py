"""The network on maps of any size: what tiling changes, and what it does not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter

from superspire.deblender import prediction
from superspire.deblender.architecture import MULTIPLE, OUTPUTS, build_deblender
from superspire.deblender.prediction import MARGIN, MAX_TILE, predict, tiling_of
from superspire.maps.tiling import tile_weights

BANDS = np.array([1.0, -2.0, 0.5], np.float32)


class Convolution:
    """Network that averages the maps over a square and sees zeros beyond its tile."""

    def __init__(self, reach):
        self.reach = reach
        self.shapes = set()

    def __call__(self, tile):
        self.shapes.add(tile.shape)
        mean = uniform_filter(
            tile @ BANDS, (1, 2 * self.reach + 1, 2 * self.reach + 1), mode="constant"
        )
        return mean[..., None] * np.arange(1, OUTPUTS + 1, dtype=np.float32)

    predict_on_batch = __call__


class Place:
    """Network that answers whatever it sees with the position in the tile."""

    def predict_on_batch(self, tile):
        rows, columns = np.indices(tile.shape[1:3], dtype=np.float32)
        outputs = np.zeros((*tile.shape[:3], OUTPUTS), np.float32)
        outputs[..., 0], outputs[..., 1], outputs[..., 2] = rows, columns, 1.0
        return outputs


def sky(ny, nx, seed=0):
    return np.random.default_rng(seed).normal(0, 10, (ny, nx, 3)).astype("f4")


@settings(max_examples=25, deadline=None)
@given(ny=st.integers(1, 90), nx=st.integers(1, 90), reach=st.integers(0, 12))
def test_tiles_do_not_show(ny, nx, reach):
    """A network that sees no farther than the margin gives what it gives at once."""
    cells = sky(ny, nx, ny)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prediction, "MAX_TILE", 64)
        outputs = predict(Convolution(reach), cells)
    expected = Convolution(reach)(cells[None])[0]
    np.testing.assert_allclose(outputs, expected, atol=1e-2)
    assert outputs.dtype == np.float32


def test_the_sky_beyond_a_field_is_zero():
    cells = np.ones((20, 30, 3), np.float32)
    outputs = predict(Convolution(1), cells)[..., 0]
    total = BANDS.sum()
    assert outputs[0, 0] == pytest.approx(total * 4 / 9)
    assert outputs[0, 7] == pytest.approx(total * 6 / 9)
    assert outputs[5, 7] == pytest.approx(total)


def test_tiles_of_a_large_field():
    model = Convolution(4)
    cells = sky(700, 20)
    outputs = predict(model, cells)
    ((_, side, _, _),) = model.shapes
    assert 0.5 * 700 < side <= MAX_TILE
    np.testing.assert_allclose(outputs, Convolution(4)(cells[None])[0], atol=1e-2)


@pytest.mark.parametrize("shape", [(1, 1), (40, 17), (200, 120), (500, 300)])
def test_weights_of_the_tiles_add_up_to_one(shape):
    outputs = predict(Place(), np.zeros((*shape, 3), np.float32))
    assert outputs.shape == (*shape, OUTPUTS)
    np.testing.assert_allclose(outputs[..., 2], 1.0, atol=1e-6)
    side = tiling_of(shape).side
    assert outputs[..., :2].max() <= side - 1


@given(ny=st.integers(1, 5000), nx=st.integers(1, 5000))
def test_tiles_suit_the_network_and_cover_the_field(ny, nx):
    tiling = tiling_of((ny, nx))
    assert tiling.side % MULTIPLE == 0
    assert tiling.side <= MAX_TILE
    for n in (ny, nx):
        starts, weights = tile_weights(n, tiling)
        total = np.zeros(n)
        for start, weight in zip(starts, weights, strict=True):
            inside = slice(max(start, 0), min(start + tiling.side, n))
            total[inside] += weight[inside.start - start : inside.stop - start]
        assert total == pytest.approx(1.0, abs=1e-5)


@given(n=st.integers(1, MAX_TILE - 2 * MARGIN))
def test_a_field_that_fits_is_one_tile_with_room_around(n):
    tiling = tiling_of((n, n))
    (start,), _ = tile_weights(n, tiling)
    assert start <= -MARGIN
    assert start + tiling.side >= n + MARGIN


def test_nothing_at_the_border_of_a_tile_is_used(monkeypatch):
    monkeypatch.setattr(prediction, "MAX_TILE", 64)
    outputs = predict(Place(), np.zeros((150, 150, 3), np.float32))
    inner = outputs[MARGIN:-MARGIN, MARGIN:-MARGIN]
    assert inner[..., :2].min() >= MARGIN
    assert inner[..., :2].max() <= 63 - MARGIN


def test_progress_is_reported(monkeypatch):
    monkeypatch.setattr(prediction, "MAX_TILE", 64)
    reported = []
    predict(Place(), np.zeros((60, 20, 3), np.float32), lambda *p: reported.append(p))
    number = len(reported)
    assert number > 1
    assert reported == [(i + 1, number) for i in range(number)]


def test_a_real_network_answers_for_fields_of_any_shape():
    """Padding by hand what one tile pads gives the same prediction."""
    network = build_deblender(base_filters=2, blocks=(1, 1, 1, 1))
    cells = np.concatenate([sky(21, 13), np.abs(sky(21, 13, 1))], axis=-1)
    outputs = predict(network, cells)
    side = tiling_of((21, 13)).side
    assert side == 56
    y0 = x0 = MARGIN
    tile = np.zeros((1, side, side, 6), np.float32)
    tile[0, y0 : y0 + 21, x0 : x0 + 13] = cells
    expected = network.predict_on_batch(tile)[0, y0 : y0 + 21, x0 : x0 + 13]
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    assert np.ptp(outputs[..., 0]) > 0
