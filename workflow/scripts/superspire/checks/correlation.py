"""Correlations of maps of different beams, pixels and gaps, with jackknife errors."""

import numpy as np
from astropy.nddata import block_reduce
from scipy import fft, ndimage

from superspire.instruments import BANDS, FWHM_PER_SIGMA
from superspire.io import Map
from superspire.maps.interpolation import pixel_positions
from superspire.maps.positions import pixel_sides, pixel_size, resampled
from superspire.maps.tiling import common_grid

HIGH_PASS = 3.0
"""Width of the background that is taken away, in widths of the common beam."""

CLIP = 5.0
"""Robust standard deviations at which maps are clipped: no source decides alone."""

SPLITS = 3
"""Jackknife blocks along each side of a field."""

MIN_BEAMS = 100
"""Minimum common sky [common beams]."""

MIN_FRACTION = 0.05
"""Pairs of pixels at a lag, relative to no lag, below which it is not used."""


def effective_sigma(map_, band, fwhm=None):
    """Compute the standard deviation of the beam integrated over a pixel [arcsec]."""
    width = (fwhm or {}).get(band, BANDS[band].fwhm) / FWHM_PER_SIGMA
    return float(np.hypot(width, pixel_size(map_) / np.sqrt(12.0)))


def common_images(maps, kernels, total, step, names=None):
    """Smooth maps, subtract their background and bring them to one grid.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Maps [mJy/beam].
    kernels : dict of int to float
        Standard deviation of the Gaussian of unit area that each is smoothed with
        [arcsec].
    total : float
        Standard deviation of the common beam [arcsec]; the background is the map
        smoothed with three times that besides.
    step : int
        Side of the pixels of the grid [arcsec].
    names : dict of int to str, optional
        Names of the maps for messages.

    Returns
    -------
    images : dict of int to ndarray, shape (ny, nx)
        North up, east to the left [mJy/beam of its own].
    observed : dict of int to ndarray of bool, shape (ny, nx)
        Where each was observed.
    """
    names = {band: f"map at {band} µm" for band in maps} if names is None else names
    wcs, shape = common_grid(maps, names)
    wcs, shape = resampled(wcs, step), tuple(max(1, n // step) for n in shape)
    images, observed = {}, {}
    for band, map_ in maps.items():
        images[band], observed[band] = resample(
            map_, kernels[band], HIGH_PASS * total, wcs, shape
        )
    return images, observed


def resample(map_, sigma, high_pass, wcs, shape):
    """Smooth a map, subtract its background and interpolate it by cubic splines.

    The splines shift no source; linear interpolation shifts those of a beam sampled
    2.5 times by up to 0.5 arcsec. Small pixels are averaged before they are smoothed.

    Parameters
    ----------
    map_ : superspire.io.Map
        Map [mJy/beam].
    sigma : float
        Standard deviation of the smoothing Gaussian [arcsec].
    high_pass : float
        That of the Gaussian that the background is smoothed with besides [arcsec].
    wcs : astropy.wcs.WCS
        The grid.
    shape : (int, int)
        Its shape.

    Returns
    -------
    image : ndarray, shape `shape`
        [mJy/beam].
    observed : ndarray of bool, shape `shape`
    """
    factor = max(1, int(sigma / (2.0 * pixel_sides(map_).max())))
    if factor > 1 and min(map_.data.shape) > factor:
        map_ = coarsen(map_, factor)
    pixel = pixel_sides(map_)[::-1]
    seen = np.isfinite(map_.data)
    centre = np.median(map_.data[seen]) if seen.any() else 0.0
    flat = np.where(seen, map_.data - centre, 0.0).astype(np.float32)
    narrow, wide = (
        smooth(flat, seen, s / pixel) for s in (sigma, np.hypot(sigma, high_pass))
    )
    x, y = pixel_positions(map_.wcs, wcs, shape)
    settings = {"mode": "constant", "output": np.float32}
    x, y = np.nan_to_num(x, nan=-1e6), np.nan_to_num(y, nan=-1e6)
    image = ndimage.map_coordinates(narrow - wide, [y, x], order=3, **settings)
    fraction = ndimage.map_coordinates(
        seen.astype(np.float32), [y, x], order=1, **settings
    )
    return image, fraction > 0.5


def coarsen(map_, factor):
    """Average squares of pixels; NaN where none of them was observed."""
    seen = np.isfinite(map_.data)
    count = block_reduce(seen.astype(np.float32), factor, np.sum)
    total = block_reduce(np.where(seen, map_.data, 0.0), factor, np.sum)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return Map(mean.astype(np.float32), resampled(map_.wcs.celestial, factor))


def smooth(flat, seen, sigma):
    """Smooth an image with a Gaussian, by the mean of the observed pixels alone.

    Parameters
    ----------
    flat : ndarray, shape (ny, nx)
        Image, zero where nothing was observed.
    seen : ndarray of bool, shape (ny, nx)
        Where it was.
    sigma : sequence of float
        Standard deviations along y and x [pixel].

    Returns
    -------
    ndarray, shape (ny, nx)
    """
    weight = ndimage.gaussian_filter(seen.astype(np.float32), sigma, mode="constant")
    image = ndimage.gaussian_filter(flat, sigma, mode="constant")
    return image / np.maximum(weight, 1e-6)


def standardise(image, good):
    """Centre an image, clip it at five robust standard deviations, give it unit rms.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Any unit.
    good : ndarray of bool, shape (ny, nx)
        Observed pixels.

    Returns
    -------
    ndarray of float32, shape (ny, nx)
        Zero at other pixels.
    """
    clipped = clip(image, good)
    rms = np.sqrt(np.mean(clipped[good] ** 2))
    return (clipped / rms if rms > 0 else clipped).astype(np.float32)


def clip(image, good):
    """Centre an image, clip it, and set all but the good pixels to zero."""
    values = image[good]
    centre = np.median(values)
    limit = CLIP * 1.4826 * np.median(np.abs(values - centre))
    clipped = np.clip(image - centre, -limit, limit)
    return np.where(good, clipped - clipped[good].mean(), 0.0)


def blocks(good):
    """Divide the observed pixels into nine blocks of equal area.

    Parameters
    ----------
    good : ndarray of bool, shape (ny, nx)
        Observed pixels.

    Returns
    -------
    ndarray of int, shape (ny, nx)
        Number of the block; -1 at other pixels.
    """
    y, x = np.nonzero(good)
    levels = np.arange(1, SPLITS) / SPLITS
    column = np.searchsorted(np.quantile(x, levels), x)
    numbers = np.empty(len(x), int)
    for i in range(SPLITS):
        mine = column == i
        if mine.any():
            row = np.searchsorted(np.quantile(y[mine], levels), y[mine])
            numbers[mine] = i * SPLITS + row
    labels = np.full(good.shape, -1)
    labels[y, x] = numbers
    return labels


def lagged_products(one, two, good, labels, reach):
    """Sum the products of two images at every lag, for each block of the first.

    Parameters
    ----------
    one, two : ndarray, shape (ny, nx)
        Images, zero at pixels that are not good.
    good : ndarray of bool, shape (ny, nx)
        Observed pixels of the second image.
    labels : ndarray of int, shape (ny, nx)
        Blocks of the first image, see `blocks`.
    reach : int
        Maximum lag [pixel].

    Returns
    -------
    products : ndarray, shape (9, 2 reach + 1, 2 reach + 1)
        Sum of one(x) two(x + lag), lags from -reach, along y and x.
    pairs : ndarray, same shape
        Number of pairs of observed pixels.
    """
    size = [fft.next_fast_len(n + reach, real=True) for n in one.shape]
    window = np.arange(-reach, reach + 1)

    def spectrum(image):
        return fft.rfft2(image.astype(np.float32), size)

    def products(first, second):
        lagged = fft.irfft2(np.conj(first) * second, size)
        return lagged[np.ix_(window, window)]

    spectra = spectrum(two), spectrum(good)
    sums = []
    for i in range(SPLITS**2):
        inside = labels == i
        sums.append(
            (
                products(spectrum(np.where(inside, one, 0.0)), spectra[0]),
                products(spectrum(inside), spectra[1]),
            )
        )
    return tuple(np.array(each) for each in zip(*sums, strict=True))


def normalise(products, pairs):
    """Divide sums of products by the number of pairs, where there are enough."""
    return products / np.maximum(pairs, MIN_FRACTION * pairs.max())


def leave_one_out(products, pairs):
    """Yield the sums over all blocks but one."""
    for p, n in zip(products, pairs, strict=True):
        yield products.sum(axis=0) - p, pairs.sum(axis=0) - n


def jackknife_error(estimates):
    """Compute the standard error from delete-one-block estimates.

    Parameters
    ----------
    estimates : ndarray, shape (n, ...)
        Estimates without each block in turn.

    Returns
    -------
    ndarray, shape (...)
    """
    n = len(estimates)
    return np.sqrt((n - 1) * np.var(estimates, axis=0))
