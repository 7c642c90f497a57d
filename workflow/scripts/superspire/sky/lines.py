"""Far-infrared emission lines in the photometric bands, as EGG adds them (v1.4.0)."""

from typing import NamedTuple

import numpy as np

from superspire.sky.cosmology import luminosity_distance
from superspire.sky.dust import FLUX_CONSTANT

CHABRIER = 0.2
"""From Salpeter to Chabrier masses and star formation rates [dex]."""

FINE_STRUCTURE = {
    "[CII]": (157.71, 1.017, 7.13, 0.27),
    "[NII]": (205.18, 1.053, 5.31, 0.26),
}
"""Wavelength [µm]; slope, zero point and scatter of log L in log SFR."""

CARBON = (609.14, 0.00246)
"""[CI]: wavelength [µm] and luminosity per mass of molecular gas [Lsun/Msun]."""

CO_LUMINOSITY = 4.93e-5
"""CO(1-0) per mass of molecular gas [Lsun/Msun]."""

CO_LADDER = {
    1300.4: 2.3,
    867.0: 3.7,
    650.27: 4.5,
    520.24: 7.5,
    433.57: 8.5,
    371.66: 8.3,
}
"""CO(2-1) to CO(7-6): wavelength [µm] and luminosity over that of CO(1-0)."""


class LineScatter(NamedTuple):
    """Unit normal deviates of galaxies, each an array of shape (n,) or zero."""

    cii: np.ndarray | float = 0.0
    nii: np.ndarray | float = 0.0
    metallicity: np.ndarray | float = 0.0
    gas: np.ndarray | float = 0.0


NO_SCATTER = LineScatter()


def draw_scatter(n, rng):
    """Draw the deviates of `n` galaxies in float32."""
    return LineScatter(*rng.standard_normal((4, n), dtype=np.float32))


def metallicity(z, log_mass, log_sfr):
    """Oxygen abundance over the solar one (fundamental metallicity relation of EGG).

    Parameters
    ----------
    z, log_mass, log_sfr : array_like, shape (n,)
        Redshift, stellar mass [log10 Msun] and star formation rate [log10 Msun/yr].

    Returns
    -------
    ndarray, shape (n,)
        [dex], from -0.6 to 1.
    """
    mu = (log_mass - CHABRIER) - 0.32 * (log_sfr - CHABRIER)
    abundance = np.where(mu >= 10.36, 9.07, 8.9 + 0.47 * (mu - 10.0))
    return np.clip(abundance - 8.69 - 0.2 * np.clip(z - 1.0, 0.0, 1.0), -0.6, 1.0)


def line_luminosities(z, log_mass, log_sfr, dust_mass, scatter=NO_SCATTER):
    """Luminosities of the lines of galaxies.

    Parameters
    ----------
    z, log_mass, log_sfr : array_like, shape (n,)
        Redshift, stellar mass [log10 Msun] and star formation rate [log10 Msun/yr].
    dust_mass : array_like, shape (n,)
        Mass of dust [Msun].
    scatter : LineScatter, optional
        Deviates, by default none.

    Yields
    ------
    wavelength : float
        At rest [µm].
    luminosity : ndarray, shape (n,)
        [Lsun].
    """
    deviates = (scatter.cii, scatter.nii)
    for (wavelength, slope, zero, width), deviate in zip(
        FINE_STRUCTURE.values(), deviates, strict=True
    ):
        log_luminosity = slope * (log_sfr - CHABRIER) + zero + width * deviate
        yield wavelength, 10.0**log_luminosity
    oxygen = metallicity(z, log_mass, log_sfr)
    ratio = 2.23 - oxygen + 0.04 * scatter.metallicity + 0.2 * scatter.gas
    gas = 0.3 * dust_mass * 10.0**ratio
    wavelength, carbon = CARBON
    yield wavelength, carbon * gas
    for wavelength, ladder in CO_LADDER.items():
        yield wavelength, ladder * CO_LUMINOSITY * gas


def line_fluxes(z, log_mass, log_sfr, dust_mass, responses, scatter=NO_SCATTER):
    """Flux densities that the lines add to the bands.

    Parameters
    ----------
    z, log_mass, log_sfr : ndarray, shape (n,)
        Redshift, stellar mass [log10 Msun] and star formation rate [log10 Msun/yr].
    dust_mass : ndarray, shape (n,)
        Mass of dust [Msun].
    responses : dict
        Responses of the bands (`superspire.sky.filter_curves.load_responses`).
    scatter : LineScatter, optional
        Deviates, by default none.

    Returns
    -------
    ndarray of float32, shape (n, b)
        K (1 + z)² lambda² L R((1 + z) lambda) / D_L² of all lines [mJy].
    """
    dilution = FLUX_CONSTANT * ((1.0 + z) / luminosity_distance(z)) ** 2
    flux = np.zeros((len(z), len(responses)), np.float32)
    for wavelength, luminosity in line_luminosities(
        z, log_mass, log_sfr, dust_mass, scatter
    ):
        observed = wavelength * (1.0 + z)
        for column, (nodes, value) in zip(flux.T, responses.values(), strict=True):
            inside = np.flatnonzero((observed > nodes[0]) & (observed < nodes[-1]))
            response = np.interp(observed[inside], nodes, value)
            column[inside] += (
                dilution[inside] * wavelength**2 * luminosity[inside] * response
            )
    return flux
