"""Positions on the sky: the two-level clustering of EGG (after Soneira & Peebles 1978).

Everything is in the tangent plane, in degrees, in a square with one corner at zero.
"""

import numpy as np

RADIUS = 0.05
"""Radius of the outer discs [deg]."""

SHRINK = 6.0
"""Radius of the outer over that of the inner discs."""

ETA = 5
"""Points in an outer disc."""

LEVELS = 2
"""Most levels: round(ln(r0 / r1) / ln SHRINK) with r1 = 0.0006 deg."""

OVERSAMPLING, N_SIM_MIN = 1.5, 1000
MARGIN = 0.8
"""How far inner centres may lie outside the square [radius of their discs]."""

FILL_SAMPLES = 200
FRACTION_HIGH, FRACTION_LOW = 0.4, 0.2
LOG_MASS_SPLIT, LOG_MASS_UNCLUSTERED = 10.5, 8.0
Z_STEP, Z_STEP_MIN, Z_STEP_MAX, Z_MAX_GRID = 0.1, 0.1, 0.5, 10.0
MIN_AREA = 0.2 * np.pi * RADIUS**2
"""Area below which there is no clustering in EGG [deg²]."""


def clustering_slices(z_max):
    """Edges of the redshift slices in which positions are drawn independently.

    Parameters
    ----------
    z_max : float
        Highest redshift of the galaxies.

    Returns
    -------
    ndarray
        Edges from 0 to at least 10; fixed, to fix the projected amplitude.
    """
    edges = [0.0]
    while edges[-1] < max(Z_MAX_GRID, z_max):
        edges.append(edges[-1] + min(max(Z_STEP * edges[-1], Z_STEP_MIN), Z_STEP_MAX))
    return np.array(edges)


def clustered_probability(z, log_mass):
    """Probability that a galaxy takes a clustered position.

    Parameters
    ----------
    z, log_mass : ndarray, shape (n,)
        Redshift and stellar mass [log10 Msun].

    Returns
    -------
    ndarray, shape (n,)
        0.4 above 10.5, 0.2 above 8, else 0; falling to zero from z = 1 to 0.5.
    """
    p = np.where(log_mass > LOG_MASS_SPLIT, FRACTION_HIGH, FRACTION_LOW)
    p = np.where(log_mass < LOG_MASS_UNCLUSTERED, 0.0, p)
    return p * np.clip((z - 0.5) / 0.5, 0.0, 1.0)


def simulated_points(n_reference):
    """Points that the tree of a slice of `n_reference` galaxies has at least."""
    return int(OVERSAMPLING * max(n_reference, N_SIM_MIN))


def tree_shape(n_reference, area):
    """Numbers of seeds and levels of a slice.

    Parameters
    ----------
    n_reference : float
        Galaxies that the slice holds above 1e8 Msun.
    area : float
        Area of the field [deg²].

    Returns
    -------
    seeds, depth : int
        Number of seeds, and L: each seed stands for 5^L points.
    """
    n_sim = simulated_points(n_reference)
    crowd = n_sim / area * np.pi * RADIUS**2
    depth = max(int(np.ceil(np.log(max(crowd, 1.0)) / np.log(ETA))), 1)
    return int(np.ceil(n_sim / ETA**depth)), depth


def fixed_tree(n_reference, area, seed_density):
    """Numbers of seeds and points of a slice whose density of seeds is given.

    The amplitude of the clustering is inverse to the density of seeds, which EGG's
    rule makes jump between 25 and 127 deg⁻² with the number of galaxies.

    Parameters
    ----------
    n_reference : float
        Galaxies that the slice holds above 1e8 Msun.
    area : float
        Area of the field [deg²].
    seed_density : float
        Seeds per area [deg⁻²].

    Returns
    -------
    seeds, points : int
        Number of seeds, and of points in each of the five inner discs of a seed.
    """
    n_sim = simulated_points(n_reference)
    seeds = max(round(seed_density * area), 1)
    return seeds, int(np.ceil(n_sim / (seeds * ETA)))


def disc_offsets(n, radius, rng):
    """Draw offsets uniform in a disc.

    Parameters
    ----------
    n : int
        Number of offsets.
    radius : float
        Radius of the disc [deg].
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray, shape (n, 2)
        Offsets [deg].
    """
    r = radius * np.sqrt(rng.random(n))
    phi = rng.uniform(0.0, 2.0 * np.pi, n)
    return np.stack([r * np.cos(phi), r * np.sin(phi)], axis=1)


def _inside(points, side, margin):
    """Whether points lie in the square or within a margin around it."""
    return ((points >= -margin) & (points <= side + margin)).all(axis=-1)


def scatter_around(centres, radius, side, margin, rng):
    """Draw one point in the disc around each centre, inside the square.

    Parameters
    ----------
    centres : ndarray, shape (n, 2)
        Centres of the discs [deg].
    radius : float
        Radius of the discs [deg].
    side : float
        Side of the square [deg].
    margin : float
        Points may lie this far outside the square [deg].
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray, shape (n, 2)
        Points [deg].
    """
    points = centres + disc_offsets(len(centres), radius, rng)
    redraw = np.flatnonzero(~_inside(points, side, margin))
    while len(redraw):
        points[redraw] = centres[redraw] + disc_offsets(len(redraw), radius, rng)
        redraw = redraw[~_inside(points[redraw], side, margin)]
    return points


def filling_factor(centres, radius, side, rng):
    """Fraction of each disc that lies inside the square, estimated at random.

    Parameters
    ----------
    centres : ndarray, shape (n, 2)
        Centres of the discs [deg].
    radius : float
        Radius of the discs [deg].
    side : float
        Side of the square [deg].
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray, shape (n,)
        Fractions, from 200 points for each disc that crosses the edge.
    """
    fill = np.ones(len(centres))
    border = np.flatnonzero(~_inside(centres, side, -radius))
    offsets = disc_offsets(FILL_SAMPLES * len(border), radius, rng)
    points = centres[border, None] + offsets.reshape(-1, FILL_SAMPLES, 2)
    fill[border] = _inside(points, side, 0.0).mean(axis=1)
    return fill


def share_points(fill, points_per_disc, rng):
    """Share the points of each family among its discs by their filling factors.

    Parameters
    ----------
    fill : ndarray, shape (families, discs)
        Filling factors.
    points_per_disc : int
        Mean number of points per disc.
    rng : numpy.random.Generator
        Source of the logcosh_width.

    Returns
    -------
    ndarray of int, shape (families, discs)
        Points in each disc; the sum of a family is always the same, unless none of its
        discs touches the square, when it is zero.
    """
    total = points_per_disc * fill.shape[1]
    weight = fill.sum(axis=1, keepdims=True)
    fraction = np.divide(
        total * fill, weight, out=np.zeros_like(fill), where=weight > 0.0
    )
    offset = rng.uniform(1e-6, 1.0 - 1e-6, (len(fill), 1))
    steps = np.floor(np.cumsum(fraction, axis=1) + offset)
    return np.diff(steps, axis=1, prepend=0.0).astype(int)


def clustered_positions(n, n_reference, side, rng, seed_density=None):
    """Draw clustered positions of one redshift slice.

    The tree is that of `n_reference` galaxies, for instance all above 1e8 Msun,
    whatever the cut of the catalogue; `n` of its points are kept at random, and only
    these are made.

    Parameters
    ----------
    n : int
        Number of positions, at most 1.5 times `n_reference` or 1500.
    n_reference : float
        Galaxies that the tree is made for.
    side : float
        Side of the square [deg].
    rng : numpy.random.Generator
        Source of the draws.
    seed_density : float, optional
        Seeds per area [deg⁻²]; by EGG's rule if it is not given.

    Returns
    -------
    ndarray, shape (n, 2)
        Positions between 0 and `side` [deg], in random order.
    """
    if seed_density is None:
        n_seeds, depth = tree_shape(n_reference, side**2)
        points = ETA ** (depth - 1)
    else:
        n_seeds, points = fixed_tree(n_reference, side**2, seed_density)
        depth = LEVELS
    seeds = rng.uniform(0.0, side, (n_seeds, 2))
    if depth < LEVELS:
        kept = rng.choice(n_seeds * ETA**depth, n, replace=False)
        return scatter_around(seeds[kept // ETA**depth], RADIUS, side, 0.0, rng)
    inner = RADIUS / SHRINK
    parents = np.repeat(seeds, ETA, axis=0)
    centres = scatter_around(parents, RADIUS, side, MARGIN * inner, rng)
    fill = filling_factor(centres, inner, side, rng).reshape(n_seeds, ETA)
    counts = share_points(fill, points, rng)
    last = np.cumsum(counts)
    kept = rng.choice(last[-1], n, replace=False)
    chosen = np.searchsorted(last, kept, side="right")
    return scatter_around(centres[chosen], inner, side, 0.0, rng)


def positions(z, log_mass, side, expected, rng, seed_density=None):
    """Draw the positions of the galaxies of a field.

    Parameters
    ----------
    z, log_mass : ndarray, shape (n,)
        Redshift and stellar mass [log10 Msun].
    side : float
        Side of the square [deg].
    expected : callable or None
        Number of galaxies above 1e8 Msun expected in the field below a redshift, which
        the trees are made for; None for the galaxies that are given, as in EGG.
    rng : numpy.random.Generator
        Source of the draws.
    seed_density : float, optional
        See `clustered_positions`.

    Returns
    -------
    ndarray, shape (n, 2)
        Positions between 0 and `side` [deg].
    """
    points = rng.uniform(0.0, side, (len(z), 2))
    if side**2 < MIN_AREA:
        return points
    p = clustered_probability(z, log_mass)
    clustered = np.flatnonzero(rng.random(len(z), dtype=np.float32) < p)
    edges = clustering_slices(z.max() if len(z) else 0.0)
    if expected is None:
        reference = np.histogram(z, edges)[0]
    else:
        reference = np.diff(expected(edges))
    cell = np.searchsorted(edges, z[clustered], side="right") - 1
    members = clustered[np.argsort(cell, kind="stable")]
    numbers = np.bincount(cell, minlength=len(reference))
    ends = np.cumsum(numbers)
    for n, end, n_reference in zip(numbers, ends, reference, strict=True):
        if n:
            points[members[end - n : end]] = clustered_positions(
                n, n_reference, side, rng, seed_density
            )
    return points
