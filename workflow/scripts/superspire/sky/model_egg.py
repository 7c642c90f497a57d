"""The model of EGG (Schreiber et al. 2017) for the galaxies of a field."""

import numpy as np
from astropy.table import Table

from superspire.sky import dust as dust_model
from superspire.sky.cosmology import luminosity_distance
from superspire.sky.filter_curves import load_responses
from superspire.sky.galaxies import NO_SCATTER, draw_scatter, evaluate
from superspire.sky.population import expected_population

COMMENTS = [
    "LOGM is the log10 of the stellar mass in Msun (Salpeter IMF).",
    "LOGLIR is the log10 of the luminosity between 8 and 1000 um in Lsun.",
    "TDUST is the temperature before the nearest template is taken.",
    "MU, if there is one, is the magnification, which the fluxes contain.",
]


class Egg:
    """Galaxies as EGG makes them, tabulated for a range of redshift.

    Parameters
    ----------
    z_min, z_max : float
        Range of redshift.
    responses : dict
        Responses of the bands (`superspire.sky.filter_curves.load_responses`).
    dust : superspire.sky.dust.DustLibrary, optional
        Dust templates, by default those that come along.
    """

    source = None
    comments = COMMENTS
    expected_population = staticmethod(expected_population)

    def __init__(self, z_min, z_max, responses, dust=None):
        dust = dust or dust_model.load_library()
        self.responses, self.dust = responses, dust.name
        self.table = dust_model.FluxTable(dust, z_min, z_max, responses)

    def draw(self, z, log_mass, passive, rng):
        """Draw the properties of galaxies of a redshift, mass and type.

        Parameters
        ----------
        z, log_mass : ndarray, shape (n,)
            Redshift and stellar mass [log10 Msun].
        passive : ndarray of bool, shape (n,)
            Quiescent galaxies.
        rng : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        superspire.sky.galaxies.Galaxies
        """
        return evaluate(z, log_mass, passive, draw_scatter(len(z), rng))

    def fluxes(self, z, log_mass, drawn):
        """Give the flux in each band, shape (n, b) [mJy]."""
        return self.table.fluxes(z, drawn.log_lir, drawn.tdust, drawn.ir8)

    def dust_temperature(self, drawn):
        """Give the temperature before the nearest template is taken [K]."""
        return drawn.tdust

    def gas(self, drawn):
        """Give the star formation rate [log10 Msun/yr] and the dust mass [Msun]."""
        mass = self.table.dust_masses(drawn.log_lir, drawn.tdust, drawn.ir8)
        return drawn.log_sfr, mass


def evaluate_model(z, log_mass, passive, dust, scatter=NO_SCATTER, responses=None):
    """Evaluate the model for given galaxies, by default without any scatter.

    Parameters
    ----------
    z, log_mass : array_like, shape (n,)
        Redshift and stellar mass [log10 Msun].
    passive : array_like of bool, shape (n,)
        Quiescent galaxies.
    dust : superspire.sky.dust.DustLibrary
        Dust templates.
    scatter : superspire.sky.galaxies.Scatter, optional
        Deviates.
    responses : dict, optional
        Responses of the bands (`superspire.sky.filter_curves.load_responses`), by
        default the standard ones of the paper's.

    Returns
    -------
    astropy.table.Table
        Every property of the galaxies, in double precision, with the fluxes computed
        at their very redshifts.
    """
    z, log_mass = (np.atleast_1d(np.asarray(x, dtype=float)) for x in (z, log_mass))
    passive = np.atleast_1d(np.asarray(passive, dtype=bool))
    galaxies = evaluate(z, log_mass, passive, scatter)
    sfr, irx = 10.0**galaxies.log_sfr, 10.0**galaxies.log_irx
    index = dust_model.template_index(dust, galaxies.tdust)
    fraction = dust_model.pah_fraction(dust, index, galaxies.ir8)
    mass = dust_model.dust_mass(dust, index, fraction, galaxies.log_lir)
    columns = {
        "z": z,
        "logM": log_mass,
        "passive": passive,
        "D_Mpc": luminosity_distance(z),
        "SFR": sfr,
        "RSB_dex": galaxies.starburstiness,
        "IRX": irx,
        "SFR_IR": sfr / (1.0 + 1.0 / irx),
        "SFR_UV": sfr / (1.0 + irx),
        "LIR_Lsun": 10.0**galaxies.log_lir,
        "Tdust_K": galaxies.tdust,
        "IR8": galaxies.ir8,
        "ir_sed_index": index,
        "fPAH": fraction,
        "Mdust_Msun": mass,
    }
    responses = responses or load_responses()
    flux = dust_model.exact_fluxes(dust, z, index, fraction, mass, responses)
    columns |= {f"S{band}_mJy": flux[:, i] for i, band in enumerate(responses)}
    return Table(columns)
