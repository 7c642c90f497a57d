"""Flags of super-resolved sources: blended, or beyond what the network has learnt."""

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from superspire.instruments import APERTURE_RADIUS, FWHM_PER_SIGMA, PIXEL
from superspire.maps.positions import pixels_of

BLEND_RADIUS = 2.0 * APERTURE_RADIUS / PIXEL
"""Separation below which the circles of two sources overlap [pixel]."""

BEAM_REACH = 2.0
"""Maximum distance of sources that share a beam [FWHM]."""

MAX_FRACTION = 0.9
"""Fraction of the network's output range above which a flux is flagged."""

MAX_REACH = 2
"""Distance from a source, along each axis, at which its top is looked for [pixel]."""


def blended(x, y, radius=BLEND_RADIUS):
    """Find which sources have another one within a radius.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Positions [pixel].
    radius : float
        Maximum separation [pixel].

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    if len(x) < 2:
        return np.zeros(len(x), bool)
    points = np.column_stack([x, y])
    return cKDTree(points).query(points, k=2)[0][:, 1] < radius


def blend_fraction(x, y, flux, fwhm):
    """Measure which fraction of the flux under the beam at sources is not their own.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Positions [arcsec].
    flux : ndarray, shape (n,)
        Fluxes, positive.
    fwhm : float
        FWHM of the Gaussian beam [arcsec].

    Returns
    -------
    ndarray, shape (n,)
        1 - S_i / sum_j S_j exp(-r_ij² / 2 sigma²), with sources within `BEAM_REACH`
        FWHM.
    """
    if len(x) == 0:
        return np.zeros(0)
    tree = cKDTree(np.column_stack([x, y]))
    pairs = tree.query_pairs(BEAM_REACH * fwhm, output_type="ndarray")
    total = np.array(flux, float)
    i, j = pairs.T
    distance2 = (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2
    beam = np.exp(-0.5 * distance2 / (fwhm / FWHM_PER_SIGMA) ** 2)
    np.add.at(total, i, flux[j] * beam)
    np.add.at(total, j, flux[i] * beam)
    return 1.0 - flux / total


def near_top(image, x, y, top):
    """Report where the network's output comes near the top of its range.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Output of the network [mJy/beam].
    x, y : ndarray, shape (n,)
        Positions [pixel].
    top : float
        Maximum value that the network can give [mJy/beam].

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    steps = np.arange(-MAX_REACH, MAX_REACH + 1)
    ny, nx = image.shape
    rows = np.clip(np.round(y).astype(int)[:, None] + steps, 0, ny - 1)
    columns = np.clip(np.round(x).astype(int)[:, None] + steps, 0, nx - 1)
    around = image[rows[:, :, None], columns[:, None, :]]
    return np.nan_to_num(around).max(axis=(1, 2)) > MAX_FRACTION * top


def exceeds(map_, ra, dec, high):
    """Report at which sky positions a map is brighter than a limit.

    Parameters
    ----------
    map_ : superspire.io.Map
        Map [mJy/beam].
    ra, dec : ndarray, shape (n,)
        Positions [deg].
    high : float
        Limit [mJy/beam].

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    if len(ra) == 0:
        return np.zeros(0, bool)
    x, y = np.nan_to_num(pixels_of(map_.wcs, ra, dec), nan=-9.0)
    values = map_coordinates(np.nan_to_num(map_.data), [y, x], order=1, cval=0.0)
    return values > high


def on_mask(mask, ra, dec):
    """Find which sky positions lie on pixels of a mask that are set.

    Parameters
    ----------
    mask : superspire.io.Map
        Bits.
    ra, dec : ndarray, shape (n,)
        Positions [deg].

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    if len(ra) == 0:
        return np.zeros(0, bool)
    x, y = np.nan_to_num(pixels_of(mask.wcs, ra, dec), nan=-9.0)
    return map_coordinates(mask.data, [y, x], order=0, cval=0) > 0
