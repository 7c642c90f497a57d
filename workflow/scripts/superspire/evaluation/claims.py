"""What the paper claims, as functions of the measurements of one set of cutouts.

Each takes the tables of one protocol and random numbers and gives a record: ``value``,
the ends of its 68 % interval ``low`` and ``high``, the ``chance`` level, the number of
sources ``n`` and how many of them are distinct, ``n_distinct``.
"""

import numpy as np

from superspire.evaluation.astrometry import weighted_quantile
from superspire.evaluation.confusion import PAPER_CONFUSION
from superspire.evaluation.fluxes import APERTURE, equal_count_bins
from superspire.evaluation.measures import (
    BRIGHT,
    NEAR,
    ONE_SIGMA,
    SUPER_RESOLVED,
    binomial_interval,
)
from superspire.evaluation.protocols import POSITION, select

MIN_SOURCES = 20
"""Minimum number of distinct sources of a bin whose purity is quoted."""

PULL_RANGE = (9.0, 24.0)
"""Range of the bins' centres in which the paper quotes pulls [mJy] (Table 3)."""

RATIO_FLUX = 9.0
"""Minimum true flux of the sources of a median flux ratio [mJy]."""

NORTH_WEST = 45.0
"""Position angle, anti-clockwise from West [deg]."""

FAR = 1e3
"""Stands for the offset of a source in a cutout without any true one [arcsec]."""

DRAWS = 2000
SAMPLES = 300


def record(value=np.nan, low=np.nan, high=np.nan, chance=np.nan, n=0, n_distinct=0.0):
    """Gather what is quoted of one measure."""
    return {
        "value": value,
        "low": low,
        "high": high,
        "chance": chance,
        "n": n,
        "n_distinct": n_distinct,
    }


def of_bin(rows):
    """Quote the first row of a table of fractions."""
    if len(rows) == 0:
        return record()
    row = rows.iloc[0]
    names = ("low", "high", "chance", "n", "n_distinct")
    return record(row["fraction"], *(row[name] for name in names))


def of_sources(rows, value, low, high, chance=np.nan):
    """Quote a statistic of a table of sources."""
    return record(value, low, high, chance, len(rows), rows["weight"].sum())


def bright_completeness(tables, rng, measure=POSITION):
    """Completeness above 15 mJy."""
    rows = select(tables["completeness"], measure=measure)
    return of_bin(rows[np.isinf(rows["flux_max"]) & (rows["flux_min"] == BRIGHT)])


def completeness_at_ten(tables, rng, measure=POSITION):
    """Completeness in the bin that holds 10 mJy."""
    rows = select(tables["completeness"], measure=measure)
    rows = rows[np.isfinite(rows["flux_max"])]
    return of_bin(rows[(rows["flux_min"] <= 10.0) & (rows["flux_max"] > 10.0)])


def faint_completeness(tables, rng, measure=POSITION):
    """Completeness from 3 mJy to the confusion limit at 500 µm."""
    return of_bin(select(tables["confusion"], measure=measure))


def min_purity(tables, rng, measure=POSITION):
    """Purity of the least pure bin of flux with at least 20 distinct sources."""
    rows = select(tables["purity"], measure=measure)
    rows = rows[np.isfinite(rows["flux_max"]) & rows["measurable"].astype(bool)]
    rows = rows[rows["n_distinct"] >= MIN_SOURCES]
    return of_bin(rows.sort_values("fraction", kind="stable"))


def offsets_near(tables, rng, selection=SUPER_RESOLVED):
    """Fraction of all offsets, however large, that are below 15 arcsec."""
    rows = select(tables["offsets"], selection=selection)
    weight = rows["weight"]
    if len(rows) == 0:
        return record()
    hits = weight[rows["separation"] <= NEAR].sum()
    interval = binomial_interval(hits, weight.sum())
    chance = np.average(rows["chance"], weights=weight)
    return of_sources(rows, hits / weight.sum(), *interval, chance)


def offset_radius(tables, rng, selection=SUPER_RESOLVED):
    """Radius that holds 68 % of the offsets [arcsec]."""
    rows = select(tables["offsets"], selection=selection)
    return of_quantile(rows, rows["separation"].fillna(FAR), 0.68, rng)


def offset_north_west(tables, rng):
    """Mean offset towards the north-west of sources within 15 arcsec [arcsec]."""
    rows = select(tables["offsets"], selection=SUPER_RESOLVED)
    rows = rows[rows["separation"] <= NEAR]
    towards = np.cos(np.radians(rows["angle"] - NORTH_WEST))
    return of_mean(rows, rows["separation"] * towards, rng)


def pull_bins(rows):
    """Take the bins of Fig. 4 whose centres lie between 9 and 24 mJy."""
    bins = equal_count_bins(rows["flux"], rows["flux_sr"], rows["weight"])
    return bins[bins["flux"].between(*PULL_RANGE)]


def pairs_of(tables, selection=SUPER_RESOLVED, measure=APERTURE):
    """Take the pairs of fluxes of one selection and kind."""
    return select(tables["fluxes"], selection=selection, measure=measure)


def pull_median(tables, rng, measure=APERTURE):
    """Median pull of the bins of Fig. 4 between 9 and 24 mJy."""
    bins = pull_bins(pairs_of(tables, measure=measure))
    if len(bins) == 0:
        return record()
    noise = rng.normal(0.0, bins["pull_error"], (DRAWS, len(bins)))
    draws = np.abs(bins["pull"].to_numpy() + noise)
    value, error = bins["pull"].median(), np.std(np.median(draws, axis=1))
    chance = np.median(np.median(unbiased_pulls(bins, rng), axis=1))
    return of_bins(bins, value, max(value - error, 0.0), value + error, chance)


def pull_max(tables, rng, measure=APERTURE):
    """Maximum pull of these bins; the interval is the error of that bin's pull."""
    bins = pull_bins(pairs_of(tables, measure=measure))
    if len(bins) == 0:
        return record()
    pull, error = bins.loc[bins["pull"].idxmax(), ["pull", "pull_error"]]
    chance = np.median(unbiased_pulls(bins, rng).max(axis=1))
    return of_bins(bins, pull, max(pull - error, 0.0), pull + error, chance)


def pulls_above_one(tables, rng, measure=APERTURE):
    """Count these bins whose pull is above one."""
    bins = pull_bins(pairs_of(tables, measure=measure))
    if len(bins) == 0:
        return record()
    chance = np.mean(np.sum(unbiased_pulls(bins, rng) > 1.0, axis=1))
    return of_bins(bins, int((bins["pull"] > 1.0).sum()), np.nan, np.nan, chance)


def of_bins(bins, value, low, high, chance):
    """Quote a statistic of the pulls of some bins."""
    return record(value, low, high, chance, bins["n"].sum(), bins["n_distinct"].sum())


def unbiased_pulls(bins, rng, draws=DRAWS):
    """Draw the pulls that unbiased fluxes have by their scatter alone.

    Parameters
    ----------
    bins : pandas.DataFrame
        Bins with ``n_distinct``.
    rng : numpy.random.Generator
        Random numbers.
    draws : int
        Number of draws.

    Returns
    -------
    ndarray, shape (draws, len(bins))
        |mean| / standard deviation of n normal values: Student's |t| with n - 1
        degrees of freedom over (n - 1)^0.5.
    """
    free = np.maximum(bins["n_distinct"].to_numpy() - 1.0, 1.0)
    return np.abs(rng.standard_t(free, (draws, len(bins)))) / np.sqrt(free)


def flux_ratio(tables, rng, selection=SUPER_RESOLVED, measure=APERTURE):
    """Median ratio of super-resolved to true flux, above 9 mJy of true flux."""
    rows = pairs_of(tables, selection, measure)
    rows = rows[rows["flux"] >= RATIO_FLUX]
    return of_quantile(rows, rows["flux_sr"] / rows["flux"], 0.5, rng)


def eddington_bias(tables, rng, measure=APERTURE):
    """Median ratio of super-resolved to true flux in the faintest bin of Fig. 4."""
    rows = pairs_of(tables, measure=measure)
    bins = equal_count_bins(rows["flux"], rows["flux_sr"], rows["weight"])
    faint = rows[rows["flux"] <= bins["flux_max"].min()]
    faint = faint[faint["flux"] > 0]
    return of_quantile(faint, faint["flux_sr"] / faint["flux"], 0.5, rng)


def resolved_below_confusion(tables, rng, measure=APERTURE):
    """Fraction of confirmed sources whose true flux is below the confusion limit."""
    rows = pairs_of(tables, measure=measure)
    if len(rows) == 0:
        return record()
    weight = rows["weight"]
    hits = weight[rows["flux"] < PAPER_CONFUSION[500][0]].sum()
    interval = binomial_interval(hits, weight.sum())
    return of_sources(rows, hits / weight.sum(), *interval)


def stacked_width(tables, rng, stack):
    """Width of a stack [arcsec]."""
    found = tables["stack"].get(stack)
    if found is None or found["fwhm"] is None:
        return record()
    value, error = found["fwhm"], found["fwhm_error"]
    error = np.nan if error is None else error
    counts = found["n"], found["n_distinct"]
    return record(value, value - error, value + error, np.nan, *counts)


def background_min(tables, rng):
    """Lowest pixel of the super-resolved maps [mJy/beam]."""
    rows = tables["background"]
    return record(rows["sr_min"].min(), n=len(rows), n_distinct=rows["weight"].sum())


def mean_excess(tables, rng):
    """Mean of the super-resolved minus that of the 450 µm maps [mJy/beam]."""
    rows = tables["background"]
    return of_mean(rows, rows["sr_mean"] - rows["target_mean"], rng)


def of_quantile(rows, values, level, rng):
    """Quote a weighted quantile of a value of each source, and its bootstrap."""
    if len(rows) == 0:
        return record()
    quantile = weighted_quantile(values, rows["weight"], (level,))[0]
    samples = resample(values, rows["weight"], rng)
    ends = spread(np.quantile(samples, level, axis=1))
    return of_sources(rows, quantile, *ends)


def of_mean(rows, values, rng):
    """Quote a weighted mean of a value of each source, and its bootstrap."""
    if len(rows) == 0:
        return record()
    mean = np.average(values, weights=rows["weight"])
    samples = resample(values, rows["weight"], rng)
    return of_sources(rows, mean, *spread(samples.mean(axis=1)))


def spread(values):
    """Give the central 68 % of a sample."""
    tail = (1.0 - ONE_SIGMA) / 2.0
    return tuple(np.quantile(values, [tail, 1.0 - tail]))


def resample(values, weight, rng, samples=SAMPLES):
    """Draw bootstrap samples of sources.

    Parameters
    ----------
    values, weight : Series, length n
        A value and the weight of each source.
    rng : numpy.random.Generator
        Random numbers.
    samples : int
        Number of samples.

    Returns
    -------
    ndarray, shape (samples, m)
        As many values in each as the weights add up to.
    """
    values, weight = np.asarray(values), np.asarray(weight)
    size = max(round(weight.sum()), 1)
    return rng.choice(values, (samples, size), p=weight / weight.sum())
