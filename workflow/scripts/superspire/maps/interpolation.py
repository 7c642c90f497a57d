"""Interpolation of the SPIRE bands to pixels of 1 arcsec (section 3.1).

The paper interpolates three grids that do not line up and names this as a cause of its
astrometric errors; here each output pixel is looked up at its place on the sky.
"""

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs.utils import proj_plane_pixel_scales, wcs_to_celestial_frame
from scipy.ndimage import map_coordinates

NODES = 12
DEGREE = 3
TOLERANCE = 1e-3


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


def pixel_size(wcs):
    """Measure the side of a pixel.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Celestial coordinates.

    Returns
    -------
    float
        Geometric mean of the two sides [arcsec].
    """
    return float(3600.0 * np.sqrt(np.prod(proj_plane_pixel_scales(wcs.celestial))))


def pixel_positions(source, wcs, shape):
    """Find where the pixels of one grid fall on another.

    A cubic polynomial is fitted to the exact positions of a coarse grid of nodes; the
    exact positions of all pixels are used where it misses a node by 0.001 pixel.

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
        rows, columns = np.indices(shape)
        return convert(source, wcs, columns, rows)
    c = fit.reshape(DEGREE + 1, DEGREE + 1, 2)
    powers_u = np.polynomial.polynomial.polyvander(np.linspace(-1, 1, nx), DEGREE)
    powers_v = np.polynomial.polynomial.polyvander(np.linspace(-1, 1, ny), DEGREE)
    return tuple(powers_v @ c[:, :, k].T @ powers_u.T for k in (0, 1))


def convert(source, wcs, x, y):
    """Convert pixel positions from one grid to another through the sky.

    Parameters
    ----------
    source : astropy.wcs.WCS
        Coordinates of the grid on which positions are wanted, of any frame.
    wcs : astropy.wcs.WCS
        Coordinates of the pixels, of any frame.
    x, y : array_like
        Pixels.

    Returns
    -------
    x, y : ndarray
        Positions on the source grid [pixel]; NaN where it has none, be it that the
        projection ends or that its distortions cannot be inverted.
    """
    source, wcs = source.celestial, wcs.celestial
    lon, lat = wcs.all_pix2world(x, y, 0)
    frame, wanted = wcs_to_celestial_frame(wcs), wcs_to_celestial_frame(source)
    if not frame.is_equivalent_frame(wanted):
        sky = SkyCoord(lon, lat, unit="deg", frame=frame).transform_to(wanted)
        lon, lat = sky.spherical.lon.deg, sky.spherical.lat.deg
    undistorted = source.wcs_world2pix(lon, lat, 0)
    if not (source.has_distortion and np.isfinite(undistorted).any()):
        return undistorted
    found = source.all_world2pix(lon, lat, 0, quiet=True)
    with np.errstate(invalid="ignore"):
        error = np.hypot(*np.subtract(source.pix2foc(*found, 0), undistorted))
        return [np.where(error < TOLERANCE, axis, np.nan) for axis in found]
