"""The catalogue of a field from the network's sources."""

from astropy import units

from superspire.products.catalogue import COLUMNS as OTHERS
from superspire.products.catalogue import (
    FLAG,
    FLUX,
    expected_columns,
    flag_columns,
    number_sources,
)

BAND_UCD = {
    250: "em.mm.750-1500GHz",
    350: "em.mm.750-1500GHz",
    500: "em.mm.400-750GHz",
}

COLUMNS = {
    **{name: OTHERS[name] for name in ("ID", "RA", "DEC")},
    "POS_ERR": (
        "stat.error;pos.eq",
        "Standard error of the position along each axis",
    ),
    "S450": (FLUX, "450 micron flux; its median at a true flux is that flux"),
    "S450_ERR": (f"stat.error;{FLUX}", "Standard error of S450"),
    "S450_DEBOOSTED": (
        FLUX,
        "Median true flux of sources that look alike, on mock sky",
    ),
    "S450_DEBOOSTED_LO": (
        f"stat.min;{FLUX}",
        "Lower end of the 68 percent range of theirs",
    ),
    "S450_DEBOOSTED_HI": (f"stat.max;{FLUX}", "Upper end of it"),
    "SNR": ("stat.snr", "S450 over S450_ERR"),
    "PROBABILITY": (
        "stat.probability",
        "That a true source is within 4 arcsec and a factor 2 in flux",
    ),
    **{name: text for name, text in OTHERS.items() if name.startswith("S500")},
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
        What `superspire.deblender.calibration.apply` gives, and the goodness of fit
        of `superspire.products.residuals.judge_fit`.
    covered : ndarray of bool, shape (ny, nx)
        Coverage.
    wcs : astropy.wcs.WCS
        Celestial coordinates.
    inputs : sequence of (superspire.io.Map, float)
        Each input map and the maximum flux density that the calibration saw
        [mJy/beam].
    selection_function : pandas.DataFrame
        `superspire.evaluation.selection_function.COLUMNS`.
    extended : superspire.io.Map, optional
        Mask of what point sources cannot explain (`superspire.checks.extended`).

    Returns
    -------
    astropy.table.Table
        The columns of `COLUMNS` with units, brightest source first.
    """
    columns = {name: sources[name].to_numpy(float) for name in sources}
    x, y, flux, error = (columns[name] for name in ("x", "y", "flux", "error"))
    ra, dec = wcs.all_pix2world(x, y, 0) if len(x) else (x, y)
    return number_sources(
        {
            "RA": ra * units.deg,
            "DEC": dec * units.deg,
            "POS_ERR": columns["pos_err"] * units.arcsec,
            "S450": flux * units.mJy,
            "S450_ERR": error * units.mJy,
            "S450_DEBOOSTED": columns["deboosted"] * units.mJy,
            "S450_DEBOOSTED_LO": columns["low"] * units.mJy,
            "S450_DEBOOSTED_HI": columns["high"] * units.mJy,
            "SNR": flux / error,
            "PROBABILITY": columns["probability"],
            **expected_columns(flux, error, selection_function),
            **{f"CHI2_{band}": columns[f"chi2_{band}"] for band in BAND_UCD},
            **flag_columns(x, y, ra, dec, covered, inputs, extended),
            "POOR_FIT": columns["poor_fit"].astype(bool),
        }
    )
