"""Files of catalogues: FITS tables, tables of a single row of vectors, and CSV."""

import contextlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.io import fits

from superspire.errors import InputError

TEXT = (".csv", ".csv.gz")
DTYPES = dict(L="S1", B="u1", I=">i2", J=">i4", K=">i8", E=">f4", D=">f8", A="S1")
DTYPES |= dict(C=">c8", M=">c16", P="V8", Q="V16")
"""Types of the columns of a binary table (FITS 4.0, table 18)."""


def open_columns(path):
    """Find the columns of a catalogue without reading them.

    Parameters
    ----------
    path : path-like
        CSV (.csv, .csv.gz), or FITS, whose first table is taken: with one row for each
        source, or with all sources in a single row of vectors.

    Returns
    -------
    units : dict
        Name of every column to the unit that the file declares, an empty string where
        it does not.
    load : callable
        From a dict of names and types to a dict of arrays, in memory or on disk.

    Raises
    ------
    InputError
        If there is no such file, or it holds no table.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"catalogue.file: expected a catalogue, found no file {path}")
    with one_sentence(path):
        return (
            text_columns(path)
            if path.name.lower().endswith(TEXT)
            else fits_columns(path)
        )


@contextlib.contextmanager
def one_sentence(path):
    """Turn the errors of the readers of a file into one of our own."""
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(
            f"catalogue.file: expected a whole FITS table or a CSV file (.csv), found "
            f"{path}: {reason}"
        ) from error


def text_columns(path):
    """Find the columns of a CSV file; see `open_columns`."""
    options = {"comment": "#", "skipinitialspace": True}
    names = {str(n).strip(): n for n in pd.read_csv(path, nrows=0, **options)}

    def load(types):
        wanted = {names[name]: kind for name, kind in types.items()}
        with one_sentence(path):
            table = pd.read_csv(path, usecols=list(wanted), dtype=wanted, **options)
        return {name: table[names[name]].to_numpy() for name in types}

    return dict.fromkeys(names, ""), load


def fits_columns(path):
    """Find the columns of the first table of a FITS file; see `open_columns`."""
    with fits.open(path, memmap=True) as hdus:
        kinds = (fits.BinTableHDU, fits.TableHDU)
        hdu = next((h for h in hdus if isinstance(h, kinds)), None)
        if hdu is None:
            raise InputError(
                f"catalogue.file: expected a table, found none in the "
                f"{len(hdus)} HDUs of {path}"
            )
        header = hdu.header
        numbers = range(1, header["TFIELDS"] + 1)
        names = [header.get(f"TTYPE{i}", f"col{i}").strip() for i in numbers]
        units = [header.get(f"TUNIT{i}", "").strip() for i in numbers]
        if header["NAXIS2"] == 1 and isinstance(hdu, fits.BinTableHDU):
            read = row_vectors(path, header, hdu.fileinfo()["datLoc"])
        else:
            read = hdu.data.field

    def load(types):
        with one_sentence(path):
            return {name: read(name) for name in types}

    return dict(zip(names, units, strict=True)), load


def row_vectors(path, header, start):
    """Find the vectors of a table with a single row, however long it is.

    The row of a large field exceeds the 2 GiB that NumPy, and therefore Astropy,
    allows, so that each vector is mapped separately.

    Parameters
    ----------
    path : pathlib.Path
        FITS file, not compressed.
    header : astropy.io.fits.Header
        Header of the table.
    start : int
        Where its data begin [byte].

    Returns
    -------
    callable
        From a name to the vector on disk, of the shape that TDIM declares.
    """
    positions = {}
    for i in range(1, header["TFIELDS"] + 1):
        repeat, code = re.match(r"(\d*)([A-Z])", header[f"TFORM{i}"]).groups()
        count = int(repeat or 1)
        shape = [int(n) for n in re.findall(r"\d+", header.get(f"TDIM{i}", ""))][::-1]
        shape, dtype = shape or [count], np.dtype(DTYPES[code])
        size = count * dtype.itemsize
        if code == "A":
            *shape, width = shape
            dtype, size = np.dtype(f"S{width}"), count
        positions[header[f"TTYPE{i}"].strip()] = dtype, start, tuple(shape)
        start += size
    if path.stat().st_size < start:
        raise OSError(f"the row should end at byte {start} (is the file compressed?)")

    def read(name):
        dtype, offset, shape = positions[name]
        vector = np.memmap(path, dtype, "r", offset, shape)
        return vector == b"T" if dtype == "S1" else vector

    return read
