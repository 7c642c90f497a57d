"""Super-resolved against true fluxes: pairs, bins of equal number, pulls (Fig. 4)."""

import numpy as np
import pandas as pd

from superspire.evaluation.measures import SUPER_RESOLVED, trim_edges
from superspire.photometry.matching import choose, find_pairs

APERTURE, PEAK = "aperture", "peak"
"""Calibrated flux in circles of 10 arcsec, and calibrated peak."""

KEYS = ["cutout", "x", "y", "weight"]

N_BINS = 16
"""Bins of equal numbers of sources, as in the paper's Table 3."""

MIN_IN_BIN = 5
"""Minimum number of distinct sources in a bin of equal numbers."""

LINEAR_BELOW = 1.0
"""Flux below which Fig. 4 is linear [mJy]."""


def pair_fluxes(sources, truth, radius, selection, brightest=False):
    """Pair selected sources with the nearest ones of the other catalogue.

    Selected by their super-resolved flux, faint true sources enter only where they
    came out too bright (Eddington bias); selected by their true flux they do not.

    Parameters
    ----------
    sources, truth : pandas.DataFrame
        Super-resolved and true sources with ``cutout``, ``x``, ``y`` [pixel],
        ``weight``, ``aperture`` and ``peak`` [mJy].
    radius : float
        Maximum separation [pixel].
    selection : {"super-resolved", "true"}
        The catalogue whose every source is looked for in the other.
    brightest : bool
        Take the brightest partner within `radius` in place of the nearest, where the
        other catalogue is so deep that a faint source may lie nearer by chance.

    Returns
    -------
    pandas.DataFrame
        ``selection``, ``measure`` (aperture or peak), ``cutout``, ``x``, ``y``,
        ``weight`` of the selected source, ``flux`` (true) and ``flux_sr`` [mJy]; only
        sources with a partner.
    """
    by_source = selection == SUPER_RESOLVED
    first, second = (sources, truth) if by_source else (truth, sources)
    first = trim_edges(first)
    i, j, distance = find_pairs(first, second, radius)
    if brightest:
        order = np.argsort(-second[PEAK].to_numpy()[j], kind="stable")
        i, j, distance = i[order], j[order], distance[order]
    partner, _ = choose((i, j, distance), len(first))
    own = first[partner >= 0].reset_index(drop=True)
    other = second.iloc[partner[partner >= 0]].reset_index(drop=True)
    found, true = (own, other) if by_source else (other, own)
    return pd.concat(
        [
            label_pairs(own, selection, measure, true[measure], found[measure])
            for measure in (APERTURE, PEAK)
        ],
        ignore_index=True,
    )


def label_pairs(own, selection, measure, flux, flux_sr):
    """Write pairs of fluxes beside the positions of the selected sources."""
    table = own[KEYS].assign(flux=flux, flux_sr=flux_sr)
    table.insert(0, "measure", measure)
    table.insert(0, "selection", selection)
    return table


def stretch(flux, linear=LINEAR_BELOW):
    """Map flux onto the axes of Fig. 4: linear below 1 mJy, logarithmic above."""
    flux = np.asarray(flux, float)
    ratio = np.maximum(np.abs(flux) / linear, 1.0)
    return np.clip(flux, -linear, linear) / linear + np.sign(flux) * np.log(ratio)


def bin_center(low, high, linear=LINEAR_BELOW):
    """Find the logarithmic centre of a bin, on the axes of `stretch`.

    Parameters
    ----------
    low, high : array_like, shape (n,)
        Edges [mJy].
    linear : float
        Flux below which the axis is linear [mJy].

    Returns
    -------
    ndarray, shape (n,)
        sqrt(low high) where both exceed `linear` [mJy].
    """
    centre = 0.5 * (stretch(low, linear) + stretch(high, linear))
    excess = np.maximum(np.abs(centre) - 1.0, 0.0)
    return linear * np.clip(centre, -1.0, 1.0) * np.exp(excess)


def equal_count_bins(flux, flux_sr, weight, n_bins=N_BINS):
    """Average the super-resolved flux in bins of equal numbers of distinct sources.

    Parameters
    ----------
    flux, flux_sr, weight : array_like, shape (n,)
        True and super-resolved flux [mJy], and one over the number of cutouts that
        show the source.
    n_bins : int
        Number of bins, or as many as hold five distinct sources each.

    Returns
    -------
    pandas.DataFrame
        ``flux_min``, ``flux_max``, ``flux`` (the bin's log-centre, see `bin_center`),
        ``mean``, ``std`` [mJy], ``n``, ``n_distinct``, ``pull`` = |flux - mean| / std
        (Table 3) and its standard error ``pull_error``, that of the mean over the
        standard deviation of n normal values, sqrt((1 + pull² / 2) / (n - 3)): for no
        bias it is that of Student's t.
    """
    flux, flux_sr, weight = (np.asarray(a, float) for a in (flux, flux_sr, weight))
    order = np.argsort(flux, kind="stable")
    flux, flux_sr, weight = flux[order], flux_sr[order], weight[order]
    bins = assign_bins(weight, n_bins)
    number, distinct = np.bincount(bins), np.bincount(bins, weight)
    end = np.cumsum(number)
    start = end - number
    mean = np.bincount(bins, weight * flux_sr) / distinct
    square = np.bincount(bins, weight * (flux_sr - mean[bins]) ** 2) / distinct
    std, center = np.sqrt(square), bin_center(flux[start], flux[end - 1])
    pull = np.abs(center - mean) / np.where(std > 0, std, np.nan)
    free = np.where(distinct > 3.0, distinct - 3.0, np.nan)
    table = pd.DataFrame(
        {
            "flux_min": flux[start],
            "flux_max": flux[end - 1],
            "flux": center,
            "mean": mean,
            "std": std,
            "n": number,
            "n_distinct": distinct,
            "pull": pull,
            "pull_error": np.sqrt((1.0 + 0.5 * pull**2) / free),
        }
    )
    return table[table["n"] > 1].reset_index(drop=True)


def assign_bins(weight, n_bins):
    """Divide sorted sources into at most `n_bins` parts of equal total weight.

    Parameters
    ----------
    weight : ndarray, shape (n,)
        Weights, in the order of flux.
    n_bins : int
        Maximum number of parts.

    Returns
    -------
    ndarray of int, shape (n,)
        Part of each source; each holds five distinct sources at least, if there are
        so many at all.
    """
    total = weight.sum()
    centre = np.cumsum(weight) - 0.5 * weight
    for number in range(int(np.clip(total // MIN_IN_BIN, 1, n_bins)), 1, -1):
        part = np.minimum((centre / total * number).astype(int), number - 1)
        if np.bincount(part, weight, number).min() >= MIN_IN_BIN - 1e-9:
            return part
    return np.zeros(len(weight), dtype=int)
