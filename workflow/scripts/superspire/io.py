"""Maps, tables and small records on disk, with units and provenance."""

import io
import json
import os
import weakref
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from superspire import __version__
from superspire.errors import InputError
from superspire.storage import strips_of

BLOCK = 2880
"""FITS files come in blocks of so many bytes."""


@dataclass(frozen=True)
class Map:
    """One map of the sky.

    Attributes
    ----------
    data : ndarray of float32, shape (ny, nx)
        Surface brightness [mJy/beam]; NaN where nothing was observed.
    wcs : astropy.wcs.WCS
        Celestial coordinates of the pixels.
    header : dict
        Further header cards.
    """

    data: np.ndarray
    wcs: WCS
    header: dict = field(default_factory=dict)


def write_json(path, record):
    """Write a record of plain values (NaN as null) to a JSON file."""

    def plain(value):
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, np.ndarray)):
            return [plain(item) for item in value]
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and not np.isfinite(value):
            return None
        return value

    Path(path).write_text(json.dumps(plain(record), indent=2) + "\n")


def read_json(path):
    """Read a JSON file."""
    return json.loads(Path(path).read_text())


def map_header(wcs, fwhm, cards):
    """Make the header of a map in Jy/beam.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Celestial coordinates.
    fwhm : float
        Full width at half maximum of the beam [arcsec].
    cards : dict
        Further cards, keyword to value or (value, comment).

    Returns
    -------
    astropy.io.fits.Header
    """
    header = wcs.to_header(relax=True)
    header["BUNIT"] = "Jy/beam"
    header["BMAJ"] = (fwhm / 3600.0, "[deg] FWHM of the beam")
    header["BMIN"] = (fwhm / 3600.0, "[deg] FWHM of the beam")
    header["BPA"] = 0.0
    header["CREATOR"] = f"SuperSPIRE {__version__}"
    header.update(cards)
    return header


def append_image(path, header, dtype, image, convert=None):
    """Append an image to a FITS file strip by strip.

    Parameters
    ----------
    path : str or path-like
        The file; if there is none, the image becomes HDU 0 of a new one.
    header : astropy.io.fits.Header
        Its cards but those of the layout.
    dtype : str or numpy.dtype
        Type of the pixels in the file.
    image : array, shape (ny, nx)
        The image, perhaps of `superspire.storage`.
    convert : callable, optional
        From a slice of rows to what is written of them in place of the image's.
    """
    kind = fits.ImageHDU if Path(path).exists() else fits.PrimaryHDU
    hdu = kind(np.broadcast_to(np.zeros((), dtype), image.shape), header)
    # Room for CHECKSUM and DATASUM: a header that grows has its file written anew.
    for _ in range(2):
        hdu.header.append(end=True)
    convert = convert or image.__getitem__
    with fits.StreamingHDU(os.fspath(path), hdu.header) as stream:
        for rows in strips_of(image):
            stream.write(np.ascontiguousarray(convert(rows), dtype))


def write_map(path, map_, fwhm, **cards):
    """Write a map as a FITS image in Jy/beam.

    Parameters
    ----------
    path : str or path-like
        File to write.
    map_ : Map
        The map [mJy/beam].
    fwhm : float
        Full width at half maximum of the beam [arcsec].
    **cards
        Further header cards.
    """
    header = map_header(map_.wcs, fwhm, {**map_.header, **cards})
    Path(path).unlink(missing_ok=True)
    milli = np.float32(1e-3)
    append_image(path, header, "f4", map_.data, lambda rows: map_.data[rows] * milli)


def read_map(path):
    """Read a map that `write_map` wrote.

    Parameters
    ----------
    path : str or path-like
        A FITS file whose first HDU is an image in Jy/beam with celestial WCS.

    Returns
    -------
    Map

    Raises
    ------
    InputError
        If the unit is not Jy/beam or the WCS is missing.
    """
    with fits.open(path) as hdus:
        header = hdus[0].header
        if header.get("BUNIT") != "Jy/beam":
            raise InputError(
                f"{path}: BUNIT of HDU 0 must be 'Jy/beam', found "
                f"{header.get('BUNIT')!r}"
            )
        wcs = WCS(header)
        if not wcs.has_celestial:
            raise InputError(f"{path}: HDU 0 has no celestial WCS")
        data = hdus[0].data.astype(np.float32) * np.float32(1e3)
    return Map(data, wcs)


def write_table(path, table, **cards):
    """Write a table as FITS (.fits) or ECSV (.ecsv), with what made it in its header.

    Parameters
    ----------
    path : str or path-like
        File to write.
    table : astropy.table.Table
        Columns with units.
    **cards
        Provenance, for instance ``SEED=1``.
    """
    table = table.copy(copy_data=False)
    table.meta.update(CREATOR=f"SuperSPIRE {__version__}", **cards)
    kind = "ascii.ecsv" if os.fspath(path).endswith(".ecsv") else "fits"
    table.write(path, format=kind, overwrite=True)


def write_table_parts(path, parts, **cards):
    """Write a FITS table part by part, so that memory does not grow with its length.

    Parameters
    ----------
    path : str or path-like
        File to write.
    parts : iterable of astropy.table.Table
        Parts with the same columns; the header is that of the first.
    **cards
        Provenance, for instance ``SEED=1``.

    Returns
    -------
    int
        Number of rows.
    """
    rows, count_at = 0, None
    with open(path, "wb") as file:
        for part in parts:
            part.meta.update(CREATOR=f"SuperSPIRE {__version__}", **cards)
            buffer = io.BytesIO()
            hdu = fits.table_to_hdu(part)
            hdu.writeto(buffer)
            header = hdu.header.tostring().encode()
            start, size = BLOCK + len(header), hdu.header["NAXIS1"] * len(part)
            buffer = buffer.getbuffer()
            if count_at is None:
                file.write(buffer[:start])
                count_at = BLOCK + header.index(b"NAXIS2  =")
            file.write(buffer[start : start + size])
            rows += len(part)
        file.write(bytes(-file.tell() % BLOCK))
        file.seek(count_at)
        file.write(f"NAXIS2  = {rows:20d}".encode())
    return rows


def read_columns(path, *names):
    """Read a few columns of a FITS table into memory, in native byte order.

    Parameters
    ----------
    path : str or path-like
        File that `write_table` or `write_table_parts` wrote.
    *names : str
        Columns.

    Returns
    -------
    tuple of ndarray
        The columns.
    """
    with fits.open(path, memmap=True) as hdus:
        data = hdus[1].data
        return tuple(
            np.array(data[n], dtype=data[n].dtype.newbyteorder("=")) for n in names
        )


def read_table(path):
    """Read a table that `write_table` wrote."""
    kind = "ascii.ecsv" if os.fspath(path).endswith(".ecsv") else "fits"
    return Table.read(path, format=kind)


def new_array(path, shape, dtype=np.float32):
    """Make a .npy file to fill through memory, with its room on the disk taken.

    Without that a full disk would end the process by a signal, without a word.

    Parameters
    ----------
    path : str or path-like
        File to write.
    shape : tuple of int
        Shape of the array.
    dtype : numpy.dtype
        Its type.

    Returns
    -------
    numpy.memmap, shape ``shape``

    Raises
    ------
    OSError
        If the disk has no room for it.
    """
    array = np.lib.format.open_memmap(path, "w+", dtype, shape)
    if hasattr(os, "posix_fallocate"):
        with open(path, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, file.seek(0, os.SEEK_END))
    return array


class ImageStack:
    """The images of a .npy file, each read from disk when it is asked for.

    A memory map of the file would do the same, but every image once read would count
    as resident memory of the process.

    Parameters
    ----------
    path : str or path-like
        File of an array of shape (n, ...).

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    """

    def __init__(self, path):
        array = np.load(path, mmap_mode="r")
        self.shape, self.dtype, self._start = array.shape, array.dtype, array.offset
        self._path, self._file = str(path), os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)

    def __len__(self):
        """Count the images."""
        return self.shape[0]

    def __getitem__(self, row):
        """Read one image, an array of shape (...)."""
        if not 0 <= row < len(self):
            raise IndexError(f"image {row} of {len(self)}")
        image = np.empty(self.shape[1:], self.dtype)
        view, at = memoryview(image).cast("B"), self._start + int(row) * image.nbytes
        while view:
            number = os.preadv(self._file, [view], at)
            if number == 0:
                raise EOFError(f"{self._path}: the file ends within image {row}")
            view, at = view[number:], at + number
        return image
