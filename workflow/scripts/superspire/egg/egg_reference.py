"""What is known of the fields of EGG, in the form of `sky_validation.measure_field`."""

import numpy as np
import pandas as pd

from superspire.egg.measurements import (
    CORRELATED,
    PERCENTS,
    SEPARATIONS,
    bin_name,
)
from superspire.errors import InputError

AREA, FIELDS = 20.0, 5
"""Area of EGG's fields [deg²] and their number."""

DIGITS = 5e-6
"""Relative rounding error of the tables."""

FILES = {
    "background": ("band_um", "I_MJy_sr", "fsd_MJy_sr", "total_mJy_deg-2", "fsd"),
    "counts_differential": ("band_um", "S_lo_mJy", "S_hi_mJy", "N"),
    "counts_integral": ("band_um", "S_mJy", "N_deg-2"),
    "redshift_summary": ("selection_mJy", "z_mean", *(f"p{p}" for p in PERCENTS)),
    "lir_threshold": (
        *("band_um", "logLIR_min", "frac_galaxies_kept_of_M>1e8"),
        *("N_kept_deg-2", "frac_background"),
    ),
    "confusion": (
        *("band_um", "positions", "sources", "nfield"),
        *("sigma", "sigma_fsd", "sigma_mad", "sigma_mad_fsd"),
    ),
    "correlation": ("theta_arcsec", "w", "error"),
    "stochastic_points": ("z", "logM", "passive", "quantity", "N", "mean", "std"),
}
"""Tables in resources/validation, named egg_*.csv, and the columns that are used."""

POSITIONS = {"egg": "clustered", "uniform": "random"}
SOURCES = {"all": "all", "S<50": "S < 50 mJy"}


def read_reference(path, name):
    """Read one of EGG's tables.

    Parameters
    ----------
    path : path-like
        CSV file.
    name : str
        Key of `FILES`.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    InputError
        If a column that is used is missing.
    """
    table = pd.read_csv(path, comment="#")
    missing = [column for column in FILES[name] if column not in table]
    if missing:
        raise InputError(
            f"{path}: expected the columns {', '.join(FILES[name])}, found no "
            f"{', '.join(missing)}"
        )
    return table


def entry(group, quantity, band, value, error=np.nan, n=np.nan):
    """Make one row of `reference_table`."""
    record = {"group": group, "quantity": quantity, "band_um": band}
    return record | {"egg": value, "egg_error": error, "egg_n": n}


def reference_rows(tables):
    """Name every number of EGG's tables as `sky_validation` does.

    Parameters
    ----------
    tables : dict of pandas.DataFrame
        Name in `FILES` to what `read_reference` gives.

    Yields
    ------
    dict
        A row of `reference_table`.
    """
    number = np.sqrt(FIELDS)
    cuts = tables["lir_threshold"].to_dict("records")
    fraction = cuts[0]["frac_galaxies_kept_of_M>1e8"]
    yield entry("total", "galaxies", None, cuts[0]["N_kept_deg-2"] / fraction)
    for r in tables["background"].to_dict("records"):
        for unit, value, error in (
            ("mJy deg-2", "total_mJy_deg-2", "fsd"),
            ("MJy/sr", "I_MJy_sr", "fsd_MJy_sr"),
        ):
            name = ("background", f"background in {unit}", r["band_um"])
            yield entry(*name, r[value], r[error] / number)
    for r in tables["counts_differential"].to_dict("records"):
        name = ("counts", bin_name(r["S_lo_mJy"], r["S_hi_mJy"]), r["band_um"])
        yield entry(*name, r["N"] / AREA, np.sqrt(r["N"]) / AREA, r["N"])
    for r in tables["counts_integral"].to_dict("records"):
        name = ("integral counts", f"above {r['S_mJy']:g} mJy", r["band_um"])
        density = r["N_deg-2"]
        yield entry(*name, density, np.sqrt(density / AREA), AREA * density)
    for r in tables["redshift_summary"].to_dict("records"):
        selection = r["selection_mJy"].replace(">", " > ") + " mJy"
        yield entry("redshifts", f"{selection}: mean", 450, r["z_mean"])
        for percent in PERCENTS:
            name = f"{selection}: p{percent}"
            yield entry("redshifts", name, 450, r[f"p{percent}"])
    for r in cuts:
        limit = f"with log L_IR > {r['logLIR_min']:g}"
        if r["band_um"] == cuts[0]["band_um"]:
            name = f"share of the galaxies {limit}"
            fraction = r["frac_galaxies_kept_of_M>1e8"]
            yield entry("luminosity cuts", name, None, fraction)
        name = ("luminosity cuts", f"share of the background {limit}", r["band_um"])
        yield entry(*name, r["frac_background"])
    for r in tables["confusion"].to_dict("records"):
        ending = f"{POSITIONS[r['positions']]} positions, {SOURCES[r['sources']]}"
        for name, column in (("sigma", "sigma"), ("MAD sigma", "sigma_mad")):
            if name == "sigma" or r["sources"] == "all":
                error = r[f"{column}_fsd"] / np.sqrt(r["nfield"])
                name = ("confusion", f"{name}, {ending}", r["band_um"])
                yield entry(*name, r[column], error)
    band, limit = CORRELATED
    for r in tables["correlation"].to_dict("records"):
        i = np.searchsorted(SEPARATIONS, r["theta_arcsec"]) - 1
        bins = f"{SEPARATIONS[i]:g}-{SEPARATIONS[i + 1]:g} arcsec"
        name = f"w of S{band} > {limit:g} mJy at {bins}"
        yield entry("correlation", name, band, r["w"], r["error"])


def reference_table(tables):
    """Gather EGG's numbers.

    Parameters
    ----------
    tables : dict of pandas.DataFrame
        Name in `FILES` to what `read_reference` gives.

    Returns
    -------
    pandas.DataFrame
        ``group``, ``quantity`` and ``band_um`` as `sky_validation.measure_field` has
        them, ``egg``, ``egg_error`` (from the scatter of the fields, or from the
        number of sources; missing where neither is known) and ``egg_n``, the number of
        sources that were counted.
    """
    return pd.DataFrame(reference_rows(tables)).astype({"band_um": "Int64"})
