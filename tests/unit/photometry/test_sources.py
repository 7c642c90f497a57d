import numpy as np
import pytest
from astropy.stats import SigmaClip
from photutils.aperture import CircularAperture
from scipy.ndimage import maximum_filter

from helpers.evaluation_skies import draw_sources, paint
from superspire.maps.background import background
from superspire.photometry.sources import (
    aperture_fluxes,
    extract_sources,
    find_target_sources,
    local_background,
    point_source_fluxes,
)


@pytest.fixture
def noise():
    return np.random.default_rng(5).normal(3.0, 2.0, (300, 300))


def test_background_equals_astropy_and_recovers_a_gaussian(noise):
    noise[10, 10] = 1e4
    kept = SigmaClip(3.0, maxiters=10)(noise).compressed()
    median, rms = background(noise)
    assert (median, rms) == pytest.approx((np.median(kept), np.std(kept)), rel=1e-12)
    assert (median, rms) == pytest.approx((3.0, 2.0), abs=0.05)


def test_background_ignores_unobserved_pixels(noise):
    expected = background(noise[:, :150])
    noise[:, 150:] = np.nan
    assert background(noise) == pytest.approx(expected)


def test_target_sources_are_the_maxima_of_their_box(noise):
    x, y, snr = find_target_sources(noise, 3.0)
    median, rms = background(noise)
    peak = maximum_filter(noise, 9, mode="constant", cval=-np.inf) == noise
    row, column = np.nonzero(peak & (noise > median + 3 * rms))
    assert set(zip(x, y, strict=True)) == set(zip(column, row, strict=True))
    assert snr == pytest.approx((noise[y, x] - median) / rms)
    assert len(x) > 20


def test_no_sources_in_an_empty_map():
    assert all(len(a) == 0 for a in find_target_sources(np.zeros((50, 50)), 3.0))
    assert len(extract_sources(np.zeros((50, 50)), 5.0)) == 0
    assert len(extract_sources(np.full((50, 50), np.nan), 5.0)) == 0


def test_aperture_fluxes_equal_photutils(noise):
    x, y = np.array([20.3, 150.0, 2.0]), np.array([31.9, 77.5, 299.0])
    circles = CircularAperture(np.column_stack([x, y]), 10.0)
    expected = [np.sum(m.multiply(noise)) for m in circles.to_mask(method="exact")]
    assert aperture_fluxes(noise, x, y, 10.0) == pytest.approx(expected, rel=1e-10)


def test_local_background_is_the_median_of_the_ring(noise):
    row, column = np.mgrid[:300, :300]
    distance = np.hypot(column - 100, row - 3)
    ring = noise[(distance >= 15) & (distance <= 30)]
    assert local_background(noise, [100], [3])[0] == pytest.approx(
        np.median(ring), rel=1e-6
    )


@pytest.mark.parametrize("level", [0.0, -2.0, 5.0])
def test_isolated_source_on_any_level(level):
    image = paint(101, [50.3], [48.8], [12.0]) + level
    assert point_source_fluxes(image, [50.3], [48.8]) == pytest.approx(12.0, rel=2e-3)
    found = extract_sources(image, 5.0)
    assert len(found) == 1
    assert found["x"][0] == pytest.approx(50.3, abs=0.05)
    assert found["y"][0] == pytest.approx(48.8, abs=0.05)
    assert found["peak"][0] == pytest.approx(12.0, rel=0.01)
    assert found["aperture_flux"][0] == pytest.approx(12.0, rel=0.01)
    assert str(found["peak"].unit) == "mJy / beam"


def test_noise_does_not_shift_fluxes_on_a_crowded_sky():
    rng = np.random.default_rng(7)
    image = paint(424, *draw_sources(rng, 424))
    x, y = rng.uniform(40, 380, (2, 200))
    noisy = image + rng.normal(0.0, 1.0, image.shape)
    change = point_source_fluxes(noisy, x, y) - point_source_fluxes(image, x, y)
    assert np.mean(change) == pytest.approx(0.0, abs=0.1)
    assert np.std(change) < 0.5


def test_close_neighbour_is_not_lost():
    """photutils 3 drops sources within 2.5 FWHM of a brighter one by default."""
    image = paint(101, [45, 57], [50, 50], [20.0, 5.0])
    assert len(extract_sources(image, 5.0)) == 2


def test_floor_border_and_given_noise():
    image = paint(201, [100, 5, 60], [100, 100, 60], [10.0, 10.0, 0.3])
    assert len(extract_sources(image, 5.0)) == 2
    assert len(extract_sources(image, 5.0, min_flux=0.1)) == 3
    assert len(extract_sources(image, 5.0, border=10)) == 1
    found = extract_sources(image, 5.0, rms=1.0)
    assert np.all(np.asarray(found["snr"]) == pytest.approx(10.0, rel=0.05))
    assert len(extract_sources(image, 5.0, rms=3.0)) == 0


def test_false_detections_are_rare_in_noise():
    noise = np.random.default_rng(1).normal(0.0, 1.0, (424, 424))
    assert len(extract_sources(noise, 5.0)) <= 1


@pytest.mark.parametrize("top", [24.0, 12.0])
@pytest.mark.parametrize("centre", [(40.0, 40.0), (40.5, 40.5), (40.3, 39.5)])
def test_a_saturated_top_is_one_source(centre, top):
    image = np.minimum(paint(80, [centre[0]], [centre[1]], [30.0]), top)
    for shown in (image, image.astype(np.float32)):
        found = extract_sources(shown, 5.0, min_flux=2.0)
        assert len(found) == 1
        assert np.hypot(found["x"][0] - centre[0], found["y"][0] - centre[1]) < 1.0


def test_neighbours_of_a_beam_apart_are_two_sources():
    image = paint(80, [36.0, 46.0], [40.0, 40.0], [20.0, 20.0])
    assert len(extract_sources(image, 5.0, min_flux=2.0)) == 2
