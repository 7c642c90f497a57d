"""What the columns of a catalogue are, and how to read them in our units."""

import difflib
import re
from functools import partial

import numpy as np
from astropy import units as u

from superspire.errors import InputError
from superspire.instruments import PAPER_BANDS
from superspire.sky.egg_program import LAYOUT, choose_bands
from superspire.sky.source_files import open_columns

FLUXES = tuple(f"S{band}" for band in PAPER_BANDS)
NAMES = {
    "ra": ("ra",),
    "dec": ("dec",),
    "z": ("z", "redshift"),
    **{str(band): (f"s{band}",) for band in PAPER_BANDS},
}
"""Names of the columns, whatever their case, unless the configuration gives others."""

OWN = dict.fromkeys(("LOGM", "LOGLIR", "TDUST", "MU"), np.float32) | {"PASSIVE": bool}
"""Columns that a table of our own has, and their types."""

BRACKETS = re.compile(r"^[\[(](.*)[\])]$")
"""A unit in brackets, as in [mJy]."""

MOST_NAMES = 20
"""How many columns a message lists."""


def match_columns(names, wanted):
    """Find the columns that hold positions, fluxes and redshifts.

    Parameters
    ----------
    names : iterable of str
        Columns of the file.
    wanted : dict
        Names that the configuration gives for ra, dec, z, 250, 350, 450 and 500.

    Returns
    -------
    dict
        The same keys to names in the file; ``z`` is missing if the file has none.

    Raises
    ------
    InputError
        If a column is not there.
    """
    wanted = {str(key): str(name) for key, name in (wanted or {}).items()}
    by_lower = {name.lower(): name for name in names}
    found = {}
    for key, defaults in NAMES.items():
        options = [wanted[key]] if key in wanted else defaults
        hits = [o if o in names else by_lower.get(o.lower()) for o in options]
        if any(hits):
            found[key] = next(filter(None, hits))
        elif key != "z" or key in wanted:
            raise missing(key, options[0], list(names))
    return found


def missing(key, name, names):
    """Make the error for a column that is not there."""
    close = difflib.get_close_matches(name.lower(), [n.lower() for n in names], 1, 0.5)
    hint = [n for n in names if n.lower() in close]
    listed = ", ".join(names[:MOST_NAMES]) + (", ..." if names[MOST_NAMES:] else "")
    return InputError(
        f"catalogue.columns.{key}: expected a column {name!r}, found {listed}"
        + (f" (did you mean {hint[0]!r}?)" if hint else "")
    )


def angle_factor(name, text):
    """Find what turns an angle into degrees.

    Parameters
    ----------
    name : str
        Column.
    text : str
        Its unit as the file declares it; degrees if it is empty.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If it is not the unit of an angle.
    """
    if not text:
        return 1.0
    try:
        return u.Unit(text.lower().rstrip("s")).to(u.deg)
    except (ValueError, TypeError, u.UnitConversionError):
        raise InputError(
            f"catalogue.columns: expected an angle in degrees in {name!r}, found its "
            f"unit to be {text!r}"
        ) from None


def flux_factor(name, text, unit=None):
    """Find what turns a flux density into mJy.

    Parameters
    ----------
    name : str
        Column.
    text : str
        Its unit as the file declares it, perhaps empty.
    unit : {"Jy", "mJy", "uJy"}, optional
        Unit that the configuration declares.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If there is no unit, or no unit of a flux density, or two that differ.
    """
    declared = u.Unit(unit) if unit else None
    try:
        found = u.Unit(BRACKETS.sub(r"\1", text)) if text else None
    except ValueError:
        found = declared
    if found is None and declared is None:
        raise InputError(
            f"catalogue.unit: expected Jy, mJy or uJy, since the file does not say the "
            f"unit of {name!r}, found " + (f"only {text!r}" if text else "none")
        )
    found = found or declared
    if not isinstance(found, u.UnitBase) or not found.is_equivalent(u.mJy):
        raise InputError(
            f"catalogue.columns: expected flux densities (Jy, mJy or uJy) in {name!r}, "
            f"found its unit to be {text!r}"
        )
    if declared is not None and not np.isclose(found.to(declared), 1.0):
        raise InputError(
            f"catalogue.unit: expected the unit of the file, {text!r} in {name!r}, "
            f"found {unit!r}"
        )
    return found.to(u.mJy)


def scaled(values, factor, dtype, rows):
    """Read some rows of a column, multiplied by a factor."""
    return np.asarray(values[rows] * factor, dtype=dtype)


def logarithm(values, rows):
    """Read the decimal logarithm of some rows of a column."""
    with np.errstate(divide="ignore"):
        return np.log10(values[rows], dtype=np.float32)


def open_table(path, columns=None, unit=None):
    """Open a catalogue, so that its columns can be read in our units.

    Parameters
    ----------
    path : path-like
        CSV or FITS; see `superspire.sky.source_files.open_columns`. What EGG wrote is
        recognised by its layout.
    columns : dict, optional
        Names of the columns ra, dec, z, 250, 350, 450 and 500.
    unit : {"Jy", "mJy", "uJy"}, optional
        Unit of the flux densities, where the file does not declare it.

    Returns
    -------
    readers : dict
        Name of a column of ours to a function that reads a slice of it.
    rows : int
        Number of sources.

    Raises
    ------
    InputError
        If the file, a column or a unit is not what it should be.
    """
    units, load = open_columns(path)
    if set(units) >= LAYOUT:
        return open_egg(path, load, columns, unit)
    names = match_columns(list(units), columns)
    own = {name: kind for name, kind in OWN.items() if name in units}
    types = {names[key]: np.float64 for key in ("ra", "dec")}
    types |= {name: np.float32 for name in names.values() if name not in types}
    data = load(types | own)
    for name, values in data.items():
        if np.ndim(values) != 1 or values.dtype.kind not in "iufb":
            raise InputError(
                f"catalogue.columns: expected a number for each source in {name!r}, "
                f"found {path} to hold {values.dtype} of the shape {np.shape(values)}"
            )
    readers = {}
    for key, column in {"ra": "RA", "dec": "DEC"}.items():
        factor = angle_factor(names[key], units[names[key]])
        readers[column] = partial(scaled, data[names[key]], factor, np.float64)
    if "z" in names:
        readers["Z"] = partial(scaled, data[names["z"]], 1.0, np.float32)
    for name, kind in own.items():
        readers[name] = partial(scaled, data[name], 1.0, kind)
    for column, band in zip(FLUXES, PAPER_BANDS, strict=True):
        name = names[str(band)]
        factor = flux_factor(name, units[name], unit)
        readers[column] = partial(scaled, data[name], factor, np.float32)
    return readers, len(data[names["ra"]])


def open_egg(path, load, columns=None, unit=None):
    """Open a catalogue of EGG, whose columns and units are known; see `open_table`."""
    if columns or unit not in (None, "uJy"):
        raise InputError(
            f"catalogue: expected neither columns nor unit for {path}, which EGG wrote "
            f"(in uJy), found {columns or unit!r}"
        )
    data = load(dict.fromkeys(LAYOUT))
    bands = choose_bands(
        [name.decode().strip() for name in data["BANDS"]], data["LAMBDA"]
    )
    single = {"Z": "Z", "LOGM": "M", "TDUST": "TDUST"}
    readers = {n: partial(scaled, data[n], 1.0, np.float64) for n in ("RA", "DEC")}
    for name, its in single.items():
        readers[name] = partial(scaled, data[its], 1.0, np.float32)
    readers["PASSIVE"] = partial(scaled, data["PASSIVE"], 1, bool)
    readers["LOGLIR"] = partial(logarithm, data["LIR"])
    for band, i in bands.items():
        readers[f"S{band}"] = partial(scaled, data["FLUX"][:, i], 1e-3, np.float32)
    return readers, len(data["RA"])
