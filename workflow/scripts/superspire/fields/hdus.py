"""What the HDUs of a real map file hold: signal, mask, coverage, error, WCS."""

import contextlib
import re
import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import WCS, FITSFixedWarning
from astropy.wcs.utils import proj_plane_pixel_area

from superspire.errors import InputError

SIGNAL = ("image", "signal", "primary")
MASK = ("mask", "flag")
COVERAGE = ("coverage", "exposure")
ERROR = ("error", "noise", "sigma", "rms", "variance")
NOT_SIGNAL = {*MASK, *COVERAGE, *ERROR, "weight"}

DETECTORS = {"PSW": 250, "PMW": 350, "PLW": 500}


@contextlib.contextmanager
def open_fits(path):
    """Open a FITS file, or say in one sentence why that cannot be done.

    Parameters
    ----------
    path : str or path-like
        The file, perhaps compressed.

    Yields
    ------
    astropy.io.fits.HDUList

    Raises
    ------
    InputError
        If there is no such file, or it is not FITS, or it is truncated.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: expected a FITS map, found no such file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyUserWarning)
        warnings.filterwarnings("error", ".*truncated.*", AstropyUserWarning)
        try:
            hdus = fits.open(path)
            len(hdus)
        except Exception as error:  # damaged headers fail in many ways
            raise unreadable(path, error) from error
        with hdus:
            try:
                yield hdus
            except fits.VerifyError as error:
                raise unreadable(path, error) from error


def unreadable(path, error):
    """Make the error for a file that is damaged or of another kind."""
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return InputError(f"{path}: expected a whole FITS file, found: {reason}")


def label(hdus, hdu):
    """Name an HDU for a message or a record, as in ``HDU 1 (image)``."""
    return f"HDU {hdus.index(hdu)} ({name(hdu)})"


def name(hdu):
    """Give the EXTNAME of an HDU in lower case."""
    return hdu.name.strip().lower()


def is_image(hdu):
    """Tell whether an HDU is an image with pixels."""
    kinds = (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)
    return isinstance(hdu, kinds) and hdu.header.get("NAXIS", 0) > 0


def find_named(hdus, names):
    """Find the first image whose EXTNAME is one of some names, ignoring case.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    names : iterable of str
        Names in lower case, best first.

    Returns
    -------
    HDU or None
        None also if the only HDU of that name is empty, as in HELP files.
    """
    images = [hdu for hdu in hdus if is_image(hdu)]
    return next((hdu for key in names for hdu in images if name(hdu) == key), None)


def find_signal(hdus, path, wanted=None):
    """Find the image that holds the signal.

    By EXTNAME (image, signal, primary), else the first image of two dimensions that
    is not known to be something else. An empty ``image`` is never replaced by
    another HDU.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    path : str or path-like
        Its name, for messages.
    wanted : str or int, optional
        EXTNAME or number of the HDU, when the user names it.

    Returns
    -------
    HDU

    Raises
    ------
    InputError
        If there is none.
    """
    names = [name(hdu) or "unnamed" for hdu in hdus]
    if wanted is not None:
        return wanted_hdu(hdus, path, wanted, names)
    named = [hdu for key in SIGNAL[:2] for hdu in hdus if name(hdu) == key]
    if named and not any(map(is_image, named)):
        raise InputError(
            f"{path}: expected an image in {label(hdus, named[0])}, found it empty"
        )
    found = find_named(hdus, SIGNAL)
    if found is None:
        flat = (
            hdu
            for hdu in hdus
            if is_image(hdu) and is_flat(hdu.shape) and name(hdu) not in NOT_SIGNAL
        )
        found = next(flat, None)
    if found is None:
        raise InputError(
            f"{path}: expected an image HDU named image, signal or primary, or one of "
            f"shape (ny, nx), found the HDUs {', '.join(names)}"
        )
    return found


def wanted_hdu(hdus, path, wanted, names):
    """Find the HDU that the user names, see `find_signal`."""
    if isinstance(wanted, int):
        found = hdus[wanted] if 0 <= wanted < len(hdus) else None
    else:
        found = find_named(hdus, [wanted.strip().lower()])
    if found is None or not is_image(found):
        raise InputError(
            f"{path}: expected an image in HDU {wanted!r} (key hdu of the "
            f"configuration), found the HDUs {', '.join(names)}"
        )
    return found


def is_flat(shape):
    """Tell whether an array is (ny, nx), perhaps with axes of length one before."""
    return len(shape) >= 2 and all(n == 1 for n in shape[:-2]) and min(shape[-2:]) > 1


def pixels(hdus, hdu, path, shape=None):
    """Read the array of an HDU as an image of two dimensions.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    hdu : HDU
        One of its images.
    path : str or path-like
        Its name, for messages.
    shape : tuple of int, optional
        Shape that the image must have.

    Returns
    -------
    ndarray, shape (ny, nx)

    Raises
    ------
    InputError
        If the shape is another, or the file is damaged.
    """
    try:
        data = np.asarray(hdu.data)
    except Exception as error:  # damaged data fail in many ways
        raise unreadable(path, error) from error
    if not is_flat(data.shape):
        raise InputError(
            f"{path}: expected shape (ny, nx) or (1, ny, nx) in {label(hdus, hdu)}, "
            f"found {data.shape}"
        )
    data = data.reshape(data.shape[-2:])
    if shape is not None and data.shape != shape:
        raise InputError(
            f"{path}: expected {label(hdus, hdu)} to have the shape {shape} of the "
            f"signal, found {data.shape}"
        )
    return data


def celestial_wcs(hdus, hdu, path):
    """Read the celestial WCS of an image, from its HDU or from HDU 0.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    hdu : HDU
        The image.
    path : str or path-like
        Its name, for messages.

    Returns
    -------
    wcs : astropy.wcs.WCS
        With two axes.
    pixel_area : float
        Solid angle of a pixel [arcsec²].

    Raises
    ------
    InputError
        If there is no WCS or it cannot be used.
    """
    wrong = "no celestial WCS (CTYPE1, CRVAL1, CD1_1 or CDELT1, ...)"
    for header in (hdu.header, hdus[0].header):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FITSFixedWarning)
                wcs = WCS(header)
                if not wcs.has_celestial:
                    continue
                wcs = wcs.celestial
                area = proj_plane_pixel_area(wcs) * 3600.0**2
        except Exception as error:  # wcslib has many ways to refuse a header
            wrong = " ".join(str(error).split())
            continue
        if np.isfinite(area) and area > 0 and np.isfinite(wcs.wcs.crval).all():
            return wcs, float(area)
    raise InputError(
        f"{path}: expected a celestial WCS in {label(hdus, hdu)}, found {wrong}"
    )


def declared_band(header):
    """Read which SPIRE band a header says it is of.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Header of a map.

    Returns
    -------
    tuple of (str, int) or None
        Keyword and wavelength [µm].
    """
    detector = str(header.get("DETECTOR", "")).strip()[:3].upper()
    if detector in DETECTORS:
        return "DETECTOR", DETECTORS[detector]
    for key in ("WAVELNTH", "WAVELN", "WVLNGTH", "DESC"):
        value = str(header.get(key, "")).strip()
        match = re.match(r"(\d+)(?:\.0*)?\s*(?:um|µm|micron|$)", value)
        if match and int(match[1]) in DETECTORS.values():
            return key, int(match[1])
    return None
