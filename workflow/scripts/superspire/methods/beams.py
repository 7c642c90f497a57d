"""What a pixel of a map sees of a point source, in Fourier and in real space."""

import numpy as np
from scipy.special import j0

ANGLES = np.linspace(0.0, np.pi / 4, 8)
"""Directions over which the window of a square pixel is averaged [rad]."""

SAMPLES = 600
"""Wavenumbers and radii at which beams are tabulated."""


def response(beam, pixel, k):
    """Fourier transform of a beam integrated over square pixels, averaged over angle.

    Parameters
    ----------
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        The beam.
    pixel : float
        Side of a native pixel [arcsec].
    k : ndarray, shape (n,)
        Wavenumbers [cycles/arcsec].

    Returns
    -------
    ndarray, shape (n,)
        [arcsec²].
    """
    k, zero = np.asarray(k, float), np.zeros(1)
    north = beam.transfer(k, zero)[:, 0]
    west = beam.transfer(zero, k)[0]
    across, along = (np.outer(f(ANGLES), k * pixel) for f in (np.cos, np.sin))
    window = np.mean(np.sinc(across) * np.sinc(along), axis=0)
    return 0.5 * (north + west).real.astype(float) * window


def radial_table(beam, pixel, reach, power=1):
    """Tabulate the radial profile of a beam integrated over square pixels.

    The inverse Hankel transform of `response`, up to twice the Nyquist frequency of
    the pixels, beyond which no beam here passes anything.

    Parameters
    ----------
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        The beam.
    pixel : float
        Side of a native pixel [arcsec].
    reach : float
        Maximum radius [arcsec].
    power : int
        2 for the autocorrelation of the profile.

    Returns
    -------
    radius : ndarray, shape (m,)
        From zero to `reach` [arcsec].
    value : ndarray, shape (m,)
        [beam⁻¹], or [arcsec² beam⁻²] for the autocorrelation.
    """
    k = (np.arange(SAMPLES) + 0.5) / SAMPLES / pixel
    weight = response(beam, pixel, k) ** power * 2.0 * np.pi * k / (SAMPLES * pixel)
    radius = np.linspace(0.0, reach, SAMPLES)
    return radius, j0(2.0 * np.pi * np.outer(radius, k)) @ weight


def profile(beam, pixel, radius):
    """Give the profile of a beam integrated over square pixels at any radii.

    Parameters
    ----------
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        The beam.
    pixel : float
        Side of a native pixel [arcsec].
    radius : array_like
        Distance of the pixel's centre from the source [arcsec].

    Returns
    -------
    ndarray
        Of the shape of `radius` [beam⁻¹].
    """
    radius = np.asarray(radius, float)
    return np.interp(radius, *radial_table(beam, pixel, max(radius.max(), pixel)))


def square_profile(beam, pixel, step, reach):
    """Sample the profile on a square grid with the source in its centre pixel.

    Parameters
    ----------
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        The beam.
    pixel, step : float
        Side of a native pixel and of a pixel of the grid [arcsec].
    reach : float
        Half the side of the square [arcsec].

    Returns
    -------
    ndarray, shape (n, n)
        n is odd [beam⁻¹].
    """
    half = int(np.ceil(reach / step))
    offset = np.arange(-half, half + 1) * step
    return profile(beam, pixel, np.hypot(offset[:, None], offset))
