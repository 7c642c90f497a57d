"""What the network should answer where sources are: labels of the fine cells."""

import numpy as np

from superspire.maps.cells import FINE

SMEAR = 3.4
"""Standard deviation of the smearing of a source's position, the target's [arcsec]."""

REACH = 6.0
"""Maximum distance at which a fine cell is asked about a source [arcsec]."""

CARE = 2.5
"""Standard deviation of the weight that this question has [arcsec]."""

HALF = 5
"""Half the side of the square of fine cells that a source can touch."""

LABELS = ("score", "log_flux", "dx", "dy", "weight")


def source_labels(x, y, flux, size):
    """Label the fine cells of an image.

    A cell answers for that source within `REACH` which contributes most light to it at
    the resolution of the target.

    Parameters
    ----------
    x, y : ndarray, shape (m,)
        Places of the sources [arcsec] from the centre of the image's first pixel of
        1 arcsec; those outside the image count as well.
    flux : ndarray, shape (m,)
        450 µm fluxes [mJy].
    size : int
        Side of the image [fine cell].

    Returns
    -------
    ndarray of float32, shape (size, size, 5)
        `LABELS`: the smeared positions of the sources, of unit height; the logarithm of
        the flux [mJy] and the position relative to the cell [arcsec] of its source; how
        much this question counts, zero beyond `REACH`.
    """
    labels = np.zeros((size * size, len(LABELS)), np.float32)
    step = np.arange(-HALF, HALF + 1)
    column = np.round((x - 0.5) / FINE).astype(int)[:, None, None] + step
    row = np.round((y - 0.5) / FINE).astype(int)[:, None, None] + step[:, None]
    row, column = np.broadcast_arrays(row, column)
    dx = x[:, None, None] - (FINE * column + 0.5)
    dy = y[:, None, None] - (FINE * row + 0.5)
    inside = (row >= 0) & (row < size) & (column >= 0) & (column < size)
    distance2 = (dx**2 + dy**2)[inside]
    cell = (row * size + column)[inside]
    smeared = np.exp(-0.5 * distance2 / SMEAR**2)
    np.maximum.at(labels[:, 0], cell, smeared)
    flux = np.broadcast_to(flux[:, None, None], inside.shape)[inside]
    near = distance2 < REACH**2
    order = np.flatnonzero(near)[np.argsort((smeared * flux)[near], kind="stable")]
    values = np.log(flux), dx[inside], dy[inside], np.exp(-0.5 * distance2 / CARE**2)
    labels[cell[order], 1:] = np.stack(values, axis=-1)[order]
    return labels.reshape(size, size, -1)
