"""The network applied to maps of any size, tile by tile."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from superspire.deblender.architecture import MULTIPLE, OUTPUTS
from superspire.maps.tiling import Tiling, overlap, tile_weights

MAX_TILE = 512
"""Maximum side of a tile [cell]."""

OVERLAP = 48
"""Minimum overlap of neighbouring tiles [cell]."""

MARGIN = 16
"""Border of a tile whose answer is not used where another tile is [cell]."""

STRIP = 128
"""Most rows of the answer that are handed over at a time [cell]."""


def tiling_of(shape):
    """Choose tiles for a field: as few as fit in memory, and no larger than needed.

    Parameters
    ----------
    shape : (int, int)
        Shape of the field [cell].

    Returns
    -------
    superspire.maps.tiling.Tiling
    """
    side = max(shape) + 2 * MARGIN
    if side > MAX_TILE:
        tiles = np.ceil((side - OVERLAP) / (MAX_TILE - OVERLAP))
        side = (side - OVERLAP) / tiles + OVERLAP
    side = int(np.ceil(side / MULTIPLE)) * MULTIPLE
    return Tiling(side, OVERLAP, MARGIN, MULTIPLE)


def predict_strips(model, read, shape, show=None):
    """Ask the network about a field of any size, strip by strip.

    The next row of tiles is asked for while the strips of a row are made use of; both
    are in memory.

    Parameters
    ----------
    model : keras.Model
        From `superspire.deblender.architecture.build_deblender`, of any size.
    read : callable
        From a slice of rows to the input there, float32 (n, nx, channels) on cells of
        4 arcsec, see `superspire.deblender.inputs`; beyond the field nothing is taken
        to be observed.
    shape : (int, int)
        Shape of the field (ny, nx) [cell].
    show : callable, optional
        Called with the number of tiles done and the number of all.

    Yields
    ------
    first : int
        First row of the strip; strips follow one another.
    outputs : ndarray of float32, shape (n, nx, OUTPUTS)
        See `superspire.deblender.architecture.unpack`.
    """
    ny, nx = shape
    tiling = tiling_of(shape)
    rows, columns = (list(zip(*tile_weights(n, tiling), strict=True)) for n in shape)
    positions = [overlap(y0, ny, tiling.side) for y0, _ in rows]
    done = itertools.count(1)

    def answer_row(number):
        (up, tile_up), (_, weight_y) = positions[number], rows[number]
        cells = read(up)
        outputs = np.zeros((up.stop - up.start, nx, OUTPUTS), np.float32)
        for x0, weight_x in columns:
            right, tile_right = overlap(x0, nx, tiling.side)
            tile = np.zeros((1, tiling.side, tiling.side, cells.shape[-1]), np.float32)
            tile[0, tile_up, tile_right] = cells[:, right]
            given = model.predict_on_batch(tile)[0, tile_up, tile_right]
            weight = np.outer(weight_y[tile_up], weight_x[tile_right])
            outputs[:, right] += weight[..., None] * given
            if show:
                show(next(done), len(rows) * len(columns))
        return outputs

    tops = [up.start for up, _ in positions]
    rest = np.zeros((0, nx, OUTPUTS), np.float32)
    with ThreadPoolExecutor(1) as worker:
        ahead = worker.submit(answer_row, 0)
        for number, (top, following) in enumerate(itertools.pairwise([*tops, ny])):
            outputs = ahead.result()
            if number + 1 < len(rows):
                ahead = worker.submit(answer_row, number + 1)
            outputs[: len(rest)] += rest
            for first in range(top, following, STRIP):
                last = min(first + STRIP, following)
                yield first, outputs[first - top : last - top]
            rest = outputs[following - top :].copy()


def predict(model, cells, show=None):
    """Ask the network about a whole field at once; see `predict_strips`.

    Parameters
    ----------
    model, show
        See `predict_strips`.
    cells : ndarray of float32, shape (ny, nx, channels)
        Input on the cells of the field.

    Returns
    -------
    ndarray of float32, shape (ny, nx, OUTPUTS)
    """
    strips = predict_strips(model, cells.__getitem__, cells.shape[:2], show)
    return np.concatenate([outputs for _, outputs in strips])
