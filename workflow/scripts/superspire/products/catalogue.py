"""The catalogue of a super-resolved field, with what to expect of each source."""

import warnings

import numpy as np
import pandas as pd
from astropy import units
from astropy.table import Table, vstack

from superspire.evaluation.selection_function import COLUMNS as EXPECTED
from superspire.evaluation.selection_function import at_flux
from superspire.maps.tiling import near_edge
from superspire.photometry.flags import blended, exceeds, near_top, on_mask
from superspire.photometry.sources import MIN_FLUX, extract_sources
from superspire.photometry.uncertainty import extraction_noise, flux_errors, local_rms

BLOCK = 2048
"""Side of the pieces in which a large map is searched for sources [pixel]."""

HALO = 64
"""Border around each piece, beyond any aperture and background ring [pixel]."""

FLUX = "phot.flux.density;em.mm.400-750GHz"
FLAG = "meta.code.qual"
COLUMNS = {
    "ID": ("meta.id;meta.main", "Running number, brightest source first"),
    "RA": ("pos.eq.ra;meta.main", "Right ascension (ICRS)"),
    "DEC": ("pos.eq.dec;meta.main", "Declination (ICRS)"),
    "S450": (FLUX, "450 micron flux of the point source, from its calibrated peak"),
    "S450_ERR": (f"stat.error;{FLUX}", "Standard error of S450; see NOISE"),
    "S450_APER": (FLUX, "Calibrated flux in a circle of 10 arcsec, beam-corrected"),
    "SNR": ("stat.snr", "Fitted height over the noise of the super-resolved map"),
    "S500_PRED": (FLUX, "500 micron flux of simulated galaxies of this S450, median"),
    "S500_PRED_ERR": (
        f"stat.error;{FLUX}",
        "Half the 68 percent range of theirs, and S450_ERR",
    ),
    "COMPLETENESS": (
        "stat.probability",
        "Fraction of true sources of this flux found, on mock sky",
    ),
    "COMPLETENESS_ERR": (
        "stat.error;stat.probability",
        "Half the 68 percent interval of COMPLETENESS",
    ),
    "PURITY": (
        "stat.probability",
        "Fraction of sources of this flux that are true, on mock sky",
    ),
    "PURITY_ERR": (
        "stat.error;stat.probability",
        "Half the 68 percent interval of PURITY",
    ),
    "X": ("pos.cartesian.x", "Column in the super-resolved map, first pixel is 0"),
    "Y": ("pos.cartesian.y", "Row in the super-resolved map, first pixel is 0"),
    "NEAR_EDGE": (FLAG, "Within half a 500 micron beam of unobserved sky"),
    "EXTENDED": (FLAG, "On extended emission or an artefact of a map"),
    "EXTRAPOLATED": (FLAG, "Beyond the fluxes that the network was trained on"),
    "BLENDED": (FLAG, "Another source within 20 arcsec, so that circles overlap"),
}
"""UCD and description of each column of the catalogue."""


def build_catalogue(
    image,
    covered,
    wcs,
    *,
    threshold,
    noise=None,
    peak_ratio=1.0,
    min_flux=MIN_FLUX,
    top=np.inf,
    inputs=None,
    scatter=None,
    selection_function=None,
    extended=None,
):
    """Extract the sources of a calibrated super-resolved map.

    Only the factor of the calibration enters the fluxes; its offset, a difference of
    zero levels, cancels in the subtraction of the local background.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        Calibrated super-resolved map [mJy/beam]; NaN outside the coverage.
    covered : ndarray of bool, shape (ny, nx)
        Coverage.
    wcs : astropy.wcs.WCS
        Celestial coordinates.
    threshold : float
        Minimum signal-to-noise ratio.
    noise : float, optional
        Noise of the fitted heights [mJy/beam]; `extraction_noise` by default.
    peak_ratio : float
        Flux of a point source over the height of its peak in `image`
        (`superspire.evaluation.calibration.peak_calibration` over the calibration
        factor).
    min_flux : float
        Minimum fitted height of a source [mJy/beam].
    top : float
        Maximum value that `image` can have [mJy/beam].
    inputs : sequence of (superspire.io.Map, float), optional
        Each input map and the maximum flux that the network was trained on
        [mJy/beam].
    scatter : tuple of (array_like, array_like), optional
        Flux [mJy] and fractional scatter of the flux against the truth, measured on
        independent sky; see `superspire.photometry.uncertainty.measured_scatter`.
    selection_function : pandas.DataFrame, optional
        Completeness, purity and colour against flux
        (`superspire.evaluation.selection_function`); NaN without it.
    extended : superspire.io.Map, optional
        Mask of what point sources cannot explain (`superspire.checks.extended`).

    Returns
    -------
    astropy.table.Table
        The columns of `COLUMNS` with units, brightest source first.
    """
    if noise is None:
        _, noise = extraction_noise(image, threshold, min_flux)
    found = extract_blocks(image, threshold, min_flux, noise)
    x, y, peak = (np.asarray(found[key], float) for key in ("x", "y", "peak"))
    flux = peak * peak_ratio
    ra, dec = wcs.all_pix2world(x, y, 0) if len(x) else (x, y)
    error = flux_errors(flux, local_rms(image, x, y), scatter)
    flags = flag_columns(x, y, ra, dec, covered, inputs or (), extended)
    flags["EXTRAPOLATED"] |= near_top(image, x, y, top)
    table = number_sources(
        {
            "RA": ra * units.deg,
            "DEC": dec * units.deg,
            "S450": flux * units.mJy,
            "S450_ERR": error * units.mJy,
            "S450_APER": np.asarray(found["aperture_flux"], float) * units.mJy,
            "SNR": np.asarray(found["snr"], float),
            **expected_columns(flux, error, selection_function),
            **flags,
        }
    )
    kind = "local robust rms" if scatter is None else "scatter on independent sky"
    table.meta["NOISE"] = (kind, "what S450_ERR is")
    return table


def flag_columns(x, y, ra, dec, covered, inputs, extended=None):
    """Give the positions of sources in the map, and their flags.

    Parameters
    ----------
    x, y, ra, dec : ndarray, shape (n,)
        Positions [pixel, deg].
    covered : array of bool, shape (ny, nx)
        Where all bands were observed.
    inputs : sequence of (superspire.io.Map, float)
        Each input map and the maximum flux density that was learnt [mJy/beam].
    extended : superspire.io.Map, optional
        Mask of what point sources cannot explain.

    Returns
    -------
    dict
        X, Y [pixel], NEAR_EDGE, EXTENDED, EXTRAPOLATED and BLENDED.
    """
    beyond, masked = np.zeros((2, len(x)), bool)
    for map_, high in inputs:
        beyond |= exceeds(map_, ra, dec, high)
    if extended is not None:
        masked = on_mask(extended, ra, dec)
    return {
        "X": x * units.pix,
        "Y": y * units.pix,
        "NEAR_EDGE": near_edge(covered, x, y),
        "EXTENDED": masked,
        "EXTRAPOLATED": beyond,
        "BLENDED": blended(x, y),
    }


def number_sources(columns):
    """Make a table of columns with S450, the brightest source first, with an ID."""
    table = Table(columns)
    table = table[np.argsort(-table["S450"].value, kind="stable")]
    table.add_column(np.arange(1, len(table) + 1, dtype=np.int32), 0, name="ID")
    return table


def expected_columns(flux, error, selection_function=None):
    """Give what mock sky lets expect of sources of these fluxes.

    Parameters
    ----------
    flux, error : ndarray, shape (n,)
        450 µm fluxes and their errors [mJy].
    selection_function : pandas.DataFrame, optional
        See `superspire.evaluation.selection_function`.

    Returns
    -------
    dict
        S500_PRED, S500_PRED_ERR [mJy], COMPLETENESS, PURITY and their errors; NaN
        where nothing was measured.
    """
    if selection_function is None:
        selection_function = pd.DataFrame(columns=EXPECTED)
    ratio, spread = at_flux(selection_function, "S500/S450", flux)
    return {
        "S500_PRED": ratio * flux * units.mJy,
        "S500_PRED_ERR": np.hypot(spread * flux, ratio * error) * units.mJy,
        **expected_fractions(flux, selection_function),
    }


def expected_fractions(flux, selection_function):
    """Give the completeness and purity that mock sky lets expect at these fluxes.

    Parameters
    ----------
    flux, selection_function
        See `expected_columns`.

    Returns
    -------
    dict
        COMPLETENESS, PURITY and their errors; NaN where nothing was measured.
    """
    completeness = at_flux(selection_function, "completeness", flux, fainter=False)
    purity = at_flux(selection_function, "purity", flux, fainter=False)
    return {
        "COMPLETENESS": completeness[0],
        "COMPLETENESS_ERR": completeness[1],
        "PURITY": purity[0],
        "PURITY_ERR": purity[1],
    }


def extract_map(image, threshold, min_flux=0.0):
    """Extract the sources of a map of any size, whose noise is measured first.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        Map [mJy/beam].
    threshold : float
        Minimum signal-to-noise ratio.
    min_flux : float
        Minimum fitted height [mJy/beam].

    Returns
    -------
    astropy.table.Table
        See `extract_blocks`.
    """
    _, noise = extraction_noise(image, threshold, min_flux)
    return extract_blocks(image, threshold, min_flux, noise)


def extract_blocks(image, threshold, min_flux, noise):
    """Extract the sources of a map of any size piece by piece, with one noise.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        Map [mJy/beam].
    threshold : float
        Minimum signal-to-noise ratio.
    min_flux : float
        Minimum fitted height [mJy/beam].
    noise : float
        Noise of the fitted heights [mJy/beam].

    Returns
    -------
    astropy.table.Table
        See `superspire.photometry.sources.extract_sources`; without the sources whose
        background ring holds no observed pixel.
    """
    tables = []
    for y0 in range(0, image.shape[0], BLOCK):
        for x0 in range(0, image.shape[1], BLOCK):
            top, left = max(y0 - HALO, 0), max(x0 - HALO, 0)
            part = image[top : y0 + BLOCK + HALO, left : x0 + BLOCK + HALO]
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
                found = extract_sources(part, threshold, min_flux=min_flux, rms=noise)
            x, y = found["x"].value + left, found["y"].value + top
            found["x"], found["y"] = x * units.pix, y * units.pix
            own = (x >= x0 - 0.5) & (x < x0 + BLOCK - 0.5)
            own &= (y >= y0 - 0.5) & (y < y0 + BLOCK - 0.5)
            tables.append(found[own & np.isfinite(found["aperture_flux"].value)])
    return vstack(tables, metadata_conflicts="silent")
