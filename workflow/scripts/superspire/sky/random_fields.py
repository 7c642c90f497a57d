"""Isotropic Gaussian random fields of any power spectrum, without periodicity."""

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

CELL = 6.0
"""Side of the cells on which fields are drawn [arcsec]."""


@dataclass(frozen=True)
class RandomField:
    """A random field on a grid twice as large as the sky field that it is meant for.

    Attributes
    ----------
    coefficients : ndarray of float32, shape (n, n)
        Of the cubic splines between the values in the cells.
    cell : float
        Side of a cell [arcsec].
    """

    coefficients: np.ndarray
    cell: float

    def rows(self, first, stop, n, pixel):
        """Interpolate the field to rows of a map around its centre.

        Parameters
        ----------
        first, stop : int
            First row and the row after the last one.
        n : int
            Rows and columns of the whole map.
        pixel : float
            Side of the map's pixels [arcsec].

        Returns
        -------
        ndarray of float32, shape (stop - first, n)
        """
        step = pixel / self.cell
        corner = 0.5 * (len(self.coefficients) - 1) - 0.5 * (n - 1) * step
        return ndimage.affine_transform(
            self.coefficients,
            [step, step],
            [corner + first * step, corner],
            (stop - first, n),
            np.float32,
            mode="grid-wrap",
            prefilter=False,
        )


def wavenumbers(side, cell=CELL):
    """List the spatial frequencies of a periodic grid twice as large as a field.

    Parameters
    ----------
    side : float
        Side of the field [arcsec].
    cell : float
        Side of a cell [arcsec].

    Returns
    -------
    ky : ndarray, shape (n,)
    kx : ndarray, shape (n // 2 + 1,)
        Frequencies of the modes of a real field [cycles/arcsec].
    """
    n = fft.next_fast_len(max(8, int(np.ceil(2.0 * side / cell))), real=True)
    return fft.fftfreq(n, cell), fft.rfftfreq(n, cell)


def power_on(power, ky, kx):
    """Evaluate an isotropic power spectrum, with nothing at frequency zero.

    Parameters
    ----------
    power : callable
        Of the spatial frequency [cycles/arcsec], an ndarray.
    ky, kx : ndarray, shape (m,) and (n,)
        Spatial frequencies; the first of each is zero.

    Returns
    -------
    ndarray of float32, shape (m, n)
    """
    k = np.hypot(ky[:, None].astype(np.float32), kx.astype(np.float32))
    k[0, 0] = 1.0
    spectrum = power(k)
    spectrum[0, 0] = 0.0
    return spectrum


def random_field(power, side, rng, cell=CELL, transfer=None):
    """Draw a Gaussian random field.

    Its modes are those of the doubled grid, from 1 / (2 side) to 1 / (2 cell); its
    variance is the sum of P(k) over them, divided by the area of the grid.

    Parameters
    ----------
    power : callable
        Power spectrum P(k) [unit² arcsec²] of the spatial frequency [cycles/arcsec]:
        white noise of standard deviation s in pixels of side p has P = s² p².
    side : float
        Side of the square sky field [arcsec].
    rng : numpy.random.Generator
        Source of the draws, whose number depends on `side` and `cell` alone.
    cell : float
        Side of the cells [arcsec].
    transfer : callable, optional
        Of ky, kx [cycles/arcsec]: what the field is multiplied with in Fourier space.

    Returns
    -------
    RandomField
    """
    ky, kx = wavenumbers(side, cell)
    n = len(ky)
    spectrum = fft.rfft2(rng.standard_normal((n, n), np.float32), workers=-1)
    spectrum *= np.sqrt(power_on(power, ky, kx)) / np.float32(cell)
    if transfer is not None:
        spectrum *= transfer(ky, kx)
    field = fft.irfft2(spectrum, (n, n), workers=-1)
    coefficients = ndimage.spline_filter(field, 3, np.float32, mode="grid-wrap")
    return RandomField(coefficients, cell)


def variance_inside(power, side, cell=CELL):
    """Compute the expected variance of a random field inside the sky field.

    About the mean inside the sky field a mode has P(k) (1 - |W(k)|²), where W is the
    Fourier transform of the square, normalised to W(0) = 1.

    Parameters
    ----------
    power : callable
        As in `random_field`.
    side : float
        Side of the square sky field [arcsec].
    cell : float
        Side of the cells [arcsec].

    Returns
    -------
    float
        Variance [unit²].
    """
    ky, kx = wavenumbers(side, cell)
    seen = np.outer(np.sinc(ky * side) ** 2, np.sinc(kx * side) ** 2)
    modes = power_on(power, ky, kx) * (1.0 - seen)
    twice = np.full(len(kx), 2.0)
    twice[0] = 1.0
    if len(ky) % 2 == 0:
        twice[-1] = 1.0
    return float((modes.sum(axis=0, dtype=float) @ twice) / (len(ky) * cell) ** 2)
