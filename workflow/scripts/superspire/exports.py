"""Tables in the formats of journals, archives and other programs."""

import warnings

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.table import MaskedColumn, Table

FORMATS = {
    "ecsv": "ascii.ecsv",
    "mrt": "ascii.mrt",
    "tex": "ascii.aastex",
    "vot": "votable",
}
"""File name ending to astropy's name of the format: ECSV, the machine-readable tables
of the AAS journals and of the CDS, AASTeX, VOTable."""

UNITS = {
    "_um": units.um,
    "_arcsec": units.arcsec,
    "_arcsec2": units.arcsec**2,
    "_mJy": units.mJy,
}
"""Ending of a column's name to its unit, in the tables that are CSV files."""

POSITIONS = ("RA", "DEC")


def with_units(frame):
    """Turn a table whose columns are named after their units into one that has units.

    Parameters
    ----------
    frame : pandas.DataFrame

    Returns
    -------
    astropy.table.Table
        Missing values are masked.
    """
    table = Table.from_pandas(frame)
    for name in table.colnames:
        ending = f"_{name.rpartition('_')[2]}"
        if ending in UNITS and ending != name:
            table[name].unit = UNITS[ending]
            table.rename_column(name, name.removesuffix(ending))
    return table


def read_described(path):
    """Read the first table of a FITS file with what TCOMMn says of its columns.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    astropy.table.Table
    """
    table, header = Table.read(path, hdu=1), fits.getheader(path, 1)
    for number, name in enumerate(table.colnames, 1):
        table[name].description = header.get(f"TCOMM{number}")
    return table


def export(table, path, kind):
    """Write a table in one of `FORMATS`.

    Parameters
    ----------
    table : astropy.table.Table
    path : str or path-like
        File to write.
    kind : str
        Key of `FORMATS`. In text flags are Y or N and numbers rounded: positions to a
        millionth of a degree, others to six digits
        of the largest.
    """
    table = table.copy()
    table.meta = {}
    for name in table.colnames:
        column = table[name]
        if column.dtype.kind == "b" and kind != "vot":
            table[name] = np.where(column, "Y", "N")
        if column.dtype.kind == "f":
            missing = ~np.isfinite(np.ma.filled(column, np.nan))
            if missing.any():
                table[name] = MaskedColumn(column, mask=missing)
            if kind in ("mrt", "tex"):
                table[name].info.format = ".6f" if name in POSITIONS else digits(column)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "output may not be standard-compliant")
        table.write(path, format=FORMATS[kind], overwrite=True)


def digits(values, number=6):
    """Give the fixed-point format that keeps so many digits of the maximum value."""
    finite = np.abs(np.asarray(values, float))
    largest = finite[np.isfinite(finite)].max(initial=1.0)
    return f".{max(number - 1 - int(np.floor(np.log10(largest))), 0)}f"
