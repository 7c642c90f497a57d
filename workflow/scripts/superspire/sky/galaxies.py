"""Star formation, obscuration and dust properties of a galaxy (EGG, v1.0.6 to v1.4.0).

Every relation is a function of redshift and stellar mass, plus unit normal deviates for
its scatter; zero deviates give the unscattered galaxy. The functions keep the precision
of their input, so that float32 in gives float32 out.
"""

from typing import NamedTuple

import numpy as np

SFR_SCATTER = 0.30
PASSIVE_SFR_SCATTER = 0.40
STARBURST_FRACTION = 0.033
STARBURST_BOOST = 0.72
IRX_SCATTER = 0.40
TDUST_SCATTER = 0.12
IR8_SCATTER = 0.18
IR8_RANGE = (0.48, 27.5)

LOG_SFR_PER_LIR = np.log10(1.72e-10).item()
"""Kennicutt (1998), Salpeter IMF [log10 (Msun/yr/Lsun)]."""


class Scatter(NamedTuple):
    """Random deviates of galaxies, each an array of shape (n,) or zero.

    The first four are unit normal; ``starburst`` is one for a starburst, else zero.
    """

    sfr: np.ndarray | float = 0.0
    irx: np.ndarray | float = 0.0
    tdust: np.ndarray | float = 0.0
    ir8: np.ndarray | float = 0.0
    starburst: np.ndarray | float = 0.0


NO_SCATTER = Scatter()


class Galaxies(NamedTuple):
    """What the model says of galaxies, each an array of shape (n,).

    log_sfr [log10 Msun/yr], starburstiness [dex], log_irx [dex], log_lir [log10 Lsun],
    tdust [K], ir8 (dimensionless).
    """

    log_sfr: np.ndarray
    starburstiness: np.ndarray
    log_irx: np.ndarray
    log_lir: np.ndarray
    tdust: np.ndarray
    ir8: np.ndarray


def draw_scatter(n, rng):
    """Draw the deviates of `n` galaxies in float32.

    Parameters
    ----------
    n : int
        Number of galaxies.
    rng : numpy.random.Generator
        Source of the deviates.

    Returns
    -------
    Scatter
    """
    normal = rng.standard_normal((4, n), dtype=np.float32)
    burst = rng.random(n, dtype=np.float32) < np.float32(STARBURST_FRACTION)
    return Scatter(*normal, burst.astype(np.float32))


def main_sequence(z, log_mass):
    """Star formation rate of the main sequence (form of Schreiber et al. 2015, eq. 9).

    Parameters
    ----------
    z : array_like
        Redshift.
    log_mass : array_like
        Stellar mass [log10 Msun].

    Returns
    -------
    ndarray
        Star formation rate [log10 Msun/yr], with EGG's coefficients.
    """
    r = np.log10(1.0 + z)
    bend = np.maximum(log_mass - 9.59 - 2.22 * r, 0.0)
    return log_mass - 9.67 + 1.82 * r - 0.38 * bend**2


def star_formation(z, log_mass, passive, scatter):
    """Star formation rate and distance to the main sequence.

    Parameters
    ----------
    z, log_mass : array_like, shape (n,)
        Redshift and stellar mass [log10 Msun].
    passive : array_like of bool, shape (n,)
        Quiescent galaxies, which have no starbursts.
    scatter : Scatter
        Deviates.

    Returns
    -------
    log_sfr, starburstiness : ndarray, shape (n,)
        Star formation rate [log10 Msun/yr] and its ratio to the main sequence [dex].
    """
    sequence = main_sequence(z, log_mass)
    quiet = np.minimum(sequence, 0.5 * (log_mass - 11.0) + np.log10(1.0 + z) - 0.6)
    active = sequence + SFR_SCATTER * scatter.sfr + STARBURST_BOOST * scatter.starburst
    log_sfr = np.where(passive, quiet + PASSIVE_SFR_SCATTER * scatter.sfr, active)
    return log_sfr, log_sfr - sequence


def obscuration(z, log_mass, scatter):
    """Ratio of obscured to unobscured star formation.

    Parameters
    ----------
    z, log_mass : array_like, shape (n,)
        Redshift and stellar mass [log10 Msun].
    scatter : Scatter
        Deviates.

    Returns
    -------
    ndarray, shape (n,)
        SFR_IR / SFR_UV [dex].
    """
    slope = 0.45 * np.minimum(z, 3.0) + 0.35
    return slope * (log_mass - 10.5) + 1.2 + IRX_SCATTER * scatter.irx


def dust_temperature(z, log_mass, starburstiness, scatter):
    """Dust temperature (Schreiber et al. 2018, moved to the mode of the population).

    Parameters
    ----------
    z, log_mass : array_like, shape (n,)
        Redshift and stellar mass [log10 Msun].
    starburstiness : array_like, shape (n,)
        Distance to the main sequence [dex].
    scatter : Scatter
        Deviates.

    Returns
    -------
    ndarray, shape (n,)
        Temperature [K], without limits.
    """
    sequence = 32.9 + 4.60 * (z - 2.0) - 0.77
    massive = np.maximum(2.0 - z, 0.0) * np.clip(log_mass - 10.7, 0.0, 1.0)
    return (
        sequence * (1.0 + TDUST_SCATTER * scatter.tdust)
        + 10.1 * starburstiness
        - 1.5 * massive
    )


def ir8_ratio(z, log_mass, starburstiness, scatter):
    """Ratio of the total infrared to the 8 µm luminosity (Schreiber et al. 2018).

    Parameters
    ----------
    z, log_mass : array_like, shape (n,)
        Redshift and stellar mass [log10 Msun].
    starburstiness : array_like, shape (n,)
        Distance to the main sequence [dex].
    scatter : Scatter
        Deviates.

    Returns
    -------
    ndarray, shape (n,)
        L_IR / L_8, limited to [0.48, 27.5].
    """
    sequence = 0.81 * (4.08 + 3.29 * np.clip(z - 1.0, 0.0, 1.0))
    exponent = (
        0.66 * np.maximum(starburstiness, 0.0)
        - np.clip(log_mass - 10.0, -1.0, 0.0)
        + IR8_SCATTER * scatter.ir8
    )
    return np.clip(sequence * 10.0**exponent, *IR8_RANGE)


def infrared_luminosity(log_sfr, log_irx):
    """Luminosity between 8 and 1000 µm of the obscured star formation.

    Parameters
    ----------
    log_sfr : array_like, shape (n,)
        Star formation rate [log10 Msun/yr].
    log_irx : array_like, shape (n,)
        SFR_IR / SFR_UV [dex].

    Returns
    -------
    ndarray, shape (n,)
        L_IR [log10 Lsun].
    """
    return log_sfr - np.log10(1.0 + 10.0**-log_irx) - LOG_SFR_PER_LIR


def evaluate(z, log_mass, passive, scatter=NO_SCATTER):
    """Evaluate the whole model of a galaxy.

    Parameters
    ----------
    z, log_mass : array_like, shape (n,)
        Redshift and stellar mass [log10 Msun].
    passive : array_like of bool, shape (n,)
        Quiescent galaxies.
    scatter : Scatter, optional
        Deviates, by default none.

    Returns
    -------
    Galaxies
    """
    log_sfr, starburstiness = star_formation(z, log_mass, passive, scatter)
    log_irx = obscuration(z, log_mass, scatter)
    return Galaxies(
        log_sfr,
        starburstiness,
        log_irx,
        infrared_luminosity(log_sfr, log_irx),
        dust_temperature(z, log_mass, starburstiness, scatter),
        ir8_ratio(z, log_mass, starburstiness, scatter),
    )
