"""Every claim of the paper beside what we measure (`results/comparison.csv`)."""

import numpy as np
import pandas as pd

from superspire.evaluation.astrometry import containment_radii
from superspire.evaluation.measures import (
    BRIGHT,
    NEAR,
    ONE_SIGMA,
    binomial_interval,
    equal_count_bins,
)
from superspire.evaluation.protocols import PAPER, POSITION_FLUX, STRICT

MIN_SOURCES = 20
"""Fewest sources of a bin whose purity is quoted."""

PULL_RANGE = (9.0, 24.0)
"""Fluxes between which the paper quotes pulls [mJy] (Table 3)."""

PULL_BINS = 5

DRAWS = 300


def summary(value, low, high, chance, n):
    """Gather what is quoted of one measure."""
    return {"value": value, "low": low, "high": high, "chance": chance, "n": n}


EMPTY = summary(np.nan, np.nan, np.nan, np.nan, 0)


def of_bin(row):
    """Quote one row of a table of fractions."""
    return summary(row["fraction"], row["low"], row["high"], row["chance"], row["n"])


def completeness_above(tables, measure, rng):
    """Completeness above 15 mJy."""
    rows = select(tables["completeness"], measure)
    rows = rows[np.isinf(rows["flux_max"]) & (rows["flux_min"] == BRIGHT)]
    return of_bin(rows.iloc[0]) if len(rows) else EMPTY


def completeness_at_ten(tables, measure, rng):
    """Completeness in the bin that holds 10 mJy."""
    rows = select(tables["completeness"], measure)
    rows = rows[np.isfinite(rows["flux_max"])]
    rows = rows[(rows["flux_min"] <= 10.0) & (rows["flux_max"] > 10.0)]
    return of_bin(rows.iloc[0]) if len(rows) else EMPTY


def least_purity(tables, measure, rng):
    """Purity of the least pure bin of flux with at least 20 sources."""
    rows = select(tables["purity"], measure)
    rows = rows[np.isfinite(rows["flux_max"]) & (rows["n_unique"] >= MIN_SOURCES)]
    rows = rows[rows["measurable"]]
    return of_bin(rows.loc[rows["fraction"].idxmin()]) if len(rows) else EMPTY


def offsets_near(tables, measure, rng):
    """Share of the offsets that are below 15 arcsec."""
    rows = select(tables["offsets"])
    found = rows[rows["separation"].notna()]
    weight = found["weight"]
    if len(found) == 0:
        return EMPTY
    hits = weight[found["separation"] <= NEAR].sum()
    chance = (rows["weight"] * rows["chance_near"]).sum()
    chance /= (rows["weight"] * rows["chance_any"]).sum() or np.nan
    interval = binomial_interval(hits, weight.sum())
    return summary(hits / weight.sum(), *interval, chance, len(found))


def offset_radius(tables, measure, rng):
    """Radius of 68 % of the offsets [arcsec]."""
    rows = select(tables["offsets"])
    rows = rows[rows["separation"].notna()]
    if len(rows) == 0:
        return EMPTY

    def radius(sample):
        return containment_radii(sample["separation"], sample["weight"], (0.68,))[0]

    return summary(radius(rows), *bootstrap(rows, radius, rng), np.nan, len(rows))


def largest_pull(tables, measure, rng):
    """Largest pull of five bins of equal counts between 9 and 24 mJy."""
    rows = select(tables["fluxes"])
    rows = rows[rows["flux"].between(*PULL_RANGE)]

    def pull(sample):
        columns = (sample[name] for name in ("flux", "flux_sr", "weight"))
        bins = equal_count_bins(*columns, n_bins=PULL_BINS)
        return bins["pull"].max() if len(bins) else np.nan

    return summary(pull(rows), *bootstrap(rows, pull, rng), np.nan, len(rows))


CLAIMS = (
    ("completeness above 15 mJy", "> 0.95", completeness_above),
    ("completeness at 10 mJy", "> 0.60", completeness_at_ten),
    ("purity in the least pure flux bin", ">= 0.87", least_purity),
    ("share of offsets within 15 arcsec", "0.99", offsets_near),
    ("radius of 68 % of the offsets [arcsec]", "", offset_radius),
    ("largest pull between 9 and 24 mJy", "0.65", largest_pull),
)


def select(table, measure=None):
    """Take the rows of one measure, or of the table's only or first one."""
    if len(table) == 0:
        return table
    return table[table["measure"] == (measure or table["measure"].iloc[0])]


def bootstrap(rows, statistic, rng, draws=DRAWS):
    """Give the 68 % interval of a statistic by resampling the sources.

    Parameters
    ----------
    rows : pandas.DataFrame
        Sources with ``weight``; as many are drawn as the weights add up to.
    statistic : callable
        From a sample to a number.
    rng : numpy.random.Generator
        Random numbers.
    draws : int
        Number of samples.

    Returns
    -------
    low, high : float
    """
    if len(rows) == 0:
        return np.nan, np.nan
    weight = rows["weight"].to_numpy()
    size = max(round(weight.sum()), 1)
    values = []
    for _ in range(draws):
        chosen = rng.choice(len(rows), size, p=weight / weight.sum())
        values.append(statistic(rows.iloc[chosen].assign(weight=1.0)))
    values = np.array(values)[np.isfinite(values)]
    if len(values) == 0:
        return np.nan, np.nan
    tail = (1.0 - ONE_SIGMA) / 2.0
    low, high = np.quantile(values, [tail, 1.0 - tail])
    return float(low), float(high)


def stacked_width(stack, protocol):
    """Quote the width of the stacked super-resolved sources [arcsec]."""
    name = "sr_at_injected" if protocol == STRICT else "sr_at_target"
    record = stack.get(name)
    if record is None or record["fwhm"] is None:
        return EMPTY
    error = record["fwhm_error"]
    value = record["fwhm"]
    return summary(value, value - error, value + error, np.nan, record["n"])


def quote(dataset, protocol, rng, measure=None):
    """Quote every claim of one set of cutouts in one protocol.

    Parameters
    ----------
    dataset : dict
        ``completeness``, ``purity``, ``offsets``, ``fluxes`` (tables with a column
        ``protocol``) and ``stack``.
    protocol : str
        ``paper`` or ``strict``.
    rng : numpy.random.Generator
        Random numbers of the bootstraps.
    measure : str, optional
        Which fractions, of those that the protocol has; its first by default.

    Returns
    -------
    dict
        Claim to (value in the paper, summary).
    """
    tables = {
        name: table[table["protocol"] == protocol]
        for name, table in dataset.items()
        if name != "stack"
    }
    quoted = {
        claim: (paper, function(tables, measure, rng))
        for claim, paper, function in CLAIMS
    }
    width = stacked_width(dataset["stack"], protocol)
    quoted["FWHM of the stacked sources [arcsec]"] = ("7.9", width)
    return quoted


def compare(datasets, rng, independent="independent"):
    """Put the paper's claims beside ours.

    Parameters
    ----------
    datasets : dict
        Name of a set of cutouts to what `quote` takes.
    rng : numpy.random.Generator
        Random numbers of the bootstraps.
    independent : str
        The set on sky that no training image shows: it gives the strict values.

    Returns
    -------
    pandas.DataFrame
        One row per claim and set of cutouts: ``claim``, ``paper``, ``dataset``, then
        value, 68 % interval, chance level and number of sources in the paper's
        protocol (``paper_protocol...``), in the strict one on independent sky
        (``strict...``), and in the strict one with the flux within a factor two as
        well (``strict_flux...``).
    """
    strict = quote(datasets[independent], STRICT, rng)
    alike = quote(datasets[independent], STRICT, rng, POSITION_FLUX)
    rows = []
    for name, dataset in datasets.items():
        for claim, (paper, ours) in quote(dataset, PAPER, rng).items():
            row = {"claim": claim, "paper": paper, "dataset": name}
            row |= prefixed("paper_protocol", ours) | prefixed(
                "strict", strict[claim][1]
            )
            if claim.startswith(("completeness", "purity")):
                row |= prefixed("strict_flux", alike[claim][1])
            rows.append(row)
    table = pd.DataFrame(rows)
    order = {claim: i for i, claim in enumerate(table["claim"].unique())}
    return table.sort_values("claim", key=lambda c: c.map(order), kind="stable")


def prefixed(prefix, record):
    """Name the columns of a summary; the value itself is called by the prefix."""
    return {
        prefix if name == "value" else f"{prefix}_{name}": value
        for name, value in record.items()
    }


def readable(table):
    """Bring the comparison into few columns that people read.

    Parameters
    ----------
    table : pandas.DataFrame
        What `compare` gives, perhaps read from its file.

    Returns
    -------
    pandas.DataFrame
        One row per claim: ``claim``, ``paper``; the value with its 68 % interval and
        the number of sources in the paper's protocol on every set of cutouts; in the
        strict protocol on independent sky; and what chance gives in both there.
    """
    rows = []
    for claim, parts in table.groupby("claim", sort=False):
        parts = parts.set_index("dataset")
        paper = parts["paper"].iloc[0]
        row = {
            "claim": claim,
            "paper": paper if isinstance(paper, str) and paper else "-",
        }
        for name, record in parts.iterrows():
            row[f"paper's protocol, {name}"] = quoted(record, "paper_protocol")
        last = parts.iloc[-1]
        row["strict, independent"] = quoted(last, "strict")
        chances = (last[f"{name}_chance"] for name in ("paper_protocol", "strict"))
        told = [f"{chance:.2f}" for chance in chances if np.isfinite(chance)]
        rows.append(row | {"by chance": ", ".join(told) or "–"})
    return pd.DataFrame(rows)


def quoted(record, name):
    """Write a value with its interval and its number: 0.98 (+0.01 -0.02), n 450."""
    value, low, high = (record[f"{name}{end}"] for end in ("", "_low", "_high"))
    if not np.isfinite(value):
        return "–"
    digits = 3 if value < 1.5 else 2
    text, above, below = (
        f"{number:.{digits}f}" for number in (value, high - value, value - low)
    )
    if np.isfinite(high - low) and not low <= value <= high:
        text += f" (68 %: {low:.{digits}f} to {high:.{digits}f})"
    elif np.isfinite(high - low):
        text += f" ± {above}" if above == below else f" (+{above} -{below})"
    return f"{text}, n {record[f'{name}_n']:.0f}"
