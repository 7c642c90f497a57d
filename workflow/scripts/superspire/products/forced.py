"""The table of fluxes at the positions of a list."""

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table
from scipy.special import ndtr, ndtri

from superspire.instruments import PAPER_BANDS, SPIRE
from superspire.products.catalogue import COLUMNS as OTHERS
from superspire.products.catalogue import FLUX

RADIUS = 6.0
"""Separation up to which an entry and a source of the catalogue are one [arcsec]."""

DETECTED = 3.0
"""Signal-to-noise ratio below which a flux has an upper limit."""

LIMIT = 0.95
"""Probability of an upper limit."""

MIN_MEAN = 1.0
"""Minimum of the mean flux that limits assume, in units of the error."""

FROM_SPIRE = {350: 0.169, 500: 0.931}
"""S450 as a sum of S350 and S500, fitted to simulated galaxies above 3 mJy: 68 % of
their ratios are from 0.991 to 1.008, and the median stays within 0.2 % from 1 to 200
mJy. Unlike an interpolation of logarithms it serves for negative fluxes too."""

SCATTER = 0.02
"""Fractional error of S450 so obtained, for galaxies that differ from the model's."""

CORRELATION = 0.45
"""Of the errors at 350 and 500 µm, on mock sky."""


def describe(band):
    """Give UCD and description of the columns of a band."""
    ucd = f"phot.flux.density;em.mm.{'750-1500' if band < 400 else '400-750'}GHz"
    ucd = FLUX if band > 400 else ucd
    source = "the fluxes at 350 and 500 micron" if band not in SPIRE else "a joint fit"
    columns = {
        f"S{band}": (ucd, f"{band} micron flux from {source}; may be negative"),
        f"S{band}_ERR": (
            f"stat.error;{ucd}",
            f"Standard error of S{band}, with confusion",
        ),
        f"S{band}_UL": (
            f"stat.max;{ucd}",
            f"95 percent upper limit where S{band} is below 3 S{band}_ERR",
        ),
    }
    if band in SPIRE:
        columns[f"BLEND_FRACTION_{band}"] = (
            f"{ucd};arith.ratio",
            f"Fraction of the {band} micron flux under the beam of other sources",
        )
    return columns


COLUMNS = {
    "ID": ("meta.id;meta.main", "Entry of the list"),
    "RA": OTHERS["RA"],
    "DEC": OTHERS["DEC"],
    **{name: text for band in PAPER_BANDS for name, text in describe(band).items()},
    "MATCHED_ID": (
        "meta.id.cross",
        "ID of the source of the field's catalogue at this position",
    ),
}
"""UCD and description of each column."""


def upper_limit(flux, error, mean=np.inf):
    """Give the 95 % upper limit of a flux that cannot be negative.

    Parameters
    ----------
    flux, error : array_like
        Measured flux and its standard error [mJy].
    mean : array_like
        Mean of the exponential distribution of true fluxes; by default all fluxes are
        as likely [mJy].

    Returns
    -------
    ndarray
        95 % of the posterior, a Gaussian without its negative part, lie below [mJy].
    """
    error = np.asarray(error, float)
    centre = flux - error**2 / np.maximum(mean, MIN_MEAN * error)
    return centre - error * ndtri((1.0 - LIMIT) * ndtr(centre / error))


def match_catalogue(entries, catalogue, radius=RADIUS):
    """Match the entries of a list with the sources of a catalogue.

    Parameters
    ----------
    entries, catalogue : astropy.table.Table
        RA and DEC [deg].
    radius : float
        Maximum separation [arcsec].

    Returns
    -------
    partner : ndarray of int, shape (n,)
        Nearest source of each entry, -1 where none is near.
    alone : ndarray of bool, shape (m,)
        Which sources have no entry.
    """
    partner, alone = np.full(len(entries), -1), np.ones(len(catalogue), bool)
    if len(entries) == 0 or len(catalogue) == 0:
        return partner, alone
    first, second = (
        SkyCoord(np.asarray(t["RA"]), np.asarray(t["DEC"]), unit="deg")
        for t in (entries, catalogue)
    )
    nearest, separation, _ = first.match_to_catalog_sky(second)
    partner = np.where(separation.arcsec <= radius, nearest, -1)
    alone = second.match_to_catalog_sky(first)[1].arcsec > radius
    return partner, alone


def at_450(results):
    """Estimate the 450 µm flux, its error and the mean of the list from two bands."""
    flux, mean, errors = 0.0, 0.0, []
    for band, weight in FROM_SPIRE.items():
        flux = flux + weight * results[band].flux
        mean = mean + weight * results[band].mean
        errors.append(weight * results[band].error)
    one, two = errors
    variance = one**2 + two**2 + 2.0 * CORRELATION * one * two
    return flux, np.sqrt(variance + (SCATTER * flux) ** 2), mean


def build_table(entries, results, matched):
    """Make the table of a list.

    Parameters
    ----------
    entries : astropy.table.Table
        ID, RA and DEC [deg].
    results : dict of int to superspire.methods.forced_fit.Forced
        Fluxes by band.
    matched : ndarray of int, shape (n,)
        ID of the catalogue's source at each entry, zero for none.

    Returns
    -------
    astropy.table.Table
        The columns of `COLUMNS`, in the order of the list.
    """
    table = Table(entries["ID", "RA", "DEC"])
    for band in PAPER_BANDS:
        if band in SPIRE:
            found = results[band]
            flux, error, mean = found.flux, found.error, found.mean
        else:
            flux, error, mean = at_450(results)
        with np.errstate(invalid="ignore"):
            faint = flux < DETECTED * error
            limit = np.where(faint, upper_limit(flux, error, mean), np.nan)
        table[f"S{band}"] = flux * units.mJy
        table[f"S{band}_ERR"] = error * units.mJy
        table[f"S{band}_UL"] = limit * units.mJy
        if band in SPIRE:
            table[f"BLEND_FRACTION_{band}"] = found.blend
    table["MATCHED_ID"] = MaskedColumn(
        np.asarray(matched, np.int32), mask=np.asarray(matched) == 0, fill_value=0
    )
    return table
