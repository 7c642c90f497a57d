"""Offsets of the recovered from the true positions (Fig. 5)."""

import numpy as np

from superspire.instruments import PIXEL

LEVELS = (0.68, 0.95, 0.99)


def offsets(dx, dy):
    """Turn differences of pixel positions into separations and position angles.

    Parameters
    ----------
    dx, dy : array_like, shape (n,)
        Recovered minus true position [pixel]; x grows to the West, y to the North.

    Returns
    -------
    separation : ndarray, shape (n,)
        Separation [arcsec].
    angle : ndarray, shape (n,)
        Position angle, "degrees anti-clockwise from West", 0 to 360: North, up in an
        image, is 90, East, left, is 180.
    """
    separation = np.hypot(dx, dy) * PIXEL
    return separation, np.degrees(np.arctan2(dy, dx)) % 360.0


def weighted_quantile(values, weights, levels):
    """Take quantiles of weighted values, linear between their midpoints.

    Parameters
    ----------
    values, weights : array_like, shape (n,)
        Values and their weights.
    levels : sequence of float
        Quantiles, 0 to 1.

    Returns
    -------
    ndarray, shape (len(levels),)
        NaN without values.
    """
    values, weights = (np.asarray(a, dtype=float) for a in (values, weights))
    if len(values) == 0:
        return np.full(len(levels), np.nan)
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    centre = np.cumsum(weights) - 0.5 * weights
    return np.interp(levels, centre / weights.sum(), values)


def containment_radii(separation, weights, levels=LEVELS):
    """Find the radii that hold 68, 95 and 99 % of the offsets.

    Parameters
    ----------
    separation, weights : array_like, shape (n,)
        Separations [arcsec] and weights.
    levels : sequence of float
        Shares.

    Returns
    -------
    ndarray
        Radii [arcsec].
    """
    return weighted_quantile(separation, weights, levels)
