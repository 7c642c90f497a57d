"""The instruments of the paper (Table 1) and the geometry of a cutout."""

from dataclasses import dataclass

import numpy as np

FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))


@dataclass(frozen=True)
class Band:
    """One photometric band of one instrument.

    Attributes
    ----------
    wavelength : int
        Nominal wavelength [µm].
    instrument : str
        Telescope and camera.
    fwhm : float
        Full width at half maximum of the beam [arcsec] (Lauritsen et al. 2021,
        Table 1).
    pixel : float
        Side of a native pixel [arcsec] (Table 1).
    lambda_min, lambda_max : float
        Edges of the top-hat response [µm]: for SPIRE the top-hat with the mean and
        rms width of the true response, which gives its fluxes to 0.25 %.
    effective_area : float
        Solid angle of the true beam [arcsec²] (SPIRE Handbook, for
        F_nu ~ nu^-1; Dempsey et al. 2013 for SCUBA-2).
    """

    wavelength: int
    instrument: str
    fwhm: float
    pixel: float
    lambda_min: float
    lambda_max: float
    effective_area: float

    @property
    def sigma(self):
        """Standard deviation of the Gaussian beam [arcsec]."""
        return self.fwhm / FWHM_PER_SIGMA


BANDS = {
    250: Band(250, "Herschel SPIRE", 18.1, 6.0, 211.17, 291.89, 469.35),
    350: Band(350, "Herschel SPIRE", 24.9, 25.0 / 3.0, 297.62, 408.05, 831.27),
    450: Band(450, "JCMT SCUBA-2", 7.9, 1.0, 434.0, 466.0, 109.0),
    500: Band(500, "Herschel SPIRE", 36.6, 12.0, 404.10, 619.11, 1804.31),
}
SPIRE = (250, 350, 500)
TARGET = 450

PIXEL = 1.0
"""Side of a pixel of the network's images [arcsec]."""

CUTOUT = 424
"""Side of a cutout [pixel of 1 arcsec] (section 2.1)."""

APERTURE_RADIUS = 10.0
"""Radius of every aperture [arcsec] (section 3.2)."""


def beam_area(fwhm):
    """Solid angle of a Gaussian beam.

    Parameters
    ----------
    fwhm : float or array_like
        Full width at half maximum [arcsec].

    Returns
    -------
    float or ndarray
        2 pi sigma² [arcsec²].
    """
    return 2.0 * np.pi * (np.asarray(fwhm) / FWHM_PER_SIGMA) ** 2
