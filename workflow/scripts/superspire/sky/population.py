"""Numbers, redshifts and masses of the galaxies of a field, slice by slice."""

from typing import NamedTuple

import numpy as np

from superspire.sky.cosmology import comoving_volume
from superspire.sky.galaxies import evaluate
from superspire.sky.mass_function import mass_function, table

LOG_MASS_MAX = 12.0
MASS_STEP = 0.05
Z_STEP, Z_STEP_MIN, Z_STEP_MAX = 0.05, 0.001, 0.5
FLOOR_MARGIN = 1.0
"""Room left for the scatter below a luminosity threshold [dex]."""

FLOOR_CAP = 10.0
"""Highest mass floor [log10 Msun]: above it only scatter decides."""


class Population(NamedTuple):
    """Expected galaxies of a field in redshift slices and mass bins.

    Attributes
    ----------
    edges : ndarray, shape (n + 1,)
        Edges of the redshift slices.
    mass_edges : ndarray, shape (m + 1,)
        Edges of the mass bins [log10 Msun].
    floor : ndarray, shape (n,)
        Lowest mass in each slice [log10 Msun].
    phi : ndarray, shape (2, n, m)
        Density of active and passive galaxies at the slice centres [Mpc^-3 dex^-1].
    numbers : ndarray, shape (2, n)
        Expected number of active and passive galaxies above the floor.
    """

    edges: np.ndarray
    mass_edges: np.ndarray
    floor: np.ndarray
    phi: np.ndarray
    numbers: np.ndarray


def midpoints(edges):
    """Centres of bins, shape (n,), from their edges, shape (n + 1,)."""
    return 0.5 * (edges[1:] + edges[:-1])


def redshift_slices(z_min, z_max):
    """Edges of the redshift slices, whose width grows with redshift.

    Parameters
    ----------
    z_min, z_max : float
        Range of redshift.

    Returns
    -------
    ndarray, shape (n + 1,)
        Edges from `z_min` to `z_max`.
    """
    edges = [z_min]
    while True:
        step = min(max(Z_STEP * edges[-1], Z_STEP_MIN), Z_STEP_MAX)
        if edges[-1] + step >= z_max:
            break
        edges.append(edges[-1] + step)
    if len(edges) > 1 and z_max - edges[-1] < min(0.5 * z_max * Z_STEP, Z_STEP_MIN):
        edges[-1] = z_max
    else:
        edges.append(z_max)
    return np.array(edges)


def mass_floor(z, log_lir_min, log_mass_min):
    """Mass below which hardly any galaxy reaches a luminosity threshold.

    The lowest mass of which an unscattered active galaxy reaches the threshold less a
    margin of 1 dex: this loses 0.6 % of the galaxies above the threshold.

    Parameters
    ----------
    z : array_like, shape (n,)
        Redshift.
    log_lir_min : float
        Threshold [log10 Lsun].
    log_mass_min : float
        Lowest mass of all [log10 Msun].

    Returns
    -------
    ndarray, shape (n,)
        Mass [log10 Msun], between `log_mass_min` and the larger of that and 10.
    """
    grid = np.linspace(log_mass_min, LOG_MASS_MAX, 1000)
    log_lir = evaluate(np.asarray(z)[:, None], grid, False).log_lir
    bright = log_lir >= log_lir_min - FLOOR_MARGIN
    floor = np.where(bright.any(axis=1), grid[bright.argmax(axis=1)], FLOOR_CAP)
    return np.clip(floor, log_mass_min, max(FLOOR_CAP, log_mass_min))


def expected_population(area, z_min, z_max, log_mass_min, log_lir_min=None):
    """Integrate the mass functions over the slices of a field.

    Parameters
    ----------
    area : float
        Area of the field [deg²].
    z_min, z_max : float
        Range of redshift.
    log_mass_min : float
        Lowest stellar mass [log10 Msun].
    log_lir_min : float, optional
        Threshold in luminosity [log10 Lsun] that sets the floor in mass.

    Returns
    -------
    Population
    """
    edges = redshift_slices(z_min, z_max)
    z = midpoints(edges)
    n_mass = int(np.ceil((LOG_MASS_MAX - log_mass_min) / MASS_STEP - 1e-9))
    mass_edges = np.linspace(log_mass_min, LOG_MASS_MAX, n_mass + 1)
    mass = midpoints(mass_edges)
    floor = np.full(len(z), float(log_mass_min))
    if log_lir_min is not None:
        floor = mass_floor(z, log_lir_min, log_mass_min)

    lowest = table()[0][0]
    inside = z[z >= lowest]
    z_phi = np.where(z < lowest, inside[0] if len(inside) else lowest, z)
    phi = np.stack([mass_function(z_phi, mass, passive) for passive in (False, True)])
    phi *= mass > floor[:, None]

    sky_fraction = area * np.radians(1.0) ** 2 / (4.0 * np.pi)
    volume = sky_fraction * np.diff(comoving_volume(edges))
    step = mass_edges[1] - mass_edges[0]
    return Population(edges, mass_edges, floor, phi, volume * phi.sum(axis=2) * step)


def sample_linear(nodes, density, n, rng):
    """Draw from a piecewise-linear probability density.

    Parameters
    ----------
    nodes : ndarray, shape (k,)
        Increasing abscissae.
    density : ndarray, shape (k,)
        Density at the nodes, in any unit.
    n : int
        Number of draws.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray, shape (n,)
        Draws.
    """
    width = np.diff(nodes)
    cumulative = np.concatenate(
        [[0.0], np.cumsum(0.5 * width * (density[1:] + density[:-1]))]
    )
    u = rng.random(n) * cumulative[-1]
    i = np.searchsorted(cumulative, u, side="right") - 1
    i = np.clip(i, 0, len(width) - 1)
    rest = u - cumulative[i]
    slope = (np.diff(density) / width)[i]
    low = density[i]
    root = np.sqrt(np.maximum(low**2 + 2.0 * slope * rest, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        step = np.where(rest > 0.0, 2.0 * rest / (low + root), 0.0)
    return np.clip(nodes[i] + step, nodes[i], nodes[i + 1])


def slice_counts(population, rng, poisson=False):
    """Draw how many galaxies of each type fall in each slice.

    The total of a type is the sum over the slices of floor(n) + Bernoulli(frac n), so
    hardly random; the redshifts then come from the density that is linear between the
    slice centres, which spreads the total over the slices.

    Parameters
    ----------
    population : Population
        Expected numbers.
    rng : numpy.random.Generator
        Source of the draws.
    poisson : bool
        Draw the total of a type from a Poisson distribution instead.

    Returns
    -------
    counts : ndarray of int, shape (2, n)
        Galaxies in each slice.
    nodes : ndarray, shape (n, 3)
        Lower edge, centre and upper edge of each slice.
    density : ndarray, shape (2, n, 3)
        Density of redshifts there.
    """
    edges, z = population.edges, midpoints(population.edges)
    nodes = np.stack([edges[:-1], z, edges[1:]], axis=1)
    counts, densities = [], []
    for numbers in population.numbers:
        if poisson:
            total = rng.poisson(numbers.sum())
        else:
            whole = np.floor(numbers)
            total = int((whole + (rng.random(len(numbers)) < numbers - whole)).sum())
        density = np.interp(nodes, z, numbers / np.diff(edges))
        mass = np.diff(nodes, axis=1) * 0.5 * (density[:, 1:] + density[:, :-1])
        weights = mass.sum(axis=1)
        if total:
            counts.append(rng.multinomial(total, weights / weights.sum()))
        else:
            counts.append(np.zeros(len(numbers), dtype=int))
        densities.append(density)
    return np.array(counts), nodes, np.array(densities)


def sample_masses(population, i, kind, n, rng):
    """Draw stellar masses in one slice from the mass function at its centre.

    Parameters
    ----------
    population : Population
        Mass functions.
    i : int
        The slice.
    kind : int
        0 for active, 1 for passive galaxies.
    n : int
        Number of draws.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray, shape (n,)
        Stellar mass [log10 Msun], not below the floor of the slice.
    """
    edges, floor = population.mass_edges, population.floor[i]
    first = np.searchsorted(midpoints(edges), floor, side="right")
    nodes = np.concatenate([edges[first : first + 1], midpoints(edges[first:]), [12.0]])
    values = population.phi[kind, i, first:]
    density = np.concatenate([values[:1], values, values[-1:]])
    return np.maximum(sample_linear(nodes, density, n, rng), floor)


def draw_slices(population, rng, poisson=False):
    """Draw the galaxies of a field, one redshift slice at a time.

    Parameters
    ----------
    population : Population
        Expected numbers and mass functions.
    rng : numpy.random.Generator
        Source of the draws.
    poisson : bool
        See `slice_counts`.

    Yields
    ------
    z, log_mass : ndarray of float32, shape (n,)
        Redshift and stellar mass [log10 Msun].
    passive : ndarray of bool, shape (n,)
        Quiescent galaxies.
    """
    counts, nodes, density = slice_counts(population, rng, poisson)
    for i in range(counts.shape[1]):
        z, mass = [], []
        for kind in (0, 1):
            n = counts[kind, i]
            if n:
                z.append(sample_linear(nodes[i], density[kind, i], n, rng))
                mass.append(sample_masses(population, i, kind, n, rng))
        if z:
            passive = np.repeat([False, True], counts[:, i])
            yield (
                np.concatenate(z).astype(np.float32),
                np.concatenate(mass).astype(np.float32),
                passive,
            )
