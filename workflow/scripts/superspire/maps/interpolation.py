"""Interpolation of the SPIRE bands to pixels of 1 arcsec (section 3.1).

The paper interpolates three grids that do not line up and names this as a cause of its
astrometric errors; here each output pixel is looked up at its position on the sky.
"""

import numpy as np
from scipy.ndimage import map_coordinates

from superspire.maps.positions import TOLERANCE, convert, has_tables

NODES = 12
DEGREE = 3


def interpolate(map_, wcs, shape):
    """Interpolate a map linearly at the sky positions of another grid's pixels.

    Parameters
    ----------
    map_ : Map
        The map [mJy/beam].
    wcs : astropy.wcs.WCS
        Celestial coordinates of the output pixels.
    shape : (int, int)
        Output shape (ny, nx).

    Returns
    -------
    ndarray of float32, shape (ny, nx)
        Surface brightness [mJy/beam]; NaN outside the map and next to its NaN.
    """
    x, y = pixel_positions(map_.wcs, wcs, shape)
    return map_coordinates(
        map_.data, [y, x], output=np.float32, order=1, cval=np.nan, prefilter=False
    )


def pixel_positions(source, wcs, shape):
    """Find where the pixels of one grid fall on another.

    A cubic polynomial is fitted to the exact positions of a coarse grid of nodes; the
    exact positions of all pixels are used where it misses a node by 0.001 pixel, and
    with lookup tables, which may vary between the nodes.

    Parameters
    ----------
    source : astropy.wcs.WCS
        Coordinates of the grid on which positions are wanted.
    wcs : astropy.wcs.WCS
        Coordinates of the pixels.
    shape : (int, int)
        Shape (ny, nx) of the grid of pixels.

    Returns
    -------
    x, y : ndarray, shape (ny, nx)
        Positions on the source grid [pixel]; NaN where it has none.
    """
    ny, nx = shape
    rows, columns = np.indices(shape)
    if has_tables(source) or has_tables(wcs):
        return convert(source, wcs, columns, rows)
    v, u = np.meshgrid(np.linspace(-1, 1, NODES), np.linspace(-1, 1, NODES))
    exact = convert(source, wcs, (u + 1) / 2 * (nx - 1), (v + 1) / 2 * (ny - 1))
    design = np.polynomial.polynomial.polyvander2d(
        u.ravel(), v.ravel(), [DEGREE, DEGREE]
    )
    nodes = np.stack([p.ravel() for p in exact], axis=1)
    if np.isfinite(nodes).all():
        fit, *_ = np.linalg.lstsq(design, nodes, rcond=None)
        missed = np.abs(design @ fit - nodes).max()
    else:
        missed = np.inf
    if missed >= TOLERANCE:
        return convert(source, wcs, columns, rows)
    c = fit.reshape(DEGREE + 1, DEGREE + 1, 2)
    powers_u = np.polynomial.polynomial.polyvander(np.linspace(-1, 1, nx), DEGREE)
    powers_v = np.polynomial.polynomial.polyvander(np.linspace(-1, 1, ny), DEGREE)
    return tuple(powers_v @ c[:, :, k].T @ powers_u.T for k in (0, 1))
