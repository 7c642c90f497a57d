"""Noise of a super-resolved map, and the errors of the fluxes measured on it."""

from itertools import product

import numpy as np

from superspire.instruments import BANDS, TARGET
from superspire.maps.background import background
from superspire.photometry.sources import height_rms

SAMPLE = 2000
"""Side of the part that the noise of a map is taken from [pixel]."""

NOISE_RADIUS = 60
"""Half the side of the box in which the local noise is measured [pixel]."""

SCATTER_SOURCES = 20
"""Minimum number of matched sources from which a flux error is taken."""

SCATTER_BINS = 10
"""Most bins of flux in which it is."""

ONE_SIGMA = 0.683


def best_observed(image, side=SAMPLE):
    """Find the square of a map with the most observed pixels, in the middle if equal.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Map; NaN where nothing was observed.
    side : int
        Side of the square [pixel]; of the map where this is smaller.

    Returns
    -------
    tuple of slice
    """
    ranges = []
    for length in image.shape:
        last = max(0, length - side)
        starts = {last // 2, last, *range(0, last, side // 2)}
        ranges.append(sorted(starts, key=lambda start: abs(start - last / 2)))
    squares = [(slice(y, y + side), slice(x, x + side)) for y, x in product(*ranges)]
    return max(squares, key=lambda square: np.isfinite(image[square]).sum())


def extraction_noise(image, threshold, min_flux):
    """Measure level and noise of a map that `extract_sources` takes its S/N from.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Map [mJy/beam]; NaN where nothing was observed.
    threshold : float
        Minimum signal-to-noise ratio of a source.
    min_flux : float
        Minimum fitted height of a source [mJy/beam].

    Returns
    -------
    level : float
        Clipped median of the best observed part [mJy/beam].
    noise : float
        Clipped scatter of the heights fitted there, at least `min_flux` /
        `threshold` [mJy/beam].
    """
    part = np.asarray(image[best_observed(image)], dtype=float)
    observed = np.isfinite(part)
    level = background(part)[0] if observed.any() else 0.0
    flat = np.where(observed, part - level, 0.0)
    rms = height_rms(flat, BANDS[TARGET].fwhm, observed)
    return level, max(rms, min_flux / threshold)


def local_rms(image, x, y):
    """Measure the noise around positions: the scaled median absolute deviation.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Map [mJy/beam].
    x, y : ndarray, shape (n,)
        Positions [pixel].

    Returns
    -------
    ndarray, shape (n,)
        In a box of 121 x 121 pixels [mJy/beam].
    """
    rms = np.empty(len(x))
    corners = np.round(np.column_stack([x, y])).astype(int) - NOISE_RADIUS
    for i, (x0, y0) in enumerate(corners):
        side = 2 * NOISE_RADIUS + 1
        box = image[max(y0, 0) : y0 + side, max(x0, 0) : x0 + side]
        rms[i] = 1.4826 * np.nanmedian(np.abs(box - np.nanmedian(box)))
    return rms


def flux_errors(flux, rms, scatter=None):
    """Estimate the standard errors of the fluxes.

    The rms of a network's output says nothing about the flux that the network has
    put in the wrong position, so on its own it is a lower limit. With `scatter`, the
    fractional scatter of recovered against true fluxes on independent sky,
    interpolated in log flux, is added in quadrature: this is the error to use.

    Parameters
    ----------
    flux : ndarray, shape (n,)
        Fluxes [mJy].
    rms : ndarray, shape (n,)
        Local noise [mJy/beam], that of a peak.
    scatter : tuple of (array_like, array_like), optional
        Flux [mJy], increasing, and fractional scatter.

    Returns
    -------
    ndarray, shape (n,)
        [mJy].
    """
    if scatter is None:
        return rms
    known, fraction = (np.asarray(values, float) for values in scatter)
    bright = np.maximum(flux, known[0])
    return np.hypot(rms, np.interp(np.log(bright), np.log(known), fraction) * bright)


def measured_scatter(flux, flux_sr, per_bin=SCATTER_SOURCES):
    """Measure how far recovered fluxes lie from the truth, as a function of flux.

    In bins of equal numbers of sources, ordered by recovered flux: the fraction
    |true / recovered - 1| that holds for 68.3 % of them, bias included.

    Parameters
    ----------
    flux, flux_sr : array_like, shape (n,)
        True and recovered flux of matched sources [mJy], on sky that the network was
        not trained on.
    per_bin : int
        Minimum number of sources in a bin.

    Returns
    -------
    tuple of (ndarray, ndarray) or None
        Median recovered flux [mJy] and scatter of each bin, for `flux_errors`; None
        with fewer sources than one bin takes.
    """
    flux, flux_sr = (np.asarray(values, float) for values in (flux, flux_sr))
    known = flux_sr > 0
    order = np.argsort(flux_sr[known], kind="stable")
    if len(order) < per_bin:
        return None
    parts = np.array_split(order, max(1, min(SCATTER_BINS, len(order) // per_bin)))
    flux, flux_sr = flux[known], flux_sr[known]
    share = [np.quantile(np.abs(flux[p] / flux_sr[p] - 1), ONE_SIGMA) for p in parts]
    return np.array([np.median(flux_sr[p]) for p in parts]), np.array(share)
