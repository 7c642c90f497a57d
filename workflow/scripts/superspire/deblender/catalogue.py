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
    unpack_offset,
)
from superspire.deblender.inputs import FLUX_BANDS
from superspire.instruments import TARGET
from superspire.maps.cells import CELL, FINE, cell_index, to_pixels

WINDOW = 3
"""Side of the square of fine cells in which a source is the most probable."""

MIN_SCORE = 0.03
"""Minimum answer of the detection head that is taken for a source."""

RADIUS = 4.0
"""Maximum distance of a source from its true one [arcsec]."""

SAME = 4.0
"""Distance below which two answers are one source [arcsec]."""

SHARE = 3.0
"""Standard deviation of what a maximum adds to the score around it [arcsec]. It gives
the largest F1 on the sky on which trainings are validated."""

SHARE_REACH = 9.0
"""Distance to which that counts [arcsec]."""

BESIDE = 0.65
"""Factor on the score of what is beside a maximum: with it, sources of one score are
real as often as maxima are, each true source counted once."""

BRIGHTEST = 30.0
"""450 µm flux of maxima from which on nothing is listed beside them [mJy]: of a source
that is unlike the model the network makes several, and pairs so bright are rare."""

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


def list_sources(outputs, minimum=MIN_SCORE, beside=False):
    """List the sources of a field.

    Sources are the local maxima of the detection head, and, if wanted, what is beside a
    maximum without being one: cells that locate a source within themselves. Of these
    the score is (s - c) / (1 - c), times `BESIDE`, if c is what the maxima around it
    add there: the labels are the larger of two smeared positions, each there by chance.

    Parameters
    ----------
    outputs : ndarray, shape (ny, nx, OUTPUTS)
        Answer of the network.
    minimum : float
        Minimum score.
    beside : bool
        List what is beside maxima.

    Returns
    -------
    pandas.DataFrame
        ``x``, ``y`` [pixel of 1 arcsec]; ``score``, between zero and one;
        ``flux_250`` and so on, in each of `FLUX_BANDS` [mJy], and ``log_error_250`` and
        so on, the standard errors of their logarithms;
        ``pos_err``, the standard error of the position along each axis [arcsec];
        ``peak``, of the super-resolved map there [mJy/beam]; the most certain first.
    """
    part = list_part(outputs, (0, len(outputs)), 0, minimum, beside)
    return join_parts([part], minimum)


def join_parts(parts, minimum=MIN_SCORE):
    """Put what all rows list together: each source once, the most certain first.

    Parameters
    ----------
    parts : sequence of pandas.DataFrame
        What `list_part` gives, rows in order.
    minimum : float
        See `list_sources`.

    Returns
    -------
    pandas.DataFrame
        See `list_sources`.
    """
    table = pd.concat(parts, ignore_index=True)
    maxima = table["maximum"].to_numpy(bool)
    table, beside = (
        part.drop(columns="maximum") for part in (table[maxima], table[~maxima])
    )
    table = certain_first(table)
    beside = without_maxima(beside, table)
    beside = beside[beside["score"] >= minimum]
    return certain_first(pd.concat([table, beside])) if len(beside) else table


def certain_first(table):
    """Sort sources by their score, and drop the doubles."""
    table = table.sort_values("score", ascending=False, kind="stable")
    return drop_doubles(table.reset_index(drop=True))


def without_maxima(beside, maxima):
    """Take what maxima add to the score of cells beside them away from it.

    Parameters
    ----------
    beside, maxima : pandas.DataFrame
        Sources as `list_sources` lists them.

    Returns
    -------
    pandas.DataFrame
        Those of `beside` that are no double of a maximum and not beside one brighter
        than `BRIGHTEST`, with their own score.
    """
    if not len(beside) or not len(maxima):
        return beside
    pairs = cKDTree(beside[["x", "y"]]).sparse_distance_matrix(
        cKDTree(maxima[["x", "y"]]), SHARE_REACH, output_type="ndarray"
    )
    share = np.exp(-0.5 * (pairs["v"] / SHARE) ** 2)
    absent = np.log1p(-share * maxima["score"].to_numpy()[pairs["j"]])
    rest = np.exp(np.bincount(pairs["i"], absent, len(beside)))
    own = beside.assign(score=BESIDE * (1.0 - (1.0 - beside["score"]) / rest))
    bright = maxima[f"flux_{TARGET}"].to_numpy()[pairs["j"]] > BRIGHTEST
    dropped = bright | (pairs["v"] < SAME)
    return own[np.bincount(pairs["i"], dropped, len(beside)) == 0]


class StripLister:
    """List the sources of a field whose answer comes strip by strip.

    Maxima are looked for as soon as the rows around them are known, so that the result
    is that of `list_sources` for the whole field.

    Parameters
    ----------
    columns : int
        Columns of the field [cell].
    minimum, beside
        See `list_sources`.
    """

    def __init__(self, columns, minimum=MIN_SCORE, beside=False):
        self.rows = np.zeros((0, columns, OUTPUTS), np.float32)
        self.first = self.listed = 0
        self.minimum, self.beside, self.parts = minimum, beside, []

    def add(self, outputs):
        """Take the next rows of the answer, (n, nx, OUTPUTS)."""
        self.rows = np.concatenate([self.rows, outputs])
        self.list_until(self.first + len(self.rows) - HALO)

    def list_until(self, last):
        """List what lies before a row, and discard rows that matter no more."""
        if last <= self.listed:
            return
        wanted, how = (self.listed, last), (self.minimum, self.beside)
        self.parts.append(list_part(self.rows, wanted, self.first, *how))
        self.listed = last
        spent = max(last - HALO - self.first, 0)
        self.rows, self.first = self.rows[spent:].copy(), self.first + spent

    def sources(self):
        """All sources, once the last rows were added; see `list_sources`."""
        self.list_until(self.first + len(self.rows))
        return join_parts(self.parts, self.minimum)


def list_part(outputs, wanted, first=0, minimum=MIN_SCORE, beside=False):
    """List the maxima of the detection head, and what is beside them, in some rows.

    Parameters
    ----------
    outputs : ndarray, shape (n, nx, OUTPUTS)
        Answer of the network, `HALO` more rows than are wanted at each side, but at the
        border of the field.
    wanted : (int, int)
        First row and the one after the last, counted in the field.
    first : int
        Row of the field that `outputs` begins with.
    minimum, beside
        See `list_sources`.

    Returns
    -------
    pandas.DataFrame
        The columns of `list_sources`, positions counted in the field, row by row, and
        ``maximum``, whether the score is a local maximum.
    """
    step = CELL // FINE
    logit = to_pixels(unpack_logit(outputs), step)
    maximum = logit == maximum_filter(logit, WINDOW)
    row, column = np.nonzero((logit >= log_odds(minimum)) & (maximum | beside))
    begin, end = ((edge - first) * step for edge in wanted)
    maximum = maximum[row, column]
    index = cell_index(row, column, step)
    offset = [each[index] for each in unpack_offset(outputs)]
    inside = np.abs(offset).max(axis=0, initial=0.0) <= 0.5 * FINE
    kept = maximum | inside
    kept &= (row >= begin) & (row < end)
    row, column, maximum = (a[kept] for a in (row, column, maximum))
    up, right, number = cell_index(row, column, step)
    prediction = unpack(outputs[up, right])

    def there(head):
        return head[np.arange(len(row)), number].astype(float)

    x = FINE * column + 0.5 + there(prediction.dx)
    y = FINE * row + 0.5 + there(prediction.dy)
    peak = highest(unpack_map(outputs)[0], x, y)
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
            "maximum": maximum,
        }
    )


def highest(cells, x, y, reach=2):
    """Find the maximum within some pixels of positions; cells as for `to_pixels`."""
    ny, nx = (CELL * side for side in cells.shape[:2])
    step = np.arange(-reach, reach + 1)
    column = np.clip(np.round(x).astype(int), 0, nx - 1)[:, None, None] + step
    row = np.clip(np.round(y).astype(int), 0, ny - 1)[:, None, None] + step[:, None]
    row, column = np.clip(row, 0, ny - 1), np.clip(column, 0, nx - 1)
    around = cells[cell_index(row, column, CELL)]
    return around.max(axis=(1, 2)).astype(float)


def drop_doubles(table):
    """Keep the most certain of answers that mean the same source."""
    if len(table) < 2:
        return table
    pairs = cKDTree(table[["x", "y"]]).query_pairs(SAME, output_type="ndarray")
    pairs = np.sort(pairs, axis=1)
    dropped = np.zeros(len(table), bool)
    while len(pairs):
        doubtful = np.zeros(len(table), bool)
        doubtful[pairs[:, 1]] = True
        dropped[pairs[~doubtful[pairs[:, 0]], 1]] = True
        pairs = pairs[~dropped[pairs].any(axis=1)]
    return table[~dropped].reset_index(drop=True)
