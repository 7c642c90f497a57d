"""Maps on a common grid, without loss of what the beams pass."""

import numpy as np
from scipy import fft
from scipy.ndimage import map_coordinates

from superspire.maps.interpolation import pixel_positions
from superspire.maps.positions import resampled
from superspire.maps.tiling import common_grid, observed_at

STEP = 3.0
"""Pixel of the common grid [arcsec]."""

OVERSAMPLING = 4
"""Fourier interpolation that leaves next to nothing for the spline to smooth."""

BORDER = 16
"""Reflected border, faded to the mean at its ends, that keeps the Fourier interpolation
from wrapping around [pixel]."""


def coarse_grid(maps, step=STEP):
    """Lay out a TAN grid of the sky that all maps cover, north up.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        One map per band.
    step : float
        Side of a pixel [arcsec].

    Returns
    -------
    wcs : astropy.wcs.WCS
    shape : (int, int)
        (ny, nx).

    Raises
    ------
    InputError
        If no sky is covered by all bands.
    """
    wcs, shape = common_grid(maps, {band: f"map {band}" for band in maps})
    return resampled(wcs, step), tuple(max(1, int(side // step)) for side in shape)


def oversample(image, factor=OVERSAMPLING, border=BORDER):
    """Interpolate a map in Fourier space.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Finite map.
    factor : int
        New pixels per pixel.
    border : int
        Reflected border that is kept around the map [old pixel].

    Returns
    -------
    ndarray of float32
        Pixel (i, j) of the map is at ((i + border) factor, (j + border) factor).
    """
    padded = np.pad(np.asarray(image, np.float32), border, mode="symmetric")
    extra = [fft.next_fast_len(n, real=True) - n for n in padded.shape]
    padded = np.pad(padded, [(0, n) for n in extra], mode="symmetric")
    level = np.float32(np.mean(image))
    flanks = zip(padded.shape, extra, strict=True)
    window = np.outer(*(taper(size, border, border + more) for size, more in flanks))
    padded = level + (padded - level) * window
    ny, nx = padded.shape
    spectrum = fft.rfft2(padded)
    wide = np.zeros((factor * ny, factor * nx // 2 + 1), spectrum.dtype)
    half = (ny + 1) // 2
    wide[:half, : spectrum.shape[1]] = spectrum[:half]
    wide[-(ny - half) :, : spectrum.shape[1]] = spectrum[half:]
    fine = fft.irfft2(wide, (factor * ny, factor * nx))
    return fine * np.float32(factor**2)


def taper(size, rise, fall):
    """Make a window with cosine flanks, which is zero at both ends."""
    window = np.ones(size, np.float32)
    for part, length in ((slice(None, rise), rise), (slice(None, -fall - 1, -1), fall)):
        window[part] = np.sin(0.5 * np.pi * (np.arange(length) + 0.5) / length) ** 2
    return window


def resample(map_, wcs, shape):
    """Bring a map to another grid: Fourier interpolation, then a cubic spline.

    Below the native Nyquist frequency the transfer function is within 0.1 % of one,
    so that the beam stays what it is; linear interpolation would widen it.

    Parameters
    ----------
    map_ : superspire.io.Map
        The map [mJy/beam].
    wcs : astropy.wcs.WCS
        The new grid.
    shape : (int, int)
        Its shape (ny, nx).

    Returns
    -------
    image : ndarray of float32, shape (ny, nx)
        The map [mJy/beam]; zero where nothing was observed.
    observed : ndarray of bool, shape (ny, nx)
        Where the nearest native pixel was observed.
    """
    x, y = pixel_positions(map_.wcs, wcs, shape)
    observed = observed_at(
        map_.data, np.nan_to_num(x, nan=-9), np.nan_to_num(y, nan=-9)
    )
    data = np.where(np.isfinite(map_.data), map_.data, 0.0)
    fine = oversample(data)
    image = map_coordinates(
        fine,
        [(y + BORDER) * OVERSAMPLING, (x + BORDER) * OVERSAMPLING],
        output=np.float32,
        order=3,
        mode="nearest",
    )
    image[~observed] = 0.0
    return image, observed
