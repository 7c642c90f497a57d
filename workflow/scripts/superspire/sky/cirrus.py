"""Galactic cirrus in front of the field."""

import numpy as np
from astropy import units as u
from scipy import constants

from superspire.instruments import BANDS
from superspire.sky.random_fields import random_field, variance_inside

REFERENCE = 250
"""Band whose rms is configured [µm]."""

EMISSIVITY = 1.62
"""Index of the dust's emissivity (Planck Collaboration 2014 XI)."""

SLOPE = -2.9
"""Slope of the power spectrum (Miville-Deschênes et al. 2007)."""

TEMPERATURE = 19.7
"""Mean temperature of the dust [K] (Planck Collaboration 2014 XI)."""

MJY_PER_ARCSEC2 = u.Unit("MJy / sr").to("mJy / arcsec2")
RADIATION_CONSTANT = constants.h * constants.c / constants.k * 1e6
"""h c / k [µm K]."""


def colour(band, temperature=TEMPERATURE):
    """Intensity of the cirrus relative to that at 250 µm.

    A modified blackbody, nu^1.62 B_nu(T) (Planck Collaboration 2014 XI), at the
    nominal wavelength.

    Parameters
    ----------
    band : int
        Wavelength of the band [µm].
    temperature : float
        Temperature of the dust [K].

    Returns
    -------
    float
    """
    x, x0 = (RADIATION_CONSTANT / (b * temperature) for b in (band, REFERENCE))
    return float((REFERENCE / band) ** (3 + EMISSIVITY) * np.expm1(x0) / np.expm1(x))


def cirrus_field(band, beam, side, rms, rng, slope=SLOPE, temperature=TEMPERATURE):
    """Draw the cirrus that one band sees.

    A Gaussian random field with a power-law spectrum (Miville-Deschênes et al. 2007),
    convolved with the beam and integrated over the pixels. Real cirrus is more
    filamentary than that. Equal generators give the same cirrus in every band.

    Parameters
    ----------
    band : int
        Wavelength of the band [µm].
    beam : superspire.sky.beams.GaussianBeam or superspire.sky.beams.ImageBeam
        Its beam.
    side : float
        Side of the square field [arcsec].
    rms : float
        Expected rms of the unconvolved cirrus about its mean over the field at 250 µm,
        on scales from two cells of the random field upwards [MJy/sr].
    rng : numpy.random.Generator
        Source of the draws.
    slope : float
        Slope of the power spectrum.
    temperature : float
        Temperature of the dust [K].

    Returns
    -------
    superspire.sky.random_fields.RandomField
        The cirrus [mJy/beam].
    """
    pixel = BANDS[band].pixel

    def law(k):
        return k ** np.float32(slope)

    def transfer(ky, kx):
        window = np.outer(np.sinc(ky * pixel), np.sinc(kx * pixel))
        return beam.transfer(ky, kx) * window.astype(np.float32)

    brightness = rms * MJY_PER_ARCSEC2 * colour(band, temperature)
    amplitude = np.float32(brightness**2 / variance_inside(law, side))
    return random_field(lambda k: amplitude * law(k), side, rng, transfer=transfer)
