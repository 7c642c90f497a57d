"""Read the image of a beam from a FITS file."""

import re
import warnings

import numpy as np
from astropy import units as u
from astropy.wcs import WCS, FITSFixedWarning
from scipy import ndimage

from superspire.errors import InputError
from superspire.instruments import BANDS
from superspire.maps.files import is_flat, open_fits
from superspire.sky.beams import ImageBeam

SAMPLING = 2.9
"""Minimum number of pixels across the FWHM of a beam's image."""

PIXEL_KEYS = ("PIXSCALE", "PIXSCAL", "PIXSCAL1")
CARD = re.compile(r"[^=]*=[\s']*([-+]?[\d.]+(?:[EeDd][-+]?\d+)?)[\s']*(?:/(.*))?")
"""Number and comment of a header card, whatever its columns."""


def read_beam(path, band):
    """Read the beam of a band from the first image of a FITS file.

    Its values may be in any unit. It is laid on the sky as its WCS says, or, with
    nothing but a pixel scale, with north up and east to the left.

    Parameters
    ----------
    path : str or path-like
        FITS file. The pixel scale comes from the WCS (CDELT, CD or PC) or from
        PIXSCALE or PIXSCAL [deg, unless the comment says arcsec].
    band : int
        Wavelength of the band [µm].

    Returns
    -------
    ImageBeam

    Raises
    ------
    InputError
        If there is no such file, image, pixel scale or peak, or if the pixels are too
        large or the width is not that of the band's beam.
    """
    name = f"realism.spire_beams.{band}"
    with open_fits(path) as file:
        hdu = next((h for h in file.images if is_flat(h.shape)), None)
        if hdu is None:
            raise InputError(
                f"{name}: expected an image of a beam in {path}, found no HDU of shape "
                "(ny, nx)"
            )
        where = f"{file.label(hdu)} of {path}"
        image = file.pixels(hdu).astype(float)
        matrix = pixel_matrix(hdu.header)
    if matrix is None:
        raise InputError(
            f"{name}: expected a pixel scale (CDELT1, CD1_1, or PIXSCALE in deg) in "
            f"{where}, found none that can be used"
        )
    fwhm = BANDS[band].fwhm
    scales = np.hypot(*matrix)
    if scales.max() > fwhm / SAMPLING:
        raise InputError(
            f"{name}: expected pixels of at most {fwhm / SAMPLING:.2f} arcsec, a third "
            f"of the FWHM, in {where}, found {scales.max():.6g} arcsec"
        )
    image, step = lay_north_up(np.where(np.isfinite(image), image, 0.0), matrix)
    try:
        beam = ImageBeam(image, step, fwhm)
    except InputError as error:
        raise InputError(f"{name}: {error} ({where})") from error
    width = 2 * np.sqrt((beam.image > 0.5).sum() * beam.step.prod() / np.pi)
    if not 0.5 < width / fwhm < 2:
        raise InputError(
            f"{name}: expected a beam of FWHM {fwhm} arcsec, within a factor of two, "
            f"in {where}, found {width:.4g} arcsec"
        )
    return beam


def pixel_matrix(header):
    """Read how the pixels of an image lie on the sky.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Header of the image.

    Returns
    -------
    ndarray, shape (2, 2), or None
        Offset to the west (first row) and north (second row) of one pixel along x
        (first column) and along y [arcsec].
    """
    if any(key in header for key in ("CDELT1", "CD1_1", "CD1_2")):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FITSFixedWarning)
                wcs = WCS(header).sub(2)
            units = [u.Unit(unit or "deg") for unit in wcs.world_axis_units]
            scale = np.array([[unit.to("arcsec")] for unit in units])
        except Exception:  # wcslib has many ways to refuse a header
            return None
        matrix = scale * wcs.pixel_scale_matrix * [[-1.0], [1.0]]
    else:
        matrix = keyword_scale(header) * np.eye(2)
    usable = np.isfinite(matrix).all() and abs(np.linalg.det(matrix)) > 0
    return matrix if usable else None


def keyword_scale(header):
    """Read the side of a pixel from a keyword, even from a card that breaks the rules.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Header of the image.

    Returns
    -------
    float
        Side of a pixel [arcsec]; NaN if there is no such keyword.
    """
    for key in (key for key in PIXEL_KEYS if key in header):
        card = str(header.cards[key].image)
        match = CARD.match(card)
        if match:
            unit = "arcsec" if "arcsec" in (match[2] or "").lower() else "deg"
            value = float(match[1].upper().replace("D", "E"))
            return abs(value) * u.Unit(unit).to("arcsec")
    return np.nan


def lay_north_up(image, matrix):
    """Turn the image of a beam so that its rows go from west to east.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        The image.
    matrix : ndarray, shape (2, 2)
        See `pixel_matrix`.

    Returns
    -------
    image : ndarray
        The same if its axes are parallel to those of the sky, else resampled by
        cubic splines.
    step : (float, float)
        See `ImageBeam`.
    """
    scales = np.hypot(*matrix)
    if max(abs(matrix[0, 1]), abs(matrix[1, 0])) < 1e-4 * scales.min():
        return image, (matrix[1, 1], matrix[0, 0])
    step = scales.min()
    to_pixel = np.linalg.inv(matrix)[::-1, ::-1] * step
    n = int(np.ceil(np.hypot(*image.shape) * scales.max() / step))
    centre = 0.5 * (np.array(image.shape) - 1)
    offset = centre - to_pixel @ [0.5 * (n - 1), 0.5 * (n - 1)]
    return ndimage.affine_transform(image, to_pixel, offset, (n, n)), (step, step)
