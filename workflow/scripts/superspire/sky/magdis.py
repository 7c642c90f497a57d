"""Infrared spectra of galaxies by their mean radiation field (Magdis et al. 2012).

The library of Béthermin et al. (2012) has one family of spectra for the main sequence
and one for starbursts, which the mean intensity <U> of the radiation field makes warmer
(Draine & Li 2007). Here each is a modified black body with a power law in the
mid-infrared (Casey 2012), whose temperature is a power of <U>. Its constants are a
least-squares fit to the published library (<U> = 3.7-24 on the main sequence, 15-48
for starbursts), from which it differs by 5 % and 6 % rms between 35 and 600 µm, and by
at most 20 %: it changes the counts up to 20 mJy at 250-500 µm by less than 5 %.

It has no PAH features. Bands in the mid-infrared have the fluxes of the templates of
Schreiber et al. (2018) with the same dust temperature and luminosity, and with the L_IR
/ L_8 that Elbaz et al. (2011, A&A 533, A119) found for a galaxy so far above the main
sequence.
"""

import numpy as np

from superspire.sky.dust import (
    GRID_STEP,
    FluxTable,
    band_operator,
    dilution,
    load_library,
)
from superspire.sky.filter_curves import load_responses

HC_OVER_K = 14387.77
"""Second radiation constant [µm K]."""

BETA = 1.87
"""Emissivity index of both families."""

OPAQUE = 200.0
"""Wavelength at which the optical depth is one [µm]."""

TEMPERATURE = (43.66, 41.22)
"""At <U> = 10, of main sequence and starbursts [K]: fitted, as are the next two."""

EXPONENT = (0.3004, 0.3374)
"""Powers of <U>."""

MID_INFRARED = (1.840, 2.570)
"""Slopes of the power laws."""

JUNCTION = (26.68, 6.246, 1.905e-4, 7.243e-5)
"""Where the power law begins (Casey 2012, equation 5)."""

THIN_TEMPERATURE, THIN_EXPONENT = 18.9, 6.04
"""<U> = (T / 18.9 K)^6.04 (Magdis et al. 2012, section 4)."""

LIGHT_PER_MASS = 125.0
"""L_IR of a mass of dust per unit of <U> [Lsun/Msun] (Magdis et al. 2012)."""

WAVELENGTH = np.geomspace(8.0, 1000.0, 800)
"""Wavelengths at rest of the spectra [µm]: the range of L_IR."""

LOG_FIELD = np.arange(-0.5, 2.85, 0.02)
"""Nodes of log10 <U>; outside, the outermost spectra are taken."""


MID_INFRARED_BAND = 60.0
"""Shortest wavelength of a band without PAH features at any redshift [µm]."""

IR8, IR8_EXPONENT = 4.0, 1.2
"""L_IR / L_8 on the main sequence, and the power of a galaxy's over that which is its
excess of star formation (Elbaz et al. 2011, section 6)."""


def casey(wavelength, temperature, slope, beta=BETA):
    """Evaluate a modified black body with a mid-infrared power law (Casey 2012, eq. 3).

    Parameters
    ----------
    wavelength : ndarray, shape (m,)
        At rest [µm].
    temperature : float
        Temperature of the cold dust [K].
    slope : float
        Slope of the power law in wavelength.
    beta : float, optional
        Emissivity index.

    Returns
    -------
    ndarray, shape (m,)
        L_nu in any unit.
    """

    def grey_body(x):
        opacity = -np.expm1(-((OPAQUE / x) ** beta))
        return opacity * x**-3.0 / np.expm1(HC_OVER_K / (x * temperature))

    b1, b2, b3, b4 = JUNCTION
    junction = 0.75 / ((b1 + b2 * slope) ** -2.0 + (b3 + b4 * slope) * temperature)
    ratio = wavelength / junction
    return grey_body(wavelength) + grey_body(junction) * ratio**slope * np.exp(
        -(ratio**2)
    )


def spectrum(log_field, starburst, wavelength=WAVELENGTH):
    """Spectrum of a galaxy of unit luminosity.

    Parameters
    ----------
    log_field : float
        log10 <U>.
    starburst : bool
        Which of the two families.
    wavelength : ndarray, shape (m,), optional
        At rest, from 8 to 1000 [µm].

    Returns
    -------
    ndarray, shape (m,)
        nu L_nu over L_IR, which is between 8 and 1000 µm.
    """
    kind = int(starburst)
    temperature = TEMPERATURE[kind] * 10.0 ** (EXPONENT[kind] * (log_field - 1.0))
    shape = casey(wavelength, temperature, MID_INFRARED[kind]) / wavelength
    return shape / np.trapezoid(shape, np.log(wavelength))


def thin_temperature(log_field):
    """Temperature of optically thin dust in a mean radiation field [K]."""
    return THIN_TEMPERATURE * 10.0 ** (np.asarray(log_field) / THIN_EXPONENT)


def dust_mass(log_lir, log_field):
    """Mass of dust.

    Parameters
    ----------
    log_lir : array_like, shape (n,)
        Luminosity between 8 and 1000 µm [log10 Lsun].
    log_field : array_like, shape (n,)
        log10 <U>.

    Returns
    -------
    ndarray, shape (n,)
        L_IR / (125 <U>) [Msun].
    """
    return 10.0 ** (np.asarray(log_lir) - log_field) / LIGHT_PER_MASS


class FieldFluxes:
    """Band fluxes of the two families, tabulated in redshift and radiation field.

    Parameters
    ----------
    z_min, z_max : float
        Range of redshift.
    responses : dict, optional
        Responses of the bands (`superspire.sky.filter_curves.load_responses`), by
        default the standard ones of the paper's.
    """

    def __init__(self, z_min, z_max, responses=None):
        self.responses = responses or load_responses()
        self.bands = tuple(self.responses)
        low, high = np.log1p(z_min), np.log1p(z_max)
        n = max(int(np.ceil((high - low) / GRID_STEP)), 1) + 1
        self.nodes = np.linspace(low, high, n)
        self.far, self.mid = {}, {}
        for band, response in self.responses.items():
            part = self.mid if response[0][0] < MID_INFRARED_BAND else self.far
            part[band] = response
        if self.far:
            self.table = self._tabulate()
        if self.mid:
            self.templates = FluxTable(load_library(), z_min, z_max, self.mid)

    def _tabulate(self):
        """Average the spectra over the bands, shape (2, u, z, b) [µm]."""
        spectra = np.array(
            [[spectrum(u, kind) for u in LOG_FIELD] for kind in (False, True)]
        )
        weighted = spectra * WAVELENGTH
        grid = np.expm1(self.nodes)
        table = [
            weighted @ band_operator(WAVELENGTH, grid, response).T
            for response in self.far.values()
        ]
        return np.stack(table, axis=-1)

    def fluxes(self, z, log_lir, log_field, starburst, log_excess=0.0):
        """Fluxes of galaxies.

        Parameters
        ----------
        z, log_lir, log_field : ndarray, shape (n,)
            Redshift, luminosity [log10 Lsun] and log10 <U>.
        starburst : ndarray of bool, shape (n,)
            Starbursts.
        log_excess : float or ndarray, shape (n,)
            Star formation rate over that of the main sequence [dex], on which the
            mid-infrared depends.

        Returns
        -------
        ndarray of float32, shape (n, b)
            Flux in each band [mJy].
        """
        columns = {}
        if self.far:
            far = self._far_fluxes(z, log_lir, log_field, starburst)
            columns |= dict(zip(self.far, far.T, strict=True))
        if self.mid:
            ir8 = IR8 * 10.0 ** (np.asarray(log_excess) / IR8_EXPONENT)
            mid = self.templates.fluxes(z, log_lir, thin_temperature(log_field), ir8)
            columns |= dict(zip(self.mid, mid.T, strict=True))
        return np.stack([columns[b] for b in self.bands], axis=1).astype(np.float32)

    def _far_fluxes(self, z, log_lir, log_field, starburst):
        """Interpolate the table, bilinear in ln(1 + z) and log10 <U>."""
        kind = np.asarray(starburst, dtype=int)
        i, u = _cell(LOG_FIELD, log_field)
        j, v = _cell(self.nodes, np.log1p(z, dtype=float))
        table, u, v = self.table, u[:, None], v[:, None]
        mean = (1.0 - u) * ((1.0 - v) * table[kind, i, j] + v * table[kind, i, j + 1])
        mean += u * ((1.0 - v) * table[kind, i + 1, j] + v * table[kind, i + 1, j + 1])
        light = 10.0 ** np.asarray(log_lir, dtype=float) * dilution(z)
        return mean * light[:, None]


def _cell(nodes, x):
    """Lower node and weight of the upper one, clamped to the grid of even steps."""
    position = (np.asarray(x) - nodes[0]) / (nodes[1] - nodes[0])
    position = np.clip(position, 0.0, len(nodes) - 1.0)
    low = np.minimum(position.astype(int), len(nodes) - 2)
    return low, position - low
