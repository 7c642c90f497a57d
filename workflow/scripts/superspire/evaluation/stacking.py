"""Mean image of many sources, its radial profile and its width (Fig. 6)."""

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.optimize import curve_fit

from superspire.instruments import FWHM_PER_SIGMA, PIXEL

HALF = 30
"""Half of the side of a stack [pixel]."""

MARGIN = 8
"""Rim that keeps the splines from feeling the cut [pixel]."""


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
        ``n``, ``fwhm``, ``fwhm_error`` [arcsec] and ``peak`` [mJy/beam].
    """
    n = int(counts.sum())
    if n == 0:
        empty = {"n": 0, "fwhm": np.nan, "fwhm_error": np.nan, "peak": np.nan}
        return np.full(stacks.shape[1:], np.nan), empty
    image = np.tensordot(counts, stacks, 1) / n
    fwhm, peak, _ = fit_width(image)
    used = np.flatnonzero(counts)
    without = [
        fit_width((image * n - counts[i] * stacks[i]) / (n - counts[i]))[0]
        for i in used
        if n > counts[i]
    ]
    error = np.nan
    if len(without) > 1:
        error = np.sqrt((len(without) - 1) * np.var(without))
    return image, {"n": n, "fwhm": fwhm, "fwhm_error": error, "peak": peak}
