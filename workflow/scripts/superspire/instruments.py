"""The instruments, those of the paper (Table 1) among them, and a cutout's geometry."""

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
        Full width at half maximum of the beam [arcsec]: Lauritsen et al. 2021, Table 1;
        MIPS Instrument Handbook, section 4.3.4; PACS Observer's Manual, table 3.1, for
        scans at 20 arcsec/s; Dempsey et al. 2013 (main beam) at 850 µm.
    pixel : float
        Side of a pixel of the usual maps [arcsec] (Table 1; S-COSMOS; PEP; S2CLS).
    lambda_min, lambda_max : float
        Edges of the top-hat response [µm]: with the mean and rms width of the true
        response, which gives SPIRE's fluxes to 0.25 %; half power for SCUBA-2.
    effective_area : float
        Solid angle of the true beam [arcsec²], its integral over its peak: SPIRE
        Handbook, for F_nu ~ nu^-1; Dempsey et al. 2013, two components, for SCUBA-2;
        for MIPS what makes the aperture correction of 3.5 arcsec 2.56 (Handbook, table
        4.13); for PACS 1.20 and 1.27 times that of the Gaussian, as for the modelled
        beams of Geis & Lutz 2010 (PICC-ME-TN-029).
    edge : float
        Relative width over which the top-hat falls to zero, as EGG makes top-hats of
        bands that it has no curve of; zero for a sharp one.
    """

    wavelength: int
    instrument: str
    fwhm: float
    pixel: float
    lambda_min: float
    lambda_max: float
    effective_area: float
    edge: float = 0.0

    @property
    def sigma(self):
        """Standard deviation of the Gaussian beam [arcsec]."""
        return self.fwhm / FWHM_PER_SIGMA


BANDS = {
    24: Band(24, "Spitzer MIPS", 5.9, 1.2, 20.312, 27.375, 62.9),
    100: Band(100, "Herschel PACS", 6.8, 1.2, 83.024, 121.892, 62.9),
    160: Band(160, "Herschel PACS", 11.3, 2.4, 123.667, 208.707, 183.8),
    250: Band(250, "Herschel SPIRE", 18.1, 6.0, 211.17, 291.89, 469.35),
    350: Band(350, "Herschel SPIRE", 24.9, 25.0 / 3.0, 297.62, 408.05, 831.27),
    450: Band(450, "JCMT SCUBA-2", 7.9, 1.0, 434.0, 466.0, 109.0, 0.01),
    500: Band(500, "Herschel SPIRE", 36.6, 12.0, 404.10, 619.11, 1804.31),
    850: Band(850, "JCMT SCUBA-2", 13.0, 2.0, 790.0, 930.0, 239.9, 0.01),
}
"""Every band that the sky can be simulated in."""

PAPER_BANDS = (250, 350, 450, 500)
"""Bands of the paper, which the workflow's skies, cutouts and figures are made of."""

SPIRE = (250, 350, 500)
TARGET = 450

EXTRA_BANDS = (24, 100, 160, 850)
"""Bands of which a field may have a map besides those of SPIRE."""

PRIOR_BAND = 24
"""Band as whose map a list of known sources is rendered."""

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
