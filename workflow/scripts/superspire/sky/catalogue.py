"""A catalogue of simulated galaxies: properties, fluxes and positions."""

import numpy as np
from astropy.table import Table

from superspire.errors import InputError
from superspire.instruments import BANDS
from superspire.sky import dust as dust_model
from superspire.sky.clustering import positions
from superspire.sky.cosmology import luminosity_distance
from superspire.sky.galaxies import NO_SCATTER, draw_scatter, evaluate
from superspire.sky.population import draw_slices, expected_population

AREA_RANGE = (1e-3, 100.0)
Z_RANGE = (0.01, 9.0)
LOG_MASS_RANGE = (5.0, 11.5)
LOG_MASS_REFERENCE = 8.0
"""Galaxies above this mass set the number of cluster seeds [log10 Msun]."""

BLOCK = 250_000
UNITS = {"RA": "deg", "DEC": "deg", "TDUST": "K"}
UNITS |= {f"S{band}": "mJy" for band in BANDS}
COMMENTS = [
    "LOGM is the log10 of the stellar mass in Msun (Salpeter IMF).",
    "LOGLIR is the log10 of the luminosity between 8 and 1000 um in Lsun.",
    "TDUST is the temperature before the nearest template is taken.",
]


def check_request(area, z_min, z_max, log_mass_min, center):
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
    if not (np.isfinite(center[0]) and abs(center[1]) <= 90.0):
        raise InputError(
            f"center: expected RA and Dec in degrees, |Dec| <= 90, found {center}"
        )


def expected_below(area, z_min, z_max):
    """Make the function that counts the galaxies above 1e8 Msun below a redshift.

    Parameters
    ----------
    area : float
        Area [deg²].
    z_min, z_max : float
        Range of redshift of the field.

    Returns
    -------
    callable
        From redshift (array_like) to the expected number of galaxies.
    """
    population = expected_population(area, z_min, z_max, LOG_MASS_REFERENCE)
    below = np.concatenate([[0.0], np.cumsum(population.numbers.sum(axis=0))])
    return lambda z: np.interp(z, population.edges, below)


def draw_galaxies(population, log_lir_min, fluxes, rng, poisson=False):
    """Draw the galaxies of a field and keep those above the threshold.

    Parameters
    ----------
    population : superspire.sky.population.Population
        Expected numbers.
    log_lir_min : float or None
        Threshold [log10 Lsun].
    fluxes : superspire.sky.dust.FluxTable
        Fluxes of the dust library.
    rng : numpy.random.Generator
        Source of the draws.
    poisson : bool
        Poisson numbers of galaxies instead of EGG's nearly fixed ones.

    Yields
    ------
    tuple of ndarray
        Redshift, mass [log10 Msun], passive, luminosity [log10 Lsun], temperature [K]
        and fluxes [mJy], shape (n, b).
    """
    for z_all, mass_all, passive_all in draw_slices(population, rng, poisson):
        for start in range(0, len(z_all), BLOCK):
            block = slice(start, start + BLOCK)
            z, mass, passive = z_all[block], mass_all[block], passive_all[block]
            galaxies = evaluate(z, mass, passive, draw_scatter(len(z), rng))
            if log_lir_min is None:
                keep = np.ones(len(z), dtype=bool)
            else:
                keep = galaxies.log_lir >= log_lir_min
            z, mass, passive = z[keep], mass[keep], passive[keep]
            log_lir, tdust, ir8 = (x[keep] for x in galaxies[-3:])
            flux = fluxes.fluxes(z, log_lir, tdust, ir8)
            yield z, mass, passive, log_lir, tdust, flux


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


def simulate_catalogue(
    area,
    seed_rng,
    *,
    z_min=0.1,
    z_max=6.0,
    log_mass_min=8.0,
    log_lir_min=9.5,
    clustering=True,
    cluster_seeds="reference",
    poisson=False,
    center=(150.12, 2.21),
    dust,
):
    """Simulate the galaxies of a square field with the model of EGG.

    Parameters
    ----------
    area : float
        Area [deg²], of a square in the tangent plane of `center`.
    seed_rng : numpy.random.Generator or int
        Source of all random numbers.
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
    dust : superspire.sky.dust.DustLibrary
        Dust templates.

    Returns
    -------
    astropy.table.Table
        RA, DEC [deg], Z, LOGM [log10 Msun], PASSIVE, LOGLIR [log10 Lsun], TDUST [K] and
        S250, S350, S450, S500 [mJy], in order of redshift slices; the request is in its
        meta.

    Raises
    ------
    InputError
        If the request is impossible or no galaxy fulfils it.
    """
    check_request(area, z_min, z_max, log_mass_min, center)
    rng = np.random.default_rng(seed_rng)
    population = expected_population(area, z_min, z_max, log_mass_min, log_lir_min)
    table = dust_model.FluxTable(dust, z_min, z_max)
    parts = list(draw_galaxies(population, log_lir_min, table, rng, poisson))
    if not sum(len(part[0]) for part in parts):
        raise InputError(
            f"log_lir_min: expected a limit that leaves galaxies in {area} deg² at z = "
            f"{z_min}-{z_max} above log_mass_min = {log_mass_min}, found {log_lir_min}"
        )
    z, mass, passive, log_lir, tdust, flux = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    side = np.sqrt(area)
    if clustering:
        expected = (
            None if cluster_seeds == "egg" else expected_below(area, z_min, z_max)
        )
        density = None if isinstance(cluster_seeds, str) else cluster_seeds
        offsets = positions(z, mass, side, expected, rng, density)
    else:
        offsets = rng.uniform(0.0, side, (len(z), 2))
    ra, dec = inverse_gnomonic(*(offsets.T - 0.5 * side), center)

    columns = {"RA": ra, "DEC": dec, "Z": z, "LOGM": mass, "PASSIVE": passive}
    columns |= {"LOGLIR": log_lir, "TDUST": tdust}
    columns |= {f"S{band}": flux[:, i] for i, band in enumerate(table.bands)}
    meta = {
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
        "DUST": dust.name,
        "comments": COMMENTS.copy(),
    }
    return Table(columns, units=UNITS, meta=meta, copy=False)


def evaluate_model(z, log_mass, passive, dust, scatter=NO_SCATTER):
    """Evaluate the model for given galaxies, by default without any scatter.

    Parameters
    ----------
    z, log_mass : array_like, shape (n,)
        Redshift and stellar mass [log10 Msun].
    passive : array_like of bool, shape (n,)
        Quiescent galaxies.
    dust : superspire.sky.dust.DustLibrary
        Dust templates.
    scatter : superspire.sky.galaxies.Scatter, optional
        Deviates.

    Returns
    -------
    astropy.table.Table
        Every property of the galaxies, in double precision, with the fluxes computed
        at their very redshifts.
    """
    z, log_mass = (np.atleast_1d(np.asarray(x, dtype=float)) for x in (z, log_mass))
    passive = np.atleast_1d(np.asarray(passive, dtype=bool))
    galaxies = evaluate(z, log_mass, passive, scatter)
    sfr, irx = 10.0**galaxies.log_sfr, 10.0**galaxies.log_irx
    index = dust_model.template_index(dust, galaxies.tdust)
    fraction = dust_model.pah_fraction(dust, index, galaxies.ir8)
    mass = dust_model.dust_mass(dust, index, fraction, galaxies.log_lir)
    columns = {
        "z": z,
        "logM": log_mass,
        "passive": passive,
        "D_Mpc": luminosity_distance(z),
        "SFR": sfr,
        "RSB_dex": galaxies.starburstiness,
        "IRX": irx,
        "SFR_IR": sfr / (1.0 + 1.0 / irx),
        "SFR_UV": sfr / (1.0 + irx),
        "LIR_Lsun": 10.0**galaxies.log_lir,
        "Tdust_K": galaxies.tdust,
        "IR8": galaxies.ir8,
        "ir_sed_index": index,
        "fPAH": fraction,
        "Mdust_Msun": mass,
    }
    flux = dust_model.exact_fluxes(dust, z, index, fraction, mass)
    columns |= {f"S{band}_mJy": flux[:, i] for i, band in enumerate(BANDS)}
    return Table(columns)
