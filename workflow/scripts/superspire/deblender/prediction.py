"""The network applied to maps of any size, tile by tile."""

import numpy as np

from superspire.deblender.architecture import MULTIPLE, OUTPUTS
from superspire.fields.tiling import Tiling, overlap, tile_weights

LARGEST_TILE = 512
"""Largest side of a tile [cell]."""

OVERLAP = 48
"""Least overlap of neighbouring tiles [cell]."""

MARGIN = 16
"""Border of a tile whose answer is not used where another tile is [cell]."""


def tiling_of(shape):
    """Choose tiles for a field: as few as fit in memory, and no larger than needed.

    Parameters
    ----------
    shape : (int, int)
        Shape of the field [cell].

    Returns
    -------
    superspire.fields.tiling.Tiling
    """
    side = max(shape) + 2 * MARGIN
    if side > LARGEST_TILE:
        tiles = np.ceil((side - OVERLAP) / (LARGEST_TILE - OVERLAP))
        side = (side - OVERLAP) / tiles + OVERLAP
    side = int(np.ceil(side / MULTIPLE)) * MULTIPLE
    return Tiling(side, OVERLAP, MARGIN, MULTIPLE)


def answer(model, cells, show=None):
    """Ask the network about a whole field.

    Parameters
    ----------
    model : keras.Model
        From `superspire.deblender.architecture.build_deblender`, of any size.
    cells : ndarray of float32, shape (ny, nx, 3)
        SPIRE maps on cells of 4 arcsec [mJy/beam], finite; beyond them the sky is
        taken to be at its mean, zero.
    show : callable, optional
        Called with the number of tiles done and the number of all.

    Returns
    -------
    ndarray of float32, shape (ny, nx, OUTPUTS)
        See `superspire.deblender.architecture.unpack`.
    """
    ny, nx = cells.shape[:2]
    tiling = tiling_of((ny, nx))
    side = tiling.side
    outputs = np.zeros((ny, nx, OUTPUTS), np.float32)
    rows, columns = (list(zip(*tile_weights(n, tiling), strict=True)) for n in (ny, nx))
    done = 0
    for y0, weight_y in rows:
        for x0, weight_x in columns:
            (up, tile_up), (right, tile_right) = (
                overlap(y0, ny, side),
                overlap(x0, nx, side),
            )
            tile = np.zeros((1, side, side, cells.shape[-1]), np.float32)
            tile[0, tile_up, tile_right] = cells[up, right]
            given = model.predict_on_batch(tile)[0, tile_up, tile_right]
            weight = np.outer(weight_y[tile_up], weight_x[tile_right])
            outputs[up, right] += weight[..., None] * given
            done += 1
            if show:
                show(done, len(rows) * len(columns))
    return outputs
