"""From a catalogue to the maps that the telescopes would make of it (section 2.1)."""

import numpy as np
from astropy.wcs import WCS
from scipy import fft

from superspire.errors import InputError
from superspire.instruments import BANDS, FWHM_PER_SIGMA, TARGET
from superspire.io import Map

CELL = 2.0
"""Largest side of the cells on which SPIRE maps are convolved [arcsec]."""

STRIP = 1024
"""Rows of cells that are convolved at a time."""

SCUBA2_BEAM = ((7.9, 0.94), (25.0, 0.06))
"""FWHM [arcsec] and peak amplitude of SCUBA-2's beam (Dempsey et al. 2013)."""


def beam_components(band, scuba2_beam="gaussian"):
    """List the Gaussians that a beam of unit peak is made of.

    Parameters
    ----------
    band : int
        Wavelength of the band [µm].
    scuba2_beam : {"gaussian", "two_component"}
        Beam of the 450 µm band: the 7.9 arcsec Gaussian of Table 1 or the beam of
        Dempsey et al. (2013).

    Returns
    -------
    tuple of (float, float)
        FWHM [arcsec] and amplitude of each.
    """
    if band == TARGET and scuba2_beam == "two_component":
        return SCUBA2_BEAM
    return ((BANDS[band].fwhm, 1.0),)


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


def make_map(
    ra, dec, flux, band, center, side, noise=0.0, rng=None, scuba2_beam="gaussian"
):
    """Observe point sources with one band of one instrument.

    The sources are shared out bilinearly to cells that divide the native pixels,
    convolved with the beam in Fourier space and averaged over the pixels. The
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
    noise : float
        White noise per native pixel [mJy/beam].
    rng : numpy.random.Generator, optional
        Needed when there is noise.
    scuba2_beam : {"gaussian", "two_component"}
        Beam of the 450 µm band.

    Returns
    -------
    Map
        Zero-mean map [mJy/beam] in the band's native pixels.

    Raises
    ------
    InputError
        If the field is smaller than one pixel.
    """
    pixel = BANDS[band].pixel
    wcs, n = field_wcs(center, side, pixel)
    if n < 1:
        raise InputError(f"field of {side} arcsec is smaller than a pixel of {pixel}")
    factor = int(np.ceil(pixel / CELL))
    x, y = wcs.wcs_world2pix(ra, dec, 0)
    x = (x + 0.5) * factor - 0.5
    y = (y + 0.5) * factor - 0.5
    components = beam_components(band, scuba2_beam)
    data = np.empty((n, n), np.float32)
    for first, rows in convolved_strips(x, y, flux, n, factor, pixel, components):
        data[first : first + len(rows)] = rows
    data -= np.float32(data.mean(dtype=np.float64))
    if noise:
        for row in data:
            row += np.float32(noise) * rng.standard_normal(n, dtype=np.float32)
    return Map(data, wcs)


def convolved_strips(x, y, flux, n, factor, pixel, components):
    """Convolve the sources strip by strip, so that memory does not grow with the map.

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
    components : sequence of (float, float)
        FWHM [arcsec] and amplitude of the beam's Gaussians.

    Yields
    ------
    first : int
        First row of the strip [pixel].
    rows : ndarray, shape (rows, n)
        Strip of the map [mJy/beam].
    """
    cell = pixel / factor
    margin = factor * int(np.ceil(2.5 * max(f for f, _ in components) / pixel))
    height = max(1, STRIP // factor)
    order = np.argsort(y, kind="stable")
    x, y, flux = x[order], y[order], flux[order]
    for first in range(0, n, height):
        rows = min(height, n - first)
        bottom = first * factor - margin
        top = (first + rows) * factor + margin
        inside = slice(*np.searchsorted(y, [bottom, top - 1]))
        shape = (top - bottom, n * factor + 2 * margin)
        grid = share_out(x[inside] + margin, y[inside] - bottom, flux[inside], shape)
        grid = convolve(grid, cell, components)
        grid = grid[margin : margin + rows * factor, margin : margin + n * factor]
        yield first, grid.reshape(rows, factor, n, factor).mean(axis=(1, 3))


def share_out(x, y, flux, shape):
    """Share the flux of every source among the four nearest cells, bilinearly.

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
        Flux in every cell [mJy]; what falls outside the grid is lost.
    """
    ny, nx = shape
    inside = (x >= 0) & (x < nx - 1) & (y >= 0) & (y < ny - 1)
    x, y, flux = x[inside], y[inside], flux[inside]
    column, row = x.astype(np.int64), y.astype(np.int64)
    right, up = x - column, y - row
    cell = row * nx + column
    grid = np.zeros(ny * nx)
    for step, share in (
        (0, (1 - right) * (1 - up)),
        (1, right * (1 - up)),
        (nx, (1 - right) * up),
        (nx + 1, right * up),
    ):
        grid += np.bincount(cell + step, weights=flux * share, minlength=ny * nx)
    return grid.astype(np.float32).reshape(shape)


def convolve(grid, cell, components):
    """Convolve a grid of fluxes with a beam of unit peak integrated over the cells.

    Parameters
    ----------
    grid : ndarray, shape (ny, nx)
        Flux in every cell [mJy].
    cell : float
        Side of a cell [arcsec].
    components : sequence of (float, float)
        FWHM [arcsec] and amplitude of the beam's Gaussians.

    Returns
    -------
    ndarray of float32, shape (ny, nx)
        Surface brightness [mJy/beam].
    """
    shape = [fft.next_fast_len(n, real=True) for n in grid.shape]
    ky, kx = fft.fftfreq(shape[0]), fft.rfftfreq(shape[1])
    pairs = [
        (amplitude * 2 * np.pi * (fwhm / FWHM_PER_SIGMA / cell) ** 2, fwhm)
        for fwhm, amplitude in components
    ]
    spectrum = fft.rfft2(grid, shape, workers=-1)
    transfer = np.zeros(spectrum.shape, np.float32)
    for area, fwhm in pairs:
        decay = -2 * (np.pi * fwhm / FWHM_PER_SIGMA / cell) ** 2
        transfer += np.outer(
            area * np.exp(decay * ky**2) / np.sinc(ky),
            np.exp(decay * kx**2) / np.sinc(kx),
        ).astype(np.float32)
    spectrum *= transfer
    image = fft.irfft2(spectrum, shape, workers=-1)
    return image[: grid.shape[0], : grid.shape[1]]
