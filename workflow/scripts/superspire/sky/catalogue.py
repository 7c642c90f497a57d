"""A catalogue of simulated galaxies: properties, fluxes and positions."""

import re
from typing import NamedTuple

import numpy as np
from astropy.table import Table, vstack

from superspire.errors import InputError
from superspire.instruments import PAPER_BANDS
from superspire.sky import lensing, lines
from superspire.sky.clustering import MIN_AREA, clustering_slices, positions
from superspire.sky.filter_curves import load_responses
from superspire.sky.model_2sfm import TwoModes
from superspire.sky.model_egg import Egg
from superspire.sky.population import draw_slices

AREA_RANGE = (1e-3, 100.0)
Z_RANGE = (0.01, 9.0)
LOG_MASS_RANGE = (5.0, 11.5)
LOG_MASS_REFERENCE = 8.0
"""Galaxies above this mass set the number of cluster seeds [log10 Msun]."""

BLOCK = 250_000
UNITS = {"RA": "deg", "DEC": "deg", "TDUST": "K"}
EFFECTS = ("emission_lines", "weak_lensing", "strong_lensing")
"""Keys of the realism section that change the galaxies."""

MODELS = {"egg": Egg, "2sfm": TwoModes}
"""Models of the galaxies."""


class Streams(NamedTuple):
    """Random generators of one field, so that no ingredient moves another one."""

    galaxies: np.random.Generator
    positions: np.random.Generator
    lines: np.random.Generator
    lensing: np.random.Generator


def check_request(area, z_min, z_max, log_mass_min, center, clustering):
    """Refuse what the model cannot do.

    Parameters
    ----------
    area : float
        Area [deg²].
    z_min, z_max : float
        Range of redshift.
    log_mass_min : float
        Lowest stellar mass [log10 Msun].
    center : tuple of float
        RA and Dec [deg].
    clustering : bool
        Clustered positions.

    Raises
    ------
    InputError
        Naming the key, what was expected and what was found.
    """
    if not AREA_RANGE[0] <= area <= AREA_RANGE[1]:
        raise InputError(
            f"area: expected {AREA_RANGE[0]:g} to {AREA_RANGE[1]:g} deg², found {area}"
        )
    if not Z_RANGE[0] <= z_min < z_max <= Z_RANGE[1]:
        raise InputError(
            f"z_min, z_max: expected {Z_RANGE[0]:g} <= z_min < z_max <= "
            f"{Z_RANGE[1]:g}, found {z_min} and {z_max}"
        )
    if not LOG_MASS_RANGE[0] <= log_mass_min <= LOG_MASS_RANGE[1]:
        raise InputError(
            f"log_mass_min: expected {LOG_MASS_RANGE[0]:g} to {LOG_MASS_RANGE[1]:g} "
            f"(log10 of solar masses), found {log_mass_min}"
        )
    if clustering and area < MIN_AREA:
        raise InputError(
            f"area: expected at least {MIN_AREA:.4f} deg² for clustered positions "
            f"(or clustering: false), found {area}"
        )
    if not (np.isfinite(center[0]) and abs(center[1]) <= 90.0):
        raise InputError(
            f"center: expected RA and Dec in degrees, |Dec| <= 90, found {center}"
        )


def expected_below(area, z_min, z_max, model=Egg):
    """Make the function that counts the galaxies above 1e8 Msun below a redshift.

    Parameters
    ----------
    area : float
        Area [deg²].
    z_min, z_max : float
        Range of redshift of the field.
    model : type, optional
        See MODELS.

    Returns
    -------
    callable
        From redshift (array_like) to the expected number of galaxies.
    """
    population = model.expected_population(area, z_min, z_max, LOG_MASS_REFERENCE)
    below = np.concatenate([[0.0], np.cumsum(population.numbers.sum(axis=0))])
    return lambda z: np.interp(z, population.edges, below)


def draw_galaxies(model, population, log_lir_min, streams, poisson=False, realism=()):
    """Draw the galaxies of a field and keep those above the threshold.

    Parameters
    ----------
    model : superspire.sky.model_egg.Egg or superspire.sky.model_2sfm.TwoModes
        Model of the galaxies.
    population : superspire.sky.population.Population
        Expected numbers.
    log_lir_min : float or None
        Threshold [log10 Lsun].
    streams : Streams
        Sources of the draws.
    poisson : bool
        Poisson numbers of galaxies instead of EGG's nearly fixed ones.
    realism : sequence of str
        Which of EFFECTS are on. The threshold applies before any magnification.

    Yields
    ------
    z_reached : float
        Redshift below which no more galaxies will come.
    galaxies : dict of ndarray
        The columns of the catalogue but the positions.
    """
    for drawn in draw_slices(population, streams.galaxies, poisson):
        for start in range(0, len(drawn[0]), BLOCK):
            z, mass, passive = (x[start : start + BLOCK] for x in drawn)
            state = model.draw(z, mass, passive, streams.galaxies)
            if log_lir_min is not None:
                keep = state.log_lir >= log_lir_min
                z, mass, passive = z[keep], mass[keep], passive[keep]
                state = state._make(x[keep] for x in state)
            flux = model.fluxes(z, mass, state)
            galaxies = {"Z": z, "LOGM": mass, "PASSIVE": passive}
            galaxies["LOGLIR"] = state.log_lir.astype(np.float32)
            galaxies["TDUST"] = model.dust_temperature(state).astype(np.float32)
            if "emission_lines" in realism:
                flux += lines.line_fluxes(
                    z,
                    mass,
                    *model.gas(state),
                    model.responses,
                    lines.draw_scatter(len(z), streams.lines),
                )
            if "weak_lensing" in realism or "strong_lensing" in realism:
                kinds = ("weak_lensing" in realism, "strong_lensing" in realism)
                mu = lensing.draw_magnification(z, streams.lensing, *kinds)
                flux *= mu[:, None]
                galaxies["MU"] = mu
            bands = enumerate(model.responses)
            galaxies |= {f"S{band}": flux[:, i] for i, band in bands}
            yield drawn[0].min(), galaxies


def whole_slices(parts, edges):
    """Gather galaxies until the redshift slices in which they cluster are complete.

    Parameters
    ----------
    parts : iterable of (float, dict of ndarray)
        What `draw_galaxies` yields.
    edges : ndarray
        Edges of the slices.

    Yields
    ------
    dict of ndarray
        All the galaxies of one or of a few neighbouring slices; never none.
    """
    held, released = [], 0
    for z_reached, galaxies in parts:
        complete = np.searchsorted(edges, z_reached, side="right") - 1
        if complete > released and held:
            group = join(held)
            below = group["Z"] < edges[complete]
            held = [{name: x[~below] for name, x in group.items()}]
            if below.any():
                yield {name: x[below] for name, x in group.items()}
            released = complete
        held.append(galaxies)
    if held and sum(len(part["Z"]) for part in held):
        yield join(held)


def join(parts):
    """Concatenate the columns of parts of a catalogue."""
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def column_units(names):
    """Give the units of those columns of a catalogue that have one.

    Parameters
    ----------
    names : iterable of str
        Names of columns; those of fluxes are S and the wavelength of a band [µm].

    Returns
    -------
    dict of str to str
    """
    units = {name: "mJy" for name in names if re.fullmatch(r"S\d+", name)}
    return units | {name: UNITS[name] for name in names if name in UNITS}


def inverse_gnomonic(x, y, center):
    """Sky coordinates of positions in a tangent plane (Calabretta & Greisen 2002).

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Offsets to the east and north in the plane [deg].
    center : tuple of float
        RA and Dec of the tangent point [deg].

    Returns
    -------
    ra, dec : ndarray, shape (n,)
        Coordinates [deg], RA from 0 to 360.
    """
    x, y = np.radians(x), np.radians(y)
    ra0, dec0 = np.radians(center)
    depth = np.cos(dec0) - y * np.sin(dec0)
    ra = ra0 + np.arctan2(x, depth)
    dec = np.arctan2(np.sin(dec0) + y * np.cos(dec0), np.hypot(x, depth))
    return np.degrees(ra) % 360.0, np.degrees(dec)


def simulate_parts(
    area,
    seed_rng,
    *,
    model="egg",
    z_min=0.1,
    z_max=6.0,
    log_mass_min=8.0,
    log_lir_min=9.5,
    clustering=True,
    cluster_seeds="reference",
    poisson=False,
    center=(150.12, 2.21),
    dust=None,
    bands=PAPER_BANDS,
    responses=None,
    realism=None,
):
    """Simulate the galaxies of a square field, part by part.

    The parts come in order of redshift; each is complete in itself, so that memory
    does not grow with the number of galaxies if they are written one by one.

    Parameters
    ----------
    area : float
        Area [deg²], of a square in the tangent plane of `center`.
    seed_rng : numpy.random.Generator or int
        Source of all random numbers.
    model : {"egg", "2sfm"}, optional
        Model of the galaxies: that of EGG (`superspire.sky.model_egg`) or that of two
        modes of star formation (`superspire.sky.model_2sfm`).
    z_min, z_max : float, optional
        Range of redshift.
    log_mass_min : float, optional
        Lowest stellar mass [log10 Msun, Salpeter].
    log_lir_min : float or None, optional
        Lowest infrared luminosity [log10 Lsun] (Lauritsen et al. 2021, section 2.1).
    clustering : bool, optional
        Clustered positions, else uniform ones.
    cluster_seeds : {"reference", "egg"} or float, optional
        How many seeds clustering starts from: EGG's rule for the galaxies above
        1e8 Msun, whatever the cut; the same for the galaxies that are kept, as EGG
        has it, so that the amplitude jumps with the cut; or a density [deg⁻²].
    poisson : bool, optional
        Poisson numbers of galaxies; EGG's hardly vary from field to field.
    center : tuple of float, optional
        RA and Dec of the centre of the field [deg].
    dust : superspire.sky.dust.DustLibrary, optional
        Dust templates of the model of EGG, by default those that come along.
    bands : sequence of int, optional
        Wavelengths [µm] of the bands, keys of `superspire.instruments.BANDS`.
    responses : dict, optional
        Responses of other bands or from files
        (`superspire.sky.filter_curves.load_responses`), in place of `bands`.
    realism : dict, optional
        The section of the configuration; of its keys EFFECTS act here, all off by
        default.

    Yields
    ------
    astropy.table.Table
        RA, DEC [deg], Z, LOGM [log10 Msun], PASSIVE, LOGLIR [log10 Lsun], TDUST [K],
        MU if there is lensing, and the flux in each band, by default S250, S350, S450
        and S500 [mJy]; the request is in its meta.

    Raises
    ------
    InputError
        If the request is impossible or no galaxy fulfils it.
    """
    check_request(area, z_min, z_max, log_mass_min, center, clustering)
    streams = Streams(*np.random.default_rng(seed_rng).spawn(len(Streams._fields)))
    effects = [name for name in EFFECTS if (realism or {}).get(name)]
    kind = MODELS[model]
    population = kind.expected_population(area, z_min, z_max, log_mass_min, log_lir_min)
    galaxies = kind(z_min, z_max, responses or load_responses(bands=bands), dust)
    parts = draw_galaxies(galaxies, population, log_lir_min, streams, poisson, effects)
    meta = {"SOURCE": galaxies.source} if galaxies.source else {}
    meta |= {
        "AREA": area,
        "RA0": center[0],
        "DEC0": center[1],
        "ZMIN": z_min,
        "ZMAX": z_max,
        "LOGMMIN": log_mass_min,
        "LOGLMIN": "none" if log_lir_min is None else log_lir_min,
        "CLUSTER": clustering,
        "SEEDS": cluster_seeds,
        "POISSON": poisson,
        "DUST": galaxies.dust,
        "EFFECTS": ", ".join(effects) or "none",
    }
    side = np.sqrt(area)
    expected = (
        None if cluster_seeds == "egg" else expected_below(area, z_min, z_max, kind)
    )
    density = None if isinstance(cluster_seeds, str) else cluster_seeds
    empty = True
    for group in whole_slices(parts, clustering_slices(z_max)):
        z, mass, rng = group["Z"], group["LOGM"], streams.positions
        if clustering:
            offsets = positions(z, mass, side, expected, rng, density)
        else:
            offsets = rng.uniform(0.0, side, (len(z), 2))
        ra, dec = inverse_gnomonic(*(offsets.T - 0.5 * side), center)
        columns = {"RA": ra, "DEC": dec} | group
        meta["comments"] = galaxies.comments.copy()
        units = column_units(columns)
        yield Table(columns, units=units, meta=meta.copy(), copy=False)
        empty = False
    if empty:
        raise InputError(
            f"log_lir_min: expected a limit that leaves galaxies in {area} deg² at z = "
            f"{z_min}-{z_max} above log_mass_min = {log_mass_min}, found {log_lir_min}"
        )


def simulate_catalogue(area, seed_rng, **options):
    """Simulate the galaxies of a square field, all at once.

    Parameters
    ----------
    area, seed_rng, **options
        See `simulate_parts`.

    Returns
    -------
    astropy.table.Table
        All its parts.
    """
    parts = list(simulate_parts(area, seed_rng, **options))
    meta = parts[0].meta
    table = vstack(parts, metadata_conflicts="silent")
    table.meta = meta
    return table
