"""A second model of the sky: two modes of star formation (Béthermin et al. 2012, 2017).

Independent of the model of EGG in mass function, fraction of star-forming galaxies,
starbursts, obscuration and spectra, it is the one of the SIDES simulation (Béthermin
et al. 2017, A&A 607, A89) with positions that cluster as in EGG. Masses are for the IMF
of Salpeter, as everywhere here; the formulae that need the one of Chabrier say so.
Quiescent galaxies have no dust, and are left out.

Its counts at 500 µm are half of what Herschel saw between 5 and 50 mJy: there, say
Béthermin et al. (2017), blending doubles the counts of maps.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import erf, ndtr, ndtri

from superspire.sky.cosmology import comoving_volume
from superspire.sky.magdis import FieldFluxes, dust_mass, thin_temperature
from superspire.sky.mass_function import double_schechter
from superspire.sky.population import (
    LOG_MASS_MAX,
    MASS_STEP,
    Population,
    midpoints,
    redshift_slices,
)

NAME = "2sfm"

CHABRIER = -0.24
"""From Salpeter to Chabrier masses and star formation rates [dex]."""

# Rows: redshift, log10 M (Msun, Chabrier), phi (Mpc^-3) and slope of the flat and of
# the steep component. Béthermin et al. (2017, section 2.2) take them from
# Kelvin et al. (2014), Moutard et al. (2016, z < 1.5), Davidzon et al. (2017, table 1,
# z < 3.5) and Grazian et al. (2015, from Salpeter masses).
MASS_FUNCTION = np.array(
    [
        [0.0425, 10.64, 4.18e-3, -0.43, 0.74e-3, -1.50],
        [0.35, 10.83, 10**-2.63, -0.95, 10**-4.01, -1.82],
        [0.65, 10.76, 10**-2.66, -0.57, 10**-3.24, -1.49],
        [0.95, 10.68, 10**-2.57, -0.33, 10**-3.24, -1.49],
        [1.30, 10.66, 10**-2.88, 0.19, 10**-3.24, -1.49],
        [1.75, 10.51, 0.64e-3, 0.82, 0.969e-3, -1.28],
        [2.25, 10.60, 0.45e-3, 0.07, 0.295e-3, -1.57],
        [2.75, 10.59, 0.21e-3, -0.08, 0.228e-3, -1.67],
        [3.25, 10.83, 0.0, 0.0, 0.090e-3, -1.76],
        [4.0, 10.96 + CHABRIER, 0.0, 0.0, 10**-3.94, -1.63],
        [5.0, 10.78 + CHABRIER, 0.0, 0.0, 10**-4.18, -1.63],
        [6.0, 10.49 + CHABRIER, 0.0, 0.0, 10**-4.16, -1.55],
        [7.0, 10.69 + CHABRIER, 0.0, 0.0, 10**-5.24, -1.88],
    ]
)

SEQUENCE = (0.5, 1.5, 0.3, 0.36, 2.5)
"""m0, a0, a1, m1 and a2 of Schreiber et al. (2015, equation 9)."""

LOW_Z, LOW_Z_MEAN, LOW_Z_OFFSET = 0.5, 0.22, -0.1
"""Correction of the main sequence at low redshift (Béthermin et al. 2017, B)."""

SFR_SCATTER = 0.3
"""Of main sequence and starbursts alike [dex] (Béthermin et al. 2017, section 2.5)."""

EXCESS = (0.87, 5.3)
"""Median of main sequence and of starbursts, over the main sequence (ibid.)."""

STARBURST_FRACTION, STARBURST_KNEE = (0.015, 0.03), 1.0
"""Starbursts at z = 0, and from z = 1 on (ibid.)."""

SFR_MAX = 1000.0
"""Highest star formation rate [Msun/yr, Chabrier] (ibid.)."""

LOG_LIR_PER_SFR = 10.0
"""Kennicutt (1998) for the IMF of Chabrier [log10 (Lsun yr/Msun)]."""

FIELD, FIELD_SLOPE, FIELD_KNEE = 5.0, 0.25, 4.0
"""<U> of the main sequence at z = 0, slope of its logarithm, and where that ends."""

STARBURST_FIELD = 31.0
"""<U> of starbursts, until that of the main sequence is higher."""

FIELD_SCATTER = 0.2
"""Of <U> [dex] (Béthermin et al. 2017, section 2.6, as are the values before)."""

FLOOR_MARGIN = 1.5
"""Room left for starbursts and scatter below a luminosity threshold [dex]."""

COMMENTS = [
    "The model is that of Bethermin et al. (2017), without quiescent galaxies.",
    "LOGM is the log10 of the stellar mass in Msun (Salpeter IMF).",
    "LOGLIR is the log10 of the luminosity between 8 and 1000 um in Lsun.",
    "TDUST is that of optically thin dust in the mean radiation field.",
    "MU, if there is one, is the magnification, which the fluxes contain.",
]


def schechter_parameters(z):
    """Parameters of the mass function of all galaxies.

    Parameters
    ----------
    z : array_like, shape (n,)
        Redshift; held constant outside 0.04 to 7.

    Returns
    -------
    ndarray, shape (n, 6)
        Arguments of `superspire.sky.mass_function.double_schechter`, masses for the
        IMF of Chabrier; linear in redshift, in the logarithm of the mass and of the
        density of the steep component.
    """
    nodes, knee, flat, flat_slope, steep, steep_slope = MASS_FUNCTION.T
    columns = [knee, flat, flat_slope, knee, np.log10(steep), steep_slope]
    result = np.stack([np.interp(z, nodes, column) for column in columns], axis=-1)
    result[..., 4] = 10.0 ** result[..., 4]
    return result


def mass_function(z, log_mass):
    """Density of star-forming galaxies.

    Parameters
    ----------
    z : array_like, shape (n,)
        Redshift.
    log_mass : array_like, shape (m,)
        Stellar mass [log10 Msun].

    Returns
    -------
    ndarray, shape (n, m)
        Density [Mpc^-3 dex^-1].
    """
    z, log_mass = np.asarray(z), np.asarray(log_mass)
    rows = [double_schechter(log_mass + CHABRIER, *p) for p in schechter_parameters(z)]
    return np.array(rows) * star_forming_share(z[:, None], log_mass)


def star_forming_share(z, log_mass):
    """Fraction of galaxies that form stars (Béthermin et al. 2017, equation 2).

    Parameters
    ----------
    z : array_like
        Redshift.
    log_mass : array_like
        Stellar mass [log10 Msun].

    Returns
    -------
    ndarray
        Share.
    """
    quiescent = 0.1017 * (1.0 + z) ** -1.039
    turnover = 10.53 + 0.2232 * z + 0.0913 * z**2
    width = 0.8488 + 0.0418 * z - 0.0159 * z**2
    x = (log_mass + CHABRIER - turnover) / width
    return (1.0 - quiescent) * 0.5 * (1.0 - erf(x))


def main_sequence(z, log_mass):
    """Star formation rate of the main sequence (Schreiber et al. 2015, equation 9).

    Parameters
    ----------
    z : array_like
        Redshift.
    log_mass : array_like
        Stellar mass [log10 Msun].

    Returns
    -------
    ndarray
        Star formation rate [log10 Msun/yr, Chabrier], lowered at z < 0.5 as by
        Béthermin et al. (2017, appendix B).
    """
    m0, a0, a1, m1, a2 = SEQUENCE
    r, m = np.log10(1.0 + z), log_mass - 9.0
    bend = np.maximum(m - m1 - a2 * r, 0.0)
    low = np.maximum(LOW_Z - z, 0.0) / (LOW_Z - LOW_Z_MEAN)
    return m - m0 + a0 * r - a1 * bend**2 + CHABRIER + LOW_Z_OFFSET * low


def starburst_share(z):
    """Fraction of starbursts among star-forming galaxies of a redshift."""
    return np.interp(z, [0.0, STARBURST_KNEE], STARBURST_FRACTION)


def mean_field(z, starburst):
    """Mean radiation field of a type of galaxies (Béthermin et al. 2017, section 2.6).

    Parameters
    ----------
    z : array_like, shape (n,)
        Redshift.
    starburst : array_like of bool, shape (n,)
        Starbursts.

    Returns
    -------
    ndarray, shape (n,)
        log10 <U>.
    """
    sequence = np.log10(FIELD) + FIELD_SLOPE * np.minimum(z, FIELD_KNEE)
    burst = np.maximum(sequence, np.log10(STARBURST_FIELD))
    return np.where(starburst, burst, sequence)


def draw_star_formation(z, log_mass, rng):
    """Draw star formation rates and starbursts.

    Parameters
    ----------
    z, log_mass : ndarray, shape (n,)
        Redshift and stellar mass [log10 Msun].
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    log_sfr : ndarray, shape (n,)
        Star formation rate [log10 Msun/yr, Chabrier]: log-normal, cut at SFR_MAX.
    starburst : ndarray of bool, shape (n,)
        Starbursts.
    """
    starburst = rng.random(len(z)) < starburst_share(z)
    median = main_sequence(z, log_mass) + np.log10(EXCESS)[starburst.astype(int)]
    highest = ndtr((np.log10(SFR_MAX) - median) / SFR_SCATTER)
    deviate = ndtri((1.0 - rng.random(len(z))) * highest)
    return median + SFR_SCATTER * deviate, starburst


def mass_floor(z, log_lir_min, log_mass_min):
    """Mass below which hardly any galaxy reaches a luminosity threshold.

    Parameters
    ----------
    z : ndarray, shape (n,)
        Redshift.
    log_lir_min : float
        Threshold [log10 Lsun].
    log_mass_min : float
        Lowest mass of all [log10 Msun].

    Returns
    -------
    ndarray, shape (n,)
        Lowest mass of which the main sequence reaches the threshold less a margin of
        1.5 dex: of galaxies of that mass, one in 7000 is above it, a starburst.
    """
    grid = np.linspace(log_mass_min, LOG_MASS_MAX, 1000)
    log_lir = main_sequence(np.asarray(z)[:, None], grid) + LOG_LIR_PER_SFR
    bright = np.maximum.accumulate(log_lir, axis=1) >= log_lir_min - FLOOR_MARGIN
    return np.where(bright.any(axis=1), grid[bright.argmax(axis=1)], LOG_MASS_MAX)


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
    superspire.sky.population.Population
        With no passive galaxies.
    """
    edges = redshift_slices(z_min, z_max)
    z = midpoints(edges)
    n_mass = int(np.ceil((LOG_MASS_MAX - log_mass_min) / MASS_STEP - 1e-9))
    mass_edges = np.linspace(log_mass_min, LOG_MASS_MAX, n_mass + 1)
    mass = midpoints(mass_edges)
    floor = np.full(len(z), float(log_mass_min))
    if log_lir_min is not None:
        floor = mass_floor(z, log_lir_min, log_mass_min)
    floor = np.minimum(floor, mass_edges[-2])
    active = mass_function(z, mass) * (mass > floor[:, None])
    phi = np.stack([active, np.zeros_like(active)])
    sky_fraction = area * np.radians(1.0) ** 2 / (4.0 * np.pi)
    volume = sky_fraction * np.diff(comoving_volume(edges))
    step = mass_edges[1] - mass_edges[0]
    return Population(edges, mass_edges, floor, phi, volume * phi.sum(axis=2) * step)


class Drawn(NamedTuple):
    """What is drawn of galaxies, each an array of shape (n,).

    log_sfr [log10 Msun/yr, Chabrier], log_lir [log10 Lsun], starburst (whether they
    are one), log_field (log10 <U>).
    """

    log_sfr: np.ndarray
    log_lir: np.ndarray
    starburst: np.ndarray
    log_field: np.ndarray


class TwoModes:
    """Galaxies of the main sequence and starbursts, tabulated for a range of redshift.

    Parameters
    ----------
    z_min, z_max : float
        Range of redshift.
    responses : dict
        Responses of the bands (`superspire.sky.filter_curves.load_responses`).
    dust : any, optional
        Not used: the spectra are those of `superspire.sky.magdis`.
    """

    source = NAME
    dust = "Casey 2012, fitted to Bethermin et al. 2012"
    comments = COMMENTS
    expected_population = staticmethod(expected_population)

    def __init__(self, z_min, z_max, responses, dust=None):
        self.responses = responses
        self.table = FieldFluxes(z_min, z_max, responses)

    def draw(self, z, log_mass, passive, rng):
        """Draw the properties of galaxies of a redshift and mass, none of them passive.

        Parameters
        ----------
        z, log_mass : ndarray, shape (n,)
            Redshift and stellar mass [log10 Msun].
        passive : ndarray of bool, shape (n,)
            False everywhere.
        rng : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        Drawn
        """
        log_sfr, starburst = draw_star_formation(z, log_mass, rng)
        field = mean_field(z, starburst)
        field = field + FIELD_SCATTER * rng.standard_normal(len(z))
        return Drawn(log_sfr, log_sfr + LOG_LIR_PER_SFR, starburst, field)

    def fluxes(self, z, log_mass, drawn):
        """Give the flux in each band, shape (n, b) [mJy]."""
        excess = drawn.log_sfr - main_sequence(z, log_mass)
        own = drawn.log_lir, drawn.log_field, drawn.starburst
        return self.table.fluxes(z, *own, excess)

    def dust_temperature(self, drawn):
        """Give the temperature of optically thin dust in the mean field [K]."""
        return thin_temperature(drawn.log_field)

    def gas(self, drawn):
        """Give the star formation rate [log10 Msun/yr] and the dust mass [Msun]."""
        return drawn.log_sfr - CHABRIER, dust_mass(drawn.log_lir, drawn.log_field)
