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

LABELS = ("score", "dx", "dy", "weight")
"""Labels of a fine cell, before the logarithms of the fluxes."""


def source_labels(x, y, flux, size, lead=0):
    """Label the fine cells of an image.

    A cell answers for that source within `REACH` which contributes most light to it at
    the resolution of the target.

    Parameters
    ----------
    x, y : ndarray, shape (m,)
        Places of the sources [arcsec] from the centre of the image's first pixel of
        1 arcsec; those outside the image count as well.
    flux : ndarray, shape (m, bands)
        Fluxes [mJy].
    size : int
        Side of the image [fine cell].
    lead : int
        The band in which they are compared.

    Returns
    -------
    ndarray of float32, shape (size, size, 4 + bands)
        `LABELS`: the smeared positions of the sources, of unit height; the position
        relative to the cell [arcsec] of its source; how much this source counts, zero
        beyond `REACH`; and the logarithm of its flux in every band [mJy].
    """
    labels = np.zeros((size * size, len(LABELS) + flux.shape[1]), np.float32)
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
    source = np.broadcast_to(np.arange(len(x))[:, None, None], inside.shape)[inside]
    near = distance2 < REACH**2
    light = (smeared * flux[source, lead])[near]
    order = np.flatnonzero(near)[np.argsort(light, kind="stable")]
    values = dx[inside], dy[inside], np.exp(-0.5 * distance2 / CARE**2)
    labels[cell[order], 1 : len(LABELS)] = np.stack(values, axis=-1)[order]
    labels[cell[order], len(LABELS) :] = np.log(flux)[source[order]]
    return labels.reshape(size, size, -1)
