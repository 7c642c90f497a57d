"""Mean image of many sources, its radial profile and its width (Fig. 6)."""

import numpy as np
import pandas as pd
from scipy.ndimage import map_coordinates
from scipy.optimize import curve_fit

from superspire.instruments import FWHM_PER_SIGMA, PIXEL

HALF = 30
"""Half of the side of a stack [pixel]."""

MARGIN = 8
"""Border that keeps the splines from feeling the cut [pixel]."""

BLANK = 20
"""Radius beyond which a stack shows its noise [pixel]."""


def stack(images, cutouts, cutout, x, y, half=HALF):
    """Average the surroundings of sources, centred to a fraction of a pixel.

    Parameters
    ----------
    images : array_like, shape (n, ny, nx)
        Maps [mJy/beam].
    cutouts : array_like of int, shape (n,)
        Number of the cutout that each map shows.
    cutout : array_like of int, shape (m,)
        Number of the cutout of each source.
    x, y : array_like, shape (m,)
        Positions [pixel]; sources nearer to an edge than `half` are left out.
    half : int
        Half of the side of the stack [pixel].

    Returns
    -------
    image : ndarray, shape (2 half + 1, 2 half + 1)
        Mean [mJy/beam]; NaN without sources.
    n : int
        Number of sources.
    """
    cutout, x, y = (np.asarray(a) for a in (cutout, x, y))
    ny, nx = np.shape(images)[1:]
    inside = (x >= half) & (x <= nx - 1 - half) & (y >= half) & (y <= ny - 1 - half)
    total, n = np.zeros((2 * half + 1, 2 * half + 1)), 0
    for number, image in zip(cutouts, images, strict=True):
        for i in np.flatnonzero(inside & (cutout == number)):
            total += centred(image, x[i], y[i], half)
            n += 1
    return (total / n if n else np.full(total.shape, np.nan)), n


def centred(image, x, y, half=HALF):
    """Interpolate the surroundings of a position with cubic splines.

    Parameters
    ----------
    image : array_like, shape (ny, nx)
        Map.
    x, y : float
        Position [pixel].
    half : int
        Half of the side of the result [pixel].

    Returns
    -------
    ndarray, shape (2 half + 1, 2 half + 1)
    """
    column, row = max(int(x) - half - MARGIN, 0), max(int(y) - half - MARGIN, 0)
    side = 2 * (half + MARGIN) + 1
    part = np.asarray(image[row : row + side, column : column + side], dtype=float)
    grid = np.mgrid[-half : half + 1, -half : half + 1]
    at = [grid[0] + y - row, grid[1] + x - column]
    return map_coordinates(part, at, mode="nearest")


def radial_profile(image, width=1.0):
    """Average an image in rings about its centre.

    Parameters
    ----------
    image : ndarray, shape (2 half + 1, 2 half + 1)
        A stack.
    width : float
        Width of the rings [pixel].

    Returns
    -------
    radius, profile : ndarray, shape (n,)
        Mean radius of the pixels of each ring [arcsec] and mean of the image there.
    """
    half = image.shape[0] // 2
    dy, dx = np.mgrid[-half : half + 1, -half : half + 1]
    distance = np.hypot(dx, dy)
    inside = distance <= half
    ring = np.round(distance[inside] / width).astype(int)
    count = np.bincount(ring)
    radius = np.bincount(ring, distance[inside]) / count
    return radius * PIXEL, np.bincount(ring, image[inside]) / count


def fit_width(image, reach=15):
    """Fit a round Gaussian on a constant level to a stack.

    Parameters
    ----------
    image : ndarray, shape (2 half + 1, 2 half + 1)
        A stack [mJy/beam].
    reach : int
        Half of the side of the fitted square [pixel].

    Returns
    -------
    fwhm : float
        Full width at half maximum [arcsec]; NaN if the fit fails.
    peak, level : float
        Height above the level, and the level [mJy/beam].
    """
    half = image.shape[0] // 2
    part = image[half - reach : half + reach + 1, half - reach : half + reach + 1]
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    squared = (dx**2 + dy**2).ravel().astype(float)

    def gaussian(r2, sigma, peak, level):
        return peak * np.exp(-0.5 * r2 / sigma**2) + level

    if not np.isfinite(part).all():
        return np.nan, np.nan, np.nan
    start = (3.5, part[reach, reach] - np.median(part), np.median(part))
    try:
        best, _ = curve_fit(gaussian, squared, part.ravel(), start)
    except RuntimeError:
        return np.nan, np.nan, np.nan
    return abs(best[0]) * FWHM_PER_SIGMA * PIXEL, best[1], best[2]


def stack_groups(images, cutouts, sources, n_groups=8):
    """Stack sources in groups of neighbouring right ascension.

    Parameters
    ----------
    images : array_like, shape (n, ny, nx)
        Maps [mJy/beam].
    cutouts : array_like of int, shape (n,)
        Number of the cutout that each map shows.
    sources : mapping
        Columns ``cutout``, ``x``, ``y`` [pixel] and ``ra`` [deg].
    n_groups : int
        Number of groups: sources seen in several overlapping cutouts fall into one.

    Returns
    -------
    stacks : ndarray, shape (n_groups, 2 HALF + 1, 2 HALF + 1)
        Mean of each group [mJy/beam], zero where a group is empty.
    counts : ndarray of int, shape (n_groups,)
        Sources in each group.
    """
    order = np.argsort(np.asarray(sources["ra"]), kind="stable")
    stacks = np.zeros((n_groups, 2 * HALF + 1, 2 * HALF + 1))
    counts = np.zeros(n_groups, dtype=int)
    for i, rows in enumerate(np.array_split(order, n_groups)):
        where = (np.asarray(sources[name])[rows] for name in ("cutout", "x", "y"))
        image, counts[i] = stack(images, cutouts, *where)
        stacks[i] = np.nan_to_num(image)
    return stacks, counts


def combine_groups(stacks, counts):
    """Join the stacks of groups, and find the width with its jackknife error.

    Parameters
    ----------
    stacks : ndarray, shape (n_groups, ny, nx)
        Mean of each group [mJy/beam].
    counts : ndarray of int, shape (n_groups,)
        Sources in each group.

    Returns
    -------
    image : ndarray, shape (ny, nx)
        Mean of all sources [mJy/beam]; NaN without any.
    record : dict
        ``n``, ``fwhm``, ``fwhm_error`` [arcsec], ``peak`` [mJy/beam] and ``noise``, the
        scatter of the pixels beyond 20 arcsec [mJy/beam].
    """
    n = int(counts.sum())
    if n == 0:
        names = ("fwhm", "fwhm_error", "peak", "noise")
        empty = {"n": 0} | dict.fromkeys(names, np.nan)
        return np.full(stacks.shape[1:], np.nan), empty
    image = np.tensordot(counts, stacks, 1) / n
    fwhm, peak, _ = fit_width(image)
    error = jackknife([fit_width(part)[0] for part in without_each(stacks, counts)])
    half = image.shape[0] // 2
    blank = np.hypot(*np.mgrid[-half : half + 1, -half : half + 1]) > BLANK
    return image, {
        "n": n,
        "fwhm": fwhm,
        "fwhm_error": float(error),
        "peak": peak,
        "noise": float(np.std(image[blank])),
    }


def without_each(stacks, counts):
    """Yield the mean of all sources but those of each group in turn [mJy/beam]."""
    total, n = np.tensordot(counts, stacks, 1), counts.sum()
    for stack_, count in zip(stacks, counts, strict=True):
        if 0 < count < n:
            yield (total - count * stack_) / (n - count)


def jackknife(values):
    """Give the standard error of a statistic from its values without each group.

    Parameters
    ----------
    values : sequence of float or ndarray, length g
        The statistic of all groups but one.

    Returns
    -------
    float or ndarray
        ((g - 1) var)^0.5, the variance being the mean square; NaN for g < 2.
    """
    if len(values) < 2:
        return np.full(np.shape(values[0]) if len(values) else (), np.nan)
    return np.sqrt((len(values) - 1) * np.var(values, axis=0))


def stacked_profile(stacks, counts):
    """Average a stack in rings, with the jackknife errors over its groups.

    Parameters
    ----------
    stacks, counts
        See `combine_groups`.

    Returns
    -------
    pandas.DataFrame
        ``radius`` [arcsec]; ``brightness`` and its ``error`` [mJy/beam];
        ``normalised``, the brightness over that of the centre, and its
        ``normalised_error``.
    """
    image, _ = combine_groups(stacks, counts)
    radius, value = radial_profile(image)
    parts = np.array([radial_profile(p)[1] for p in without_each(stacks, counts)])
    parts = parts.reshape(-1, len(radius))
    return pd.DataFrame(
        {
            "radius": radius,
            "brightness": value,
            "error": jackknife(parts) * np.ones(len(radius)),
            "normalised": value / value[0],
            "normalised_error": jackknife(parts / parts[:, :1]) * np.ones(len(radius)),
        }
    )
