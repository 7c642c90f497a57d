"""Local maxima of a map, located between the pixels."""

import warnings

import numpy as np
from photutils.detection import find_peaks
from photutils.utils.exceptions import NoDetectionsWarning

OFFSETS = np.array([(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
DESIGN = np.column_stack(
    [
        np.ones(9),
        OFFSETS[:, 1],
        OFFSETS[:, 0],
        OFFSETS[:, 1] ** 2,
        OFFSETS[:, 1] * OFFSETS[:, 0],
        OFFSETS[:, 0] ** 2,
    ]
)
FIT = np.linalg.pinv(DESIGN)
"""From 3 x 3 pixels to the paraboloid that fits them best."""


def local_maxima(image, height, mask=None):
    """Find the pixels above a height that are the highest of their 3 x 3 pixels.

    Position and height are those of the paraboloid fitted to the nine pixels, its
    height raised by what the central pixel is above the fit.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        The map.
    height : float
        Minimum height of a pixel.
    mask : ndarray of bool, shape (ny, nx), optional
        True where no maximum is wanted.

    Returns
    -------
    x, y : ndarray, shape (n,)
        Positions [pixel].
    height : ndarray, shape (n,)
        Heights, in the unit of the map.
    """
    image = np.asarray(image)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        found = find_peaks(image, height, box_size=3, mask=mask, border_width=1)
    if found is None:
        return np.empty(0), np.empty(0), np.empty(0)
    column, row = (np.asarray(found[name], int) for name in ("x_peak", "y_peak"))
    nine = image[row[:, None] + OFFSETS[:, 0], column[:, None] + OFFSETS[:, 1]]
    cx, cy, cxx, cxy, cyy = FIT[1:] @ nine.T.astype(float)
    determinant = 4.0 * cxx * cyy - cxy**2
    peaked = (determinant > 0) & (cxx < 0)
    safe = np.where(peaked, determinant, 1.0)
    dx = np.where(peaked, (cxy * cy - 2.0 * cyy * cx) / safe, 0.0)
    dy = np.where(peaked, (cxy * cx - 2.0 * cxx * cy) / safe, 0.0)
    dx, dy = np.clip(dx, -1.0, 1.0), np.clip(dy, -1.0, 1.0)
    rise = np.clip(0.5 * (cx * dx + cy * dy), 0.0, None)
    return column + dx, row + dy, nine[:, 4] + rise
