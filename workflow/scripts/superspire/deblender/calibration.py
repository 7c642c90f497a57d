"""Calibrate the fluxes, errors and probabilities of the network's sources.

The calibration uses sky that no training image covers, at several noise levels, between
which it is interpolated at the noise of each source. In every band there are two
fluxes: S, whose median at a given true flux is that flux, and the deboosted flux, the
median of the true flux of similar sources (Coppin et al. 2005), with its 68 % range.
"""

import itertools

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator
from scipy.optimize import isotonic_regression

from superspire.deblender.catalogue import RADIUS
from superspire.deblender.inputs import FLUX_BANDS
from superspire.errors import InputError
from superspire.evaluation.measures import (
    FLUX_FACTOR,
    RAYLEIGH_MEDIAN,
    binomial_interval,
)
from superspire.evaluation.methods import inside
from superspire.evaluation.selection_function import COLUMNS
from superspire.instruments import SPIRE, TARGET
from superspire.photometry.matching import find_pairs, match

MIN_FLUX = 1.0
"""Faintest true source [mJy]."""

QUANTILES = (0.158655, 0.5, 0.841345)

LEAST = 300
"""Sources in a bin of the calibration, if there are so many."""

TRUE_EDGES = np.geomspace(3.0, 60.0, 19)
"""Edges of the bins of true flux in which S is fixed [mJy]."""

ULTRA_RED_LEAST = 20
"""The same for the fraction of ultra-red sources, of which there are few."""

COUNT_EDGES = np.geomspace(2.0, 64.0, 16)
"""Edges of the bins of the number counts [mJy]."""

RAYLEIGH_68 = np.sqrt(-2.0 * np.log(1.0 - 0.682689))
"""Radius that holds 68 % of it."""

COVERAGE_EDGES = (4.0, 6.0, 8.0, 10.0, 15.0, 60.0)
"""Edges of the bins in which stated errors are checked [mJy]."""

MIN_COUNT = 20
"""Sources in a bin of what is to be expected."""

MIN_PROBABILITY = 1.0 / 3.0
"""Fraction of real sources at the lowest score that is listed, by the fluxes that the
network predicts: about half of the F1 that is reached at noise levels of 2 to 5
mJy/beam, since F1 is largest there (Lipton et al. 2014)."""

MIN_PROBABILITY_MORE = 0.45
"""The same of networks that take more than SPIRE, whose F1 is 0.8 to 0.95."""

STEEPEST = 3.0
"""Maximum slope of S against the network's flux below the faintest known one."""

MAX_PROBABILITY = 0.999
"""Maximum probability that is ever stated."""


def brightest_partner(found, truth, radius=RADIUS):
    """Give each source the brightest true one nearby.

    Parameters
    ----------
    found, truth : pandas.DataFrame
        ``cutout``, ``x``, ``y`` [pixel of 1 arcsec]; of the truth ``flux`` [mJy].
    radius : float
        Maximum separation [pixel].

    Returns
    -------
    partner : ndarray of int, shape (n,)
        Row of `truth`, -1 for none.
    distance : ndarray, shape (n,)
        Separation, infinite for none.
    """
    i, j, separation = find_pairs(found, truth, radius)
    order = np.argsort(truth["flux"].to_numpy()[j], kind="stable")
    partner, distance = np.full(len(found), -1), np.full(len(found), np.inf)
    partner[i[order]], distance[i[order]] = j[order], separation[order]
    return partner, distance


def bins_of(values, least=LEAST, most=24):
    """Split values into bins of about equal logarithmic width, none too poor.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Logarithms of fluxes.
    least : int
        Minimum number in a bin.
    most : int
        Most bins.

    Returns
    -------
    list of ndarray of int
        Rows of each bin, the faintest first; one bin if there are few.
    """
    order = np.argsort(values, kind="stable")
    width = np.ptp(values) / most if len(values) else 0.0
    if width == 0.0:
        return [order]
    bins, first = [], 0
    for last in range(1, len(order) + 1):
        wide = values[order[last - 1]] - values[order[first]] >= width
        if last - first >= least and wide and len(order) - last >= least:
            bins.append(order[first:last])
            first = last
    return [*bins, order[first:]]


def calibrate(found, truth, shape, minimum=MIN_PROBABILITY):
    """Measure how the network's answers relate to the truth, at one noise.

    Parameters
    ----------
    found : pandas.DataFrame
        What `superspire.deblender.catalogue.list_sources` gives, with ``cutout``, the
        number of the field.
    truth : pandas.DataFrame
        ``cutout``, ``x``, ``y``, ``flux`` at 450 µm and ``flux_250`` and so on [mJy] of
        all true sources above 1 mJy at 450 µm.
    shape : (int, int)
        Shape of the fields [pixel].
    minimum : float
        See `MIN_PROBABILITY`.

    Returns
    -------
    dict
        For `apply`: ``min_score``, from which on sources are listed; ``probability``
        against ``score``; and of the listed sources, by band, ``flux``, the
        logarithm of the network's flux against that of S; ``deboosting``, the
        quantiles of (logarithm of the true flux - its own) / its error against it;
        ``position``, a factor on the positional errors; ``ultra_red``, the fraction of
        sources with S500 > S350 > S250 against `redness`.

    Raises
    ------
    InputError
        If no source is true.
    """
    found = found[inside(found, shape, RADIUS)].reset_index(drop=True)
    candidates = found.assign(flux=found[f"flux_{TARGET}"])
    score, fraction = reliability(candidates, truth)
    min_score = float(np.interp(minimum, fraction, score))
    found = candidates[found["score"] >= min_score].reset_index(drop=True)
    partner, distance = brightest_partner(found, truth)
    paired = partner >= 0
    if not paired.any():
        raise InputError(
            f"calibration: expected sources with a true one within {RADIUS:g} arcsec, "
            f"found none among {len(found)}; train for longer"
        )
    own, true = found[paired], truth.iloc[partner[paired]]
    back, _ = brightest_partner(truth, found)
    near = distance[paired] / own["pos_err"].to_numpy()
    rising = np.zeros(len(found))
    rising[paired] = is_ultra_red(true)
    deboosting = {
        str(band): deboosting_curve(
            *(own[f"{name}_{band}"].to_numpy() for name in ("flux", "log_error")),
            true[f"flux_{band}"].to_numpy(),
        )
        for band in FLUX_BANDS
    }
    _, deboosted, _ = true_range(candidates, deboosting, TARGET)
    score, probability = reliability(candidates.assign(flux=deboosted), truth)
    return {
        "flux": {
            str(band): flux_curve(
                found[f"flux_{band}"].to_numpy(), truth[f"flux_{band}"].to_numpy(), back
            )
            for band in FLUX_BANDS
        },
        "deboosting": deboosting,
        "position": float(np.median(near) / RAYLEIGH_MEDIAN),
        "score": score.tolist(),
        "probability": probability.tolist(),
        "min_score": min_score,
        "ultra_red": np.stack(
            rising_fraction(redness(found), rising, ULTRA_RED_LEAST)
        ).tolist(),
    }


def is_ultra_red(sources):
    """Select the sources with S500 > S350 > S250, shape (n,) of bool."""
    s250, s350, s500 = (sources[f"flux_{band}"].to_numpy() for band in SPIRE)
    return (s500 > s350) & (s350 > s250)


def deboosting_curve(predicted, log_error, true):
    """Measure the true fluxes of sources of a given answer of the network.

    Parameters
    ----------
    predicted, log_error, true : ndarray, shape (n,)
        Flux that the network predicts [mJy], stated error of its logarithm, true flux.

    Returns
    -------
    list of four lists
        Median logarithm of the predicted flux in bins of it, and the `QUANTILES` of
        (logarithm of the true flux - that of the predicted one) / error.
    """
    own = np.log(predicted)
    pull = (np.log(true) - own) / log_error
    rows = [
        (np.median(own[rows]), *np.quantile(pull[rows], QUANTILES))
        for rows in bins_of(own)
    ]
    return np.transpose(rows).tolist()


def flux_curve(predicted, true, partner, edges=TRUE_EDGES):
    """Measure the median answer for sources of a given true flux.

    Parameters
    ----------
    predicted : ndarray, shape (n,)
        Fluxes that the network predicts in a band [mJy].
    true : ndarray, shape (m,)
        Fluxes of the true sources in this band [mJy].
    partner : ndarray of int, shape (m,)
        Row of the predicted source of each of them, -1 for none.
    edges : array_like
        Edges of the bins of true flux [mJy].

    Returns
    -------
    list of two lists
        Logarithms of the network's flux, increasing, and of the true flux. Bins of
        which half are not found are left out, for there the found ones are the lucky
        ones.
    """
    nodes = []
    for low, high in itertools.pairwise(edges):
        rows = (true >= low) & (true < high)
        seen = rows & (partner >= 0)
        if seen.sum() >= 20 and 2 * seen.sum() > rows.sum():
            median = np.median(np.log(predicted[partner[seen]]))
            nodes.append((median, np.median(np.log(true[seen]))))
    if not nodes:
        return [[0.0], [0.0]]
    median, true = np.transpose(nodes)
    median = isotonic_regression(median).x + 1e-6 * np.arange(len(median))
    return [median.tolist(), true.tolist()]


def reliability(found, truth):
    """Measure the fraction of real sources against the height of the detection head.

    Real is a source that has a true one within 4 arcsec and a factor two in ``flux``,
    of which no other source is the counterpart.

    Returns
    -------
    score, probability : ndarray
        Increasing.
    """
    partner, _ = match(found, truth, RADIUS, FLUX_FACTOR, one_to_one=True)
    return rising_fraction(found["score"].to_numpy(), 1.0 * (partner >= 0), LEAST)


def rising_fraction(values, hits, least):
    """Measure a fraction that rises with a value.

    Parameters
    ----------
    values, hits : ndarray, shape (n,)
        The value of each source, and one for a hit or zero.
    least : int
        Sources in a bin, if there are so many.

    Returns
    -------
    value, fraction : ndarray
        Medians of the bins, and the isotonic regression of their fractions; of bins of
        equal fraction the first and the last.
    """
    order = np.argsort(values, kind="stable")
    parts = np.array_split(order, max(1, len(order) // least))
    fraction = np.array([hits[part].mean() for part in parts])
    weights = np.array([len(part) for part in parts], float)
    fitted = isotonic_regression(fraction, weights=weights).x
    medians = np.array([np.median(values[part]) for part in parts])
    steps = np.diff(fitted) != 0
    ends = np.append(steps, True) | np.append(True, steps)
    return medians[ends], fitted[ends]


def redness(found):
    """Measure by how many standard errors sources rise from 250 to 500 µm.

    Parameters
    ----------
    found : pandas.DataFrame
        What `superspire.deblender.catalogue.list_sources` gives.

    Returns
    -------
    ndarray, shape (n,)
        The smaller of ln(S350 / S250) and ln(S500 / S350), each over the sum in
        quadrature of the errors of both logarithms.
    """
    rises = []
    for shorter, longer in itertools.pairwise(SPIRE):
        ratio = found[f"flux_{longer}"] / found[f"flux_{shorter}"]
        error = np.hypot(found[f"log_error_{longer}"], found[f"log_error_{shorter}"])
        rises.append(np.log(ratio) / error)
    return np.minimum(*rises).to_numpy(float)


def true_range(found, deboosting, band):
    """Tell median and 68 % range of the true fluxes of sources of such an answer.

    Parameters
    ----------
    found : pandas.DataFrame
        What `superspire.deblender.catalogue.list_sources` gives.
    deboosting : dict
        By band, what `deboosting_curve` gives.
    band : int
        Band [µm].

    Returns
    -------
    low, median, high : ndarray, shape (n,)
        Fluxes [mJy].
    """
    log_flux = np.log(found[f"flux_{band}"].to_numpy(float))
    width = found[f"log_error_{band}"].to_numpy(float)
    known, *quantiles = map(np.asarray, deboosting[str(band)])
    return tuple(
        np.exp(log_flux + width * np.interp(log_flux, known, nodes))
        for nodes in quantiles
    )


def unbiased(log_flux, median, true):
    """Turn the network's fluxes into those that are right in the median.

    Parameters
    ----------
    log_flux : ndarray, shape (n,)
        Logarithm of the network's flux.
    median, true : array_like, shape (k,)
        What `flux_curve` gives.

    Returns
    -------
    ndarray, shape (n,)
        Logarithm of S: a monotone cubic between the nodes, a constant factor above
        them, a power law below.
    """
    if len(median) == 1:
        return log_flux + true[0] - median[0]
    curve = PchipInterpolator(median, true)
    slope = np.clip(curve.derivative()(median[0]), 1.0, STEEPEST)
    known = np.clip(log_flux, median[0], median[-1])
    return curve(known) + (log_flux - known) * np.where(log_flux < known, slope, 1.0)


def apply(found, calibration):
    """Calibrate sources by what was measured at one noise.

    Parameters
    ----------
    found : pandas.DataFrame
        What `superspire.deblender.catalogue.list_sources` gives.
    calibration : dict
        What `calibrate` gives.

    Returns
    -------
    pandas.DataFrame
        ``x``, ``y`` [pixel]; ``flux_250`` and so on in each of `FLUX_BANDS` [mJy], of
        which the median at a given true flux is this flux, and ``error_250``;
        ``deboosted_250``, ``low_250``, ``high_250`` [mJy], median and 68 % range of the
        true flux; those at 450 µm as ``flux``, ``error``, ``deboosted``, ``low`` and
        ``high`` as well; ``pos_err``, the standard error of the position along each
        axis [arcsec]; ``probability`` that the source is real, with the deboosted flux,
        see `reliability`; ``ultra_red`` that it is and that S500 > S350 > S250;
        ``peak`` and ``score`` as they were.
    """
    probability = np.interp(
        found["score"], calibration["score"], calibration["probability"]
    )
    columns = {"x": found["x"], "y": found["y"]}
    for band in FLUX_BANDS:
        log_flux = np.log(found[f"flux_{band}"].to_numpy(float))
        low, centre, high = true_range(found, calibration["deboosting"], band)
        flux = np.exp(unbiased(log_flux, *calibration["flux"][str(band)]))
        values = {
            "flux": flux,
            "error": 0.5 * (high - low) / centre * flux,
            "deboosted": centre,
            "low": low,
            "high": high,
        }
        columns |= {f"{name}_{band}": value for name, value in values.items()}
        if band == TARGET:
            columns |= values
    columns |= {
        "pos_err": calibration["position"] * found["pos_err"],
        "probability": np.minimum(probability, MAX_PROBABILITY),
        "ultra_red": np.interp(redness(found), *calibration["ultra_red"]),
        "peak": found["peak"],
        "score": found["score"],
    }
    return pd.DataFrame(columns)


def apply_at(found, calibration, noise, depth=0.0):
    """Calibrate sources at the noise of each, and list those of a sufficient score.

    Parameters
    ----------
    found : pandas.DataFrame
        What `superspire.deblender.catalogue.list_sources` gives.
    calibration : dict
        ``levels``, a list of what `calibrate` gives, each with its ``noise``
        [mJy/beam] and, of a network that takes more than SPIRE, ``depth`` [mJy].
    noise : float or ndarray of shape (n,)
        White noise of SPIRE per pixel of Table 1 [mJy/beam] at the sources.
    depth : float or ndarray of shape (n,)
        Depth of the first band other than SPIRE's there [mJy]; zero where it was not
        observed.

    Returns
    -------
    pandas.DataFrame
        The columns of `apply`, interpolated in the logarithms of noise and depth
        between the levels and constant beyond them; and ``noise`` and ``depth``, of the
        sources whose score is at least the minimum, with their index.
    """
    lowest = min(level["min_score"] for level in calibration["levels"])
    certain = found["score"].to_numpy() >= lowest
    noise, depth = (
        np.broadcast_to(np.asarray(value, float), len(found))[certain]
        for value in (noise, depth)
    )
    found = found[certain]
    groups = levels_by_depth(calibration["levels"])
    levels = list(groups.values())
    table = mix(
        lambda i, rows: apply_levels(found.iloc[rows], levels[i], noise[rows]),
        place_of_depth(depth, list(groups)),
    )
    table = table.assign(noise=noise, depth=depth).set_index(found.index)
    listed = table["score"] >= table["min_score"]
    return table[listed].drop(columns="min_score")


def levels_by_depth(levels):
    """Gather the levels of each depth, the noise rising; zero first, if it is there."""
    groups = {}
    for level in sorted(levels, key=lambda one: (one.get("depth", 0.0), one["noise"])):
        groups.setdefault(level.get("depth", 0.0), []).append(level)
    return groups


def apply_levels(found, levels, noise):
    """Calibrate sources between levels of rising noise, with their ``min_score``."""

    def make(number, rows):
        level = levels[number]
        return apply(found.iloc[rows], level).assign(min_score=level["min_score"])

    known = np.log([level["noise"] for level in levels])
    return mix(make, np.interp(np.log(noise), known, np.arange(len(levels))))


def place_of_depth(depth, known):
    """Locate depths among the calibrated ones.

    Parameters
    ----------
    depth : ndarray, shape (n,)
        Zero where the band was not observed.
    known : list of float
        Depths, rising.

    Returns
    -------
    ndarray, shape (n,)
        Position in `known`, between whole numbers but never between zero and the
        smallest depth; where there is no zero, an unobserved band is the shallowest.
    """
    first = sum(value == 0 for value in known)
    observed = np.array(known[first:])
    if not len(observed):
        return np.zeros(len(depth))
    usual = np.where(depth > 0, depth, observed[-1])
    place = np.interp(np.log(usual), np.log(observed), np.arange(len(observed)))
    return np.where((depth > 0) | (not first), first + place, 0.0)


def mix(make, place):
    """Interpolate between tables of the same columns, row by row.

    Parameters
    ----------
    make : callable
        From the number of a table and some rows to these rows of it.
    place : ndarray, shape (rows,)
        Position among the tables, from zero to their number minus one.

    Returns
    -------
    pandas.DataFrame
    """
    lower = place.astype(int)
    weight = place - lower
    nothing = make(0, np.zeros(0, int))
    values = np.zeros((len(place), nothing.shape[1]))
    for i in np.union1d(lower, lower[weight > 0] + 1):
        share = np.where(
            lower == i, 1.0 - weight, np.where(lower + 1 == i, weight, 0.0)
        )
        rows = np.flatnonzero(share > 0)
        values[rows] += share[rows, None] * make(int(i), rows).to_numpy(float)
    return pd.DataFrame(values, columns=nothing.columns)


def nearest_depth(depth, known):
    """Find the calibrated depths nearest to others; see `place_of_depth`.

    Returns
    -------
    ndarray
        Elements of `known`, of the shape of `depth`.
    """
    known = sorted(set(known))
    place = place_of_depth(np.atleast_1d(np.asarray(depth, float)), known)
    return np.reshape(np.array(known)[np.round(place).astype(int)], np.shape(depth))


def at_noise(calibration, noise, depth=0.0):
    """Take what was calibrated at the noise and depth nearest to those of a map.

    Parameters
    ----------
    calibration : dict
        ``levels``, see `apply_at`, and ``noise``, that of the training.
    noise : float, optional
        White noise of SPIRE per pixel of Table 1 [mJy/beam]; by default that of the
        training.
    depth : float
        See `apply_at`.

    Returns
    -------
    dict
        One of the levels.
    """
    groups, noise = (
        levels_by_depth(calibration["levels"]),
        noise or calibration["noise"],
    )
    levels = groups[float(nearest_depth(depth, groups))]
    return min(levels, key=lambda level: abs(np.log(level["noise"] / noise)))


def selection_function_at(table, noise, depth=0.0):
    """Take what is to be expected at one noise, between two at which it was measured.

    Parameters
    ----------
    table : pandas.DataFrame
        `superspire.evaluation.selection_function.COLUMNS`, ``noise`` [mJy/beam] and
        ``depth`` [mJy].
    noise : float
        White noise of SPIRE per pixel of Table 1 [mJy/beam].
    depth : float
        See `apply_at`.

    Returns
    -------
    pandas.DataFrame
        At the nearest depth. Interpolated in the logarithm of the noise, factors on
        number counts in their logarithm, in bins that both levels have; that of the
        first or last level beyond them. ``n`` is the smaller number.
    """
    table = table[table["depth"] == nearest_depth(depth, table["depth"])]
    known = np.unique(table["noise"])
    place = np.interp(np.log(noise), np.log(known), np.arange(len(known)))
    lower, upper = (
        table[table["noise"] == known[int(level)]] for level in (place, np.ceil(place))
    )
    bins = ["quantity", "flux_min", "flux_max"]
    both = lower.merge(upper, on=bins, suffixes=("", "_upper"))
    weight = place - int(place)
    factor = both["quantity"].str.startswith("counts")
    for name in ("flux", "value", "low", "high"):
        one, other = both[name], both[f"{name}_upper"]
        between = one ** (1.0 - weight) * other**weight
        both[name] = between.where(factor, one + weight * (other - one))
    both["n"] = np.minimum(both["n"], both["n_upper"])
    return both[list(COLUMNS)].assign(noise=noise, depth=depth)


def coverage(sources, truth, shape, edges=COVERAGE_EDGES):
    """Measure how often the truth lies where the stated errors say.

    Parameters
    ----------
    sources : pandas.DataFrame
        What `apply` gives, with ``cutout``.
    truth : pandas.DataFrame
        True sources.
    shape : (int, int)
        Shape of the fields [pixel].
    edges : array_like
        Edges of the bins of the deboosted flux [mJy].

    Returns
    -------
    dict
        ``flux_coverage_LOW_HIGH``, the fraction of true fluxes at 450 µm within the
        stated 68 % range, in each bin; ``flux_coverage_BAND``, that in each band above
        the first edge; ``position_coverage``, that of the true positions within the
        circle that should hold 68 %, above the first edge.
    """
    sources = sources[inside(sources, shape, RADIUS)].reset_index(drop=True)
    partner, distance = brightest_partner(sources, truth)
    paired = partner >= 0
    sources, distance = sources[paired], distance[paired]
    true = truth.iloc[partner[paired]]

    def held(band):
        flux = true[f"flux_{band}"].to_numpy()
        return (flux >= sources[f"low_{band}"]) & (flux <= sources[f"high_{band}"])

    hit = held(TARGET)
    result = {}
    for low, high in itertools.pairwise(edges):
        own = sources["deboosted"].between(low, high, inclusive="left")
        result[f"flux_coverage_{low:g}_{high:g}"] = hit[own].mean()
    for band in FLUX_BANDS:
        bright = sources[f"deboosted_{band}"] >= edges[0]
        result[f"flux_coverage_{band}"] = held(band)[bright].mean()
    radius = sources["pos_err"] * RAYLEIGH_68
    bright = sources["deboosted"] >= edges[0]
    result["position_coverage"] = (distance <= radius)[bright].mean()
    return result


def band_fluxes(sources, truth, shape, limit=10.0):
    """Compare the fluxes of all bands with the true ones.

    Parameters
    ----------
    sources, truth, shape
        See `coverage`.
    limit : float
        450 µm flux of the faintest true source that is compared [mJy].

    Returns
    -------
    dict
        ``ratio_BAND``, the median ratio of S and true flux, and ``scatter_BAND``, half
        the 68 % range of its logarithm.
    """
    truth = truth[inside(truth, shape, RADIUS) & (truth["flux"] >= limit)]
    truth = truth.reset_index(drop=True)
    partner, _ = brightest_partner(truth, sources)
    own, true = sources.iloc[partner[partner >= 0]], truth[partner >= 0]
    result = {}
    for band in FLUX_BANDS:
        ratio = own[f"flux_{band}"].to_numpy() / true[f"flux_{band}"].to_numpy()
        low, median, high = np.quantile(np.log(ratio), QUANTILES)
        result[f"ratio_{band}"] = np.exp(median)
        result[f"scatter_{band}"] = 0.5 * (high - low)
    return result


def count_factors(sources, truth):
    """Compare the numbers of sources and of true ones in bins of flux, in every band.

    Returns
    -------
    list of tuple
        `superspire.evaluation.selection_function.COLUMNS`, see `expectations`.
    """
    rows = []
    for band in FLUX_BANDS:
        flux, true_flux = (table[f"flux_{band}"] for table in (sources, truth))
        for low, high in itertools.pairwise(COUNT_EDGES):
            own = flux.between(low, high, inclusive="left")
            true = true_flux.between(low, high, inclusive="left")
            if min(own.sum(), true.sum()) < MIN_COUNT:
                continue
            factor = true.sum() / own.sum()
            error = factor * np.sqrt(1.0 / own.sum())
            limits = factor - error, factor + error
            centre = np.median(flux[own])
            name = f"counts_{band}"
            rows.append((name, low, high, centre, factor, *limits, own.sum()))
    return rows


def expectations(sources, truth, shape):
    """Measure completeness, purity and number counts of calibrated sources.

    Parameters
    ----------
    sources : pandas.DataFrame
        What `apply` gives of sources that count, with ``cutout``.
    truth : pandas.DataFrame
        True sources.
    shape : (int, int)
        Shape of the fields [pixel].

    Returns
    -------
    pandas.DataFrame
        `superspire.evaluation.selection_function.COLUMNS` with the quantities
        "completeness" against true flux and "purity" against S450, both for a true
        source within 4 arcsec, and of every band "counts_250" and so on, the factor
        from the number of sources in a bin of flux to that of true ones: both
        completeness and the sources that noise moves from one bin into another.
    """
    sources, truth = (
        table[inside(table, shape, RADIUS)].reset_index(drop=True)
        for table in (sources, truth)
    )
    confirmed = find_pairs(sources, truth, RADIUS)[0]
    real = np.isin(np.arange(len(sources)), confirmed)
    recovered = find_pairs(truth, sources, RADIUS)[0]
    seen = np.isin(np.arange(len(truth)), recovered)
    rows = []
    for low, high in itertools.pairwise(COUNT_EDGES):
        own = sources["flux"].between(low, high, inclusive="left").to_numpy()
        true = truth["flux"].between(low, high, inclusive="left").to_numpy()
        for quantity, hits, flux in (
            ("completeness", seen[true], truth["flux"][true]),
            ("purity", real[own], sources["flux"][own]),
        ):
            if len(hits) >= MIN_COUNT:
                fraction = binomial_interval(int(hits.sum()), len(hits))
                value = (np.median(flux), hits.mean(), *fraction, len(hits))
                rows.append((quantity, low, high, *value))
    rows += count_factors(sources, truth)
    return pd.DataFrame(rows, columns=COLUMNS)
