"""Catalogues of the sources in a set of cutouts."""

from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units
from astropy.io import fits
from astropy.table import Table, vstack
from astropy.wcs import WCS

from superspire.evaluation.measures import EDGE
from superspire.instruments import CUTOUT
from superspire.maps.background import background
from superspire.photometry.sources import (
    MIN_FLUX,
    extract_sources,
    point_source_fluxes,
)

TRUTH_LIMIT = 1.0
"""Minimum flux of the injected sources of the strict protocol [mJy]."""

COVERAGE_STEP = 16
"""Spacing of the positions at which the overlap of cutouts is measured [pixel]."""

DECIMALS = {"x": 3, "y": 3, "ra": 7, "dec": 7, "weight": 7}
"""Decimals of the columns of a catalogue; four otherwise."""


def sky_systems(paths):
    """Read the coordinate systems of sky maps.

    Parameters
    ----------
    paths : sequence of str
        The 450 maps; each lies in a folder named after its sky.

    Returns
    -------
    dict
        Name of the sky to `astropy.wcs.WCS`.
    """
    return {Path(path).parent.name: WCS(fits.getheader(path)) for path in paths}


def evaluated_rows(index, evaluated):
    """Find the evaluated cutouts in the index of all cutouts.

    Parameters
    ----------
    index, evaluated : pandas.DataFrame
        Tables with a column ``cutout``.

    Returns
    -------
    ndarray of int
        For each row of `evaluated` the row of `index`.
    """
    return pd.Index(index["cutout"]).get_indexer(evaluated["cutout"])


def coverage_weights(index, cutout, x, y, border=0, size=CUTOUT):
    """Weigh each source so that overlapping cutouts count each piece of sky once.

    Parameters
    ----------
    index : pandas.DataFrame
        The cutouts: columns ``cutout``, ``sky``, ``x0``, ``y0`` [pixel].
    cutout : array_like of int, shape (n,)
        Cutout of each source.
    x, y : array_like, shape (n,)
        Positions in the cutout [pixel].
    border : float
        Border of a cutout that does not count [pixel].
    size : int
        Side of a cutout [pixel].

    Returns
    -------
    ndarray, shape (n,)
        One over the number of cutouts that hold the source's position.
    """
    own = index.set_index("cutout").loc[np.asarray(cutout)]
    sky = own["sky"].to_numpy()
    column = own["x0"].to_numpy() + np.asarray(x)
    row = own["y0"].to_numpy() + np.asarray(y)
    covered = np.zeros(len(own))
    centre, reach = (size - 1) / 2, size / 2 - border
    for other in index.itertuples():
        inside = np.abs(column - other.x0 - centre) <= reach
        inside &= np.abs(row - other.y0 - centre) <= reach
        covered += inside & (sky == other.sky)
    return 1.0 / np.maximum(covered, 1.0)


def add_sky_columns(table, index, wcs):
    """Add ``ra``, ``dec`` [deg] and ``weight`` to sources with pixel positions.

    The weight counts only cutouts that judge the source: those at whose border it does
    not lie (`superspire.evaluation.measures.EDGE`).

    Parameters
    ----------
    table : astropy.table.Table
        Columns ``cutout``, ``x``, ``y``; changed in place.
    index : pandas.DataFrame
        The cutouts.
    wcs : dict
        Name of a sky to the WCS of its 450 map.

    Returns
    -------
    astropy.table.Table
    """
    own = index.set_index("cutout").loc[np.asarray(table["cutout"])]
    column = own["x0"].to_numpy() + np.asarray(table["x"])
    row = own["y0"].to_numpy() + np.asarray(table["y"])
    world = np.empty((2, len(table)))
    for sky, system in wcs.items():
        rows = (own["sky"] == sky).to_numpy()
        world[:, rows] = system.all_pix2world(column[rows], row[rows], 0)
    table["ra"], table["dec"] = world * units.deg
    table["weight"] = coverage_weights(
        index, table["cutout"], table["x"], table["y"], EDGE
    )
    return table


def measure_backgrounds(generated, target, index, size=CUTOUT):
    """Measure level and scatter of super-resolved and 450 µm cutouts.

    Parameters
    ----------
    generated, target : iterable of ndarray, each (424, 424)
        Maps [mJy/beam], one per row of `index`.
    index : pandas.DataFrame
        The cutouts: columns ``cutout``, ``sky``, ``x0``, ``y0``.
    size : int
        Side of a cutout [pixel].

    Returns
    -------
    pandas.DataFrame
        ``cutout``; ``weight``, the fraction of its sky that it counts for, shared with
        the cutouts that overlap it; ``sr_min``, ``sr_mean``, ``sr_median``, ``sr_rms``,
        ``target_mean``, ``target_median``, ``target_rms`` [mJy/beam] (medians and rms
        of what is left after clipping at 3 sigma) and ``sr_negative``, the fraction of
        negative pixels.
    """
    at = np.arange(COVERAGE_STEP // 2, size, COVERAGE_STEP)
    x, y = (axis.ravel() for axis in np.meshgrid(at, at))
    rows = []
    for cutout, sr, true in zip(index["cutout"], generated, target, strict=True):
        levels = {"sr": background(sr), "target": background(true)}
        weights = coverage_weights(index, np.full(x.size, cutout), x, y)
        row = {"cutout": cutout, "weight": weights.mean(), "sr_min": np.min(sr)}
        for name, image in (("sr", sr), ("target", true)):
            row[f"{name}_mean"] = np.nanmean(image, dtype=float)
            row[f"{name}_median"], row[f"{name}_rms"] = levels[name]
        rows.append(row | {"sr_negative": np.mean(np.asarray(sr) < 0)})
    return pd.DataFrame(rows)


def extract_cutouts(images, index, wcs, threshold, min_flux=MIN_FLUX):
    """Extract the sources of every cutout.

    Parameters
    ----------
    images : array_like, shape (n, 424, 424)
        Maps [mJy/beam], one per row of `index`.
    index : pandas.DataFrame
        The cutouts: columns ``cutout``, ``sky``, ``x0``, ``y0``.
    wcs : dict
        Name of a sky to the WCS of its 450 map.
    threshold : float
        Minimum signal-to-noise ratio.
    min_flux : float
        Minimum fitted height [mJy/beam].

    Returns
    -------
    astropy.table.Table
        ``cutout`` and the columns of `extract_sources`, ``ra``, ``dec`` [deg] and
        ``weight`` (see `coverage_weights`).
    """
    tables = []
    for cutout, image in zip(index["cutout"], images, strict=True):
        found = extract_sources(image, threshold, min_flux=min_flux)
        found.add_column(np.full(len(found), cutout), name="cutout", index=0)
        tables.append(found)
    return add_sky_columns(vstack(tables), index, wcs)


def forced_fluxes(images, index, table):
    """Measure 10 arcsec aperture fluxes at the positions of a catalogue.

    Parameters
    ----------
    images : array_like, shape (n, 424, 424)
        Maps [mJy/beam], one per row of `index`.
    index : pandas.DataFrame
        The cutouts.
    table : astropy.table.Table
        Columns ``cutout``, ``x``, ``y``.

    Returns
    -------
    Quantity, shape (n,)
        Fluxes [mJy], see `point_source_fluxes`.
    """
    fluxes = np.empty(len(table))
    for cutout, image in zip(index["cutout"], images, strict=True):
        rows = np.asarray(table["cutout"]) == cutout
        x, y = (np.asarray(table[name][rows], dtype=float) for name in ("x", "y"))
        fluxes[rows] = point_source_fluxes(np.asarray(image, dtype=float), x, y)
    return fluxes * units.mJy


def project_injected(catalogue, index, wcs, size=CUTOUT, limit=TRUTH_LIMIT):
    """List the injected sources that lie in each cutout.

    Parameters
    ----------
    catalogue : dict
        Name of a sky to its table with columns ``RA``, ``DEC`` [deg] and ``S450``
        [mJy].
    index : pandas.DataFrame
        The cutouts.
    wcs : dict
        Name of a sky to the WCS of its 450 map.
    size : int
        Side of a cutout [pixel].
    limit : float
        Minimum flux of the sources to keep [mJy].

    Returns
    -------
    astropy.table.Table
        ``cutout``, ``x``, ``y`` [pixel], ``flux`` [mJy], ``ra``, ``dec`` [deg] and
        ``weight``.
    """
    tables = [Table({"cutout": np.empty(0, int), "x": [], "y": [], "flux": []})]
    for sky, cutouts in index.groupby("sky"):
        flux = np.asarray(catalogue[sky]["S450"], dtype=float)
        ra, dec = (np.asarray(catalogue[sky][name], float) for name in ("RA", "DEC"))
        bright = flux >= limit
        x, y = wcs[sky].all_world2pix(ra[bright], dec[bright], 0)
        for one in cutouts.itertuples():
            dx, dy = x - one.x0, y - one.y0
            inside = (dx >= -0.5) & (dx < size - 0.5) & (dy >= -0.5) & (dy < size - 0.5)
            columns = {"x": dx[inside], "y": dy[inside], "flux": flux[bright][inside]}
            cutout = np.full(inside.sum(), one.cutout)
            tables.append(Table({"cutout": cutout, **columns}))
    table = add_sky_columns(vstack(tables), index, wcs)
    table["x"].unit = table["y"].unit = units.pix
    table["flux"].unit = units.mJy
    return table


def round_columns(table):
    """Round the columns of a catalogue for a text file, in place, and return it."""
    for name in table.colnames:
        if table[name].dtype.kind == "f":
            values, unit = np.asarray(table[name]), table[name].unit
            table[name] = np.round(values, DECIMALS.get(name, 4))
            table[name].unit = unit
    return table
