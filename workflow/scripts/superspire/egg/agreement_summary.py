"""How many of many quantities agree with EGG's, and how many would by chance."""

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

CHANCE = 0.05
"""Probability that the largest of many pulls is beyond `pull_limit` by chance."""

INDEPENDENT = ("counts",)
"""Groups of independent quantities, band by band."""


def pull_limit(n, chance=CHANCE):
    """Compute the pull that the largest of n normal ones exceeds by chance.

    Parameters
    ----------
    n : int
        Number of independent pulls; the probability is less if they are correlated.
    chance : float
        Probability that the largest exceeds the limit.

    Returns
    -------
    float
        Limit on both sides (Šidák 1967).
    """
    return float(norm.isf(-np.expm1(np.log1p(-chance) / n) / 2.0))


def summarise(table):
    """Summarise quantities that belong together.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `agreement.compare` or of `draws.compare_draws`.

    Returns
    -------
    dict
        ``quantities`` that EGG's value is known of, how many ``agree``, how many are
        ``expected_beyond`` the tolerance by chance if both models are the same;
        ``chi2``, from the errors alone; ``largest_sigma`` and ``expected_largest``,
        the median of it for as many independent quantities; ``percent`` by which ours
        are larger, the mean weighted by the errors.
    """
    table = table[table["agrees"].isin(["yes", "no"])]
    n = len(table)
    error = np.hypot(table["egg_error"], table["ours_error"])
    weight = np.where(error > 0, 1.0 / np.where(error > 0, error, 1.0) ** 2, 0.0)
    scale = np.sum(weight * table["egg"] ** 2)
    product = np.sum(weight * table["difference"] * table["egg"])
    return {
        "quantities": n,
        "agree": int(np.sum(table["agrees"] == "yes")),
        "expected_beyond": float(table["chance"].sum()),
        "chi2": float(np.sum(table["sigma"] ** 2)),
        "largest_sigma": float(table["sigma"].abs().max()),
        "expected_largest": pull_limit(n, 0.5) if n else np.nan,
        "percent": float(100.0 * product / scale) if scale else np.nan,
    }


def summarise_groups(table):
    """Summarise every group, the counts band by band.

    Parameters
    ----------
    table : pandas.DataFrame
        What `agreement.compare` gives.

    Yields
    ------
    dict
        ``group``, ``band_um`` (of the counts), the values of `summarise`, and for
        independent quantities ``p_value``, the probability of a larger chi2.
    """
    band = table["band_um"].where(table["group"].isin(INDEPENDENT))
    for (group, band_um), rows in table.groupby(
        ["group", band], dropna=False, sort=False
    ):
        record = {"group": group, "band_um": band_um, **summarise(rows)}
        if group in INDEPENDENT:
            record["p_value"] = float(chi2.sf(record["chi2"], record["quantities"]))
        yield record


def summarise_draws(table):
    """Summarise the pulls of galaxies of fixed redshift and mass.

    Parameters
    ----------
    table : pandas.DataFrame
        What `draws.compare_draws` gives.

    Yields
    ------
    dict
        ``group`` and the values of `summarise` but the mean per cent, which the
        logarithms do not have.
    """
    for group, rows in table.groupby("group", sort=False):
        yield {"group": group, **summarise(rows), "percent": np.nan}


def verdict(groups, disagreeing):
    """State how many quantities agree, and name the others.

    Parameters
    ----------
    groups : pandas.DataFrame
        Rows of `summarise_groups`, `summarise_draws` and of the grid.
    disagreeing : list of str
        Names of the quantities that do not agree.

    Returns
    -------
    str
        Lines for the log.
    """
    scattered = ~groups["group"].str.startswith("grid")
    lines = []
    for part, what in ((scattered, "statistics"), (~scattered, "values of the grid")):
        n, agree, beyond = (
            groups.loc[part, name].sum()
            for name in ("quantities", "agree", "expected_beyond")
        )
        lines += [f"{agree} of {n} {what} agree with EGG's."] * bool(n)
        lines += [f"By chance {beyond:.2g} would not."] * bool(beyond)
    if disagreeing:
        lines += ["These do not:", *(f"  {name}" for name in disagreeing)]
    return "\n".join(lines)


def name_disagreeing(table):
    """Name the rows of `agreement.compare` that do not agree.

    Parameters
    ----------
    table : pandas.DataFrame
        The rows.

    Returns
    -------
    list of str
    """
    names = []
    for row in table[table["agrees"] == "no"].to_dict("records"):
        band = "" if pd.isna(row["band_um"]) else f" at {row['band_um']} um"
        names.append(
            f"{row['group']}, {row['quantity']}{band}: {row['ours']:.5g} against "
            f"{row['egg']:.5g} {row['unit']} ({row['percent']:+.2g} %, "
            f"{row['sigma']:+.1f} sigma; allowed: {row['tolerance']})"
        )
    return names


def name_disagreeing_draws(table):
    """Name the rows of `draws.compare_draws` that do not agree.

    Parameters
    ----------
    table : pandas.DataFrame
        The rows.

    Returns
    -------
    list of str
    """
    return [
        f"{row.group}, {row.statistic} of {row.quantity} at z = {row.z:g}, log M = "
        f"{row.logM:g}, {'passive' if row.passive else 'active'}: {row.ours:.5g} "
        f"against {row.egg:.5g} ({row.sigma:+.1f} sigma)"
        for row in table[table["agrees"] == "no"].itertuples()
    ]
