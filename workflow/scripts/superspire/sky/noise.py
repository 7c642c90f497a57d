"""Instrument noise: white, correlated (1/f), and as deep as a real observation."""

import numpy as np
from scipy import ndimage

from superspire.sky.random_fields import CELL, random_field

BLOCK = 512
"""Rows of correlated noise that are made at a time."""


def add_noise(data, rms, rng, pixel, knee=None, slope=-2.0, depth=None, drift_rng=None):
    """Add noise to a map, in place.

    With a knee the power spectrum is that of white noise times 1 + (k knee)^slope.
    The correlated part has the modes of `superspire.sky.random_fields.random_field`:
    none below 1 / (2 side), none above 1 / (2 cell), with cells of 6 arcsec or of the
    pixel's size, whichever is larger.

    Parameters
    ----------
    data : ndarray of float32, shape (n, n)
        Map [mJy/beam].
    rms : float
        Standard deviation of the white noise per pixel [mJy/beam].
    rng : numpy.random.Generator
        Source of the white noise.
    pixel : float
        Side of a pixel [arcsec].
    knee : float, optional
        Scale at which correlated noise has the power of the white noise [arcmin].
    slope : float
        Slope of the power spectrum of the correlated noise.
    depth : ndarray, shape (n, n), optional
        Standard deviation of the white noise of every pixel [mJy/beam] in place of
        `rms`; the correlated noise follows it as well.
    drift_rng : numpy.random.Generator, optional
        Source of the correlated noise; by default a child of `rng`.
    """
    if depth is None and not rms:
        return
    n = len(data)
    for y, row in enumerate(data):
        level = np.float32(rms) if depth is None else depth[y]
        row += level * rng.standard_normal(n, dtype=np.float32)
    if not knee:
        return
    scale, variance = np.float32(60.0 * knee), np.float32(pixel**2)
    drift = random_field(
        lambda k: variance * (k * scale) ** np.float32(slope),
        n * pixel,
        rng.spawn(1)[0] if drift_rng is None else drift_rng,
        max(CELL, pixel),
    )
    for first in range(0, n, BLOCK):
        rows = slice(first, min(first + BLOCK, n))
        level = np.float32(rms) if depth is None else depth[rows]
        data[rows] += level * drift.rows(rows.start, rows.stop, n, pixel)


def depth_map(error, native, shape, pixel):
    """Take the depth of a real observation for a simulated field.

    The observation is laid over the field centre on centre, at its angular scale, and
    reflected at its edges where the field is larger. Its error is per pixel of its
    own; if these have another size than the field's, the noise is taken to be white,
    so that the noise of a pixel is inversely proportional to its side.

    Parameters
    ----------
    error : ndarray, shape (ny, nx)
        Standard error of each pixel of the observation [mJy/beam]; where it is not
        finite and positive, the median of the others is used.
    native : float
        Side of its pixels [arcsec].
    shape : (int, int)
        Shape of the field.
    pixel : float
        Side of its pixels [arcsec].

    Returns
    -------
    ndarray of float32, shape `shape`
        Standard deviation of the noise of every pixel [mJy/beam].
    """
    error = error * np.float32(native / pixel)
    good = np.isfinite(error) & (error > 0)
    error = np.where(good, error, np.median(error[good]))
    step = pixel / native
    corner = 0.5 * (np.array(error.shape) - 1) - 0.5 * (np.array(shape) - 1) * step
    return ndimage.affine_transform(
        error, [step, step], corner, shape, np.float32, order=1, mode="reflect"
    )
