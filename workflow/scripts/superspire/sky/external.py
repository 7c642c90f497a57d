"""Catalogues that others made, as skies of ours."""

from pathlib import Path

import numpy as np
from astropy.coordinates import cartesian_to_spherical, spherical_to_cartesian
from astropy.table import Table
from astropy.wcs import WCS

from superspire.errors import InputError
from superspire.sky.catalogue import column_units, inverse_gnomonic
from superspire.sky.model_egg import COMMENTS
from superspire.sky.source_columns import FLUXES, open_table

MARGIN = 120.0 / 3600.0
"""Sources so far outside the square are kept for the wings of their beams [deg]."""

BLOCK = 500_000
"""Rows that are in memory at a time."""

DIRECTIONS = 64
"""Directions in which the extent of a catalogue is measured."""

TOLERANCE = 5.0
"""How much smaller than the square the extent may be [mean distance of sources]."""

CONCENTRATION = 0.8
"""Minimum length of the mean unit vector of a catalogue that has a centre."""

PROPERTIES = ("Z", "LOGM", "PASSIVE", "LOGLIR", "TDUST", "MU")


def blocks(rows):
    """Cut a range of rows into slices of BLOCK rows."""
    return [slice(first, first + BLOCK) for first in range(0, rows, BLOCK)]


def read_positions(readers, rows):
    """Read right ascensions and declinations [deg], or refuse them."""
    ra, dec = readers["RA"](rows), readers["DEC"](rows)
    wrong = ~(np.isfinite(ra) & (np.abs(dec) <= 90.0))
    if wrong.any():
        i = np.flatnonzero(wrong)[0]
        raise InputError(
            f"catalogue.file: expected right ascension and declination in degrees for "
            f"every source, found ({ra[i]:g}, {dec[i]:g})"
        )
    return ra, dec


def tangent_offsets(ra, dec, center):
    """Project positions on a tangent plane.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Positions [deg].
    center : (float, float)
        RA and Dec of the tangent point [deg].

    Returns
    -------
    x, y : ndarray, shape (n,)
        Offsets to the east and north [deg], NaN on the other half of the sky.
    """
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.cdelt, wcs.wcs.crpix = center, [1.0, 1.0], [1.0, 1.0]
    return wcs.wcs_world2pix(ra, dec, 0)


def centre(readers, rows):
    """Find the centre of the extent of a catalogue in the tangent plane.

    Parameters
    ----------
    readers : dict
        See `open_table`.
    rows : int
        Number of sources.

    Returns
    -------
    (float, float)
        RA and Dec [deg].

    Raises
    ------
    InputError
        If it covers so much of the sky that it has none.
    """
    sample = slice(0, None, max(1, rows // BLOCK))
    ra, dec = np.radians(read_positions(readers, sample))
    mean = [np.mean(x.value) for x in spherical_to_cartesian(1.0, dec, ra)]
    length, dec0, ra0 = cartesian_to_spherical(*mean)
    if length < CONCENTRATION:
        raise InputError(
            "catalogue.center: expected right ascension and declination of the field, "
            "since the catalogue covers too much of the sky to have a middle, found "
            "none"
        )
    center = ra0.deg, dec0.deg
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for block in blocks(rows):
        offsets = tangent_offsets(*read_positions(readers, block), center)
        low = np.fmin(low, np.nanmin(offsets, axis=1))
        high = np.fmax(high, np.nanmax(offsets, axis=1))
    ra0, dec0 = inverse_gnomonic(*(0.5 * (low + high)), center)
    return float(ra0), float(dec0)


def check_extent(readers, rows, area, center):
    """Refuse a square that is not inside the extent of a catalogue.

    The extent is the polygon that the outermost sources in DIRECTIONS directions
    define; holes in it are not noticed.

    Parameters
    ----------
    readers : dict
        See `open_table`.
    rows : int
        Number of sources.
    area : float
        Area of the square [deg²].
    center : (float, float)
        RA and Dec of its centre [deg].

    Raises
    ------
    InputError
        Saying how large a square would be inside.
    """
    angle = np.arange(DIRECTIONS) * 2.0 * np.pi / DIRECTIONS
    across = np.array([np.cos(angle), np.sin(angle)], np.float32)
    reach, inside = np.full(DIRECTIONS, -np.inf), 0
    for block in blocks(rows):
        x, y = tangent_offsets(*read_positions(readers, block), center)
        visible = np.isfinite(x)
        points = np.stack([x[visible], y[visible]], axis=1, dtype=np.float32)
        reach = np.maximum(reach, np.max(points @ across, axis=0, initial=-np.inf))
        inside += np.sum(np.abs(points).max(axis=1) <= 0.5 * np.sqrt(area))
    side = 2.0 * np.min(reach / np.abs(across).sum(axis=0))
    allowed = TOLERANCE * np.sqrt(area / max(inside, 1))
    if not inside or side < np.sqrt(area) - allowed:
        fitting = np.floor(1000.0 * max(side, 0.0) ** 2) / 1000.0
        raise InputError(
            f"catalogue.file: expected sources in a square of {area:g} deg² around RA, "
            f"Dec = {center[0]:.4f}, {center[1]:.4f}, found them to fill {fitting:g} "
            f"deg² there"
        )


def read_fluxes(readers, rows, keep):
    """Read the flux densities of some sources, NaN as zero, or refuse them.

    Parameters
    ----------
    readers : dict
        See `open_table`.
    rows : slice
        Rows of the file.
    keep : ndarray of bool
        Those that are wanted.

    Returns
    -------
    fluxes : dict of ndarray
        Flux densities [mJy].
    missing : int
        How many of them were NaN.

    Raises
    ------
    InputError
        If one is negative or infinite.
    """
    fluxes, missing = {}, 0
    for name in FLUXES:
        flux = readers[name](rows)[keep]
        missing += np.sum(np.isnan(flux))
        flux = np.where(np.isnan(flux), np.float32(0.0), flux)
        wrong = ~((flux >= 0.0) & np.isfinite(flux))
        if wrong.any():
            raise InputError(
                f"catalogue.file: expected flux densities of zero or more in {name}, "
                f"found {np.sum(wrong)} others, for instance {flux[wrong][0]:g} mJy"
            )
        fluxes[name] = flux
    return fluxes, missing


def read_parts(
    path,
    area,
    *,
    columns=None,
    unit=None,
    center=None,
    log_lir_min=None,
    moved_to=None,
):
    """Read the square of a catalogue that a field needs, part by part.

    Parameters
    ----------
    path, columns, unit
        See `open_table`.
    area : float
        Area of the square in the tangent plane [deg²]; sources within MARGIN around it
        are given as well.
    center : (float, float), optional
        RA and Dec of its centre [deg], by default the centre of the catalogue.
    log_lir_min : float, optional
        Minimum infrared luminosity [log10 Lsun], where LOGLIR is known.
    moved_to : (float, float), optional
        RA and Dec that the centre is moved to, with everything around it [deg].

    Yields
    ------
    astropy.table.Table
        RA, DEC [deg], what is known of Z, LOGM, PASSIVE, LOGLIR, TDUST and MU, and
        S250, S350, S450, S500 [mJy], in the order of the file; AREA, RA0, DEC0 [deg]
        and SOURCE are in its meta.

    Raises
    ------
    InputError
        If the file, a column or a unit is not what it should be, or the catalogue does
        not fill the square.
    """
    readers, rows = open_table(path, columns, unit)
    if not rows:
        raise InputError(f"catalogue.file: expected sources, found none in {path}")
    center = tuple(center) if center else centre(readers, rows)
    check_extent(readers, rows, area, center)
    reach = 0.5 * np.sqrt(area) + MARGIN
    known = [name for name in PROPERTIES if name in readers]
    ra0, dec0 = moved_to or center
    meta = {"AREA": area, "RA0": ra0, "DEC0": dec0, "SOURCE": Path(path).name}
    kept = missing = 0
    for block in blocks(rows):
        ra, dec = read_positions(readers, block)
        x, y = tangent_offsets(ra, dec, center)
        keep = (np.abs(x) <= reach) & (np.abs(y) <= reach)
        if log_lir_min is not None and "LOGLIR" in readers:
            keep &= readers["LOGLIR"](block) >= log_lir_min
        if not keep.any():
            continue
        ra, dec = ra[keep] % 360.0, dec[keep]
        if moved_to:
            ra, dec = inverse_gnomonic(x[keep], y[keep], moved_to)
        part = {"RA": ra, "DEC": dec}
        part |= {name: readers[name](block)[keep] for name in known}
        fluxes, without = read_fluxes(readers, block, keep)
        part |= fluxes
        kept, missing = kept + len(ra), missing + without
        units = column_units(part)
        comments = [line for line in COMMENTS if line.split(maxsplit=1)[0] in part]
        table_meta = meta | ({"comments": comments} if comments else {})
        yield Table(part, units=units, meta=table_meta, copy=False)
    if not kept:
        raise InputError(
            f"log_lir_min: expected a limit that leaves sources of {path} in the "
            f"field, found {log_lir_min}"
        )
    if missing:
        print(f"{path}: {missing} flux densities that are NaN count as zero")
