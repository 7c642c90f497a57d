"""The input of the network: the order of its channels, and maps on its cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from superspire.deblender.crops import turn
from superspire.deblender.inputs import (
    FLUX_BANDS,
    LEAD,
    SPIRE_BANDS,
    band_cells,
    band_of_channel,
    band_pixels,
    count_channels,
    count_signals,
    make_input,
    noise_levels,
    signal_slices,
    signals_of,
    turned_channels,
)
from superspire.deblender.labels import LABELS
from superspire.instruments import BANDS
from superspire.io import Map
from superspire.maps.cells import CELL, on_cells
from superspire.sky.maps import field_wcs

CENTER = (150.0, 2.0)
MIXED = {100: 4, 250: 2, 350: 1, 850: 4}
ANY_BANDS = st.dictionaries(
    st.sampled_from(sorted(BANDS)), st.sampled_from([1, 2, 4]), min_size=1
).map(band_pixels)


def test_bands_of_a_file_are_sorted_numbers():
    expected = {24: 4, 250: 1, 1000: 2}
    assert list(band_pixels({"1000": "2", "24": 4, 250: 1}).items()) == list(
        expected.items()
    )
    assert FLUX_BANDS[LEAD] == 450


@given(bands=ANY_BANDS)
def test_channels_are_those_of_the_bands_and_then_their_noise(bands):
    slices = signal_slices(bands)
    owners = [i for i, pixels in enumerate(bands.values()) for _ in range(pixels**2)]
    assert band_of_channel(bands).tolist() == owners
    assert count_signals(bands) == len(owners)
    assert count_channels(bands) == len(owners) + len(bands)
    for number, band in enumerate(bands):
        channels = np.arange(len(owners))[slices[band]]
        assert channels.tolist() == np.flatnonzero(np.equal(owners, number)).tolist()


@given(bands=ANY_BANDS, seed=st.integers(0, 10**6))
def test_an_input_is_zero_where_nothing_was_observed(bands, seed):
    rng = np.random.default_rng(seed)
    signal = rng.normal(0, 5, (6, 7, count_signals(bands)))
    noise = rng.uniform(1, 5, (6, 7, len(bands))) * (rng.random((6, 7, 1)) < 0.5)
    noise *= rng.random((6, 7, len(bands))) < 0.8
    observed = noise > 0
    for number, channels in enumerate(signal_slices(bands).values()):
        signal[..., channels][~observed[..., number]] = np.nan
    x = make_input(signal, noise, bands)
    assert x.shape == (6, 7, count_channels(bands))
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x[..., -len(bands) :], noise.astype("f4"))
    for number, channels in enumerate(signal_slices(bands).values()):
        here = observed[..., number]
        own = x[..., channels]
        np.testing.assert_array_equal(
            own[here], signal[..., channels][here].astype("f4")
        )
        assert not own[~here].any()


def cells_of(images, bands):
    """Put full-resolution images of the bands on cells, by loops."""
    n = next(iter(images.values())).shape[0] // next(iter(bands.values()))
    channels = [
        [images[band][p * row + v, p * column + u] for v in range(p) for u in range(p)]
        for band, p in bands.items()
        for row in range(n)
        for column in range(n)
    ]
    parts = np.split(
        np.array([value for cell in channels for value in cell]),
        np.cumsum([n * n * p**2 for p in bands.values()])[:-1],
    )
    return np.concatenate(
        [
            part.reshape(n, n, p**2)
            for part, p in zip(parts, bands.values(), strict=True)
        ],
        axis=-1,
    )


@pytest.mark.parametrize("bands", [SPIRE_BANDS, MIXED, {250: 2}, {450: 4, 500: 1}])
@pytest.mark.parametrize("transform", range(8))
def test_turned_channels_are_those_of_the_turned_images(bands, transform):
    """Cells that are turned, and their channels with them, are turned sky on cells."""
    rng = np.random.default_rng(transform)
    n = 6
    images = {band: rng.standard_normal((n * p, n * p)) for band, p in bands.items()}
    noise = rng.random((n, n, len(bands)))

    def turned(image):
        labels = np.zeros((*image.shape[:2], len(LABELS)))
        return turn(image, image, labels, transform)[0]

    x = np.concatenate([cells_of(images, bands), noise], axis=-1)
    order = turned_channels(bands, transform)
    assert sorted(order) == list(range(count_channels(bands)))
    moved = {band: turned(image) for band, image in images.items()}
    expected = np.concatenate([cells_of(moved, bands), turned(noise)], axis=-1)
    np.testing.assert_array_equal(turned(x)[..., order], expected)


def plane(band, side=200.0, slope=(0.3, -0.2)):
    """Make a map that is a plane on the sky [mJy/beam per arcsec]."""
    pixel = BANDS[band].pixel
    wcs, n = field_wcs(CENTER, side, pixel)
    y, x = (np.indices((n, n)) - (n - 1) / 2) * pixel
    return Map((slope[0] * x + slope[1] * y).astype(np.float32), wcs)


@pytest.mark.parametrize("band", [100, 250, 500])
@pytest.mark.parametrize("pixels", [1, 2, 4])
def test_pixels_of_a_cell_are_where_they_should_be(band, pixels):
    """On a plane interpolation is exact, and a pixel has the value of its centre."""
    side = 160
    wcs, _ = field_wcs(CENTER, float(side), 1.0)
    cells = band_cells(plane(band), wcs, (side, side), pixels)
    assert cells.shape == (40, 40, pixels**2)
    assert cells.dtype == np.float32
    step = CELL / pixels
    for channel in range(pixels**2):
        v, u = divmod(channel, pixels)
        y = CELL * np.arange(40)[:, None] + step * v + (step - 1) / 2
        x = CELL * np.arange(40) + step * u + (step - 1) / 2
        expected = 0.3 * (x - (side - 1) / 2) - 0.2 * (y - (side - 1) / 2)
        np.testing.assert_allclose(cells[..., channel], expected, atol=0.02)


def test_one_pixel_is_the_mean_of_the_fine_cells():
    rng = np.random.default_rng(0)
    map_ = plane(250)
    map_ = Map(rng.standard_normal(map_.data.shape).astype("f4"), map_.wcs)
    wcs, _ = field_wcs(CENTER, 120.0, 1.0)
    cells = [band_cells(map_, wcs, (120, 120), pixels) for pixels in (1, 2)]
    np.testing.assert_array_equal(cells[0][..., 0], on_cells(map_, wcs, (120, 120)))
    np.testing.assert_allclose(cells[0][..., 0], cells[1].mean(axis=-1), atol=1e-6)


@pytest.mark.parametrize("pixels", [1, 2, 4])
def test_cells_that_a_map_does_not_reach_are_nan(pixels):
    side = 160
    wcs, _ = field_wcs(CENTER, float(side), 1.0)
    map_ = plane(250, side=105.0)
    cells = band_cells(map_, wcs, (side, side), pixels)
    n = map_.data.shape[0]
    reach = (n - 1) / 2 * 6.0
    step = CELL / pixels
    where = step * np.arange(pixels * 40) + (step - 1) / 2 - (side - 1) / 2
    if pixels == 1:
        where = np.concatenate([where - 1.0, where + 1.0]).reshape(2, 40)
        inside = (np.abs(where) <= reach - 0.01).all(axis=0)[:, None]
    else:
        inside = (np.abs(where) <= reach - 0.01).reshape(40, pixels)
    rows, columns = inside[:, None, :, None], inside[None, :, None, :]
    expected = (rows & columns).reshape(40, 40, -1)
    assert 0.2 < expected.mean() < 0.6
    np.testing.assert_array_equal(np.isfinite(cells), expected)


def test_channels_of_some_bands_among_those_of_all():
    bands = {24: 2, 250: 1, 350: 1, 500: 2}
    assert signals_of(bands, [250, 500]).tolist() == [4, 6, 7, 8, 9]
    assert signals_of(bands, bands).tolist() == list(range(count_signals(bands)))


def test_noise_of_bands_that_are_there_and_that_are_not():
    bands = {24: 2, 250: 1, 850: 1}
    levels = noise_levels(bands, 2.0, {"24": 0.015})
    np.testing.assert_allclose(levels, [0.015, 2.0, 0.0])
    np.testing.assert_allclose(noise_levels(bands, 3.0), [0.0, 3.0, 0.0])
