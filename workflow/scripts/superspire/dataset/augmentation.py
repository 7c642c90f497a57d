"""The eight flips and rotations of the observed cutouts (section 2.2)."""

import numpy as np

TRANSFORMS = 8
"""Elements of the dihedral group: 0 to 3 quarter turns, 4 to 7 mirrored first."""


def transform_image(image, transform):
    """Flip and rotate an image.

    Parameters
    ----------
    image : ndarray, shape (n, n, ...)
        Square image, any further axes last.
    transform : int
        0 to 7: ``transform % 4`` anticlockwise quarter turns of the array, after a
        left-right flip if it is 4 or more.

    Returns
    -------
    ndarray
        View of the image.
    """
    if transform >= 4:
        image = image[:, ::-1]
    return np.rot90(image, transform % 4)


def transform_positions(x, y, transform, size):
    """Move positions as `transform_image` moves the pixels.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Positions [pixel].
    transform : int
        0 to 7.
    size : int
        Side of the image [pixel].

    Returns
    -------
    x, y : ndarray, shape (n,)
    """
    x, y = np.asarray(x), np.asarray(y)
    if transform >= 4:
        x = size - 1 - x
    for _ in range(transform % 4):
        x, y = y, size - 1 - x
    return x, y


def augmented(positions):
    """List the augmented training set: every position under every transform but one.

    The unflipped cutouts are the paper's test set (144), the other seven views of
    each its training set (1008).

    Parameters
    ----------
    positions : int
        Number of cutout positions.

    Returns
    -------
    ndarray of int, shape (7 * positions, 2)
        Row of the cutout and transform.
    """
    cutout, transform = np.divmod(np.arange(positions * (TRANSFORMS - 1)), 7)
    return np.stack([cutout, transform + 1], axis=1)
