"""Sources as the network lists them."""

import numpy as np
import pandas as pd
from scipy.ndimage import maximum_filter
from scipy.spatial import cKDTree
from scipy.special import expit

from superspire.deblender.architecture import unpack
from superspire.deblender.grid import CELL, FINE, to_pixels

WINDOW = 3
"""Side of the square of fine cells in which a source is the most probable."""

LEAST_HEAT = 0.03
"""Least answer of the detection head that is taken for a source."""

SAME = 4.0
"""Distance below which two answers are one source [arcsec]."""


def super_resolved(outputs):
    """Put the map of the answer together.

    Parameters
    ----------
    outputs : ndarray, shape (ny, nx, OUTPUTS)
        Answer of the network.

    Returns
    -------
    image : ndarray, shape (4 ny, 4 nx)
        450 µm surface brightness [mJy/beam], in pixels of 1 arcsec.
    sigma : ndarray, shape (ny, nx)
        Its standard error in each cell of 4 arcsec [mJy/beam].
    """
    told = unpack(outputs)
    return to_pixels(told.image, CELL), np.exp(told.log_sigma)


def list_sources(outputs, least=LEAST_HEAT):
    """List the sources of a field: local maxima of the detection head.

    Parameters
    ----------
    outputs : ndarray, shape (ny, nx, OUTPUTS)
        Answer of the network.
    least : float
        Least height of such a maximum.

    Returns
    -------
    pandas.DataFrame
        ``x``, ``y`` [pixel of 1 arcsec]; ``heat``, the height, between zero and one;
        ``flux`` [mJy], ``log_error``, the standard error of its logarithm;
        ``distance``, the standard error of the place along each axis [arcsec];
        ``peak``, of the super-resolved map there [mJy/beam]; the most certain first.
    """
    told = unpack(outputs)
    heat = to_pixels(expit(told.logit), CELL // FINE)
    row, column = np.nonzero((heat == maximum_filter(heat, WINDOW)) & (heat >= least))

    def there(head):
        return to_pixels(head, CELL // FINE)[row, column].astype(float)

    image = to_pixels(told.image, CELL)
    x = FINE * column + 0.5 + there(told.dx)
    y = FINE * row + 0.5 + there(told.dy)
    table = pd.DataFrame(
        {
            "x": x,
            "y": y,
            "heat": heat[row, column].astype(float),
            "flux": np.exp(there(told.log_flux)),
            "log_error": np.exp(there(told.log_error)),
            "distance": np.exp(there(told.log_distance)),
            "peak": highest(image, x, y),
        }
    )
    table = table.sort_values("heat", ascending=False, kind="stable")
    return drop_doubles(table.reset_index(drop=True))


def highest(image, x, y, reach=2):
    """Find the largest value within some pixels of places."""
    wide = maximum_filter(image, 2 * reach + 1)
    ny, nx = image.shape
    column = np.clip(np.round(x).astype(int), 0, nx - 1)
    row = np.clip(np.round(y).astype(int), 0, ny - 1)
    return wide[row, column].astype(float)


def drop_doubles(table):
    """Keep the most certain of answers that mean the same source."""
    if len(table) < 2:
        return table
    pairs = cKDTree(table[["x", "y"]]).query_pairs(SAME, output_type="ndarray")
    pairs = np.sort(pairs, axis=1)
    dropped = np.zeros(len(table), bool)
    for first, second in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]:
        if not dropped[first]:
            dropped[second] = True
    return table[~dropped].reset_index(drop=True)
