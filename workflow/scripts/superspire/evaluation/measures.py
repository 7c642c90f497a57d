"""Completeness, purity, offsets and fluxes in the paper's and the strict protocol.

A catalogue is a `pandas.DataFrame` with columns ``cutout``, ``x``, ``y`` [pixel],
``flux`` [mJy] and ``weight`` (one over the number of cutouts that show the source).
All fractions are weighted, so that overlapping cutouts count each piece of sky once,
and the intervals take the sum of the weights as the number of trials.
"""

import itertools

import numpy as np
import pandas as pd
from scipy.stats import beta

from superspire.evaluation.astrometry import offsets
from superspire.instruments import CUTOUT
from superspire.photometry.matching import match, shifted_catalogues

FLUX_EDGES = np.round(3.0 * 2.0 ** (np.arange(9) / 2), 2)
"""Edges of the flux bins, half an octave each [mJy]; one bin holds 10 mJy."""

BRIGHT = 15.0
"""The paper's limit of near-complete recovery [mJy] (section 4)."""

RAYLEIGH_MEDIAN = np.sqrt(2.0 * np.log(2.0))
"""Median distance of a Gaussian scatter on the plane, in its standard deviations."""

FLUX_FACTOR = 2.0
"""Largest ratio of recovered and true flux in the third measure."""

EDGE = 10
"""Rim of a cutout whose sources are not judged [pixel], the largest match radius."""

OFFSET_REACH = 30.0
"""Largest offset that is recorded [pixel]."""

MIN_IN_BIN = 5
"""Fewest distinct sources in a bin of equal counts."""

NEAR = 15.0
"""The paper's radius of 99 % of the offsets [arcsec]."""

OFFSET_FLUX = 10.0
"""Faintest source whose offset is recorded [mJy]."""

ONE_SIGMA = 0.6827


def binomial_interval(hits, trials, level=ONE_SIGMA):
    """Give Jeffreys' interval of a binomial fraction (Brown, Cai & DasGupta 2001).

    Parameters
    ----------
    hits, trials : float
        Number of successes and of trials; sums of weights need not be whole.
    level : float
        Probability inside the interval.

    Returns
    -------
    low, high : float
    """
    if trials <= 0:
        return np.nan, np.nan
    tail = (1.0 - level) / 2.0
    shape = (hits + 0.5, max(trials - hits, 0.0) + 0.5)
    low = 0.0 if hits <= 0 else beta.ppf(tail, *shape)
    high = 1.0 if hits >= trials else beta.ppf(1.0 - tail, *shape)
    return float(low), float(high)


def inside(catalogue, shape, edge):
    """Find the sources in a map of shape (ny, nx), away from its edge [pixel]."""
    ny, nx = shape
    kept = catalogue["x"].between(edge, nx - 1 - edge)
    return (kept & catalogue["y"].between(edge, ny - 1 - edge)).to_numpy()


def trim_edges(catalogue, size=CUTOUT, edge=EDGE):
    """Leave out the sources at the rim, whose partners may lie outside the cutout."""
    return catalogue[inside(catalogue, (size, size), edge)].reset_index(drop=True)


def flux_bins(edges=FLUX_EDGES, bright=BRIGHT):
    """List the bins of flux, and last all that is brighter than `bright`."""
    bins = itertools.pairwise(edges)
    return [*bins, (bright, np.inf)]


def recovered_fraction(
    catalogue, others, radius, flux_factor=None, depth=0.0, size=CUTOUT
):
    """Measure, per bin of flux, which share of a catalogue has a partner in another.

    With the true sources first this is the completeness, with the super-resolved ones
    first the purity. The chance level is the same measure against `others` shifted by
    30 arcsec, averaged over eight directions.

    Parameters
    ----------
    catalogue, others : pandas.DataFrame
        The sources that are judged, and those that may confirm them.
    radius : float
        Largest separation [pixel].
    flux_factor : float, optional
        Largest ratio of the two fluxes.
    depth : float
        Faintest flux of `others` [mJy]: a source in a fainter bin cannot be judged.
    size : int
        Side of a cutout [pixel].

    Returns
    -------
    pandas.DataFrame
        ``flux_min``, ``flux_max``, ``flux`` (median) [mJy], ``n`` sources,
        ``n_unique`` (each piece of sky once), ``fraction`` with its 68 % interval
        ``low``, ``high``, ``chance``, and ``measurable``, false for bins below `depth`.
    """
    catalogue = trim_edges(catalogue, size)
    hit = match(catalogue, others, radius, flux_factor)[0] >= 0
    shifted = [
        match(catalogue, moved, radius, flux_factor)[0] >= 0
        for moved in shifted_catalogues(others, size=size)
    ]
    chance = np.mean(shifted, axis=0)
    flux, weight = (catalogue[name].to_numpy() for name in ("flux", "weight"))
    rows = []
    for low, high in flux_bins():
        own = (flux >= low) & (flux < high)
        trials, hits = weight[own].sum(), (weight * hit)[own].sum()
        interval = binomial_interval(hits, trials)
        rows.append(
            {
                "flux_min": low,
                "flux_max": high,
                "flux": np.median(flux[own]) if own.any() else np.nan,
                "n": int(own.sum()),
                "n_unique": trials,
                "fraction": hits / trials if trials > 0 else np.nan,
                "low": interval[0],
                "high": interval[1],
                "chance": (weight * chance)[own].sum() / trials if trials else np.nan,
                "measurable": bool(low >= depth),
            }
        )
    return pd.DataFrame(rows)


def source_offsets(truth, found, reach=OFFSET_REACH, flux_limit=OFFSET_FLUX):
    """Measure the offset of each bright true source's nearest recovered source.

    Parameters
    ----------
    truth, found : pandas.DataFrame
        True and super-resolved sources.
    reach : float
        Largest separation [pixel].
    flux_limit : float
        Faintest true source [mJy].

    Returns
    -------
    pandas.DataFrame
        ``cutout``, ``x``, ``y`` [pixel] and ``flux`` [mJy] of the true source;
        ``separation`` [arcsec] and ``angle`` [deg] (see `offsets`), NaN where nothing
        was found; ``chance_near``, ``chance_any``: the share of shifted catalogues
        with a source within `NEAR` and within `reach`; ``weight``.
    """
    truth = trim_edges(truth)
    truth = truth[truth["flux"] >= flux_limit].reset_index(drop=True)
    partner, _ = match(truth, found, reach)
    chance = np.array([match(truth, c, reach)[1] for c in shifted_catalogues(found)])
    near = found.iloc[partner].reset_index(drop=True) if len(found) else truth
    separation, angle = offsets(near["x"] - truth["x"], near["y"] - truth["y"])
    return truth[["cutout", "x", "y", "flux", "weight"]].assign(
        separation=np.where(partner >= 0, separation, np.nan),
        angle=np.where(partner >= 0, angle, np.nan),
        chance_near=np.mean(chance <= NEAR, axis=0),
        chance_any=np.mean(chance <= reach, axis=0),
    )


def matched_fluxes(truth, found, radius):
    """Pair the fluxes of the true sources with those of their nearest neighbours.

    Parameters
    ----------
    truth, found : pandas.DataFrame
        True and super-resolved sources.
    radius : float
        Largest separation [pixel].

    Returns
    -------
    pandas.DataFrame
        ``cutout``, ``x``, ``y``, ``flux`` of the true source, ``flux_sr`` [mJy] and
        ``weight``; only true sources with a partner.
    """
    truth = trim_edges(truth)
    partner, _ = match(truth, found, radius)
    table = truth[["cutout", "x", "y", "flux", "weight"]][partner >= 0]
    return table.assign(flux_sr=found["flux"].to_numpy()[partner[partner >= 0]])


def equal_count_bins(flux, flux_sr, weight, n_bins=10):
    """Average the super-resolved flux in bins of equal numbers of sources (Fig. 4).

    Parameters
    ----------
    flux, flux_sr, weight : array_like, shape (n,)
        True and super-resolved flux [mJy] and weight.
    n_bins : int
        Number of bins, fewer if they would hold fewer than five distinct sources.

    Returns
    -------
    pandas.DataFrame
        ``flux_min``, ``flux_max``, ``flux`` (the bin's log-centre), ``mean``, ``std``
        [mJy], ``n``, ``n_unique`` and ``pull`` = |flux - mean| / std (Table 3).
    """
    flux, flux_sr, weight = (np.asarray(a, float) for a in (flux, flux_sr, weight))
    rows = []
    n_bins = int(np.clip(weight.sum() // MIN_IN_BIN, 1, n_bins))
    for part in np.array_split(np.argsort(flux, kind="stable"), n_bins):
        if len(part) < 2:
            continue
        low, high = flux[part[0]], flux[part[-1]]
        mean = np.average(flux_sr[part], weights=weight[part])
        square = np.average((flux_sr[part] - mean) ** 2, weights=weight[part])
        centre, std = np.sqrt(low * high), np.sqrt(square)
        rows.append(
            {
                "flux_min": low,
                "flux_max": high,
                "flux": centre,
                "mean": mean,
                "std": std,
                "n": len(part),
                "n_unique": weight[part].sum(),
                "pull": abs(centre - mean) / std if std > 0 else np.nan,
            }
        )
    return pd.DataFrame(rows)
