"""The grids of the network: cells of 4 arcsec, fine cells of 2, pixels of 1."""

from functools import reduce

import numpy as np
from scipy.ndimage import convolve1d, map_coordinates

from superspire.io import Map
from superspire.maps.interpolation import interpolate
from superspire.maps.positions import pixel_sides, resampled
from superspire.maps.tiling import fill_gaps

CELL = 4
"""Side of the cells of the network's grid [arcsec]."""

FINE = 2
"""Side of the cells in which sources are separated [arcsec]."""

FINE_CELLS = (CELL // FINE) ** 2

NEARLY = 1.02
"""Pixels that are larger by no more than this factor are taken as they are."""

FINER = 0.95
"""The same for smaller pixels."""

MOST_VARIANCE = 0.3
"""Variance of a kernel of three pixels that is nearly a Gaussian [pixel²]."""


def to_pixels(cells, step):
    """Put together an image whose squares of pixels are in the last axis.

    Parameters
    ----------
    cells : ndarray, shape (ny, nx, step²)
        Rows of each square, one after the other.
    step : int
        Side of the squares [pixel].

    Returns
    -------
    ndarray, shape (step ny, step nx)
    """
    ny, nx = cells.shape[:2]
    image = cells.reshape(ny, nx, step, step).swapaxes(1, 2)
    return image.reshape(ny * step, nx * step)


def cell_index(row, column, step):
    """Find pixels in the cells that `to_pixels` takes.

    Parameters
    ----------
    row, column : ndarray of int
        Pixels of the image, in shapes that broadcast.
    step : int
        See `to_pixels`.

    Returns
    -------
    tuple of ndarray of int
        Index of ``to_pixels(cells, step)[row, column]`` in the cells: row and column of
        the square, and number of the pixel in it.
    """
    return row // step, column // step, row % step * step + column % step


def match_pixel_smoothing(map_, pixel):
    """Resample a map so that its sources are as sharp as in training.

    A pixel of side p smears a source by p² / 12 along each axis, linear interpolation
    of such pixels on the average by p² / 6. Along an axis of coarser pixels a cubic
    spline, which smears next to nothing, brings the map to those pixels q whose
    interpolation makes up for it: p² / 12 + q² / 6 = `pixel`² / 4. Along an axis of
    finer pixels it is smoothed by a kernel of the variance (`pixel`² - p²) / 4.

    Parameters
    ----------
    map_ : superspire.io.Map
        Native map [mJy/beam]; NaN where nothing was observed.
    pixel : float
        Side of the pixels of the training [arcsec].

    Returns
    -------
    superspire.io.Map
        The map itself if its pixels are neither coarser nor much finer.
    """
    sides = pixel_sides(map_)
    coarse, fine = sides > NEARLY * pixel, sides < FINER * pixel
    if not (coarse.any() or fine.any()):
        return map_
    filled = fill_gaps(map_.data, float(np.sqrt(sides.prod())))
    variance = np.where(fine, 0.25 * (pixel**2 - sides**2) / sides**2, 0.0)
    for axis, each in enumerate(variance[::-1]):
        filled = widen(filled, each, axis)
    if not coarse.any():
        filled[~np.isfinite(map_.data)] = np.nan
        return Map(filled, map_.wcs)
    finer = np.sqrt(np.maximum(1.5 * pixel**2 - 0.5 * sides**2, (0.5 * pixel) ** 2))
    step = np.where(coarse, finer / sides, 1.0)
    columns, rows = (
        s * (np.arange(int(n / s)) + 0.5) - 0.5
        for n, s in zip(map_.data.shape[::-1], step, strict=True)
    )
    y, x = np.meshgrid(rows, columns, indexing="ij")
    data = map_coordinates(filled, [y, x], output=np.float32, mode="nearest")
    nearest = np.round(y).astype(int), np.round(x).astype(int)
    data[~np.isfinite(map_.data)[nearest]] = np.nan
    return Map(data, resampled(map_.wcs.celestial, step))


def widen(image, variance, axis):
    """Smooth an image along an axis by kernels of three pixels.

    A sampled Gaussian of less than a pixel would have too small a variance.

    Parameters
    ----------
    image : ndarray
        The image.
    variance : float
        Total variance of the kernels [pixel²].
    axis : int
        The axis.

    Returns
    -------
    ndarray
    """
    number = int(np.ceil(variance / MOST_VARIANCE))
    if not number:
        return image
    side = 0.5 * variance / number
    kernel = reduce(np.convolve, number * [[side, 1.0 - 2.0 * side, side]])
    return convolve1d(image, kernel, axis, mode="nearest")


def on_cells(map_, wcs, shape):
    """Interpolate a map linearly at the middles of the fine cells, and average four.

    Parameters
    ----------
    map_ : superspire.io.Map
        Native map [mJy/beam].
    wcs : astropy.wcs.WCS
        Grid of pixels of 1 arcsec.
    shape : (int, int)
        Its shape, multiples of 4 [pixel].

    Returns
    -------
    ndarray of float32, shape (ny / 4, nx / 4)
        Surface brightness [mJy/beam]; NaN where the map does not reach.
    """
    fine = wcs.slice(tuple(slice(0, side, FINE) for side in shape))
    ny, nx = (side // FINE for side in shape)
    image = interpolate(map_, fine, (ny, nx))
    step = CELL // FINE
    return image.reshape(ny // step, step, nx // step, step).mean(axis=(1, 3))
