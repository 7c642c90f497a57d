"""Whether the simulated sky agrees with EGG's, quantity by quantity."""

import numpy as np
import pandas as pd
from scipy.stats import norm

from superspire.egg.egg_reference import AREA, DIGITS, FIELDS
from superspire.egg.measurements import bin_name
from superspire.errors import InputError

KEYS = ["group", "quantity", "band_um"]

TOLERANCES = {
    "total": (3.0, 1.0),
    "background": (3.0, 1.0),
    "counts": (3.0, 1.0),
    "integral counts": (3.0, 1.0),
    "redshifts": (3.0, 1.0),
    "luminosity cuts": (3.0, 1.0),
    "confusion": (0.0, 3.0),
    "correlation": (3.0, 0.0),
}
"""Allowed difference of each group: in errors, and in per cent on top."""

TOLERANCE_NAMES = {
    group: " + ".join(
        f"{x:g} {unit}" for x, unit in zip(pair, ("sigma", "%"), strict=True) if x
    )
    for group, pair in TOLERANCES.items()
}

COLUMNS = [
    *(*KEYS, "unit", "low", "high", "egg", "egg_error", "ours", "ours_error"),
    *("difference", "percent", "sigma", "tolerance", "allowed", "chance", "agrees"),
]

COUNTED = ("counts", "integral counts")
"""Groups whose quantities are numbers of sources."""

MIN_SOURCES = 10
"""Minimum number of sources expected in a bin; bins with fewer are joined."""


def combine_fields(fields):
    """Average the fields.

    Parameters
    ----------
    fields : list of pandas.DataFrame
        What `sky_validation.measure_field` gives.

    Returns
    -------
    pandas.DataFrame
        ``ours``, the mean, and ``ours_error``: from the numbers of galaxies where that
        is known, else from the scatter of the fields; the larger one of both for the
        correlation function, whose pairs are not independent. ``n`` is the sum.
    """
    columns = [*KEYS, "unit", "low", "high"]
    table = pd.concat(fields).fillna({"unit": ""})
    table["poisson2"] = table["poisson"] ** 2
    groups = table.groupby(columns, dropna=False, sort=False)
    mean, number = groups["value"].mean(), groups["value"].count()
    poisson = np.sqrt(groups["poisson2"].sum(min_count=1)) / number
    scatter = groups["value"].std() / np.sqrt(number)
    table = pd.DataFrame({"n": groups["n"].sum(min_count=1), "ours": mean})
    table["ours_error"] = poisson.fillna(scatter)
    paired = table.index.get_level_values("group") == "correlation"
    table.loc[paired, "ours_error"] = np.fmax(poisson, scatter)[paired]
    return table.reset_index()


def join_sparse_bins(table, fraction=0.5):
    """Join the bins of the counts that hold few sources, from the brightest one on.

    Parameters
    ----------
    table : pandas.DataFrame
        Counts of EGG and ours (``egg_n``, ``n``), the rows of one band.
    fraction : float
        Fraction of the smaller of both areas in their sum.

    Returns
    -------
    pandas.DataFrame
        Bins in which `MIN_SOURCES` are expected in the smaller area, if there are so
        many in all; numbers are added up.
    """
    table = table.sort_values("low", ascending=False)
    labels, label, held = [], 0, 0
    for number in table["n"] + table["egg_n"]:
        labels.append(label)
        held += number * fraction
        if held >= MIN_SOURCES:
            label, held = label + 1, 0
    labels = np.minimum(labels, max(label - 1, 0))
    rules = dict.fromkeys(table, "first") | {"low": "min", "high": "max"}
    rules |= dict.fromkeys(["n", "egg_n", "ours", "egg"], "sum")
    joined = table.groupby(labels).agg(rules).iloc[::-1]
    names = [bin_name(*edges) for edges in joined[["low", "high"]].to_numpy()]
    return joined.assign(quantity=names)


def compare(reference, ours, area, fields):
    """Hold every quantity against EGG's.

    Parameters
    ----------
    reference : pandas.DataFrame
        What `egg_reference.reference_table` gives.
    ours : pandas.DataFrame
        What `combine_fields` gives.
    area : float
        Area of all our fields [deg²].
    fields : int
        Number of our fields.

    Returns
    -------
    pandas.DataFrame
        One row per quantity: ``group``, ``quantity``, ``band_um``, ``unit``, ``low``
        and ``high`` (of the bin), ``egg``, ``egg_error``, ``ours``, ``ours_error``
        (see `set_errors`), ``difference``, ``percent``, ``sigma`` (difference over
        both errors), ``tolerance``, ``allowed`` (the maximum difference that agrees),
        ``chance`` (probability that chance alone exceeds it) and ``agrees``: yes, no,
        or empty if EGG's value is not known or too few sources give ours.

    Raises
    ------
    InputError
        If a quantity of EGG was not measured.
    """
    table = set_errors(pair_up(reference, ours, area), area, fields)
    error = np.hypot(table["egg_error"], table["ours_error"])
    difference = table["ours"] - table["egg"]
    sigmas, percents = np.array([TOLERANCES[group] for group in table["group"]]).T
    table["difference"] = difference
    table["percent"] = (100.0 * difference / table["egg"]).where(table["egg"] != 0)
    table["sigma"] = pulls(difference, error)
    table["tolerance"] = [TOLERANCE_NAMES[group] for group in table["group"]]
    table["allowed"] = sigmas * error + 0.01 * percents * table["egg"].abs()
    table["chance"] = 2.0 * norm.sf(pulls(table["allowed"], error))
    few = (table["group"] == "redshifts") & table["ours"].isna()
    agrees = np.where(difference.abs() <= table["allowed"], "yes", "no")
    table["agrees"] = np.where(table["egg"].isna() | few, "", agrees)
    return table[COLUMNS].reset_index(drop=True)


def pair_up(reference, ours, area):
    """Put EGG's numbers beside ours, and join the sparse bins of the counts."""
    table = ours.merge(reference, "left", KEYS, validate="one_to_one", indicator=True)
    found = table[KEYS][table["_merge"] == "both"]
    if len(found) < len(reference):
        merged = reference[KEYS].merge(found, "left", KEYS, indicator=True)
        missing = merged[merged["_merge"] == "left_only"]
        names = missing[KEYS].astype(str).agg(", ".join, axis=1)
        raise InputError(
            f"validation: expected every quantity of EGG's to be measured, found no "
            f"{names.iloc[0]}, and {len(names) - 1} others are missing"
        )
    fraction = min(area, AREA) / (area + AREA)
    counts = table["group"] == "counts"
    bands = [part for _, part in table[counts].groupby("band_um")]
    parts = [join_sparse_bins(part, fraction) for part in bands]
    first = np.argmax(counts) if counts.any() else len(table)
    return pd.concat([table[:first], *parts, table[first:][~counts[first:]]])


def set_errors(table, area, fields):
    """Set the errors of both sides, as they are if both models are the same.

    Numbers have the Poisson errors of the mean density of both sides, and the maps the
    scatter of all fields, whose variance is inverse to the area. An error that is not
    known for one side is that of the other, scaled with the area. That of EGG includes
    the digits of its tables.

    Parameters
    ----------
    table : pandas.DataFrame
        Both sides, as `pair_up` gives them.
    area, fields : float, int
        Area of all our fields [deg²] and their number.

    Returns
    -------
    pandas.DataFrame
        The table with ``egg_error`` and ``ours_error``.
    """
    eggs, ours = (AREA * table["egg_error"] ** 2, area * table["ours_error"] ** 2)
    density = (table["n"] + table["egg_n"]) / (area + AREA)
    maps = table["group"] == "confusion"
    degrees = FIELDS - 1, fields - 1
    scatter = (degrees[0] * eggs + degrees[1] * ours.fillna(0.0)) / sum(degrees)
    variances = []
    for own, other in ((eggs, ours), (ours, eggs)):
        own = own.fillna(other).mask(maps, scatter)
        variances.append(own.mask(table["group"].isin(COUNTED), density))
    rounding = DIGITS * table["egg"]
    egg_error = np.hypot(np.sqrt(variances[0] / AREA), rounding)
    return table.assign(egg_error=egg_error, ours_error=np.sqrt(variances[1] / area))


def pulls(difference, error):
    """Differences over their errors; zero where both are."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, difference / error)
