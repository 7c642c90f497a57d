"""Distances and volumes in the cosmology that the recipes of EGG are calibrated in."""

import functools

import numpy as np

HUBBLE = 70.0
"""Hubble constant [km/s/Mpc]."""

OMEGA_MATTER = 0.3
OMEGA_LAMBDA = 0.7

LIGHT_SPEED = 2.99792458e5
"""Speed of light [km/s]."""

Z_LIMIT = 16.0
"""Highest redshift of the tabulated distance."""


@functools.cache
def _comoving_distance_table():
    """Tabulate the comoving distance [Mpc] on a fine grid of ln(1 + z)."""
    x = np.linspace(0.0, np.log1p(Z_LIMIT), 20001)
    nodes, weights = np.polynomial.legendre.leggauss(4)
    step = x[1] - x[0]
    t = np.exp(x[:-1, None] + 0.5 * step * (nodes + 1.0))
    integrand = t / np.sqrt(OMEGA_MATTER * t**3 + OMEGA_LAMBDA)
    cells = 0.5 * step * integrand @ weights
    distance = np.concatenate([[0.0], np.cumsum(cells)])
    return x, LIGHT_SPEED / HUBBLE * distance


def luminosity_distance(z):
    """Luminosity distance in a flat universe without radiation.

    Parameters
    ----------
    z : array_like
        Redshift, at most 16.

    Returns
    -------
    ndarray
        (1 + z) c/H0 int_0^z [Om (1 + t)^3 + OL]^(-1/2) dt [Mpc].
    """
    z = np.asarray(z)
    x, distance = _comoving_distance_table()
    return (1.0 + z) * np.interp(np.log1p(z), x, distance)


def comoving_volume(z):
    """Comoving volume of the full sky out to a redshift.

    Parameters
    ----------
    z : array_like
        Redshift.

    Returns
    -------
    ndarray
        (4 pi / 3) [D_L / (1 + z)]^3 [Mpc^3].
    """
    z = np.asarray(z)
    return 4.0 * np.pi / 3.0 * (luminosity_distance(z) / (1.0 + z)) ** 3
