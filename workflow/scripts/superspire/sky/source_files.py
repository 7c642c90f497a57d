"""Files of catalogues: FITS tables, tables of a single row of vectors, and text."""

import bz2
import contextlib
import gzip
import lzma
import re
from pathlib import Path
from xml.parsers.expat import ExpatError

import numpy as np
import pandas as pd
from astropy.io import fits, votable
from astropy.table import Table

from superspire.errors import InputError

PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
"""Begin of packed files, and what opens them."""

FITS_NAMES = re.compile(r"\.(fits?|fz)(\.gz|\.bz2|\.xz)?$", re.IGNORECASE)
CSV_NAMES = re.compile(r"\.(csv|tsv)(\.gz|\.bz2|\.xz)?$", re.IGNORECASE)
VOTABLE_NAMES = re.compile(r"\.(vot|votable|xml)(\.gz)?$", re.IGNORECASE)

UNREADABLE = (
    *(OSError, ValueError, TypeError, KeyError, IndexError, EOFError, SyntaxError),
    ExpatError,
)
"""What the readers of damaged files raise."""

NULLS = ("--", "-", "...", "masked", "N.A.", "INDEF", "undef", "*")
"""Spellings of missing values beside those that pandas knows."""

DTYPES = dict(L="S1", B="u1", I=">i2", J=">i4", K=">i8", E=">f4", D=">f8", A="S1")
DTYPES |= dict(C=">c8", M=">c16", P="V8", Q="V16")
"""Types of the columns of a binary table (FITS 4.0, table 18)."""


def open_columns(path):
    """Find the columns of a catalogue without reading them.

    Parameters
    ----------
    path : path-like
        CSV; FITS, whose first table is taken: with one row for each source, or with
        all sources in a single row of vectors; or any other table that astropy reads
        (VOTable, ECSV, machine-readable, IPAC, plain text), perhaps compressed.

    Returns
    -------
    units : dict
        Name of every column to the unit that the file declares, an empty string where
        it does not.
    load : callable
        From a dict of names and types to a dict of arrays, in memory or on disk; NaN
        where a value is missing.

    Raises
    ------
    InputError
        If there is no such file, or it holds no table.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"catalogue.file: expected a catalogue, found no file {path}")
    with one_sentence(path):
        if FITS_NAMES.search(path.name) or first_bytes(path).startswith(b"SIMPLE"):
            return fits_columns(path)
        if CSV_NAMES.search(path.name):
            return text_columns(path)
        return table_columns(path)


@contextlib.contextmanager
def one_sentence(path):
    """Turn the errors of the readers of a file into one of our own."""
    try:
        yield
    except InputError:
        raise
    except UNREADABLE as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(
            f"catalogue.file: expected a whole FITS table or a CSV file (.csv), found "
            f"{path}: {reason}"
        ) from error


def unpacked(path):
    """Open a file for reading bytes, unpacked if it is packed."""
    with open(path, "rb") as file:
        begin = file.read(8)
    opener = next((o for key, o in PACKED.items() if begin.startswith(key)), open)
    return opener(path, "rb")


def first_bytes(path, number=80):
    """Read the first bytes of a file, unpacked."""
    with unpacked(path) as file:
        return file.read(number)


def text_columns(path):
    """Find the columns of a CSV file; see `open_columns`.

    Lines that begin with # are comments. If they are all that names the columns, the
    last one before the data does.
    """
    comments, first, named = scan_lines(path)
    options = {"skipinitialspace": True, "na_values": NULLS, "encoding": "utf-8-sig"}
    options |= {"encoding_errors": "replace", "sep": delimiter(first)}
    options |= {"skiprows": comments, "skip_blank_lines": True}
    if named is not None:
        options |= {"header": None, "names": named}
    head = pd.read_csv(path, nrows=0, **options)
    names = {str(name).strip(): name for name in head}

    def load(types):
        wanted = [names[name] for name in types]
        kinds = {names[name]: kind for name, kind in types.items() if kind}
        with one_sentence(path):
            table = pd.read_csv(path, usecols=wanted, dtype=kinds, **options)
        return {name: table[names[name]].to_numpy() for name in types}

    return dict.fromkeys(names, ""), load


def scan_lines(path):
    """Find the comments of a text file and the line that names its columns.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    comments : list of int
        Numbers of the lines that begin with #.
    first : str
        First line that does not.
    named : list of str or None
        Names in the last comment before it, if it is all numbers.
    """
    comments, first, last = [], None, ""
    with unpacked(path) as file:
        for number, line in enumerate(file):
            if line.lstrip(b"\xef\xbb\xbf \t").startswith(b"#"):
                comments.append(number)
                last = line if first is None else last
            elif first is None and line.strip():
                first = line.decode("utf-8", "replace")
    first = first or ""
    fields = first.strip().split(delimiter(first))
    if not last or not all(map(is_number, fields)):
        return comments, first, None
    text = last.decode("utf-8-sig", "replace").strip().lstrip("# ")
    named = [name.strip() for name in text.split(delimiter(text))]
    return comments, first, named if len(named) == len(fields) else None


def delimiter(line):
    """Find what separates the fields of a line."""
    return max(",;\t", key=line.count)


def is_number(text):
    """Tell whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def table_columns(path):
    """Find the columns of a table that astropy reads; see `open_columns`."""
    begin = first_bytes(path, 400)
    if VOTABLE_NAMES.search(path.name) or b"<VOTABLE" in begin:
        table = votable.parse_single_table(path).to_table(use_names_over_ids=True)
    else:
        nulls = [(null, "0") for null in ("", *NULLS, "nan", "NaN", "null", "N/A")]
        table = Table.read(path, format="ascii", fill_values=nulls)

    def load(types):
        with one_sentence(path):
            return {name: numbers_of(table[name], kind) for name, kind in types.items()}

    return {name: str(table[name].unit or "") for name in table.colnames}, load


def numbers_of(column, kind=None):
    """Give a column of a table as an array, NaN where it is masked."""
    values = np.ma.asarray(column)
    if values.dtype.kind in "iuf" and np.ma.is_masked(values):
        values = values.astype(float).filled(np.nan)
    values = np.asarray(values)
    return values if kind is None else values.astype(kind)


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
        if not is_row_of_vectors(hdu):
            data = hdu.data

            def read(name):
                return with_nulls(hdu, data, names.index(name))

        elif first_bytes(path) == raw_bytes(path):
            read = row_vectors(path, header, hdu.fileinfo()["datLoc"])
        else:
            row = hdu.data[0]

            def read(name):
                return np.atleast_1d(row[names.index(name)])

    def load(types):
        with one_sentence(path):
            return {name: read(name) for name in types}

    return dict(zip(names, units, strict=True)), load


def raw_bytes(path, number=80):
    """Read the first bytes of a file as they are on disk."""
    with open(path, "rb") as file:
        return file.read(number)


def is_row_of_vectors(hdu):
    """Tell whether a table holds all sources in a single row of vectors."""
    header = hdu.header
    if header["NAXIS2"] != 1 or not isinstance(hdu, fits.BinTableHDU):
        return False
    forms = (header[f"TFORM{i}"].strip() for i in range(1, header["TFIELDS"] + 1))
    return any(re.match(r"([02-9]|1\d)\d*[LBIJKEDCM]", form) for form in forms)


class WithNulls:
    """A column whose nulls are NaN, read when it is asked for.

    Parameters
    ----------
    values : ndarray, shape (n,)
        The values, scaled.
    stored : ndarray, shape (n,)
        What the file holds.
    null : int or bytes
        What it holds where there is no value.
    """

    ndim, dtype = 1, np.dtype(float)

    def __init__(self, values, stored, null):
        self._values, self._stored, self._null = values, stored, null
        self.shape = values.shape

    def __len__(self):
        """Count the values."""
        return len(self._values)

    def __getitem__(self, rows):
        """Read some of the values, a float array."""
        values = np.asarray(self._values[rows], float)
        return np.where(self._stored[rows] == self._null, np.nan, values)


def with_nulls(hdu, data, index):
    """Read a column of a table, with NaN where it holds TNULL."""
    values = data.field(index)
    null = hdu.header.get(f"TNULL{index + 1}")
    if null is None or np.ndim(values) != 1 or values.dtype.kind not in "iuf":
        return values
    stored = np.asarray(data)[data.dtype.names[index]]
    if stored.dtype.kind == "S":
        stored, null = np.char.strip(stored), str(null).strip().encode()
    return WithNulls(values, stored, null)


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
