"""A FITS file that is read as a map: its name, its HDUs and what is odd about it."""

import contextlib
import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from superspire.errors import InputError
from superspire.maps.cards import Cards

HDU = fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU
"""HDUs that hold images."""


class MapFile:
    """An open FITS file that knows its name, its HDUs and how to complain.

    Parameters
    ----------
    path : str
        The file as messages name it.
    hdus : astropy.io.fits.HDUList
        Its HDUs.
    name : str, optional
        Name of the file itself, if it lies in an archive or a folder.

    Attributes
    ----------
    remarks : list of str
        What is unusual about it, for its record.
    warnings : list of str
        Those of the remarks that the user should see at once.
    """

    def __init__(self, path, hdus, name=None):
        self.path, self.hdus = str(path), hdus
        self.name = name or Path(path).name
        self.remarks, self.warnings = [], []
        self._cards = {}

    def error(self, expected, found, reason=""):
        """Make the error for what is not as it should be."""
        return InputError(f"{self.path}: expected {expected}, found {found}{reason}")

    def unreadable(self, error):
        """Make the error for a file that is damaged or of another kind."""
        return unreadable(self.path, error)

    def remark(self, sentence):
        """Note what is unusual."""
        self.remarks.append(sentence)

    def warn(self, sentence):
        """Note what is unusual and may spoil the result."""
        self.remarks.append(sentence)
        self.warnings.append(sentence)

    @property
    def images(self):
        """The HDUs that are images with pixels."""
        return [hdu for hdu in self.hdus if is_image(hdu)]

    def extname(self, hdu):
        """Give the EXTNAME of an HDU in lower case."""
        return " ".join(str(hdu.name).split()).lower()

    def label(self, hdu):
        """Name an HDU for a message or a record, as in ``HDU 1 (image)``."""
        return f"HDU {self.hdus.index(hdu)} ({self.extname(hdu)})"

    def list_hdus(self):
        """List the names of all HDUs for a message."""
        return ", ".join(self.extname(hdu) or "unnamed" for hdu in self.hdus)

    def cards(self, hdu):
        """Give the cards of an HDU."""
        if id(hdu) not in self._cards:
            self._cards[id(hdu)] = Cards(hdu.header)
        return self._cards[id(hdu)]

    def described_by(self, hdu):
        """List the HDUs whose headers describe an image: itself, and an empty HDU 0."""
        first = self.hdus[0]
        return [hdu] if hdu is first or is_image(first) else [hdu, first]

    def text(self, hdu, key):
        """Read a card of an HDU as text, empty if there is none."""
        try:
            return self.cards(hdu).text(key)
        except ValueError as error:
            raise self.error(f"one {key} in {self.label(hdu)}", error) from error

    def texts(self, hdu, key):
        """Read a card of every header that describes an image and has it."""
        found = (self.text(each, key) for each in self.described_by(hdu))
        return [text for text in found if text]

    def find_named(self, names, among=None):
        """Find the first image whose EXTNAME is one of some names, ignoring case.

        Parameters
        ----------
        names : iterable of str
            Names in lower case, best first.
        among : list of HDU, optional
            Images to choose from, by default all.

        Returns
        -------
        HDU or None
            None also if the only HDU of that name is empty, as in HELP files.
        """
        images = self.images if among is None else among
        return next(
            (hdu for key in names for hdu in images if self.extname(hdu) == key), None
        )

    def pixels(self, hdu, shape=None):
        """Read the array of an HDU as an image of two dimensions.

        Parameters
        ----------
        hdu : HDU
            One of the images.
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
        for key in ("BSCALE", "BZERO", "BLANK"):
            self.text(hdu, key)
        try:
            data = np.asarray(hdu.data)
        except Exception as error:  # damaged data fail in many ways
            raise self.unreadable(error) from error
        if not is_flat(data.shape):
            raise self.error(
                f"shape (ny, nx) or (1, ny, nx) in {self.label(hdu)}", data.shape
            )
        data = data.reshape(data.shape[-2:])
        if shape is not None and data.shape != shape:
            raise self.error(
                f"{self.label(hdu)} to have the shape {shape} of the signal", data.shape
            )
        return data


@contextlib.contextmanager
def open_fits(path, shown=None, name=None):
    """Open a FITS file, or say in one sentence why that cannot be done.

    Parameters
    ----------
    path : str or path-like
        The file, perhaps compressed.
    shown, name : str, optional
        How messages and the record name it, if not by its path and its own name.

    Yields
    ------
    MapFile

    Raises
    ------
    InputError
        If there is no such file, or it is not FITS, or it is truncated.
    """
    shown = str(shown or path)
    if not Path(path).is_file():
        raise InputError(f"{shown}: expected a FITS map, found no such file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyUserWarning)
        warnings.filterwarnings("error", ".*truncated.*", AstropyUserWarning)
        try:
            hdus = fits.open(path)
            len(hdus)
        except Exception as error:  # damaged headers fail in many ways
            raise unreadable(shown, error) from error
        with hdus:
            try:
                yield MapFile(shown, hdus, name or Path(path).resolve().name)
            except fits.VerifyError as error:
                raise unreadable(shown, error) from error


def unreadable(path, error):
    """Make the error for a file that is damaged or of another kind."""
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return InputError(f"{path}: expected a whole FITS file, found: {reason}")


def is_image(hdu):
    """Decide whether an HDU is an image with pixels."""
    return isinstance(hdu, HDU) and hdu.header.get("NAXIS", 0) > 0


def is_flat(shape):
    """Decide whether an array is (ny, nx), perhaps with axes of length one before."""
    return len(shape) >= 2 and all(n == 1 for n in shape[:-2]) and min(shape[-2:]) > 1
