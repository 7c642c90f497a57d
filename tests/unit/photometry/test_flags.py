import numpy as np
import pytest
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter

from superspire.instruments import FWHM_PER_SIGMA
from superspire.io import Map
from superspire.photometry.flags import (
    BEAM_REACH,
    MAX_FRACTION,
    blend_fraction,
    blended,
    exceeds,
    near_top,
)


def test_blended_sources_are_those_whose_circles_overlap():
    x, y = np.array([0.0, 19.0, 100.0, 100.0]), np.array([0.0, 0.0, 0.0, 21.0])
    assert blended(x, y).tolist() == [True, True, False, False]
    assert blended(x[:1], y[:1]).tolist() == [False]
    assert blended(x[:0], y[:0]).tolist() == []


@pytest.mark.parametrize("distance", [0.0, 5.0, 12.3, 30.0])
@pytest.mark.parametrize("ratio", [1.0, 3.0])
def test_blend_fraction_of_two_sources(distance, ratio):
    """At half the FWHM the beam of an equal neighbour is a half: a third is its."""
    fwhm = 18.1
    x, y = np.array([4.0, 4.0 + 0.6 * distance]), np.array([2.0, 2.0 - 0.8 * distance])
    found = blend_fraction(x, y, np.array([5.0, 5.0 * ratio]), fwhm)
    beam = 0.5 ** ((2.0 * distance / fwhm) ** 2)
    expected = [beam * r / (1.0 + beam * r) for r in (ratio, 1.0 / ratio)]
    assert found.tolist() == pytest.approx(expected)
    near = blend_fraction(np.array([0.0, fwhm / 2]), np.zeros(2), np.ones(2), fwhm)
    assert near.tolist() == pytest.approx([1 / 3, 1 / 3])


def test_blend_fraction_of_sources_alone_or_out_of_reach():
    far = BEAM_REACH * 20.0 + 0.01
    found = blend_fraction(np.array([0.0, far]), np.zeros(2), np.array([1.0, 1e6]), 20)
    assert found.tolist() == [0.0, 0.0]
    assert blend_fraction(np.zeros(1), np.zeros(1), np.ones(1), 20.0).tolist() == [0.0]
    assert blend_fraction(*np.zeros((3, 0)), 20.0).tolist() == []


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), number=st.integers(1, 30))
def test_blend_fraction_is_that_of_plain_sums(seed, number):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 120, (2, number))
    flux, fwhm = rng.pareto(1.5, number) + 0.5, rng.uniform(8, 37)
    distance = np.hypot(x[:, None] - x, y[:, None] - y)
    beam = np.exp(-0.5 * (distance * FWHM_PER_SIGMA / fwhm) ** 2)
    beam[distance > BEAM_REACH * fwhm] = 0.0
    expected = 1.0 - flux / (beam @ flux)
    found = blend_fraction(x, y, flux, fwhm)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_near_top_looks_two_pixels_far():
    rng = np.random.default_rng(6)
    image = rng.uniform(0.0, 100.0, (60, 80)) ** 4 / 1e6
    image[20:25] = np.nan
    x, y = rng.uniform(-0.4, 79.4, 500), rng.uniform(-0.4, 59.4, 500)
    brightest = maximum_filter(np.nan_to_num(image), size=5)
    expected = brightest[np.round(y).astype(int), np.round(x).astype(int)]
    found = near_top(image, x, y, 100.0)
    np.testing.assert_array_equal(found, expected > MAX_FRACTION * 100.0)
    assert 50 < found.sum() < 450
    assert near_top(image, x[:0], y[:0], 100.0).tolist() == []


def test_exceeds_interpolates_at_the_sky_position():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.cdelt = [40.0, 5.0], [-1 / 600, 1 / 600]
    ramp = np.arange(20.0) * np.ones((15, 1))
    ramp[10:] = np.nan
    x, y = np.array([4.4, 4.6, 18.5, 18.5, 300.0]), np.array([3.0, 3.0, 3.0, 12.0, 3.0])
    ra, dec = wcs.all_pix2world(x, y, 0)
    found = exceeds(Map(ramp, wcs), ra, dec, 4.5)
    assert found.tolist() == [False, True, True, False, False]
    assert exceeds(Map(ramp, wcs), ra[:0], dec[:0], 4.5).tolist() == []
