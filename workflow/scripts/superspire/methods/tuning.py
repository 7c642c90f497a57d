"""Sky apart from the measured one, on which the thresholds are chosen."""

import numpy as np
from astropy import units
from astropy.table import Table
from astropy.wcs import WCS

from superspire.errors import InputError
from superspire.instruments import CUTOUT
from superspire.io import Map


def held_out_box(index):
    """Find the part of a simulated sky that no training image touches.

    Parameters
    ----------
    index : pandas.DataFrame
        The simulated cutouts: ``sky``, ``x0``, ``y0`` [pixel], ``split``.

    Returns
    -------
    sky : str
        The first sky with cutouts for the test.
    box : (int, int, int, int)
        First column and row, and the ones after the last, of the box around them, in
        pixels of 1 arcsec.

    Raises
    ------
    InputError
        If there are no cutouts for the test.
    """
    test = index[index["split"] == "test"]
    if len(test) == 0:
        raise InputError(
            "simulation.test_fraction: expected cutouts for the test, on which the "
            "methods are tuned, found none"
        )
    sky = test["sky"].iloc[0]
    test = test[test["sky"] == sky]
    low = test[["x0", "y0"]].min()
    high = test[["x0", "y0"]].max() + CUTOUT
    return str(sky), tuple(int(value) for value in (*low, *high))


def cut_map(map_, target_header, box):
    """Cut the native pixels out of a map that hold a box of the 450 µm map.

    Parameters
    ----------
    map_ : superspire.io.Map
        Map of the same sky.
    target_header : astropy.io.fits.Header
        Header of the 450 µm map.
    box : (int, int, int, int)
        See `held_out_box`.

    Returns
    -------
    superspire.io.Map
    """
    x0, y0, x1, y1 = box
    corners = np.array([(x0, y0), (x1, y0), (x0, y1), (x1, y1)]) - 0.5
    sky = WCS(target_header).pixel_to_world(*corners.T)
    x, y = map_.wcs.world_to_pixel(sky)
    ny, nx = map_.data.shape
    left, right = max(0, int(np.ceil(x.min()))), min(nx, int(x.max()) + 1)
    low, high = max(0, int(np.ceil(y.min()))), min(ny, int(y.max()) + 1)
    wcs = map_.wcs.deepcopy()
    wcs.wcs.crpix = wcs.wcs.crpix - [left, low]
    return Map(map_.data[low:high, left:right], wcs, map_.header)


def sources_in(ra, dec, flux, target_header, box):
    """List the sources in a box of the 450 µm map.

    Parameters
    ----------
    ra, dec, flux : ndarray, shape (n,)
        Positions [deg] and 450 µm fluxes [mJy].
    target_header : astropy.io.fits.Header
        Header of the 450 µm map.
    box : (int, int, int, int)
        See `held_out_box`.

    Returns
    -------
    astropy.table.Table
        ``RA``, ``DEC``, ``S450``, and ``X``, ``Y`` from the box's first pixel.
    """
    x, y = WCS(target_header).all_world2pix(ra, dec, 0)
    x0, y0, x1, y1 = box
    kept = (x >= x0 - 0.5) & (x < x1 - 0.5) & (y >= y0 - 0.5) & (y < y1 - 0.5)
    return Table(
        {
            "RA": ra[kept] * units.deg,
            "DEC": dec[kept] * units.deg,
            "S450": np.asarray(flux[kept], float) * units.mJy,
            "X": (x[kept] - x0) * units.pix,
            "Y": (y[kept] - y0) * units.pix,
        }
    )
