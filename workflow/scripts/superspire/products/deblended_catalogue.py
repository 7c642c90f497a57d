"""The catalogue of a field from the network's sources."""

import numpy as np
import pandas as pd
from astropy import units

from superspire.deblender.calibration import nearest_depth
from superspire.deblender.inputs import FLUX_BANDS
from superspire.instruments import BANDS
from superspire.photometry.flags import blend_fraction
from superspire.products.catalogue import COLUMNS as OTHERS
from superspire.products.catalogue import (
    FLAG,
    expected_fractions,
    flag_columns,
    number_sources,
)

BAND_UCD = {
    250: "em.mm.750-1500GHz",
    350: "em.mm.750-1500GHz",
    500: "em.mm.400-750GHz",
}


def flux_descriptions(band):
    """Describe the columns of a band: name to UCD and description."""
    name, ucd = f"S{band}", f"phot.flux.density;{BAND_UCD.get(band, BAND_UCD[500])}"
    return {
        name: (ucd, f"{band} micron flux; its median at a true flux is that flux"),
        f"{name}_ERR": (f"stat.error;{ucd}", f"Standard error of {name}"),
        f"{name}_DEBOOSTED": (
            ucd,
            f"Median true {band} micron flux of sources that look alike, on mock sky",
        ),
        f"{name}_DEBOOSTED_LO": (
            f"stat.min;{ucd}",
            "Lower end of the 68 percent range of theirs",
        ),
        f"{name}_DEBOOSTED_HI": (f"stat.max;{ucd}", "Upper end of it"),
        f"BLEND_FRACTION_{band}": (
            "stat.value",
            f"Fraction of the {band} micron flux under the beam from other sources",
        ),
    }


COLUMNS = {
    **{name: OTHERS[name] for name in ("ID", "RA", "DEC")},
    "POS_ERR": (
        "stat.error;pos.eq",
        "Standard error of the position along each axis",
    ),
    **{
        name: text
        for band in FLUX_BANDS
        for name, text in flux_descriptions(band).items()
    },
    "SNR": ("stat.snr", "S450 over S450_ERR"),
    "PROBABILITY": (
        "stat.probability",
        "Of a true source within 4 arcsec and a factor 2 in S450_DEBOOSTED",
    ),
    "ULTRA_RED": (
        "stat.probability",
        "That S500 > S350 > S250 of a true source within 4 arcsec",
    ),
    "NOISE": (
        "stat.stdev;instr.background",
        "White noise per pixel of the maps here, mean of the bands",
    ),
    "DEPTH_24": (
        "stat.stdev;phot.flux.density;em.ir.15-30um",
        "Standard error of a point source at 24 micron here, if used",
    ),
    **{
        f"CHI2_{band}": (
            f"stat.fit.chi2;{ucd}",
            f"Reduced chi-square of the {band} micron residual around it",
        )
        for band, ucd in BAND_UCD.items()
    },
    **{
        name: OTHERS[name]
        for name in (
            *("COMPLETENESS", "COMPLETENESS_ERR", "PURITY", "PURITY_ERR"),
            *("X", "Y", "NEAR_EDGE", "EXTENDED", "EXTRAPOLATED", "BLENDED"),
        )
    },
    "POOR_FIT": (FLAG, "The listed sources do not reproduce a map around it"),
}
"""UCD and description of each column of the catalogue."""


def build_catalogue(sources, covered, wcs, inputs, selection_function, extended=None):
    """Report of every source of a field what is known of it.

    Parameters
    ----------
    sources : pandas.DataFrame
        What `superspire.deblender.calibration.apply_at` gives, and the goodness of fit
        of `superspire.products.residuals.judge_fit`.
    covered : ndarray of bool, shape (ny, nx)
        Coverage.
    wcs : astropy.wcs.WCS
        Celestial coordinates.
    inputs : sequence of (superspire.io.Map, float)
        Each input map and the maximum flux density that the calibration saw
        [mJy/beam].
    selection_function : pandas.DataFrame
        `superspire.evaluation.selection_function.COLUMNS`, ``noise`` [mJy/beam] and
        ``depth`` [mJy]; of each source, that of the noise and depth nearest to its own
        is used.
    extended : superspire.io.Map, optional
        Mask of what point sources cannot explain (`superspire.checks.extended`).

    Returns
    -------
    astropy.table.Table
        The columns of `COLUMNS` with units, brightest source first.
    """
    columns = {name: sources[name].to_numpy(float) for name in sources}
    x, y = columns["x"], columns["y"]
    ra, dec = wcs.all_pix2world(x, y, 0) if len(x) else (x, y)
    return number_sources(
        {
            "RA": ra * units.deg,
            "DEC": dec * units.deg,
            "POS_ERR": columns["pos_err"] * units.arcsec,
            **flux_columns(columns),
            "SNR": columns["flux"] / columns["error"],
            "PROBABILITY": columns["probability"],
            "ULTRA_RED": columns["ultra_red"],
            "NOISE": columns["noise"] * units.mJy / units.beam,
            "DEPTH_24": np.where(columns["depth"] > 0, columns["depth"], np.nan)
            * units.mJy,
            **fractions_at_noise(
                columns["flux"], columns["noise"], columns["depth"], selection_function
            ),
            **{f"CHI2_{band}": columns[f"chi2_{band}"] for band in BAND_UCD},
            **flag_columns(x, y, ra, dec, covered, inputs, extended),
            "POOR_FIT": columns["poor_fit"].astype(bool),
        }
    )


def flux_columns(columns):
    """Give the fluxes of every band, and what neighbours have of them."""
    result = {}
    for band in FLUX_BANDS:
        own = {
            "": "flux",
            "_ERR": "error",
            "_DEBOOSTED": "deboosted",
            "_DEBOOSTED_LO": "low",
            "_DEBOOSTED_HI": "high",
        }
        result |= {
            f"S{band}{suffix}": columns[f"{name}_{band}"] * units.mJy
            for suffix, name in own.items()
        }
        result[f"BLEND_FRACTION_{band}"] = blend_fraction(
            columns["x"], columns["y"], columns[f"deboosted_{band}"], BANDS[band].fwhm
        )
    return result


def fractions_at_noise(flux, noise, depth, selection_function):
    """Give the completeness and purity expected at the noise of each source.

    Parameters
    ----------
    flux, noise, depth : ndarray, shape (n,)
        450 µm fluxes [mJy], noise per pixel [mJy/beam], and depth of what was observed
        besides SPIRE [mJy], see `superspire.deblender.calibration.apply_at`.
    selection_function : pandas.DataFrame
        See `build_catalogue`.

    Returns
    -------
    dict
        See `superspire.products.catalogue.expected_fractions`.
    """
    table = pd.DataFrame(expected_fractions(flux, selection_function.iloc[:0]))
    if selection_function.empty:
        return {name: table[name].to_numpy() for name in table}
    deep = nearest_depth(depth, selection_function["depth"].dropna())
    for value, measured in selection_function.groupby("depth"):
        known = np.unique(measured["noise"].dropna())
        distance = np.abs(np.log(noise[:, None] / known))
        nearest = known[distance.argmin(axis=1)]
        for level in known:
            own = (deep == value) & (nearest == level)
            expected = expected_fractions(
                flux[own], measured[measured["noise"] == level]
            )
            for name, values in expected.items():
                table.loc[own, name] = values
    return {name: table[name].to_numpy() for name in table}
