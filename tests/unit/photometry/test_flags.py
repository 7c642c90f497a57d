import numpy as np
from astropy.wcs import WCS
from scipy.ndimage import maximum_filter

from superspire.io import Map
from superspire.photometry.flags import MAX_FRACTION, blended, exceeds, near_top


def test_blended_sources_are_those_whose_circles_overlap():
    x, y = np.array([0.0, 19.0, 100.0, 100.0]), np.array([0.0, 0.0, 0.0, 21.0])
    assert blended(x, y).tolist() == [True, True, False, False]
    assert blended(x[:1], y[:1]).tolist() == [False]
    assert blended(x[:0], y[:0]).tolist() == []


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
