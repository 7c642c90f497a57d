"""From a catalogue to the maps that the telescopes would make of it (section 2.1)."""

import numpy as np
from astropy.wcs import WCS
from scipy import fft

from superspire.errors import InputError
from superspire.instruments import BANDS
from superspire.io import Map
from superspire.sky.beams import beam_of

CELL = 2.0
"""Maximum side of the cells on which SPIRE maps are convolved [arcsec]."""

SHARING = 4
"""The cubic B-spline is a cell convolved so often with itself: sinc to that power."""

STRIP = 1024
"""Rows of cells that are convolved at a time."""


def field_wcs(center, side, pixel):
    """Make the tangential projection of a square field, north up.

    Parameters
    ----------
    center : (float, float)
        Right ascension and declination of the centre [deg].
    side : float
        Side of the field [arcsec].
    pixel : float
        Side of a pixel [arcsec].

    Returns
    -------
    wcs : astropy.wcs.WCS
        Right ascension increases to the left.
    n : int
        Pixels along each side, all inside the field.
    """
    n = int(np.floor(side / pixel + 1e-6))
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = center
    wcs.wcs.crpix = [(n + 1) / 2, (n + 1) / 2]
    wcs.wcs.cdelt = [-pixel / 3600.0, pixel / 3600.0]
    wcs.wcs.cunit = ["deg", "deg"]
    return wcs, n


def make_map(ra, dec, flux, band, center, side, beam=None, foreground=None, pixel=None):
    """Observe point sources with one band of one instrument, without noise.

    The sources are shared out by cubic B-splines to cells that divide the native
    pixels, convolved with the beam in Fourier space and averaged over the pixels. The
    transfer function undoes the smoothing of the sharing-out and adds the
    integration over a cell, so that the map is the beam integrated over each pixel.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Positions [deg].
    flux : ndarray, shape (n,)
        Flux densities [mJy].
    band : int
        Wavelength of the band [µm].
    center : (float, float)
        Right ascension and declination of the field's centre [deg].
    side : float
        Side of the square field [arcsec].
    beam : superspire.sky.beams.GaussianBeam or ImageBeam, optional
        By default the Gaussian of Table 1.
    foreground : ndarray, shape (ny, nx), or callable, optional
        What is seen besides the sources, already convolved with the beam [mJy/beam]:
        the whole map, or a function of the first row, the row after the last one, the
        number of pixels along a side and their size [arcsec] that gives these rows,
        such as `superspire.sky.random_fields.RandomField.rows`.
    pixel : float, optional
        Side of the pixels [arcsec]; by default that of Table 1.

    Returns
    -------
    Map
        Zero-mean map [mJy/beam] in the band's native pixels.

    Raises
    ------
    InputError
        If the field is smaller than one pixel.
    """
    pixel = BANDS[band].pixel if pixel is None else pixel
    wcs, n = field_wcs(center, side, pixel)
    if n < 1:
        raise InputError(f"field of {side} arcsec is smaller than a pixel of {pixel}")
    factor = int(np.ceil(pixel / CELL))
    x, y = wcs.wcs_world2pix(ra, dec, 0)
    x = (x + 0.5) * factor - 0.5
    y = (y + 0.5) * factor - 0.5
    beam = beam_of(band) if beam is None else beam
    data = np.empty((n, n), np.float32)
    for first, rows in convolved_strips(x, y, flux, n, factor, pixel, beam):
        stop = first + len(rows)
        if callable(foreground):
            rows += foreground(first, stop, n, pixel)
        elif foreground is not None:
            rows += foreground[first:stop]
        data[first:stop] = rows
    data -= np.float32(data.mean(dtype=np.float64))
    return Map(data, wcs)


def convolved_strips(x, y, flux, n, factor, pixel, beam):
    """Convolve the sources strip by strip, so that memory does not grow with the map.

    If the beam passes no large scales, the sky outside the field is taken to be as
    bright as the mean of the field, or else the edges would stand out.

    Parameters
    ----------
    x, y : ndarray
        Positions [cell].
    flux : ndarray
        Flux densities [mJy].
    n : int
        Pixels along each side of the map.
    factor : int
        Cells along the side of a pixel.
    pixel : float
        Side of a pixel [arcsec].
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        The beam.

    Yields
    ------
    first : int
        First row of the strip [pixel].
    rows : ndarray, shape (rows, n)
        Strip of the map [mJy/beam].
    """
    cell = pixel / factor
    margin = factor * int(np.ceil(beam.reach / pixel))
    height = max(1, STRIP // factor)
    order = np.argsort(y, kind="stable")
    x, y, flux = x[order], y[order], flux[order]
    mean = np.sum(flux) / (n * factor) ** 2 if beam.high_pass else 0.0
    for first in range(0, n, height):
        rows = min(height, n - first)
        bottom = first * factor - margin
        top = (first + rows) * factor + margin
        inside = slice(*np.searchsorted(y, [bottom, top - 1]))
        shape = (top - bottom, n * factor + 2 * margin)
        grid = share_out(x[inside] + margin, y[inside] - bottom, flux[inside], shape)
        field = slice(max(0, -bottom), n * factor - bottom)
        grid[field, margin : margin + n * factor] -= np.float32(mean)
        grid = convolve(grid, cell, beam)
        grid = grid[margin : margin + rows * factor, margin : margin + n * factor]
        yield first, grid.reshape(rows, factor, n, factor).mean(axis=(1, 3))


def share_out(x, y, flux, shape):
    """Share the flux of every source among 16 cells, as a cubic B-spline.

    Parameters
    ----------
    x, y : ndarray
        Positions [cell].
    flux : ndarray
        Flux densities [mJy].
    shape : (int, int)
        Shape of the grid.

    Returns
    -------
    ndarray of float32
        Flux in every cell [mJy]; sources at the border of the grid are lost.
    """
    ny, nx = shape
    inside = (x >= 1) & (x < nx - 2) & (y >= 1) & (y < ny - 2)
    x, y, flux = x[inside], y[inside], flux[inside].astype(np.float32)
    column, row = x.astype(np.int64), y.astype(np.int64)
    shares_x, shares_y = b_spline(x - column), b_spline(y - row)
    first = (row - 1) * nx + column - 1
    grid = np.zeros(ny * nx, np.float32)
    for j, share_y in enumerate(shares_y):
        line = flux * share_y
        for i, share_x in enumerate(shares_x):
            np.add.at(grid, first + (j * nx + i), line * share_x)
    return grid.reshape(shape)


def b_spline(t):
    """Fractions of the four cells around positions t, from 0 to 1, past the second."""
    t = t.astype(np.float32)
    return (
        (1 - t) ** 3 / 6,
        (4 - 6 * t**2 + 3 * t**3) / 6,
        (1 + 3 * t + 3 * t**2 - 3 * t**3) / 6,
        t**3 / 6,
    )


def convolve(grid, cell, beam):
    """Convolve a grid of fluxes with a beam of unit peak integrated over the cells.

    Parameters
    ----------
    grid : ndarray, shape (ny, nx)
        Flux in every cell [mJy].
    cell : float
        Side of a cell [arcsec].
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        The beam.

    Returns
    -------
    ndarray of float32, shape (ny, nx)
        Surface brightness [mJy/beam].
    """
    shape = [fft.next_fast_len(n, real=True) for n in grid.shape]
    ky, kx = fft.fftfreq(shape[0]), fft.rfftfreq(shape[1])
    spectrum = fft.rfft2(grid, shape, workers=-1)
    spectrum *= beam.transfer(ky / cell, kx / cell)
    undo = SHARING - 1
    spectrum *= (1.0 / (cell**2 * np.sinc(ky) ** undo)).astype(np.float32)[:, None]
    spectrum *= (1.0 / np.sinc(kx) ** undo).astype(np.float32)
    image = fft.irfft2(spectrum, shape, workers=-1)
    return image[: grid.shape[0], : grid.shape[1]]
