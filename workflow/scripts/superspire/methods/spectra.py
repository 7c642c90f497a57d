"""Power spectra of instrument noise and of confusion."""

import numpy as np
from scipy import fft

OUTER = 0.9
"""Fraction of the Nyquist frequency above which a map holds instrument noise alone."""

MIN_NOISE = 0.01
"""Noise that every map is taken to have [mJy/beam]."""

PART = 1024
"""Side of the part of a map that its noise is measured on [pixel]."""


def wavenumbers(shape, step):
    """Give |k| of every coefficient of `scipy.fft.rfft2`.

    Parameters
    ----------
    shape : (int, int)
        Shape of the map.
    step : float
        Side of a pixel [arcsec].

    Returns
    -------
    ndarray of float32, shape (ny, nx // 2 + 1)
        [cycles/arcsec].
    """
    ky, kx = fft.fftfreq(shape[0], step), fft.rfftfreq(shape[1], step)
    return np.hypot(ky[:, None], kx).astype(np.float32)


def white_noise(image):
    """Measure the white noise of a map where its beam passes nothing.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Map in native pixels, a third of the beam or less [mJy/beam]; NaN where
        nothing was observed.

    Returns
    -------
    float
        Noise per pixel [mJy/beam], at least `MIN_NOISE`.
    """
    low = [max(0, (n - PART) // 2) for n in image.shape]
    part = np.asarray(image[low[0] : low[0] + PART, low[1] : low[1] + PART], float)
    observed = np.isfinite(part)
    if not observed.any():
        return MIN_NOISE
    taper = np.outer(*(np.hanning(n + 2)[1:-1] for n in part.shape)) * observed
    flat = np.where(observed, part - np.mean(part[observed]), 0.0)
    power = np.abs(fft.rfft2(flat * taper)) ** 2 / np.sum(taper**2)
    outer = wavenumbers(part.shape, 1.0) >= 0.5 * OUTER
    return float(max(np.sqrt(np.mean(power[outer])), MIN_NOISE))


def noise_spectra(response, confusion, noise, pixel):
    """Add up confusion, as the beams see it, and white noise.

    C_ij(k) = b_i(k) b_j(k) P_ij + delta_ij sigma_i² a_i, with the Poisson power P of
    the sources and pixels of area a (Chapin et al. 2011, appendix A, for one band).

    Parameters
    ----------
    response : ndarray, shape (m, n)
        Transfer functions of n bands [arcsec²].
    confusion : ndarray, shape (n, n)
        Power of the sources [mJy² arcsec⁻²].
    noise : array_like, shape (n,)
        White noise per pixel [mJy/beam].
    pixel : array_like, shape (n,)
        Sides of the pixels [arcsec].

    Returns
    -------
    ndarray, shape (m, n, n)
        [(mJy/beam)² arcsec²].
    """
    power = response[:, :, None] * response[:, None, :] * np.asarray(confusion)
    return power + np.diag((np.asarray(noise) * np.asarray(pixel)) ** 2)
