"""Features of a map that point sources cannot give: emission, stripes and glitches.

A disc of which half is brighter than a limit holds more than a confused sky of point
sources, clustered as they are: however bright a few sources are, they do not cover half
of it. The same holds along a strip. Pixels that their neighbours do not predict are
narrower than the beam. The limits are 1.3 times the highest values, or more, of 13 deg²
of mock sky with 2, 5 and 9 mJy/beam of noise (docs/fields.md).
"""

import numpy as np
from scipy import ndimage, signal

from superspire.checks.correlation import coarsen, smooth
from superspire.checks.noise import HALF, prediction_filter, robust_rms
from superspire.io import Map
from superspire.maps.background import background
from superspire.maps.positions import map_matrix, pixel_size

EMISSION, STRIPE, GLITCH = 1, 2, 4
"""Bits of a mask."""

DISCS = ((10.0 / 3.0, 40.0), (5.0, 20.0), (10.0, 12.0))
"""Diameters [FWHM], and the limits that half of the pixels exceed, above or below the
level of the sky [mJy/beam]."""

STRIP, STRIP_LIMIT = 24.0, 9.0
"""Length of a strip one FWHM wide [FWHM], and its limit above or below its surroundings
[mJy/beam]."""

DIRECTIONS = 36
"""Directions of the strips over half a turn."""

SURROUNDINGS, CLIPPED = 2.5, 20.0
"""Standard deviation of the Gaussian by which the surroundings of a strip are averaged
[FWHM], and the brightness up to which a pixel counts there [mJy/beam]."""

PEAK_FRACTION = 0.2
"""Fraction of the brightest pixel around that half of a disc must exceed, so that no
point source is extended: half of the smallest disc exceeds 0.02 of a source's peak, or
0.1 on pixels of 0.7 FWHM."""

FOLLOWED = 2.0 / 3.0
"""Fraction of its limit down to which emission is followed outwards: 8 mJy/beam over
10 FWHM, with which the deblender lists 36 % fewer sources above 10 mJy."""

DISC_SEEN, STRIP_SEEN = 0.4, 0.9
"""Fraction of a disc or a strip that must have been observed."""

NOISE_SIGMA = 6.0
"""Standard errors of a median by which white noise raises a limit, in quadrature."""

MEDIAN_ERROR = np.sqrt(np.pi / 2.0)
"""Standard error of the median of n normal deviates, times the square root of n."""

COUNTED = 0.7
"""Maximum side of the pixels that are counted [FWHM]."""

GLITCH_SIGMA = 8.0
"""Standard deviations by which the neighbours of a glitch mispredict it."""

GLITCH_CONTRAST = 0.5
"""That difference as a fraction of the median of the neighbours: pixels of a star of
0.4 Jy on a real map are mispredicted by a tenth of it."""

LOCAL = 6.0
"""Standard deviation of the Gaussian over which the local noise is averaged [pixel]."""

ROUNDS = 8
"""Maximum number of times that the level of the sky is measured, each without the
emission that was found with the last one."""


def find_glitches(map_, fwhm, error=None):
    """Find pixels that differ from their neighbours as no beam lets them.

    Parameters
    ----------
    map_ : superspire.io.Map
        Map [mJy/beam]; NaN where nothing was observed.
    fwhm : float
        FWHM of its beam [arcsec].
    error : ndarray, shape (ny, nx), optional
        Error map [mJy/beam], used where it exceeds the noise around a pixel.

    Returns
    -------
    superspire.io.Map
        `GLITCH` within one FWHM of each, uint8.
    """
    data, pixel = map_.data, map_matrix(map_)
    residual, whole = mispredicted(data, pixel, fwhm)
    found = np.zeros(data.shape, bool)
    if whole.any():
        noise = np.maximum(robust_rms(residual[whole]), local_rms(residual, whole))
        noise = noise if error is None else np.fmax(noise, error)
        ring = np.ones((3, 3), bool)
        ring[1, 1] = False
        around = ndimage.median_filter(np.where(whole, data, 0.0), footprint=ring)
        limit = np.maximum(GLITCH_SIGMA * noise, GLITCH_CONTRAST * np.abs(around))
        found = whole & (np.abs(residual) > limit)
    near = ndimage.binary_dilation(found, disc(2.0 * fwhm, pixel) > 0)
    return Map((GLITCH * near).astype(np.uint8), map_.wcs)


def mispredicted(data, pixel, fwhm):
    """Compute what the neighbours of each pixel do not predict of it.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
        Map [mJy/beam]; NaN where nothing was observed.
    pixel : ndarray, shape (2, 2)
        Sides of its pixels (`superspire.maps.positions.pixel_matrix`) [arcsec].
    fwhm : float
        FWHM of its beam [arcsec].

    Returns
    -------
    residual : ndarray, shape (ny, nx)
        Scaled so that white noise keeps its rms [mJy/beam].
    whole : ndarray of bool, shape (ny, nx)
        Where all the neighbours were observed.
    """
    seen = np.isfinite(data)
    weights, _ = prediction_filter(fwhm, pixel)
    size = 2 * HALF + 1
    whole = ndimage.minimum_filter(seen, size=size, mode="constant", cval=0)
    flat = np.where(seen, data - np.median(data[seen]), 0.0)
    return signal.fftconvolve(flat, weights, mode="same"), whole


def local_rms(residual, whole):
    """Average the noise around each pixel; none counts beyond five robust sigma."""
    limit = 5.0 * robust_rms(residual[whole])
    square = np.where(whole, np.clip(residual, -limit, limit) ** 2, 0.0)
    return np.sqrt(np.maximum(smooth(square, whole, LOCAL), 0.0))


def find_broad(map_, fwhm):
    """Find extended emission and stripes in a map, bright or dark.

    Parameters
    ----------
    map_ : superspire.io.Map
        Map [mJy/beam]; NaN where nothing was observed.
    fwhm : float
        FWHM of its beam [arcsec].

    Returns
    -------
    superspire.io.Map
        `EMISSION` and `STRIPE`, uint8, on pixels of up to 0.7 FWHM.
    """
    factor = int(COUNTED * fwhm / pixel_size(map_))
    if factor > 1 and min(map_.data.shape) > factor:
        map_ = coarsen(map_, factor)
    data, pixel = map_.data, map_matrix(map_)
    seen = np.isfinite(data)
    residual, whole = mispredicted(data, pixel, fwhm)
    noise = robust_rms(residual[whole]) if whole.any() else 0.0
    level = low_level(data, fwhm / sides(pixel))
    for _ in range(ROUNDS):
        bright, emission = find_emission(data - level, pixel, fwhm, noise)
        if not (seen & ~bright).any():
            break
        last, (level, _) = level, background(data[seen & ~bright])
        if level == last:
            break
    rest = np.where(emission, np.nan, data - level)
    striped = find_stripes(rest, pixel, fwhm, noise) & ~emission
    return Map((EMISSION * emission + STRIPE * striped).astype(np.uint8), map_.wcs)


def low_level(data, beam):
    """Estimate the level of a map from its darker parts, as a start.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
        Map [mJy/beam]; NaN where nothing was observed.
    beam : ndarray, shape (2,)
        FWHM along y and x [pixel].

    Returns
    -------
    float
        Lower quartile of the map smoothed with a Gaussian of 2.5 FWHM [mJy/beam].
    """
    seen = np.isfinite(data)
    centre = np.median(data[seen])
    flat = np.where(seen, data - centre, 0.0)
    return float(centre + np.quantile(smooth(flat, seen, 2.5 * beam)[seen], 0.25))


def find_emission(data, pixel, fwhm, noise):
    """Find discs half of which exceeds their limit, and what surrounds them.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
        Map whose sky level is zero [mJy/beam]; NaN where nothing was observed.
    pixel : ndarray, shape (2, 2)
        Sides of its pixels (`superspire.maps.positions.pixel_matrix`) [arcsec].
    fwhm : float
        FWHM of its beam [arcsec].
    noise : float
        White noise of a pixel [mJy/beam].

    Returns
    -------
    centres : ndarray of bool, shape (ny, nx)
        Centres of these discs.
    emission : ndarray of bool, shape (ny, nx)
        All that belongs to them.
    """
    centres, emission = np.zeros((2, *data.shape), bool)
    core = disc(DISCS[0][0] * fwhm, pixel) > 0
    for side in (data, -data):
        filled = np.where(np.isfinite(side), side, 0.0)
        steep = PEAK_FRACTION * ndimage.maximum_filter(filled, footprint=core)
        for diameter, limit in DISCS:
            kernel = disc(diameter * fwhm, pixel)
            limit = with_noise(limit, noise, kernel)
            over = half_exceeds(side, np.maximum(limit, steep), kernel, DISC_SEEN)
            if over.any():
                limit = np.maximum(FOLLOWED * limit, steep)
                around = half_exceeds(side, limit, kernel, DISC_SEEN)
                emission |= ndimage.binary_propagation(over, mask=over | around)
            centres |= over
    return centres, ndimage.binary_dilation(emission, disc(2.0 * fwhm, pixel) > 0)


def find_stripes(data, pixel, fwhm, noise):
    """Find strips half of which exceeds its limit above or below what surrounds them.

    Parameters
    ----------
    data, pixel, fwhm, noise
        See `find_emission`.

    Returns
    -------
    ndarray of bool, shape (ny, nx)
    """
    seen = np.isfinite(data)
    flat = np.where(seen, np.clip(data, -CLIPPED, CLIPPED), 0.0)
    data = data - smooth(flat, seen, SURROUNDINGS * fwhm / sides(pixel))
    found = np.zeros(data.shape, bool)
    for angle in np.pi * np.arange(DIRECTIONS) / DIRECTIONS:
        kernel = strip(STRIP * fwhm, fwhm, angle, pixel)
        limit = with_noise(STRIP_LIMIT, noise, kernel)
        for side in (data, -data):
            over = half_exceeds(side, limit, kernel, STRIP_SEEN)
            if over.any():
                half = strip(STRIP * fwhm / 2.0, fwhm, angle, pixel) > 0
                found |= ndimage.binary_dilation(over, half)
    return found


def half_exceeds(data, limit, kernel, minimum):
    """Find where half of the observed pixels under a kernel exceed a limit.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
        Map; NaN where nothing was observed.
    limit : float or ndarray, shape (ny, nx)
        Limit.
    kernel : ndarray of float32
        Ones and zeros, symmetric.
    minimum : float
        Minimum fraction of the kernel that was observed.

    Returns
    -------
    ndarray of bool, shape (ny, nx)
    """
    seen = np.isfinite(data)
    above = np.where(seen, data, -np.inf) > limit
    if np.count_nonzero(above) < 0.5 * minimum * kernel.sum():
        return np.zeros(data.shape, bool)
    number, total = (
        signal.oaconvolve(image.astype(np.float32), kernel, mode="same")
        for image in (above, seen)
    )
    return (number >= 0.5 * total - 0.01) & (total >= minimum * kernel.sum() - 0.01)


def with_noise(limit, noise, kernel):
    """Raise a limit by what white noise adds to the median under a kernel."""
    error = MEDIAN_ERROR * noise / np.sqrt(kernel.sum())
    return float(np.hypot(limit, NOISE_SIGMA * error))


def disc(diameter, pixel):
    """Make a kernel of the pixels whose centres lie in a disc [arcsec]."""
    east, north = offsets(diameter / 2.0, pixel)
    return (np.hypot(east, north) <= diameter / 2.0).astype(np.float32)


def strip(length, width, angle, pixel):
    """Make a kernel of the pixels whose centres lie in a strip [arcsec, rad]."""
    east, north = offsets(np.hypot(length, width) / 2.0, pixel)
    along = east * np.cos(angle) + north * np.sin(angle)
    across = north * np.cos(angle) - east * np.sin(angle)
    inside = (np.abs(along) <= length / 2.0) & (np.abs(across) <= width / 2.0)
    return inside.astype(np.float32)


def offsets(reach, pixel):
    """Give the offsets of the pixels of a square kernel from its centre [arcsec].

    Parameters
    ----------
    reach : float
        How far the kernel reaches at least [arcsec].
    pixel : ndarray, shape (2, 2)
        Sides of the pixels.

    Returns
    -------
    ndarray, shape (2, n, n)
        To the east and north.
    """
    n = int(np.ceil(reach / np.linalg.svd(pixel, compute_uv=False).min()))
    y, x = np.mgrid[-n : n + 1, -n : n + 1]
    return np.einsum("ij,jkl->ikl", pixel, np.stack([x, y]))


def sides(pixel):
    """Lengths of the sides of a pixel along y and x [arcsec], shape (2,)."""
    return np.linalg.norm(pixel, axis=0)[::-1]
