"""A published catalogue at 450 µm, and how a super-resolved field compares with it."""

import itertools

import numpy as np
import pandas as pd
from astropy import units
from astropy.table import Table
from scipy.spatial import Delaunay, QhullError

from superspire.errors import InputError
from superspire.evaluation.matching import match
from superspire.evaluation.measures import recovered_fraction
from superspire.sky.source_columns import angle_factor, flux_factor
from superspire.sky.source_files import open_columns

NAMES = {
    "ra": ("ra", "raj2000", "ra_deg", "alpha_j2000"),
    "dec": ("dec", "decj2000", "dej2000", "dec_deg", "delta_j2000"),
    "flux": ("s450", "s450_deb", "flux_450", "f450", "flux"),
    "error": ("s450_total_err", "s450_err", "e_s450", "flux_error", "error"),
}
"""Usual names of the columns, in any case; the first of them is STUDIES' or ours."""

FLUX_CUTS = (4.0, 6.0, 8.5, 12.0, 17.0, np.inf)
"""Edges of the bins in which fluxes are compared [mJy]."""


def find_column(names, key, wanted, path):
    """Find a column of a catalogue; an error column may be missing."""
    options = [wanted[key]] if key in wanted else NAMES[key]
    by_lower = {name.lower(): name for name in names}
    for option in options:
        if option.lower() in by_lower:
            return by_lower[option.lower()]
    if key == "error" and key not in wanted:
        return None
    raise InputError(
        f"reference.columns.{key}: expected a column {' or '.join(options)} in {path}, "
        f"found {', '.join(names)}"
    )


def read_reference(path, columns=None, unit=None):
    """Read a published catalogue.

    Parameters
    ----------
    path : path-like
        FITS or CSV.
    columns : dict, optional
        Names of the columns ra, dec, flux and error, where they are unusual.
    unit : {"Jy", "mJy", "uJy"}, optional
        Unit of the fluxes, where the file does not say it.

    Returns
    -------
    astropy.table.Table
        RA, DEC [deg], S450 and, if the file has one, S450_ERR [mJy]; without the
        sources that have no finite flux.

    Raises
    ------
    InputError
        If the file, a column or a unit is not what it should be.
    """
    declared, load = open_columns(path)
    found = {
        key: find_column(list(declared), key, columns or {}, path) for key in NAMES
    }
    found = {key: name for key, name in found.items() if name}
    data = load({name: None for name in found.values()})
    values = {}
    for key, name in found.items():
        text = declared[name] or ""
        if key in ("ra", "dec"):
            factor = angle_factor(name, text)
        else:
            factor = flux_factor(name, text, unit)
        values[key] = np.asarray(data[name][:], dtype=float) * factor
    table = Table(
        {
            "RA": values["ra"] * units.deg,
            "DEC": values["dec"] * units.deg,
            "S450": values["flux"] * units.mJy,
        }
    )
    if "error" in values:
        table["S450_ERR"] = values["error"] * units.mJy
    return table[np.isfinite(values["flux"])]


def on_map(ra, dec, flux, wcs):
    """Put sources on the pixels of a map, as the matching takes them."""
    x, y = wcs.all_world2pix(ra, dec, 0) if len(ra) else (ra, dec)
    return pd.DataFrame({"cutout": 0, "x": x, "y": y, "flux": flux, "weight": 1.0})


def inside(image, x, y):
    """Whether positions lie on pixels of a mask that are set."""
    rows, columns = np.round(y).astype(int), np.round(x).astype(int)
    ny, nx = image.shape
    result = (rows >= 0) & (rows < ny) & (columns >= 0) & (columns < nx)
    result[result] = image[rows[result], columns[result]]
    return result


def footprint(reference, x, y):
    """Whether positions lie in the convex hull of a catalogue's sources."""
    try:
        hull = Delaunay(reference[["x", "y"]].to_numpy())
    except (QhullError, ValueError):
        return np.zeros(len(x), bool)
    return hull.find_simplex(np.column_stack([x, y])) >= 0


def compare_with_reference(catalogue, reference, covered, wcs, radius):
    """Compare a super-resolved field with a published catalogue.

    Only the sky that both cover counts: the coverage of the field and the convex hull
    of the published sources. Sources near an edge are left out.

    Parameters
    ----------
    catalogue : astropy.table.Table
        Columns RA, DEC [deg], S450 [mJy] and NEAR_EDGE of the field.
    reference : astropy.table.Table
        What `read_reference` returns.
    covered : ndarray of bool, shape (ny, nx)
        Coverage of the field.
    wcs : astropy.wcs.WCS
        Its coordinates, with pixels of 1 arcsec.
    radius : float
        Largest separation of a match [arcsec].

    Returns
    -------
    measures : pandas.DataFrame
        ``measure`` (recovered: published sources that were found; confirmed: sources
        found that are published) and the columns of
        `superspire.evaluation.measures.recovered_fraction`.
    pairs : pandas.DataFrame
        Matched sources: ``flux_reference``, ``flux_sr`` [mJy], ``dx`` (to the west)
        and ``dy`` (to the north) of the field's source from the published one, and
        ``separation`` [arcsec].

    Raises
    ------
    InputError
        If no published source lies in the field.
    """
    kept = catalogue[~np.asarray(catalogue["NEAR_EDGE"], bool)]
    found = on_map(*(np.asarray(kept[n], float) for n in ("RA", "DEC", "S450")), wcs)
    true = on_map(
        *(np.asarray(reference[n], float) for n in ("RA", "DEC", "S450")), wcs
    )
    true = true[inside(covered, true["x"].to_numpy(), true["y"].to_numpy())]
    true = true.reset_index(drop=True)
    if true.empty:
        raise InputError(
            "reference.file: expected published sources in the field, found none"
        )
    within = footprint(true, found["x"], found["y"])
    size = max(covered.shape)
    measures = pd.concat(
        [
            recovered_fraction(true, found, radius, size=size).assign(
                measure="recovered"
            ),
            recovered_fraction(
                found[within].reset_index(drop=True), true, radius, size=size
            ).assign(measure="confirmed"),
        ]
    )
    partner, separation = match(true, found, radius, one_to_one=True)
    own = partner >= 0
    other = found.iloc[partner[own]].reset_index(drop=True)
    mine = true[own].reset_index(drop=True)
    pairs = pd.DataFrame(
        {
            "flux_reference": mine["flux"],
            "flux_sr": other["flux"],
            "dx": other["x"] - mine["x"],
            "dy": other["y"] - mine["y"],
            "separation": separation[own],
        }
    )
    return measures[["measure", *measures.columns[:-1]]], pairs


def summarise_pairs(pairs, edges=FLUX_CUTS):
    """Median flux ratio, its scatter and the offsets of matched sources.

    Parameters
    ----------
    pairs : pandas.DataFrame
        From `compare_with_reference`.
    edges : sequence of float
        Edges of the bins of published flux [mJy].

    Returns
    -------
    pandas.DataFrame
        Per bin: ``flux_min``, ``flux_max``, ``n``, median ``ratio`` of the field's to
        the published flux, half its 16 to 84 % range ``scatter``, median ``dx`` and
        ``dy``, and the radius ``r68`` of 68 % of the separations [arcsec].
    """
    rows = []
    for low, high in itertools.pairwise(edges):
        own = pairs[pairs["flux_reference"].between(low, high, inclusive="left")]
        if own.empty:
            continue
        ratio = own["flux_sr"] / own["flux_reference"]
        rows.append(
            {
                "flux_min": low,
                "flux_max": high,
                "n": len(own),
                "ratio": ratio.median(),
                "scatter": 0.5 * (ratio.quantile(0.84) - ratio.quantile(0.16)),
                "dx": own["dx"].median(),
                "dy": own["dy"].median(),
                "r68": own["separation"].quantile(0.68),
            }
        )
    columns = ("flux_min", "flux_max", "n", "ratio", "scatter", "dx", "dy", "r68")
    return pd.DataFrame(rows, columns=columns)
