"""Richardson-Lucy deconvolution (Richardson 1972, Lucy 1974), then local maxima."""

import numpy as np
from astropy.table import Table
from scipy.ndimage import gaussian_filter
from skimage.restoration import richardson_lucy

from superspire.instruments import FWHM_PER_SIGMA
from superspire.maps.background import background
from superspire.maps.grid import STEP, coarse_grid, resample
from superspire.maps.positions import pixel_size
from superspire.methods.beams import square_profile
from superspire.methods.peaks import local_maxima

ITERATIONS = 100

REACH = 2.5
"""Radius of the point-spread function [FWHM]."""

REFERENCE = 20.0
"""Source at 450 µm that states how high deconvolved peaks are [mJy]."""

SMOOTHING = 4.0
"""FWHM to which the deconvolved map is smoothed, or else single pixels stick out
[arcsec]."""


def deconvolve(image, spread, level, iterations=ITERATIONS):
    """Deconvolve a map that may be negative.

    The map is raised to be positive and mirrored at its edges.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Finite map [mJy/beam].
    spread : ndarray, shape (n, n)
        Point-spread function of odd side [beam⁻¹].
    level : float
        What is added before and taken away afterwards [mJy/beam].
    iterations : int
        Number of iterations.

    Returns
    -------
    ndarray, shape (ny, nx)
        Deconvolved map [mJy/beam].
    """
    border = min(spread.shape[0], *image.shape)
    raised = np.pad(np.asarray(image, np.float32) + level, border, mode="symmetric")
    top = raised.max()
    kernel = (spread / spread.sum()).astype(np.float32)
    sharp = richardson_lucy(raised / top, kernel, num_iter=iterations, clip=False)
    return sharp[border:-border, border:-border] * top - level


def smooth(sharp, step=STEP):
    """Smooth a deconvolved map a little."""
    return gaussian_filter(sharp, SMOOTHING / FWHM_PER_SIGMA / step, mode="reflect")


def peak_response(spread, flux, level, iterations=ITERATIONS):
    """Measure how high a lone source stands in the smoothed, deconvolved map.

    Parameters
    ----------
    spread : ndarray, shape (n, n)
        Point-spread function of odd side [beam⁻¹].
    flux : float
        Flux of the source [mJy].
    level : float
        See `deconvolve`.
    iterations : int
        Number of iterations.

    Returns
    -------
    float
        Height over flux [beam⁻¹].
    """
    image = np.pad(flux * spread, spread.shape[0] // 2)
    return float(smooth(deconvolve(image, spread, level, iterations)).max() / flux)


def find_deconvolved(map_, beam, colour, least_snr, iterations=ITERATIONS):
    """Find the local maxima of a deconvolved map.

    The height of a lone source of 20 mJy gives the flux scale.

    Parameters
    ----------
    map_ : superspire.io.Map
        Native map [mJy/beam].
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        Its beam.
    colour : float
        Mean flux of the sources in this band over that at 450 µm.
    least_snr : float
        Minimum ratio of a maximum above the median and the clipped scatter of the
        smoothed, deconvolved map.
    iterations : int
        Number of iterations.

    Returns
    -------
    astropy.table.Table
        ``ra``, ``dec`` [deg], ``flux`` at 450 µm [mJy], ``snr``.
    """
    wcs, shape = coarse_grid({0: map_})
    image, observed = resample(map_, wcs, shape)
    spread = square_profile(beam, pixel_size(map_), STEP, REACH * beam.fwhm)
    level = 1.0 - min(float(image.min()), 0.0)
    sharp = smooth(deconvolve(image, spread, level, iterations))
    median, noise = background(np.where(observed, sharp, np.nan))
    x, y, height = local_maxima(sharp - median, least_snr * noise, ~observed)
    response = peak_response(spread, colour * REFERENCE, level, iterations)
    ra, dec = wcs.all_pix2world(x, y, 0) if len(x) else (x, y)
    flux = height / response / colour
    return Table({"ra": ra, "dec": dec, "flux": flux, "snr": height / noise})
