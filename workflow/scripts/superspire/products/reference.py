"""A published catalogue at 450 µm, and how a super-resolved field compares with it."""

import itertools

import numpy as np
import pandas as pd
from astropy import units
from astropy.table import Table
from scipy.spatial import Delaunay, QhullError

from superspire.errors import InputError
from superspire.evaluation.measures import FLUX_FACTOR, recovered_fraction
from superspire.evaluation.protocols import PAPER, POSITION, POSITION_FLUX, STRICT
from superspire.maps.blanks import KNOWN
from superspire.maps.tiling import near_edge
from superspire.maps.units import parse_unit
from superspire.photometry.matching import match
from superspire.sky.source_columns import angle_factor, flux_factor
from superspire.sky.source_files import open_columns

NAMES = {
    "ra": ("ra", "raj2000", "ra_deg", "alpha_j2000"),
    "dec": ("dec", "decj2000", "dej2000", "dec_deg", "delta_j2000"),
    "flux": ("s450", "s450_deb", "flux_450", "f450", "flux"),
    "error": ("s450_total_err", "s450_err", "e_s450", "flux_error", "error"),
}
"""Usual names of the columns, in any case; the first of them is STUDIES' or ours."""

IDS = ("id", "name", "source_id", "source", "number", "objid")
"""Usual names of what identifies an entry."""

FLUX_CUTS = (4.0, 6.0, 8.5, 12.0, 17.0, np.inf)
"""Edges of the bins in which fluxes are compared [mJy]."""

RECOVERED, CONFIRMED = "recovered", "confirmed"

DEEP_FRACTION = 0.84
"""Fraction of a published catalogue's sources whose noise its depth is taken from."""

BEYOND = 600.0
"""Distance from a map up to which published sources outline their sky [pixel]."""

MEDIAN_ERROR = np.sqrt(np.pi / 2.0)
"""Standard error of the median of n normal deviates, times the square root of n."""


def find_column(names, key, wanted, path, section="reference", usual=NAMES):
    """Find a column of a catalogue; those of errors and names may be missing."""
    options = [wanted[key]] if wanted.get(key) else (usual | {"id": IDS})[key]
    by_lower = {name.lower(): name for name in names}
    for option in options:
        if option.lower() in by_lower:
            return by_lower[option.lower()]
    if key in ("error", "id") and key not in wanted:
        return None
    raise InputError(
        f"{section}.columns.{key}: expected a column {' or '.join(options)} in {path}, "
        f"found {', '.join(names)}"
    )


def read_reference(path, columns=None, unit=None, notify=print):
    """Read a published catalogue.

    Parameters
    ----------
    path : path-like
        FITS, CSV or any other table (`superspire.sky.source_files.open_columns`).
    columns : dict, optional
        Names of the columns ra, dec, flux and error, where they are unusual.
    unit : {"Jy", "mJy", "uJy"}, optional
        Unit of the fluxes, whatever the file says.
    notify : callable
        Gets sentences about what the user should know.

    Returns
    -------
    astropy.table.Table
        RA, DEC [deg], S450 and, if the file has one, S450_ERR [mJy]; without the
        sources that have no position and flux.

    Raises
    ------
    InputError
        If the file, a column or a unit is not what it should be.
    """
    values = read_values(path, list(NAMES), columns or {}, unit, notify)
    known = np.isfinite(values["ra"]) & (np.abs(values["dec"]) <= 90.0)
    known &= np.isfinite(values["flux"])
    if not known.all():
        notify(
            f"{path}: {np.sum(~known)} of {len(known)} sources have no position or "
            "flux and are skipped"
        )
    table = Table(
        {
            "RA": values["ra"] * units.deg,
            "DEC": values["dec"] * units.deg,
            "S450": values["flux"] * units.mJy,
        }
    )
    if "error" in values:
        table["S450_ERR"] = values["error"] * units.mJy
    return table[known]


def read_positions(path, columns=None):
    """Read the positions of a catalogue of any wavelength.

    Parameters
    ----------
    path : path-like
        FITS or CSV.
    columns : dict, optional
        Names of the columns ra and dec, where they are unusual.

    Returns
    -------
    ra, dec : ndarray, shape (n,)
        Finite positions (ICRS) [deg].

    Raises
    ------
    InputError
        If the file or a column is not what it should be.
    """
    values = read_values(path, ["ra", "dec"], columns or {})
    known = np.isfinite(values["ra"]) & np.isfinite(values["dec"])
    return values["ra"][known], values["dec"][known]


def read_list(path, columns=None, notify=print):
    """Read a list of positions with what identifies its entries.

    Parameters
    ----------
    path : path-like
        FITS, CSV or any other table (`superspire.sky.source_files.open_columns`).
    columns : dict, optional
        Names of the columns ra, dec and id, where they are unusual.
    notify : callable
        Gets a sentence if entries have no position.

    Returns
    -------
    astropy.table.Table
        ID, of numbers or texts (the number of the row if the file has none), RA and
        DEC [deg]; without the entries that have no position.

    Raises
    ------
    InputError
        If the file or a column is not what it should be.
    """
    columns = columns or {}
    values = read_values(path, ["ra", "dec"], columns, section="positions")
    declared, load = open_columns(path)
    name = find_column(list(declared), "id", columns, path, "positions")
    ids = np.arange(1, len(values["ra"]) + 1)
    if name:
        ids = np.asarray(load({name: None})[name][:])
    if ids.dtype.kind not in "iu":
        texts = (i.decode() if isinstance(i, bytes) else str(i) for i in ids)
        ids = np.array([text.strip() for text in texts], dtype=str)
    known = np.isfinite(values["ra"]) & (np.abs(values["dec"]) <= 90.0)
    if not known.all():
        notify(
            f"{path}: {np.sum(~known)} of {len(known)} entries have no position and "
            "are skipped"
        )
    table = {
        "ID": ids,
        "RA": values["ra"] * units.deg,
        "DEC": values["dec"] * units.deg,
    }
    return Table(table)[known]


def read_values(
    path, keys, columns, unit=None, notify=print, section="reference", usual=NAMES
):
    """Read some of the columns of `NAMES`, or of other usual names.

    See `read_reference`.

    Returns
    -------
    dict of str to ndarray
        Angles [deg] and fluxes [mJy]; without the error if the file has none.
    """
    declared, load = open_columns(path)
    found = {
        key: find_column(list(declared), key, columns, path, section, usual)
        for key in keys
    }
    found = {key: name for key, name in found.items() if name}
    data = load({name: None for name in found.values()})
    values = {}
    for key, name in found.items():
        text = declared[name] or ""
        if key in ("ra", "dec"):
            factor = angle_factor(name, text)
        else:
            factor = peak_factor(name, text, unit, notify)
        values[key] = read_numbers(data[name], key, name, path, section) * factor
    return values


def peak_factor(name, text, unit, notify):
    """Find what turns a flux density, or the peak of a point source, into mJy.

    Parameters
    ----------
    name : str
        Column.
    text : str
        Its unit as the file declares it, perhaps empty.
    unit : {"Jy", "mJy", "uJy"} or None
        Unit that the configuration declares.
    notify : callable
        Gets a sentence if both differ: the configuration wins.

    Returns
    -------
    float
    """
    peak = parse_unit(text) or parse_unit(f"{text}/beam")
    if not text or peak is None or peak.area != "beam":
        return flux_factor(name, text, unit)
    found = 1e3 * peak.jansky
    if unit is None:
        return found
    wanted = units.Unit(unit).to(units.mJy)
    if not np.isclose(found, wanted):
        notify(
            f"the unit {text!r} of the column {name!r} is another one, {unit!r} of the "
            "configuration (unit) is used"
        )
    return wanted


def read_numbers(column, key, name, path, section="reference"):
    """Read a column of numbers; sexagesimal angles, for instance, are refused.

    Values that stand for none, such as -99, become NaN.
    """
    values = np.asarray(column[:])
    if len(values) and values.dtype.kind not in "iuf":
        raise InputError(
            f"{section}.columns.{key}: expected numbers in {name} of {path}, found "
            f"{values[0]!r}"
        )
    values = values.astype(float)
    return np.where(np.isin(values, KNOWN), np.nan, values)


def on_map(table, wcs):
    """Put sources on the pixels of a map, as the matching takes them.

    Parameters
    ----------
    table : astropy.table.Table
        RA, DEC [deg], S450 and perhaps S450_ERR [mJy].
    wcs : astropy.wcs.WCS
        Coordinates of the map.

    Returns
    -------
    pandas.DataFrame
        ``cutout``, ``x``, ``y`` [pixel], ``flux``, ``error`` (perhaps NaN) [mJy] and
        ``weight``.
    """
    columns = (np.asarray(table[n], float) for n in ("RA", "DEC", "S450"))
    ra, dec, flux = columns
    x, y = wcs.all_world2pix(ra, dec, 0) if len(ra) else (ra, dec)
    known = "S450_ERR" in table.colnames
    error = np.asarray(table["S450_ERR"], float) if known else np.nan
    return pd.DataFrame(
        {"cutout": 0, "x": x, "y": y, "flux": flux, "error": error, "weight": 1.0}
    )


def on_grid(sources, shape, margin=0.0):
    """Keep the sources on the pixels of a map, or not further from it than a margin.

    Parameters
    ----------
    sources : pandas.DataFrame
        ``x`` and ``y`` [pixel].
    shape : tuple of int
        (ny, nx) of the map.
    margin : float
        Maximum distance along each axis [pixel].

    Returns
    -------
    pandas.DataFrame
    """
    for axis, length in zip("yx", shape, strict=True):
        limits = -0.5 - margin, length - 0.5 + margin
        sources = sources[sources[axis].between(*limits, inclusive="neither")]
    return sources.reset_index(drop=True)


def footprint(reference, x, y):
    """Whether positions lie in the convex hull of a catalogue's sources."""
    try:
        hull = Delaunay(reference[["x", "y"]].to_numpy())
    except (QhullError, ValueError):
        return np.zeros(len(x), bool)
    return hull.find_simplex(np.column_stack([x, y])) >= 0


def published_depth(reference):
    """Estimate the flux from which on a catalogue lists what there is.

    Parameters
    ----------
    reference : pandas.DataFrame
        ``flux`` and ``error`` [mJy].

    Returns
    -------
    float
        Minimum signal-to-noise ratio of the catalogue times the noise that 84 % of it
        do not exceed [mJy]; zero where there are no errors.
    """
    known = reference[reference["error"] > 0]
    if known.empty:
        return 0.0
    minimum = (known["flux"] / known["error"]).min()
    return float(minimum * known["error"].quantile(DEEP_FRACTION))


def compare_with_reference(catalogue, reference, covered, wcs, radius, strict_radius):
    """Compare a super-resolved field with a published catalogue.

    Judged are the sources on sky that both cover, which is the coverage of the field
    but its edges, and the convex hull of the published sources; what lies on the rest
    of the map may still be the partner of one of them. Separations are those on the
    TAN grid of the field, whose pixels differ from 1 arcsec by less than 1 % up to
    5 deg from its centre.

    Parameters
    ----------
    catalogue : astropy.table.Table
        Columns RA, DEC [deg], S450, S450_ERR [mJy] and NEAR_EDGE of the field.
    reference : astropy.table.Table
        What `read_reference` returns.
    covered : ndarray of bool, shape (ny, nx)
        Coverage of the field.
    wcs : astropy.wcs.WCS
        Its coordinates, with pixels of 1 arcsec.
    radius, strict_radius : float
        Maximum separations of a match in the paper's and the strict protocol
        [arcsec].

    Returns
    -------
    measures : pandas.DataFrame
        ``quantity`` (recovered: published sources that were found; confirmed: sources
        found that are published), ``protocol``, ``measure`` (position, or position and
        flux) and the columns of `superspire.evaluation.measures.recovered_fraction`.
    pairs : pandas.DataFrame
        Matched sources, each once: ``flux_reference``, ``error_reference``,
        ``flux_sr``, ``error_sr`` [mJy], ``dx`` (to the west) and ``dy`` (to the north)
        of the field's source from the published one, and ``separation`` [arcsec].

    Raises
    ------
    InputError
        If no published source lies in the field.
    """
    found = on_map(catalogue, wcs)
    around = on_grid(on_map(reference, wcs), covered.shape, BEYOND)
    true = on_grid(around, covered.shape)
    clear = true[~near_edge(covered, true["x"].to_numpy(), true["y"].to_numpy())]
    if clear.empty:
        raise InputError(
            "reference.file: expected published sources in the field, found none"
        )
    shared = footprint(around, found["x"], found["y"])
    shared &= ~np.asarray(catalogue["NEAR_EDGE"], bool)
    sides = {
        RECOVERED: (clear.reset_index(drop=True), found, 0.0),
        CONFIRMED: (
            found[shared].reset_index(drop=True),
            true,
            published_depth(true),
        ),
    }
    protocols = [
        (PAPER, POSITION, radius, None),
        (STRICT, POSITION, strict_radius, None),
        (STRICT, POSITION_FLUX, strict_radius, FLUX_FACTOR),
    ]
    measures = []
    for quantity, (own, others, depth) in sides.items():
        for protocol, measure, reach, factor in protocols:
            table = recovered_fraction(
                own, others, reach, factor, depth, size=max(covered.shape)
            )
            names = {"quantity": quantity, "protocol": protocol, "measure": measure}
            for column, name in enumerate(names):
                table.insert(column, name, names[name])
            measures.append(table)
    pairs = match_pairs(sides[RECOVERED][0], found, radius)
    return pd.concat(measures, ignore_index=True), pairs


def match_pairs(true, found, radius):
    """Pair published and super-resolved sources, each once and the nearest first.

    Parameters
    ----------
    true, found : pandas.DataFrame
        See `on_map`.
    radius : float
        Maximum separation [pixel].

    Returns
    -------
    pandas.DataFrame
        The ``pairs`` of `compare_with_reference`.
    """
    partner, separation = match(true, found, radius, one_to_one=True)
    own = partner >= 0
    other = found.iloc[partner[own]].reset_index(drop=True)
    mine = true[own].reset_index(drop=True)
    return pd.DataFrame(
        {
            "flux_reference": mine["flux"],
            "error_reference": mine["error"],
            "flux_sr": other["flux"],
            "error_sr": other["error"],
            "dx": other["x"] - mine["x"],
            "dy": other["y"] - mine["y"],
            "separation": separation[own],
        }
    )


def summarise_pairs(pairs, radii, edges=FLUX_CUTS):
    """Give median flux ratio, its scatter and the offsets of matched sources.

    Parameters
    ----------
    pairs : pandas.DataFrame
        From `compare_with_reference`.
    radii : dict of str to float
        Maximum separation in each protocol [arcsec].
    edges : sequence of float
        Edges of the bins of published flux [mJy].

    Returns
    -------
    pandas.DataFrame
        For all pairs of a protocol and then per bin: ``protocol``, ``flux_min``,
        ``flux_max``, ``n``; the median ``ratio`` of the field's to the published flux
        with its standard error, and half its 16 to 84 % range ``scatter``; ``pull``,
        the difference of the fluxes over their joint error that 68 % do not exceed: 1
        for right errors (the field's alone where the catalogue has none); the median
        ``dx`` and ``dy`` with standard errors, and the radius ``r68`` of 68 % of the
        separations [arcsec].
    """
    rows = []
    for protocol, radius in radii.items():
        near = pairs[pairs["separation"] <= radius]
        flux = near["flux_reference"]
        for low, high in [(0.0, np.inf), *itertools.pairwise(edges)]:
            limits = {"protocol": protocol, "flux_min": low, "flux_max": high}
            rows.append(limits | summary(near[(flux >= low) & (flux < high)]))
    return pd.DataFrame(rows)


def summary(pairs):
    """Summarise some pairs; see `summarise_pairs`."""
    ratio = pairs["flux_sr"] / pairs["flux_reference"]
    joint = np.hypot(pairs["error_sr"], pairs["error_reference"].fillna(0.0))
    pull = (pairs["flux_sr"] - pairs["flux_reference"]) / joint
    result = {"n": len(pairs)}
    for name, values in (("ratio", ratio), ("dx", pairs["dx"]), ("dy", pairs["dy"])):
        scatter = 0.5 * (values.quantile(0.84) - values.quantile(0.16))
        result[name] = values.median()
        result[f"{name}_err"] = MEDIAN_ERROR * scatter / np.sqrt(len(pairs))
        if name == "ratio":
            result["scatter"] = scatter
            result["pull"] = pull.abs().quantile(0.68)
    return result | {"r68": pairs["separation"].quantile(0.68)}
