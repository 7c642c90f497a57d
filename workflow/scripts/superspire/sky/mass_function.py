"""Stellar mass functions of active and passive galaxies (Schreiber et al. 2017)."""

import functools

import numpy as np

IMF_OFFSET = np.log10(1.0 / 1.8)
"""Salpeter to Chabrier mass [dex], for the fit of Baldry et al. (2012)."""

LOW_EDGES = (0.0, 0.3, 0.7, 1.2, 1.9, 2.5, 3.5, 4.5)
N_HIGH = 53
Z_MAX_GRID = 15.0
N_MASS = 181
MASS_RANGE = (3.95, 13.05)

# Rows: redshift bins; columns: log10 M1, phi1, alpha1, log10 M2, phi2, alpha2, with
# masses in Msun (Salpeter) and densities in Mpc^-3.
ACTIVE = np.array(
    [
        [10.72, 7.1e-4, -1.45, 10.72, 0.0, 0.3],
        [11.0, 8.98887e-4, -1.40, 10.6418, 8.30778e-5, 0.5],
        [11.0, 7.18160e-4, -1.40, 10.7292, 4.04045e-4, 0.5],
        [11.0, 4.65684e-4, -1.50, 10.6717, 4.17749e-4, 0.5],
        [11.0, 2.13874e-4, -1.57, 10.8404, 4.06023e-4, 0.0],
        [11.0, 2.12404e-4, -1.60, 10.9443, 9.06860e-5, 0.5],
        [11.0, 3.69e-5, -1.80, 11.0, 0.0, 0.5],
    ]
)
PASSIVE = np.array(
    [
        [10.72, 8.0e-5, -1.45, 10.72, 3.25e-3, -0.45],
        [11.0, 7.77453e-5, -1.65, 11.0426, 1.54472e-3, -0.481039],
        [11.0, 3.54586e-5, -1.60, 10.8601, 1.04263e-3, 0.0594024],
        [11.0, 2.29979e-5, -1.25, 10.8342, 6.24682e-4, 0.296244],
        [11.0, 1.0e-5, -1.00, 11.0471, 1.73119e-4, -0.166611],
        [11.0, 0.0, -1.00, 10.9439, 1.22278e-4, -0.263124],
        [11.0, 0.0, -1.35, 11.0, 3.0e-5, -0.3],
    ]
)


def double_schechter(log_mass, m1, phi1, alpha1, m2, phi2, alpha2):
    """Sum of two Schechter functions per dex.

    Parameters
    ----------
    log_mass : array_like
        Stellar mass [log10 Msun].
    m1, m2 : float
        Characteristic masses [log10 Msun].
    phi1, phi2 : float
        Normalisations [Mpc^-3].
    alpha1, alpha2 : float
        Slopes at low mass.

    Returns
    -------
    ndarray
        Density of galaxies [Mpc^-3 dex^-1].
    """
    total = 0.0
    for knee, phi, alpha in ((m1, phi1, alpha1), (m2, phi2, alpha2)):
        x = 10.0 ** (np.asarray(log_mass) - knee)
        total = total + phi * x ** (1.0 + alpha) * np.exp(-x)
    return np.log(10.0) * total


def redshift_edges():
    """Edges of the redshift bins of the mass functions, shape (61,)."""
    high = np.linspace(LOW_EDGES[-1], Z_MAX_GRID, N_HIGH + 1)
    return np.concatenate([LOW_EDGES, high[1:]])


def mass_density(z):
    """Total stellar mass density, up to a constant (Grazian et al. 2015).

    Parameters
    ----------
    z : array_like
        Redshift.

    Returns
    -------
    ndarray
        Relative density.
    """
    z = np.asarray(z, dtype=float)
    return 10.0 ** np.where(z < 6.0, -0.43 * z, -2.58 - 0.7 * (z - 6.0))


def parameters(z, passive):
    """Parameters of the mass functions of one type at the centres of the bins.

    Parameters
    ----------
    z : ndarray, shape (60,)
        Centres of the redshift bins.
    passive : bool
        Which of the two types.

    Returns
    -------
    ndarray, shape (60, 6)
        Arguments of `double_schechter`: beyond z = 4.5 the last row, scaled by the
        mass density and, for active galaxies, steepened.
    """
    low = PASSIVE if passive else ACTIVE
    z = z[len(low) :]
    high = np.tile(low[-1], (len(z), 1))
    high[:, [1, 4]] *= (mass_density(z) / mass_density(4.0))[:, None]
    if not passive:
        high[:, 2] = np.interp(z, [4.0, 5.0, 6.0], [-1.8, -2.0, -2.1])
    return np.vstack([low, high])


@functools.cache
def table():
    """Tabulate the mass functions at the centres of their bins.

    Returns
    -------
    z : ndarray, shape (60,)
        Centres of the redshift bins.
    log_mass : ndarray, shape (181,)
        Centres of the mass bins [log10 Msun].
    log_phi : ndarray, shape (2, 60, 181)
        Density of active and of passive galaxies [log10 (Mpc^-3 dex^-1)].
    """
    edges = redshift_edges()
    z = 0.5 * (edges[1:] + edges[:-1])
    mass_edges = np.linspace(*MASS_RANGE, N_MASS + 1)
    log_mass = 0.5 * (mass_edges[1:] + mass_edges[:-1])
    phi = np.empty((2, len(z), N_MASS))
    for passive in (False, True):
        for i, row in enumerate(parameters(z, passive)):
            mass = log_mass + IMF_OFFSET if i == 0 else log_mass
            phi[int(passive), i] = double_schechter(mass, *row)
    return z, log_mass, np.log10(phi)


def _weights(nodes, x):
    """Lower node and weight of the upper one for linear interpolation, clamped."""
    position = np.interp(x, nodes, np.arange(len(nodes)))
    low = np.minimum(position.astype(int), len(nodes) - 2)
    return low, position - low


def mass_function(z, log_mass, passive):
    """Density of galaxies, bilinear in log10(phi) between the bin centres.

    Parameters
    ----------
    z : array_like, shape (n,)
        Redshift; held constant outside the outermost bin centres (0.15 and 14.9).
    log_mass : array_like, shape (m,)
        Stellar mass [log10 Msun].
    passive : bool
        Which of the two types.

    Returns
    -------
    ndarray, shape (n, m)
        Density [Mpc^-3 dex^-1].
    """
    z_nodes, mass_nodes, log_phi = table()
    grid = log_phi[int(passive)]
    i, wz = _weights(z_nodes, np.asarray(z, dtype=float))
    j, wm = _weights(mass_nodes, np.asarray(log_mass, dtype=float))
    rows = grid[i] + wz[:, None] * (grid[i + 1] - grid[i])
    return 10.0 ** (rows[:, j] + wm * (rows[:, j + 1] - rows[:, j]))
