"""What the HDUs of a real map file hold: signal, mask, coverage, error."""

import contextlib
import re
import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from superspire.errors import InputError

SIGNAL = ("image", "signal", "primary")
MASK = ("mask", "flag")
COVERAGE = ("coverage", "exposure")
ERROR = ("error", "noise", "sigma", "rms", "variance")
HDU = fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU
"""HDUs that hold images."""

NOT_SIGNAL = re.compile(
    "mask|flag|qual|cover|expos|exp_time|hits|err|noise|sigma|rms|var|unc|weight|wht|"
    "psf|beam|matchedfilter"
)
"""Parts of the names of HDUs that are never taken for the signal by themselves."""


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
    return " ".join(str(hdu.name).split()).lower()


def text(header, key):
    """Give the value of a card as text, empty if there is none."""
    value = header.get(key)
    missing = value is None or isinstance(value, fits.card.Undefined)
    return "" if missing else " ".join(str(value).split())


def headers(hdus, hdu):
    """List the headers that describe an image: its own, and that of an empty HDU 0."""
    first = [] if hdu is hdus[0] or is_image(hdus[0]) else [hdus[0]]
    return [each.header for each in (hdu, *first)]


def is_image(hdu):
    """Tell whether an HDU is an image with pixels."""
    return isinstance(hdu, HDU) and hdu.header.get("NAXIS", 0) > 0


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
            if is_image(hdu) and is_flat(hdu.shape) and not NOT_SIGNAL.search(name(hdu))
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
