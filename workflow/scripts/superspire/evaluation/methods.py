"""Compare methods on whole fields: thresholds, fractions, fluxes, counts.

A field is one large cutout of the functions of `superspire.evaluation.measures`.
"""

import itertools

import numpy as np
import pandas as pd

from superspire.evaluation.catalogues import TRUTH_LIMIT
from superspire.evaluation.measures import (
    FLUX_EDGES,
    FLUX_FACTOR,
    binomial_interval,
    inside,
    recovered_fraction,
    trim_edges,
)
from superspire.evaluation.protocols import (
    PAPER,
    POSITION,
    POSITION_FLUX,
    STRICT,
    flux_limit,
    label,
)
from superspire.photometry.matching import match, shifted_catalogues

TUNING_FLUX = 6.0
"""Faintest true source that a threshold should let through [mJy]."""

THRESHOLDS = np.round(np.arange(1.0, 15.01, 0.1), 2)
"""Signal-to-noise ratios that are tried."""

BRIGHT = 10.0
"""Faintest source of the summary [mJy]."""

FAINT = (6.0, 8.0)
"""Range of flux that the summary shows beside [mJy]."""

RANGES = ((3.0, 5.0), (5.0, 6.0), (6.0, 8.0))
LIMITS = (3.0, 5.0, 6.0, 10.0, 20.0)
"""Ranges of flux and limits of the closer look [mJy]."""


def field_catalogue(ra, dec, flux, wcs):
    """Bring a catalogue to the pixels of a field's map.

    Parameters
    ----------
    ra, dec : array_like, shape (n,)
        Positions [deg].
    flux : array_like, shape (n,)
        Fluxes [mJy].
    wcs : astropy.wcs.WCS
        Grid of pixels of 1 arcsec.

    Returns
    -------
    pandas.DataFrame
        ``cutout`` (zero), ``x``, ``y`` [pixel], ``flux``, ``weight`` (one).
    """
    ra, dec, flux = (np.asarray(column, float) for column in (ra, dec, flux))
    x, y = wcs.all_world2pix(ra, dec, 0) if len(ra) else (ra, dec)
    return pd.DataFrame({"cutout": 0, "x": x, "y": y, "flux": flux, "weight": 1.0})


def threshold_curve(found, snr, truth, shape, radius, thresholds=THRESHOLDS):
    """Measure what each threshold gives: completeness, purity and their mean F1.

    Both count sources that agree within `radius` and a factor two in flux, which
    hardly happens by chance: completeness is the fraction of true sources above
    `TUNING_FLUX`, purity that of all sources above the threshold, F1 the harmonic
    mean of the two (van Rijsbergen 1979).

    Parameters
    ----------
    found, truth : pandas.DataFrame
        See `field_catalogue`.
    snr : array_like, shape (n,)
        Signal-to-noise ratio of the sources of `found`.
    shape : (int, int)
        Shape of the field (ny, nx) [pixel].
    radius : float
        Maximum separation [pixel].
    thresholds : array_like
        Signal-to-noise ratios.

    Returns
    -------
    pandas.DataFrame
        ``threshold``, ``n``, ``completeness``, ``purity``, ``f1``.
    """
    snr = np.asarray(snr, float)
    wanted = (truth["flux"] >= TUNING_FLUX).to_numpy() & inside(truth, shape, radius)
    real = match(found, truth, radius, FLUX_FACTOR)[0] >= 0
    real_inside = inside(found, shape, radius)
    rows = []
    for threshold in thresholds:
        kept = snr >= threshold
        back = match(truth[wanted], found[kept], radius, FLUX_FACTOR)[0] >= 0
        n = int(np.sum(kept & real_inside))
        completeness = float(np.mean(back)) if len(back) else 0.0
        purity = float(np.mean(real[kept & real_inside])) if n else 0.0
        total = completeness + purity
        f1 = 2.0 * completeness * purity / total if total > 0 else 0.0
        rows.append((threshold, n, completeness, purity, f1))
    columns = ["threshold", "n", "completeness", "purity", "f1"]
    return pd.DataFrame(rows, columns=columns)


def best_threshold(curve):
    """Choose the threshold of the largest F1, the higher one if several have it."""
    best = curve["f1"] >= curve["f1"].max()
    return float(curve.loc[best, "threshold"].max())


def field_fractions(found, target, injected, match_radius, strict_radius, size):
    """Measure completeness and purity in bins of flux, in both protocols.

    Parameters
    ----------
    found : pandas.DataFrame
        Sources of the method, see `field_catalogue`.
    target : astropy.table.Table
        Sources of the 450 µm map with ``x``, ``y``, ``aperture_flux``, ``peak`` and
        ``snr``: the truth of the paper's protocol.
    injected : pandas.DataFrame
        True sources, the truth of the strict protocol.
    match_radius, strict_radius : float
        Radii of a match in the two protocols [pixel].
    size : int
        Side of the field [pixel].

    Returns
    -------
    pandas.DataFrame
        ``quantity``, ``protocol``, ``measure`` and the columns of
        `superspire.evaluation.measures.recovered_fraction`.
    """
    real = {name: np.asarray(target[name], float) for name in ("x", "y")}
    real["flux"] = np.asarray(target["aperture_flux"], float)
    real = pd.DataFrame(real).assign(cutout=0, weight=1.0)
    depth = flux_limit(target)
    measures = {POSITION: None, POSITION_FLUX: FLUX_FACTOR}
    strict, radius = {}, strict_radius
    for quantity, first, second in (
        ("completeness", injected, found),
        ("purity", found, injected),
    ):
        fractions = {
            name: recovered_fraction(first, second, radius, factor, size=size)
            for name, factor in measures.items()
        }
        strict[quantity] = label(fractions, STRICT)
    complete = recovered_fraction(real, found, match_radius, size=size)
    pure = recovered_fraction(found, real, match_radius, depth=depth, size=size)
    paper = {"completeness": complete, "purity": pure}
    parts = [
        part.assign(quantity=quantity)
        for quantity in strict
        for part in (label({POSITION: paper[quantity]}, PAPER), strict[quantity])
    ]
    return pd.concat(parts, ignore_index=True)


def flux_ratios(found, injected, radius, size, edges=FLUX_EDGES):
    """Measure bias and scatter of the fluxes in bins of true flux.

    Parameters
    ----------
    found, injected : pandas.DataFrame
        See `field_catalogue`.
    radius : float
        Maximum separation [pixel].
    size : int
        Side of the field [pixel].
    edges : array_like
        Edges of the bins [mJy].

    Returns
    -------
    pandas.DataFrame
        ``flux_min``, ``flux_max`` [mJy], ``n`` pairs, ``ratio`` (median of found over
        true), its ``error`` and ``scatter`` (half the range of 68 %).
    """
    truth = trim_edges(injected, size)
    partner, _ = match(truth, found, radius)
    paired = partner >= 0
    true = truth["flux"].to_numpy()[paired]
    ratio = found["flux"].to_numpy()[partner[paired]] / true
    rows = []
    for low, high in itertools.pairwise(edges):
        own = ratio[(true >= low) & (true < high)]
        rows.append((low, high, len(own), *spread(own)))
    return pd.DataFrame(
        rows, columns=["flux_min", "flux_max", "n", "ratio", "error", "scatter"]
    )


def spread(values):
    """Give the median, its standard error and half the range of 68 %.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Any values.

    Returns
    -------
    median, error, scatter : float
        NaN without values; the error is (pi / 2 n)^0.5 times the scatter.
    """
    if len(values) == 0:
        return np.nan, np.nan, np.nan
    low, median, high = np.percentile(values, [16, 50, 84])
    scatter = 0.5 * (high - low)
    return median, scatter * np.sqrt(np.pi / 2 / len(values)), scatter


def recovered_counts(found, injected, size, edges=FLUX_EDGES):
    """Compare the number of sources found with the true one, bin by bin.

    Parameters
    ----------
    found, injected : pandas.DataFrame
        See `field_catalogue`.
    size : int
        Side of the field [pixel].
    edges : array_like
        Edges of the bins [mJy].

    Returns
    -------
    pandas.DataFrame
        ``flux_min``, ``flux_max`` [mJy], ``n``, ``n_true``, ``dNdS``, ``dNdS_true``
        [deg⁻² mJy⁻¹], ``ratio`` and its Poisson ``error``, that of the found number:
        the true one is the same sky.
    """
    area = (size - 20.0) ** 2 / 3600.0**2
    n, n_true = (
        np.histogram(trim_edges(table, size)["flux"], edges)[0]
        for table in (found, injected)
    )
    width = np.diff(edges) * area
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, error = n / n_true, np.sqrt(n) / n_true
    return pd.DataFrame(
        {
            "flux_min": edges[:-1],
            "flux_max": edges[1:],
            "n": n,
            "n_true": n_true,
            "dNdS": n / width,
            "dNdS_true": n_true / width,
            "ratio": np.where(n_true > 0, ratio, np.nan),
            "error": np.where(n_true > 0, error, np.nan),
        }
    )


def fraction(hits, name):
    """Give a fraction and its 68 % interval as columns `name`, `name`_low and _high."""
    trials, successes = len(hits), int(np.sum(hits))
    low, high = binomial_interval(successes, trials)
    value = successes / trials if trials else np.nan
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def summarise(found, injected, match_radius, strict_radius, size):
    """Put what a method is worth above 10 mJy into one row.

    Parameters
    ----------
    found, injected : pandas.DataFrame
        See `field_catalogue`.
    match_radius, strict_radius : float
        The two radii of a match [pixel].
    size : int
        Side of the field [pixel].

    Returns
    -------
    dict
        ``complete_strict``, ``complete_strict_faint`` (6 to 8 mJy),
        ``complete_paper``, ``complete_paper_faint``, ``recovered`` (strict radius and
        a factor two in flux), ``pure`` (within the strict radius of any true source
        of 1 mJy or more), each with ``_low`` and ``_high``; ``chance_strict``, the
        first of a shifted catalogue; ``ratio``, ``ratio_error``, ``scatter`` of the
        fluxes; ``offset``, ``offset_error`` of the nearest source within
        `match_radius` [arcsec]; ``n_true`` and ``n_found`` above 10 mJy.
    """
    truth = trim_edges(injected, size)
    flux = truth["flux"]
    bright = truth[flux >= BRIGHT].reset_index(drop=True)
    faint = truth[flux.between(*FAINT, inclusive="left")].reset_index(drop=True)
    own = trim_edges(found, size)
    own = own[own["flux"] >= BRIGHT].reset_index(drop=True)
    partner, distance = match(bright, found, match_radius)
    _, faint_distance = match(faint, found, match_radius)
    alike = match(bright, found, strict_radius, FLUX_FACTOR)[0] >= 0
    real = match(own, injected[injected["flux"] >= TRUTH_LIMIT], strict_radius)[0] >= 0
    shifted = [
        np.mean(match(bright, moved, strict_radius)[0] >= 0) if len(bright) else np.nan
        for moved in shifted_catalogues(found, size=size)
    ]
    near = distance <= strict_radius
    ratio = found["flux"].to_numpy()[partner[near]] / bright["flux"].to_numpy()[near]
    median, error, scatter = spread(ratio)
    offset, offset_error, _ = spread(distance[np.isfinite(distance)])
    return {
        "n_true": len(bright),
        "n_found": len(own),
        **fraction(near, "complete_strict"),
        **fraction(faint_distance <= strict_radius, "complete_strict_faint"),
        **fraction(distance <= match_radius, "complete_paper"),
        **fraction(faint_distance <= match_radius, "complete_paper_faint"),
        **fraction(alike, "recovered"),
        **fraction(real, "pure"),
        "chance_strict": float(np.mean(shifted)),
        "ratio": median,
        "ratio_error": error,
        "scatter": scatter,
        "offset": offset,
        "offset_error": offset_error,
    }


def flux_fractions(found, injected, radius, size):
    """Measure completeness and purity above several fluxes and in ranges of flux.

    Parameters
    ----------
    found, injected : pandas.DataFrame
        See `field_catalogue`.
    radius : float
        Radius of a match [pixel].
    size : int
        Side of the field [pixel].

    Returns
    -------
    dict
        ``complete_3_5`` and so on in `RANGES` of true flux, ``complete_above_6`` and
        ``pure_above_6`` and so on above `LIMITS` of true and of found flux, with their
        68 % intervals; ``scatter_6_8`` and so on, half the 68 % range of the ratio of
        found to true flux.
    """
    truth, own = (trim_edges(table, size) for table in (injected, found))
    partner, _ = match(truth, found, radius)
    real = match(own, injected[injected["flux"] >= TRUTH_LIMIT], radius)[0] >= 0
    seen, flux = partner >= 0, truth["flux"].to_numpy()
    result = {}
    for low, high in RANGES:
        rows = (flux >= low) & (flux < high)
        result |= fraction(seen[rows], f"complete_{low:g}_{high:g}")
        ratio = found["flux"].to_numpy()[partner[rows & seen]] / flux[rows & seen]
        result[f"scatter_{low:g}_{high:g}"] = spread(ratio)[2]
    for low in LIMITS:
        result |= fraction(seen[flux >= low], f"complete_above_{low:g}")
        result |= fraction(real[own["flux"] >= low], f"pure_above_{low:g}")
    return result
