"""Noise from pixel differences: white noise, realistic sky, gaps and error maps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from helpers.mock_fields import other_pixel, sky_map
from helpers.shared import REAL
from superspire.checks.inputs import native_noise, noise_of_bands
from superspire.checks.noise import (
    Noise,
    compare_noise,
    measure_noise,
    noise_levels,
    prediction_filter,
)
from superspire.instruments import BANDS, FWHM_PER_SIGMA, SPIRE
from superspire.io import Map
from superspire.maps.reader import read_observation
from superspire.seeds import stream
from superspire.sky.maps import field_wcs
from superspire.sky.noise import add_noise

FOLDER = REAL / "spire_hsa_level2_beta_and"
FAMILIES = [
    (250, 6.0),
    (350, 25.0 / 3.0),
    (350, 10.0),
    (350, 8.0),
    (500, 12.0),
    (500, 14.0),
]
TRAINING = {"noise_mjy_beam": 2.0, "pixel_arcsec": 6.0, "confusion_mjy_beam": 5.0}


def white(seed, shape=(150, 170), rms=1.0):
    return rms * stream(seed, "white").standard_normal(shape)


@pytest.fixture(params=FAMILIES, ids=str)
def sky(request, monkeypatch):
    """Band, pixel [arcsec] and noise-free map of the sky model."""
    band, pixel = request.param
    monkeypatch.setitem(BANDS, band, other_pixel(band, pixel))
    return band, pixel, sky_map(1, band).data.astype(float)


@pytest.mark.parametrize("rms", [1.0, 2.0, 6.0])
def test_noise_of_a_realistic_sky_within_ten_percent(sky, rms):
    band, pixel, data = sky
    assert data.std() > 4.0
    data = data + white(band, data.shape, rms)
    found = measure_noise(data, pixel, BANDS[band].fwhm)
    assert found.rms == pytest.approx(rms, rel=0.1)
    assert abs(found.rms - rms) < 5 * found.rms_error + 0.02 * rms
    assert found.best == found.rms


def test_a_sky_without_noise_leaves_no_more_than_the_floor(sky):
    band, pixel, data = sky
    found = measure_noise(data, pixel, BANDS[band].fwhm)
    assert found.floor < 0.02 * data.std()
    assert found.rms < 1.5 * found.floor
    assert measure_noise(0 * data, pixel, BANDS[band].fwhm).rms == 0.0


def test_a_narrower_beam_than_nominal_does_not_matter(sky):
    band, pixel, data = sky
    data = data + white(band, data.shape, 2.0)
    found = measure_noise(data, pixel, 1.05 * BANDS[band].fwhm)
    assert found.rms == pytest.approx(2.0, rel=0.1)


def test_one_over_f_noise_is_not_counted():
    data = sky_map(1, 250).data
    add_noise(data, 3.0, stream(1, "w"), 6.0, knee=2.0, drift_rng=stream(1, "d"))
    assert measure_noise(data, 6.0, 18.1).rms == pytest.approx(3.0, rel=0.05)


def test_error_of_white_noise_is_its_scatter():
    found = [measure_noise(white(i, (60, 60), 1.7), 6.0, 18.1) for i in range(80)]
    rms = np.array([each.rms for each in found])
    error = np.mean([each.rms_error for each in found])
    assert rms.mean() == pytest.approx(1.7, abs=5 * error / 80**0.5 + 0.005)
    low, high = stats.chi2.ppf([1e-4, 1 - 1e-4], 79) / 79
    assert 0.9 * low < rms.var(ddof=1) / error**2 < 1.2 * high


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(-1e3, 1e3), st.floats(-3.0, 3.0), st.booleans())
def test_scales_levels_and_gradients(factor, level, slope, turned):
    data = white(3, (60, 80))
    exact = measure_noise(data, 6.0, 18.1).rms
    y, x = np.indices(data.shape)
    other = factor * (data + level + slope * x - 0.5 * slope * y)
    other = np.rot90(other) if turned else other
    found = measure_noise(other, 6.0, 18.1).rms
    assert found == pytest.approx(factor * exact, rel=2e-2)


def test_gaps_and_bright_sources():
    data = white(4, (200, 200), 2.0)
    y, x = np.indices(data.shape)
    data += 3e3 * np.exp(-0.5 * ((x - 90.3) ** 2 + (y - 60.8) ** 2) / 1.3**2)
    data[x + y < 80] = np.nan
    data[stream(4, "holes").random(data.shape) < 0.005] = np.nan
    found = measure_noise(data, 6.0, 18.1)
    assert abs(found.rms - 2.0) < 5 * found.rms_error + 0.02


def test_prediction_filter():
    for band, pixel in FAMILIES:
        fwhm = BANDS[band].fwhm
        weights, leak = prediction_filter(fwhm, pixel)
        assert np.sum(weights**2) == pytest.approx(1.0)
        assert abs(weights.sum()) < 1e-3
        np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-9)
        np.testing.assert_allclose(weights, weights.T, atol=1e-9)
        variance = (fwhm / FWHM_PER_SIGMA) ** 2 + pixel**2 / 12
        k = np.fft.fftfreq(256, pixel)
        power = np.exp(-4 * np.pi**2 * variance * np.add.outer(k**2, k**2))
        response = np.abs(np.fft.fft2(weights, (256, 256))) ** 2
        exact = np.sqrt(np.sum(power * response) / np.sum(power))
        assert leak == pytest.approx(exact, rel=0.02)
        assert leak < 0.02


def test_error_maps():
    depth = np.linspace(1.0, 5.0, 200)[None, :] * np.ones((150, 1))
    data = white(5, depth.shape) * depth
    found = measure_noise(data, 6.0, 18.1, error=depth)
    assert found.error_map == pytest.approx(3.0)
    assert found.over_error == pytest.approx(1.0, abs=0.05)
    half = np.where(depth > 3, np.nan, 0.5 * depth)
    half[:5] = 0.0
    found = measure_noise(data, 6.0, 18.1, error=half)
    assert found.error_map == pytest.approx(1.0, rel=0.02)
    assert found.over_error == pytest.approx(2.0, abs=0.1)
    none = measure_noise(data, 6.0, 18.1, error=np.full_like(data, np.nan))
    assert none.error_map is None
    assert none.over_error is None


def test_filtered_and_tiny_maps_have_the_noise_of_their_error_map():
    data, error = white(6, (100, 100)), np.full((100, 100), 1.3)
    found = measure_noise(data, 6.0, 18.1, error, filtered=True)
    assert found.rms is None
    assert found.best == 1.3
    found = measure_noise(data[:15, :15], 6.0, 18.1, error[:15, :15])
    assert found.rms is None
    assert found.best == 1.3
    assert measure_noise(data[:15, :15], 6.0, 18.1).best is None


def noise(rms, pixel=6.0, error_map=None, over_error=None):
    return Noise(rms, 0.01, 0.05, error_map, over_error, pixel)


@pytest.mark.parametrize("pixel", [3.0, 6.0, 25.0 / 3.0])
def test_equal_depth_in_other_pixels_is_fine(pixel):
    record, warnings = compare_noise(noise(2.0 * 6.0 / pixel, pixel), TRAINING, 350)
    assert warnings == []
    assert record["ratio"] == pytest.approx(1.0)
    assert record["ratio_with_confusion"] == pytest.approx(1.0)
    assert record["equivalent_noise_mjy_beam"] == pytest.approx(2.0)


def test_pixels_of_another_size_hold_the_noise_of_their_area():
    """Averages of 2 x 2 pixels have half the noise, in pixels twice as large."""
    data = white(7, (240, 240), 2.0)
    binned = data.reshape(120, 2, 120, 2).mean(axis=(1, 3))
    ratio = [
        compare_noise(measure_noise(d, p, 36.6), TRAINING, 500)[0]["ratio"]
        for d, p in ((data, 6.0), (binned, 12.0))
    ]
    assert ratio[0] == pytest.approx(1.0, abs=0.05)
    assert ratio[1] == pytest.approx(ratio[0], rel=0.05)


def test_more_noise_than_in_training():
    record, (warning,) = compare_noise(noise(6.0), TRAINING, 350)
    assert record["ratio"] == pytest.approx(3.0)
    with_confusion = np.sqrt((25.0 + 36.0) / (25.0 + 4.0))
    assert record["ratio_with_confusion"] == pytest.approx(with_confusion)
    assert "350 µm: the noise of 6.00 mJy/beam in pixels of 6 arcsec" in warning
    assert "3.00 times" in warning
    assert "between S / 1.45" in warning
    assert "S / 3.00" in warning
    assert "simulation.spire_noise: 6" in warning


def test_less_noise_than_in_training():
    record, (warning,) = compare_noise(noise(0.5), TRAINING, 250)
    assert record["ratio"] == pytest.approx(0.25)
    assert "no gain" in warning
    for rms in (1.55, 2.45):
        assert compare_noise(noise(rms), TRAINING, 250)[1] == []


def test_training_without_noise():
    training = TRAINING | {"noise_mjy_beam": 0.04, "noise_floor_mjy_beam": 0.05}
    record, (warning,) = compare_noise(noise(2.0), training, 250)
    assert record["ratio"] is None
    assert "whose sky had none" in warning
    assert compare_noise(noise(0.03), training, 250)[1] == []


def test_error_maps_that_disagree():
    over = noise(2.0, error_map=1.0, over_error=2.0)
    (warning,) = compare_noise(over, TRAINING, 250)[1]
    assert "2.00 times its error map (2.00 against 1.00 mJy/beam)" in warning
    assert "leaves noise out" in warning
    under = noise(2.0, error_map=4.0, over_error=0.5)
    assert "resampled" in compare_noise(under, TRAINING, 250)[1][0]
    fine = noise(2.0, error_map=2.2, over_error=0.9)
    assert compare_noise(fine, TRAINING, 250)[1] == []


def test_unknown_noise():
    unknown = Noise(None, None, None, None, None, 6.0)
    record, (warning,) = compare_noise(unknown, TRAINING, 250)
    assert "not known" in warning
    assert record["rms_mjy_beam"] is None


@pytest.mark.parametrize(("band", "name"), [(250, "psw"), (350, "pmw"), (500, "plw")])
def test_real_map_agrees_with_its_error_map(band, name):
    paths = sorted(FOLDER.glob(f"hspire{name}*"))
    if not paths:
        pytest.skip(f"no maps in {FOLDER}")
    observation = read_observation(paths[0], band)
    found = measure_noise(
        observation.map.data,
        observation.record["pixel_arcsec"],
        observation.record["beam_fwhm_arcsec"],
        observation.error,
    )
    assert found.over_error == pytest.approx(1.0, abs=0.15)
    assert found.rms == pytest.approx(found.error_map, rel=0.25)


@pytest.mark.parametrize(("here", "told"), [(0.7, 1), (1.0, 0), (6.0, 0), (8.0, 1)])
def test_a_network_for_many_noises(here, told):
    training = TRAINING | {"noises_mjy_beam": [1.0, 6.0]}
    record, warnings = compare_noise(noise(here), training, 250)
    assert len(warnings) == told
    assert all("1 to 6 mJy/beam" in warning for warning in warnings)
    assert record["ratio"] == pytest.approx(here / TRAINING["noise_mjy_beam"])


def test_noise_levels_of_mock_maps_within_five_percent():
    levels = {250: 2.0, 350: 3.0, 500: 6.0}
    maps = {}
    for band, level in levels.items():
        map_ = sky_map(1, band)
        data = map_.data + white(band, map_.data.shape, level)
        maps[band] = Map(data.astype(np.float32), map_.wcs)
    found = noise_levels(maps)
    assert list(found) == list(maps)
    for band, level in levels.items():
        assert found[band] == pytest.approx(level, rel=0.05)


@pytest.mark.parametrize("pixel", [3.0, 8.0])
def test_noise_levels_are_those_of_the_usual_pixels(pixel):
    """White noise of other pixels is compared per solid angle."""
    wcs = sky_map(1, 250).wcs.deepcopy()
    wcs.wcs.cdelt = [-pixel / 3600, pixel / 3600]
    found = noise_levels({250: Map(white(5, (300, 300), 4.0), wcs)})
    assert found[250] == pytest.approx(4.0 * pixel / 6.0, rel=0.03)


def checks_of(**levels):
    noise = {
        str(band): {"equivalent_noise_mjy_beam": 2.0 + band / 100} for band in SPIRE
    }
    return {"noise": noise | {key[1:]: value for key, value in levels.items()}}


def test_noise_of_bands_is_what_was_measured_or_the_default():
    levels, noise = noise_of_bands(checks_of(b350={}), {}, 7.0)
    assert levels == {250: 4.5, 350: 7.0, 500: 7.0}
    assert noise == levels
    unknown = {"equivalent_noise_mjy_beam": None}
    levels, _ = noise_of_bands(checks_of(b250=unknown), {}, 9.0)
    assert levels == {250: 9.0, 350: 5.5, 500: 7.0}


def test_noise_of_bands_varies_as_the_error_map_at_the_level_that_was_measured():
    error = stream(6, "error").uniform(0.5, 3.0, (41, 50))
    error[:10], error[10, :5], error[11, :5] = np.nan, 0.0, -1.0
    wcs = sky_map(1, 350).wcs
    lost = Map(np.full((4, 4), np.nan), wcs)
    levels, noise = noise_of_bands(checks_of(), {350: Map(error, wcs), 500: lost}, 7.0)
    assert levels == {250: 4.5, 350: 5.5, 500: 7.0}
    assert noise[250] == 4.5
    assert noise[500] == 7.0
    known = error > 0
    np.testing.assert_array_equal(np.isfinite(noise[350].data), known)
    assert np.median(noise[350].data[known]) == pytest.approx(5.5)
    ratio = noise[350].data[known] / error[known]
    np.testing.assert_allclose(ratio, ratio[0])
    assert noise[350].wcs is wcs


@pytest.mark.parametrize("pixel", [3.0, 10.0])
def test_noise_in_native_pixels_is_what_was_measured_there(pixel):
    """Noise per solid angle and back, with the level of an error map in place of it."""
    wcs = field_wcs((10.0, 5.0), 40.0 * pixel, pixel)[0]
    maps = {band: Map(np.zeros((40, 40)), wcs) for band in SPIRE}
    error = np.full((40, 40), 0.5)
    error[:, 20:], error[0] = 1.5, np.nan
    levels, noise = noise_of_bands(
        {"noise": {str(b): {"equivalent_noise_mjy_beam": 3.0} for b in SPIRE}},
        {350: Map(error, wcs)},
        7.0,
    )
    found = native_noise(maps, noise)
    for band in (250, 500):
        expected = levels[band] * BANDS[band].pixel / pixel
        assert found[band] == pytest.approx(expected, rel=1e-4)
    level = 3.0 * BANDS[350].pixel / pixel
    assert np.median(found[350][1:]) == pytest.approx(level, rel=1e-4)
    np.testing.assert_allclose(found[350][1:, 20], 3.0 * found[350][1:, 0])
    np.testing.assert_allclose(found[350][0], level, rtol=1e-4)
