"""Sources as the network lists them."""

import numpy as np
import pandas as pd
from scipy.ndimage import maximum_filter
from scipy.spatial import cKDTree
from scipy.special import expit
from scipy.special import logit as log_odds

from superspire.deblender.architecture import (
    OUTPUTS,
    unpack,
    unpack_logit,
    unpack_map,
)
from superspire.deblender.inputs import FLUX_BANDS
from superspire.maps.cells import CELL, FINE, to_pixels

WINDOW = 3
"""Side of the square of fine cells in which a source is the most probable."""

MIN_SCORE = 0.03
"""Minimum answer of the detection head that is taken for a source."""

RADIUS = 4.0
"""Maximum distance of a source from its true one [arcsec]."""

SAME = 4.0
"""Distance below which two answers are one source [arcsec]."""

HALO = 4
"""Rows around a maximum that its position and its peak can reach [cell]."""


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
    image, log_sigma = unpack_map(outputs)
    return to_pixels(image, CELL), np.exp(log_sigma)


def list_sources(outputs, minimum=MIN_SCORE):
    """List the sources of a field: local maxima of the detection head.

    Parameters
    ----------
    outputs : ndarray, shape (ny, nx, OUTPUTS)
        Answer of the network.
    minimum : float
        Minimum height of such a maximum.

    Returns
    -------
    pandas.DataFrame
        ``x``, ``y`` [pixel of 1 arcsec]; ``score``, the height, between zero and one;
        ``flux_250`` and so on, in each of `FLUX_BANDS` [mJy], and ``log_error_250`` and
        so on, the standard errors of their logarithms;
        ``pos_err``, the standard error of the position along each axis [arcsec];
        ``peak``, of the super-resolved map there [mJy/beam]; the most certain first.
    """
    return join_maxima([list_maxima(outputs, (0, len(outputs)), 0, minimum)])


def join_maxima(parts):
    """Put maxima of all rows together: each source once, the most certain first.

    Parameters
    ----------
    parts : sequence of pandas.DataFrame
        What `list_maxima` gives, rows in order.

    Returns
    -------
    pandas.DataFrame
        See `list_sources`.
    """
    table = pd.concat(parts, ignore_index=True)
    table = table.sort_values("score", ascending=False, kind="stable")
    return drop_doubles(table.reset_index(drop=True))


class StripLister:
    """List the sources of a field whose answer comes strip by strip.

    Maxima are looked for as soon as the rows around them are known, so that the result
    is that of `list_sources` for the whole field.

    Parameters
    ----------
    columns : int
        Columns of the field [cell].
    minimum : float
        See `list_sources`.
    """

    def __init__(self, columns, minimum=MIN_SCORE):
        self.rows = np.zeros((0, columns, OUTPUTS), np.float32)
        self.first = self.listed = 0
        self.minimum, self.parts = minimum, []

    def add(self, outputs):
        """Take the next rows of the answer, (n, nx, OUTPUTS)."""
        self.rows = np.concatenate([self.rows, outputs])
        self.list_until(self.first + len(self.rows) - HALO)

    def list_until(self, last):
        """List what lies before a row, and discard rows that matter no more."""
        if last <= self.listed:
            return
        wanted = self.listed, last
        self.parts.append(list_maxima(self.rows, wanted, self.first, self.minimum))
        self.listed = last
        spent = max(last - HALO - self.first, 0)
        self.rows, self.first = self.rows[spent:].copy(), self.first + spent

    def sources(self):
        """All sources, once the last rows were added; see `list_sources`."""
        self.list_until(self.first + len(self.rows))
        return join_maxima(self.parts)


def list_maxima(outputs, wanted, first=0, minimum=MIN_SCORE):
    """List the local maxima of the detection head in some rows.

    Parameters
    ----------
    outputs : ndarray, shape (n, nx, OUTPUTS)
        Answer of the network, `HALO` more rows than are wanted at each side, but at the
        border of the field.
    wanted : (int, int)
        First row and the one after the last, counted in the field.
    first : int
        Row of the field that `outputs` begins with.
    minimum : float
        Minimum height of a maximum.

    Returns
    -------
    pandas.DataFrame
        The columns of `list_sources`, positions counted in the field, row by row.
    """
    logit = to_pixels(unpack_logit(outputs), CELL // FINE)
    row, column = np.nonzero(
        (logit == maximum_filter(logit, WINDOW)) & (logit >= log_odds(minimum))
    )
    begin, end = ((edge - first) * CELL // FINE for edge in wanted)
    own = (row >= begin) & (row < end)
    row, column = row[own], column[own]
    (cell_row, up), (cell_column, right) = (
        np.divmod(fine, CELL // FINE) for fine in (row, column)
    )
    prediction = unpack(outputs[cell_row, cell_column])

    def there(head):
        return head[np.arange(len(row)), up * (CELL // FINE) + right].astype(float)

    x = FINE * column + 0.5 + there(prediction.dx)
    y = FINE * row + 0.5 + there(prediction.dy)
    peak = highest(to_pixels(unpack_map(outputs)[0], CELL), x, y)
    return pd.DataFrame(
        {
            "x": x,
            "y": y + CELL * first,
            "score": expit(there(prediction.logit)),
            **{
                f"{name}_{band}": np.exp(there(head[..., i]))
                for name, head in (
                    ("flux", prediction.log_flux),
                    ("log_error", prediction.log_error),
                )
                for i, band in enumerate(FLUX_BANDS)
            },
            "pos_err": np.exp(there(prediction.log_pos_err)),
            "peak": peak,
        }
    )


def highest(image, x, y, reach=2):
    """Find the maximum value within some pixels of positions."""
    ny, nx = image.shape
    step = np.arange(-reach, reach + 1)
    column = np.clip(np.round(x).astype(int), 0, nx - 1)[:, None, None] + step
    row = np.clip(np.round(y).astype(int), 0, ny - 1)[:, None, None] + step[:, None]
    around = image[np.clip(row, 0, ny - 1), np.clip(column, 0, nx - 1)]
    return around.max(axis=(1, 2)).astype(float)


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
