"""Depth of a map: the standard error of the flux of a point source."""

import warnings

import numpy as np
from astropy.nddata import block_reduce
from scipy import ndimage

from superspire.errors import InputError
from superspire.instruments import BANDS, FWHM_PER_SIGMA
from superspire.io import Map
from superspire.maps.positions import pixel_sides

LOCAL = 120.0
"""Side of the squares whose medians are the background [arcsec]."""

EXTENT = 4.0
"""Standard deviations of the beam at which it is cut off."""

MIN_OBSERVED = 0.5
"""Minimum observed fraction of the sum of the squared beam around a position."""

MIN_BEAMS = 100
"""Minimum observed sky [beam areas]."""

BELOW = 0.1587
"""Quantile one standard deviation below the median of a normal distribution."""


FAINT_SOURCES = {24: 0.0050}
"""What the sources that are not far above the noise add to a depth [mJy]: on mock sky
of the model 0.0046 to 0.0058 for depths of 0.005 to 0.08 mJy."""

MIN_FRACTION = 1.0 / 3.0
"""Minimum depth after `FAINT_SOURCES` is subtracted, over that before."""


def measure_depth(map_, band, error=None, sources=True):
    """Measure the standard error of the flux of an isolated point source.

    At every pixel the flux of a source with the Gaussian beam of the band is fitted,
    which is a convolution: sum(b m) / sum(b²) for the map m and the beam b of unit
    peak. The depth is the distance of the 16th percentile of these fluxes from their
    median. Sources lie above the median, so that few of them count. Noise may be
    correlated.

    Faint sources shift the median, which adds 0.005 mJy to the depth of a map at 24 µm,
    however deep it is (`FAINT_SOURCES`); this is subtracted. On the sky of the model
    depths of 0.01 to 0.08 mJy are then right to 5 %, of 0.005 mJy to 20 %.

    Parameters
    ----------
    map_ : superspire.io.Map
        Map [mJy/beam]; NaN where nothing was observed.
    band : int
        Key of `superspire.instruments.BANDS` [µm].
    error : ndarray, shape (ny, nx), optional
        Error map, of which only the relative variation counts; the depth is then that
        where the error is its median.
    sources : bool
        Whether the map shows sources, and not noise alone.

    Returns
    -------
    float
        [mJy].

    Raises
    ------
    InputError
        If less than 100 beam areas were observed.
    """
    flux, seen = fitted_fluxes(map_, band)
    if has_errors(error):
        relative = relative_error(error)
        seen &= np.isfinite(relative)
        flux = flux / relative
    beam = 2.0 * np.pi * (BANDS[band].sigma) ** 2
    if seen.sum() * np.prod(pixel_sides(map_)) < MIN_BEAMS * beam:
        raise InputError(
            f"map at {band} µm: expected at least {MIN_BEAMS} beam areas of observed "
            f"sky to measure its depth, found {seen.sum()} pixels"
        )
    low, median = np.quantile(flux[seen], [BELOW, 0.5])
    depth = float(median - low)
    faint = FAINT_SOURCES.get(band, 0.0) if sources else 0.0
    return max(depth - faint, MIN_FRACTION * depth)


def fitted_fluxes(map_, band):
    """Fit the flux of a point source at every pixel of a map.

    Parameters
    ----------
    map_ : superspire.io.Map
        Map [mJy/beam]; NaN where nothing was observed.
    band : int
        Wavelength [µm].

    Returns
    -------
    flux : ndarray of float32, shape (ny, nx)
        [mJy].
    seen : ndarray of bool, shape (ny, nx)
        Observed pixels most of whose surroundings were observed.
    """
    sides = pixel_sides(map_)
    seen = np.isfinite(map_.data)
    flat = np.where(seen, map_.data - local_background(map_.data, sides), 0.0)
    flat, weight = flat.astype(np.float32), seen.astype(np.float32)
    whole = 1.0
    for axis, side in zip((1, 0), sides, strict=True):
        beam = sampled_beam(BANDS[band].fwhm / side)
        flat = ndimage.convolve1d(flat, beam, axis, mode="constant")
        weight = ndimage.convolve1d(weight, beam**2, axis, mode="constant")
        whole *= np.sum(beam**2)
    seen &= weight > MIN_OBSERVED * whole
    return flat / np.where(seen, weight, 1.0), seen


def sampled_beam(fwhm):
    """Sample a Gaussian of unit peak at the pixels of one axis; `fwhm` in pixels."""
    sigma = fwhm / FWHM_PER_SIGMA
    half = int(np.ceil(EXTENT * sigma))
    return np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2)


def local_background(data, sides):
    """Interpolate the medians of a map in squares of two arcminutes.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
        Map; NaN where nothing was observed.
    sides : ndarray, shape (2,)
        Sides of a pixel along x and y [arcsec].

    Returns
    -------
    ndarray, shape (ny, nx)
    """
    blocks = [
        max(1, min(int(LOCAL / side), n))
        for side, n in zip(sides[::-1], data.shape, strict=True)
    ]
    shape = [-(-n // block) for n, block in zip(data.shape, blocks, strict=True)]
    margins = [
        (0, count * block - n)
        for count, block, n in zip(shape, blocks, data.shape, strict=True)
    ]
    padded = np.pad(data, margins, constant_values=np.nan)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        coarse = block_reduce(padded, tuple(blocks), func=np.nanmedian)
    known = np.isfinite(coarse)
    coarse = np.where(known, coarse, np.median(coarse[known]) if known.any() else 0.0)
    fine = ndimage.zoom(coarse, blocks, order=1, mode="nearest", grid_mode=True)
    return fine[: data.shape[0], : data.shape[1]]


def has_errors(error):
    """Decide whether there is an error map with an error in it."""
    return error is not None and bool((np.isfinite(error) & (error > 0)).any())


def relative_error(error):
    """Divide an error map by its median; NaN where there is no error."""
    known = np.isfinite(error) & (error > 0)
    return np.where(known, error, np.nan) / np.median(error[known])


def depth_map(level, map_, error=None):
    """Give the depth of a map as networks are told it.

    Parameters
    ----------
    level : float
        What `measure_depth` found [mJy].
    map_ : superspire.io.Map
        The map.
    error : ndarray, shape (ny, nx), or None
        Its error map.

    Returns
    -------
    float or superspire.io.Map
        [mJy]; a map, with the shape of the error map, if there is one.
    """
    if not has_errors(error):
        return level
    return Map((level * relative_error(error)).astype(np.float32), map_.wcs)
