"""Noise against its power spectrum and the depth of an observation."""

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats

from helpers.spectra import check_periodogram, covariance
from read_depth_map import read_depth
from superspire.errors import InputError
from superspire.instruments import BANDS, FWHM_PER_SIGMA, TARGET
from superspire.seeds import stream
from superspire.sky import noise
from superspire.sky.beams import SCUBA2_BEAM, GaussianBeam, beam_of
from superspire.sky.maps import field_wcs

N = 64


def drawn(rms=1.0, seed=1, n=N, pixel=12.0, **options):
    data = np.zeros((n, n), np.float32)
    noise.add_noise(data, rms, stream(seed, "noise"), pixel, **options)
    return data


def observation(path, error, pixel=6.0, name="error"):
    """Write a map in Jy/beam with an error map in mJy/beam, or with none."""
    ny, nx = (30, 40) if error is None else error.shape
    header = field_wcs((150.0, 2.0), pixel, pixel)[0].to_header()
    header["CRPIX1"], header["CRPIX2"] = (nx + 1) / 2, (ny + 1) / 2
    header["BUNIT"] = "Jy/beam"
    image = np.random.default_rng(0).standard_normal((ny, nx)) * 1e-3
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(image, header, "image")]
    if error is not None:
        hdus.append(fits.ImageHDU(error * 1e-3, header, name))
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path


def test_white_noise_is_drawn_row_by_row_from_the_stream():
    data = np.full((5, 5), 7.0, np.float32)
    noise.add_noise(data, 1.7, stream(1, "noise"), 6.0)
    rng = stream(1, "noise")
    for row in data:
        expected = np.float32(7.0) + np.float32(1.7) * rng.standard_normal(5, "f4")
        assert np.array_equal(row, expected)


def test_white_noise_is_gaussian_of_the_asked_rms():
    values = drawn(2.0, n=300).ravel()
    assert values.std() == pytest.approx(2.0, abs=5 * 2.0 / np.sqrt(2 * values.size))
    assert abs(values.mean()) < 5 * 2.0 / np.sqrt(values.size)
    assert stats.kstest(values / 2.0, "norm").pvalue > 1e-5


def test_no_noise_leaves_the_map_alone():
    assert not drawn(0.0).any()
    assert not drawn(0.0, knee=2.0).any()


@pytest.mark.parametrize(
    ("pixel", "knee", "slope"), [(12.0, 2.0, -2.0), (12.0, 4.0, -1.2), (6.0, 1.0, -3.0)]
)
def test_power_spectrum_of_noise_with_a_knee(pixel, knee, slope):
    white, drift = stream(2, "noise", knee), stream(2, "drift", knee)
    maps = np.zeros((150, N, N), np.float32)
    for data in maps:
        noise.add_noise(data, 1.5, white, pixel, knee, slope, drift_rng=drift)
    scale = knee * 60.0
    lags = covariance(
        lambda k: 1.5**2 * pixel**2 * (k * scale) ** slope, 2 * N, pixel, 1.5**2
    )
    check_periodogram(maps, lags)


def test_knee_adds_to_the_white_noise_and_leaves_it_as_it_is():
    white = drawn(2.0)
    drift = drawn(2.0, knee=3.0) - white
    np.testing.assert_allclose(
        drift, 2.0 * (drawn(1.0, knee=3.0) - drawn(1.0)), atol=1e-5
    )
    assert np.corrcoef(drift[:, 1:].ravel(), drift[:, :-1].ravel())[0, 1] > 0.5
    assert abs(np.corrcoef(drift.ravel(), white.ravel())[0, 1]) < 5 / N


def test_noise_of_fine_pixels_has_the_spectrum_on_scales_above_two_cells():
    """On 1 arcsec pixels: the binned noise has the same power per solid angle."""
    scale, n = 120.0, 384
    white, drift = stream(3, "noise"), stream(3, "drift")
    maps = np.zeros((60, n, n), np.float32)
    for data in maps:
        noise.add_noise(data, 2.0, white, 1.0, scale / 60.0, drift_rng=drift)
    binned = maps.reshape(60, 32, 12, 32, 12).mean(axis=(2, 4))

    def law(k):
        return 4.0 * (k * scale) ** -2.0

    check = covariance(law, 64, 12.0, 4.0 / 144.0)
    coarse = binned - binned.mean(axis=(1, 2), keepdims=True)
    lags = np.maximum(0, 32 - np.abs(np.fft.fftfreq(64, 1 / 64)))
    inside = check[0, 0] - (np.outer(lags, lags) * check).sum() / 32.0**4
    variance = (coarse**2).mean(axis=(1, 2))
    error = 5 * variance.std() / np.sqrt(60) + 0.03 * inside
    assert variance.mean() == pytest.approx(inside, abs=error)


BEAMS = {
    "table 1": beam_of(TARGET),
    "two components": GaussianBeam(SCUBA2_BEAM, 7.9),
    "filtered": beam_of(TARGET).high_passed(30.0),
}


def point_source_maps(number, rms, beam, n=N, **options):
    """Maps with 1 arcsec pixels of the noise of a filtered map."""
    maps = np.zeros((number, n, n), np.float32)
    rng = stream(9, "noise")
    for data in maps:
        noise.add_noise(data, rms, rng, 1.0, beam=beam, **options)
    return maps


@pytest.mark.parametrize("name", BEAMS)
def test_noise_for_point_sources_is_correlated_like_the_beam(name):
    """Covariance at distance r = rms² beam(r), as a matched filter leaves it."""
    maps = point_source_maps(60, 0.9, BEAMS[name])
    for lag in (0, 2, 4, 8, 16, 30):
        for axis in (1, 2):
            ahead, behind = (
                np.moveaxis(maps, axis, 1)[:, s]
                for s in (slice(lag, None), slice(N - lag))
            )
            products = (ahead * behind).mean(axis=(1, 2))
            expected = 0.9**2 * sum(
                a * np.exp(-0.5 * (lag * FWHM_PER_SIGMA / fwhm) ** 2)
                for fwhm, a in BEAMS[name].components
            )
            error = 5 * products.std() / np.sqrt(len(maps))
            assert error < 0.1
            assert products.mean() == pytest.approx(expected, abs=error)


def test_configured_noise_is_that_of_the_best_estimate_of_a_flux():
    """An optimal filter has the variance 1 / sum |beam(k)|² / N(k) over all modes.

    For N = rms² beam it is rms² / (1 - exp(-2 (pi sigma k)²)) with the modes below k.
    """
    maps = point_source_maps(80, 0.9, BEAMS["table 1"], n=128)
    taper = np.hanning(130)[1:-1]
    window = np.outer(taper, taper) / np.sqrt(np.mean(taper**2) ** 2)
    power = (np.abs(np.fft.fft2(maps * window)) ** 2).mean(axis=0) / maps[0].size
    k = np.fft.fftfreq(128)
    beam = BEAMS["table 1"].transfer(k, k)
    inside = np.hypot(k[:, None], k) < 0.09
    variance = maps[0].size / np.sum(beam[inside] ** 2 / power[inside])
    sigma = 7.9 / FWHM_PER_SIGMA
    expected = 0.9**2 / (1.0 - np.exp(-2.0 * (np.pi * sigma * 0.09) ** 2))
    assert np.sqrt(variance) == pytest.approx(np.sqrt(expected), rel=0.03)
    assert maps.std() == pytest.approx(0.9, rel=0.03)


def test_another_smoothing_makes_the_flux_of_a_point_source_worse():
    """Least squares with the beam at each pixel have 4/3 of the variance."""
    maps = point_source_maps(60, 0.9, BEAMS["table 1"], n=100)
    sigma = 7.9 / FWHM_PER_SIGMA
    fitted = 2.0 * ndimage.gaussian_filter(maps, (0, sigma, sigma))[:, 14:-14, 14:-14]
    variances = fitted.var(axis=(1, 2))
    error = 5 * variances.std() / np.sqrt(len(maps))
    assert variances.mean() == pytest.approx(0.9**2 * 4 / 3, abs=error)


def test_noise_for_point_sources_with_a_knee():
    """Its power spectrum is the beam's transfer function times 1 + (k knee)^slope."""
    beam, knee, slope = GaussianBeam(((12.0, 1.0),), 12.0), 1.5, -2.0
    white, drift = stream(2, "noise"), stream(2, "drift")
    maps = np.zeros((150, N, N), np.float32)
    for data in maps:
        noise.add_noise(data, 1.5, white, 6.0, knee, slope, None, drift, beam)
    sigma = 12.0 / FWHM_PER_SIGMA

    def power(k):
        transfer = beam.area * np.exp(-2.0 * (np.pi * sigma * k) ** 2)
        return 1.5**2 * transfer * (1.0 + (60.0 * knee * k) ** slope)

    check_periodogram(maps, covariance(power, 2 * N, 6.0))


def test_streams_reproduce_the_noise_and_are_independent():
    names = [("drift", "simulated_0", 250), ("drift", "simulated_0", 350)]
    fields = [
        drawn(1.0, n=128, knee=0.5, slope=-1.0, drift_rng=stream(4, *name))
        - drawn(1.0, n=128)
        for name in (names[0], names[0], names[1])
    ]
    assert np.array_equal(fields[0], fields[1])
    modes = [np.fft.rfft2(field)[1:60, 1:60] for field in fields[1:]]
    aligned = (modes[0] * modes[1].conj()).real / np.abs(modes[0] * modes[1])
    assert abs(aligned.mean()) < 5 / np.sqrt(2 * aligned.size)
    assert np.array_equal(drawn(knee=1.0, seed=5), drawn(knee=1.0, seed=5))
    assert not np.array_equal(drawn(knee=1.0, seed=5), drawn(knee=1.0, seed=6))


@pytest.mark.parametrize("beam", [None, GaussianBeam(((95.0, 1.0),), 95.0)])
def test_blocks_do_not_show(monkeypatch, beam):
    whole = drawn(knee=3.0, beam=beam)
    monkeypatch.setattr(noise, "BLOCK", 7)
    np.testing.assert_allclose(drawn(knee=3.0, beam=beam), whole, atol=1e-5)


def test_depth_takes_the_place_of_the_rms():
    depth = np.linspace(0.5, 5.0, 200 * 200, dtype=np.float32).reshape(200, 200)
    values = (drawn(9.0, n=200, depth=depth) / depth).ravel()
    assert values.std() == pytest.approx(1.0, abs=5 / np.sqrt(2 * values.size))
    assert stats.kstest(values, "norm").pvalue > 1e-5
    assert np.array_equal(drawn(0.0, n=200, depth=depth).ravel() != 0, values != 0)


def test_depth_scales_the_correlated_noise_too():
    depth = np.full((N, N), 2.0, np.float32)
    depth[:, N // 2 :] = 6.0
    uniform = drawn(1.0, knee=3.0)
    np.testing.assert_allclose(
        drawn(1.0, knee=3.0, depth=depth), uniform * depth, atol=1e-5
    )
    beam = GaussianBeam(((30.0, 1.0),), 30.0)
    np.testing.assert_allclose(
        drawn(depth=depth, beam=beam), drawn(beam=beam) * depth, atol=1e-5
    )


def test_depth_map_of_equal_pixels_is_the_error_map(tmp_path):
    error = np.random.default_rng(1).uniform(1, 3, (30, 40))
    path = observation(tmp_path / "map.fits", error)
    depth = noise.depth_map(*read_depth(path, 250), error.shape, 6.0)
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, error, rtol=1e-5)


def test_depth_map_is_laid_centre_on_centre_and_reflected(tmp_path):
    error = np.random.default_rng(1).uniform(1, 3, (30, 40))
    path = observation(tmp_path / "map.fits", error)
    np.testing.assert_allclose(
        noise.depth_map(*read_depth(path, 250), (20, 20), 6.0),
        error[5:25, 10:30],
        rtol=1e-5,
    )
    larger = noise.depth_map(*read_depth(path, 250), (70, 70), 6.0)
    reflected = np.pad(error, ((20, 20), (15, 15)), mode="symmetric")
    np.testing.assert_allclose(larger, reflected, rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(native=st.floats(2.0, 17.0), side=st.integers(1, 50))
def test_depth_per_pixel_follows_the_size_of_the_pixels(tmp_path_factory, native, side):
    path = tmp_path_factory.mktemp("depth") / "map.fits"
    observation(path, np.full((12, 9), 2.0), native)
    depth = noise.depth_map(*read_depth(path, 250), (side, side), 6.0)
    np.testing.assert_allclose(depth, 2.0 * native / 6.0, rtol=1e-4)
    of_sources = noise.depth_map(*read_depth(path, 250), (side, side), 6.0, white=False)
    np.testing.assert_allclose(of_sources, 2.0, rtol=1e-4)


def test_depth_map_keeps_the_angular_scale(tmp_path):
    """A gradient per arcsec of the observation is the same in the field."""
    pixel = BANDS[500].pixel
    x = (np.arange(101) - 50) * 4.0
    error = np.broadcast_to(5.0 + 0.01 * x, (101, 101))
    path = observation(tmp_path / "map.fits", error, 4.0)
    depth = noise.depth_map(*read_depth(path, 500), (21, 21), pixel)
    expected = (5.0 + 0.01 * (np.arange(21) - 10) * pixel) * 4.0 / pixel
    np.testing.assert_allclose(depth, np.tile(expected, (21, 1)), rtol=1e-4)


def test_pixels_without_error_get_the_median(tmp_path):
    error = np.random.default_rng(2).uniform(1, 3, (30, 40))
    good = error.copy()
    error[:3], error[3], error[4] = np.nan, 0.0, -1.0
    path = observation(tmp_path / "map.fits", error)
    depth = noise.depth_map(*read_depth(path, 250), (30, 40), 6.0)
    np.testing.assert_allclose(depth[:5], np.median(good[5:]), rtol=1e-5)
    np.testing.assert_allclose(depth[5:], good[5:], rtol=1e-5)


def test_noise_of_a_depth_map_has_its_variance(tmp_path):
    error = np.outer(np.linspace(1, 2, 30), np.linspace(1, 3, 40))
    path = observation(tmp_path / "map.fits", error, 12.0)
    depth = noise.depth_map(*read_depth(path, 250), (60, 60), 6.0)
    rng = stream(8, "noise")
    maps = np.zeros((200, 60, 60), np.float32)
    for data in maps:
        noise.add_noise(data, 0.0, rng, 6.0, depth=depth)
    ratio = (maps**2).mean(axis=0) / depth**2
    assert ratio.mean() == pytest.approx(1.0, abs=5 * np.sqrt(2 / maps.size))
    assert ratio.std() == pytest.approx(np.sqrt(2 / 200), rel=0.1)


@pytest.mark.parametrize(
    ("error", "name", "message"),
    [
        (None, "", "realism.depth.250: expected an error map .*found none"),
        (np.ones((9, 9)), "coverage", "expected an error map"),
        (np.zeros((9, 9)), "error", "realism.depth.250: expected positive errors"),
        (np.full((9, 9), np.nan), "rms", "expected positive errors in HDU 2"),
    ],
)
def test_files_without_errors_are_refused(tmp_path, error, name, message):
    path = observation(tmp_path / "map.fits", error, name=name)
    with pytest.raises(InputError, match=message) as raised:
        read_depth(path, 250)
    assert str(path) in str(raised.value)


def test_missing_observation_is_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_depth(tmp_path / "none.fits", 250)
