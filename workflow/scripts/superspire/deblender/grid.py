"""The grids of the network: cells of 4 arcsec, fine cells of 2, pixels of 1."""

from superspire.dataset.interpolation import interpolate

CELL = 4
"""Side of the cells of the network's grid [arcsec]."""

FINE = 2
"""Side of the cells in which sources are told apart [arcsec]."""

FINE_CELLS = (CELL // FINE) ** 2


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
