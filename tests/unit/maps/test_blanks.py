"""Maps whose blank value is not NaN are the same maps."""

import numpy as np
import pytest

from helpers import layouts
from helpers.one_sky import Case
from superspire.checks.noise import measure_noise
from superspire.maps.blanks import find_blanks
from superspire.maps.reader import read_observation
from superspire.maps.tiling import near_edge

SHAPE = (90, 110)
SENTINELS = [-99.0, -999.0, -9999.0, 1e30, -1.6375e30, -32768.0, 0.0, 12345.0]


def scan(seed=0):
    """Pixels of a scan that is turned against the map."""
    y, x = np.indices(SHAPE)
    u, v = 0.8 * (x - 55) + 0.6 * (y - 45), 0.8 * (y - 45) - 0.6 * (x - 55)
    return (np.abs(u) < 42) & (np.abs(v) < 32)


def sky(seed=0, level=0.0, noise=2.0):
    """Sources with noise [mJy/beam]."""
    hdu, *_ = Case().paint(250)
    image = hdu.data[: SHAPE[0], : SHAPE[0]].astype(float)
    image = np.pad(image, ((0, 0), (0, SHAPE[1] - image.shape[1])), mode="reflect")
    rng = np.random.default_rng(seed)
    return level + 0.1 * image + rng.normal(0.0, noise, SHAPE)


def write(path, data, error=None, **cards):
    cards = {**layouts.wcs_cards(6.0, SHAPE), "BUNIT": "mJy/beam", **cards}
    hdus = [layouts.image(data.astype(np.float32), cards, "image")]
    if error is not None:
        hdus.append(layouts.image(error.astype(np.float32), cards, "error"))
    return layouts.write(path, *hdus)


@pytest.mark.parametrize("level", [0.0, 50.0])
@pytest.mark.parametrize("value", SENTINELS)
def test_area_noise_and_edges_are_those_of_the_map_with_nan(tmp_path, value, level):
    image, seen = sky(level=level), scan()
    error = np.full(SHAPE, 2.0)
    reads = []
    for i, blank in enumerate((np.nan, value)):
        path = write(
            tmp_path / f"{i}.fits",
            np.where(seen, image, blank),
            np.where(seen, error, blank),
        )
        reads.append(read_observation(path, 250))
    right, read = reads
    np.testing.assert_array_equal(read.map.data, right.map.data)
    for key in ("observed_fraction", "rms_mjy_beam", "sky_measured_mjy_beam"):
        assert read.record[key] == right.record[key]
    noises = [measure_noise(r.map.data, 6.0, 18.1, r.error) for r in reads]
    assert noises[0] == noises[1]
    y, x = np.nonzero(seen)
    edges = [near_edge(np.isfinite(r.map.data), x, y) for r in reads]
    np.testing.assert_array_equal(*edges)
    assert edges[0].any()
    assert right.record["warnings"] == []
    (warning,) = read.record["warnings"]
    assert f"are exactly {value:.7g}" in warning


@pytest.mark.parametrize("value", [-99.0, -999.0, 1e30])
def test_single_pixels(value):
    data = sky().astype(np.float32)
    data[[3, 40, 70], [5, 60, 100]] = value
    (blank,) = find_blanks(data)
    assert blank.pixels.sum() == 3
    assert np.all(data[blank.pixels] == np.float32(value))


def test_two_values_at_once():
    data = np.where(scan(), sky(), 0.0).astype(np.float32)
    data[40:43, 50:53] = -99.0
    found = {blank.value: blank.pixels.sum() for blank in find_blanks(data)}
    assert found == {-99.0: 9, 0.0: (~scan()).sum()}


@pytest.mark.parametrize("step", [0.02, 1.0, 4.0])
@pytest.mark.parametrize("level", [0.0, 30.0])
def test_quantised_maps(step, level):
    """Zeros of the sky stay, however many; those around the scan are found."""
    data = (step * np.round(sky(level=level) / step)).astype(np.float32)
    assert find_blanks(data) == []
    if step > 2.0:
        return
    (blank,) = find_blanks(np.where(scan(), data, np.float32(0.0)))
    assert blank.value == 0.0
    assert blank.pixels[~scan()].mean() > 0.998
    assert blank.pixels[scan()].mean() < 0.03


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_sky_is_not_blank(seed, dtype):
    assert find_blanks((20.0 * sky(seed)).astype(dtype).astype(np.float32)) == []


def test_a_sky_without_noise_that_fades_to_zero_stays():
    for band in (250, 500):
        hdu, *_ = Case().paint(band)
        data = np.pad(hdu.data, 30)
        assert (data == 0).sum() > 1000
        data[30:-30, 30:-30] += hdu.data.min()
        assert find_blanks(hdu.data.astype(np.float32)) == []
    y, x = np.indices(SHAPE)
    star = np.exp(-0.5 * ((x - 50.0) ** 2 + (y - 40.0) ** 2) / 9.0)
    assert (star.astype(np.float32) == 0).sum() > 1000
    assert find_blanks((40.0 * star).astype(np.float32)) == []


def test_a_map_that_was_clipped_stays():
    assert find_blanks(np.clip(sky(), 0.0, None).astype(np.float32)) == []
    assert find_blanks(np.clip(sky(), None, 2.0).astype(np.float32)) == []


def test_a_constant_map_stays():
    assert find_blanks(np.ones(SHAPE, np.float32)) == []
    assert find_blanks(np.full(SHAPE, np.nan, np.float32)) == []


def test_the_user_says(tmp_path):
    image = np.where(scan(), sky(), 77.0)
    path = write(tmp_path / "a.fits", image)
    kept = read_observation(path, 250, blank="none", level="keep")
    np.testing.assert_array_equal(kept.map.data, image.astype(np.float32))
    image[60, 60] = 78.0
    told = read_observation(write(tmp_path / "b.fits", image), 250, blank=78)
    assert np.isnan(told.map.data).sum() == 1


def test_blank_card_of_a_map_of_floats(tmp_path):
    image = sky()
    image[50, 60:63] = -1.0
    read = read_observation(write(tmp_path / "a.fits", image, BLANK=-1), 250)
    assert np.isnan(read.map.data).sum() == 3
