"""Gravitational magnification: large-scale structure and the rare strong lenses.

Each galaxy is magnified separately, without regard to its neighbours, and positions are
left as they are.
"""

import numpy as np
from scipy.special import gamma

from superspire.sky.cosmology import HUBBLE, LIGHT_SPEED, luminosity_distance

LENS_DENSITY = 8.0e-3
"""Early-type galaxies [h³ Mpc⁻³] (Choi, Park & Vogeley 2007, as the next three)."""

LENS_DISPERSION = 161.0
"""Characteristic velocity dispersion [km/s]."""

LENS_SLOPES = (2.32, 2.67)
"""Slopes alpha and beta of the velocity dispersion function."""

STRONG = 2.0
"""Minimum magnification behind a singular isothermal sphere with two images."""

STRONGEST = 30.0
"""Maximum magnification of a galaxy, which is no point (Perrotta et al. 2002)."""


def weak_width(z):
    """Width of the distribution of weak magnifications.

    Parameters
    ----------
    z : array_like
        Redshift of the source.

    Returns
    -------
    ndarray
        Standard deviation of ln mu: twice the relative dispersion of the luminosity
        distance, 0.066 [(1 - (1 + z)^-0.25) / 0.25]^1.8 (Hirata, Holz & Cutler 2010).
    """
    z = np.asarray(z, dtype=float)
    return 2.0 * 0.066 * ((1.0 - (1.0 + z) ** -0.25) / 0.25) ** 1.8


def strong_probability(z):
    """Probability that a galaxy lies behind a strong lens.

    Parameters
    ----------
    z : array_like
        Redshift of the source.

    Returns
    -------
    ndarray
        Optical depth F / 30 (D_c H0 / c)³ of singular isothermal spheres of constant
        comoving density, F = 16 pi³ n (c / H0)³ <(sigma / c)⁴> (Turner, Ostriker & Gott
        1984; Fukugita & Turner 1991).
    """
    z = np.asarray(z, dtype=float)
    alpha, beta = LENS_SLOPES
    fourth = gamma((alpha + 4.0) / beta) / gamma(alpha / beta)
    fourth *= (LENS_DISPERSION / LIGHT_SPEED) ** 4
    f = 16.0 * np.pi**3 * LENS_DENSITY * (LIGHT_SPEED / 100.0) ** 3 * fourth
    distance = luminosity_distance(z) / (1.0 + z) * HUBBLE / LIGHT_SPEED
    return f / 30.0 * distance**3


def strong_mean():
    """Mean magnification behind a strong lens, 4 / (1 + 2 / STRONGEST)."""
    return 2.0 * STRONG / (1.0 + STRONG / STRONGEST)


def draw_strong(n, rng):
    """Draw magnifications behind singular isothermal spheres.

    Parameters
    ----------
    n : int
        Number of draws.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray, shape (n,)
        From the density 8 / mu³ of two or more, cut at STRONGEST.
    """
    top = (STRONG / STRONGEST) ** 2
    return STRONG / np.sqrt(1.0 - rng.random(n) * (1.0 - top))


def draw_magnification(z, rng, weak=True, strong=True):
    """Draw the magnification of galaxies.

    Flux is conserved: the mean magnification is one at every redshift, the galaxies
    without a strong lens making up for those behind one.

    Parameters
    ----------
    z : ndarray, shape (n,)
        Redshift.
    rng : numpy.random.Generator
        Source of the draws.
    weak, strong : bool
        Which of the two is on.

    Returns
    -------
    ndarray of float32, shape (n,)
        Magnification.
    """
    z = np.asarray(z, dtype=float)
    fraction = strong_probability(z) if strong else np.zeros(len(z))
    mu = (1.0 - fraction * strong_mean()) / (1.0 - fraction)
    if weak:
        width = weak_width(z)
        mu *= np.exp(width * rng.standard_normal(len(z)) - 0.5 * width**2)
    if strong:
        lensed = np.flatnonzero(rng.random(len(z)) < fraction)
        mu[lensed] = draw_strong(len(lensed), rng)
    return mu.astype(np.float32)
