"""Completeness, purity and offsets, each source of the sky counted once.

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
from superspire.instruments import CUTOUT, PIXEL
from superspire.photometry.matching import match, shifted_catalogues

FLUX_EDGES = np.round(3.0 * 2.0 ** (np.arange(9) / 2), 2)
"""Edges of the flux bins, half an octave each [mJy]; one bin holds 10 mJy."""

BRIGHT = 15.0
"""The paper's limit of near-complete recovery [mJy] (section 4)."""

RAYLEIGH_MEDIAN = np.sqrt(2.0 * np.log(2.0))
"""Median distance of a Gaussian scatter on the plane, in its standard deviations."""

FLUX_FACTOR = 2.0
"""Maximum ratio of recovered and true flux in the third measure."""

EDGE = 10
"""Border of a cutout whose sources are not judged [pixel], the paper's match radius."""

SUPER_RESOLVED, TRUE = "super-resolved", "true"
"""Catalogue whose sources are selected and looked for in the other one."""

WHOLE_CUTOUT = 1.5 * CUTOUT
"""Radius of a match that no source of the same cutout is beyond [pixel]."""

NEAR = 15.0
"""The paper's radius of 99 % of the offsets [arcsec]."""

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
    """Leave out sources at the border, whose partners may lie outside the cutout."""
    return catalogue[inside(catalogue, (size, size), edge)].reset_index(drop=True)


def flux_bins(edges=FLUX_EDGES, bright=BRIGHT):
    """List the bins of flux, and last all that is brighter than `bright`."""
    bins = itertools.pairwise(edges)
    return [*bins, (bright, np.inf)]


def recovered_fraction(
    catalogue, others, radius, flux_factor=None, depth=0.0, size=CUTOUT, bins=None
):
    """Measure, per bin of flux, the fraction of a catalogue with a partner in another.

    With the true sources first this is the completeness, with the super-resolved ones
    first the purity. The chance level is the same measure against `others` shifted by
    30 arcsec, averaged over eight directions.

    Parameters
    ----------
    catalogue, others : pandas.DataFrame
        The sources that are judged, and those that may confirm them.
    radius : float
        Maximum separation [pixel].
    flux_factor : float, optional
        Maximum ratio of the two fluxes.
    depth : float
        Minimum flux of `others` [mJy]: a source in a fainter bin cannot be judged.
    size : int
        Side of a cutout [pixel].
    bins : sequence of (float, float), optional
        Edges of the bins [mJy]; those of `flux_bins` by default.

    Returns
    -------
    pandas.DataFrame
        ``flux_min``, ``flux_max``, ``flux`` (median) [mJy], ``n`` sources,
        ``n_distinct`` (each piece of sky once), ``fraction`` with its 68 % interval
        ``low``, ``high``, ``chance``, and ``measurable``, false for bins below `depth`.
    """
    catalogue = trim_edges(catalogue, size)
    hit = match(catalogue, others, radius, flux_factor)[0] >= 0
    shifted = [
        match(catalogue, moved, radius, flux_factor)[0] >= 0
        for moved in shifted_catalogues(others, size=size)
    ]
    judged = catalogue.assign(hit=hit, chance=np.mean(shifted, axis=0))
    rows = []
    for low, high in bins or flux_bins():
        own = judged[(judged["flux"] >= low) & (judged["flux"] < high)]
        limits = {"flux_min": low, "flux_max": high}
        rows.append(limits | fraction_of(own) | {"measurable": bool(low >= depth)})
    return pd.DataFrame(rows)


def fraction_of(judged):
    """Give the fraction of the sources that were hit, one bin of `recovered_fraction`.

    Parameters
    ----------
    judged : pandas.DataFrame
        ``flux`` [mJy], ``weight``, ``hit`` and ``chance`` of each source.

    Returns
    -------
    dict
        ``flux`` (median) [mJy], ``n``, ``n_distinct``, ``fraction``, ``low``, ``high``
        and ``chance``; NaN without sources.
    """
    weight = judged["weight"]
    trials, hits = weight.sum(), (weight * judged["hit"]).sum()
    low, high = binomial_interval(hits, trials)
    return {
        "flux": judged["flux"].median(),
        "n": len(judged),
        "n_distinct": trials,
        "fraction": hits / trials if trials > 0 else np.nan,
        "low": low,
        "high": high,
        "chance": (weight * judged["chance"]).sum() / trials if trials else np.nan,
    }


def source_offsets(sources, truth, selection, flux_limit=0.0):
    """Measure the offset of each selected source to the nearest of the other catalogue.

    Parameters
    ----------
    sources, truth : pandas.DataFrame
        Super-resolved and true sources.
    selection : {"super-resolved", "true"}
        The catalogue whose sources are taken to their nearest neighbours in the other:
        the super-resolved one in the paper.
    flux_limit : float
        Minimum flux of the selected sources [mJy].

    Returns
    -------
    pandas.DataFrame
        ``selection``; ``cutout``, ``x``, ``y`` [pixel], ``flux`` [mJy] and ``weight``
        of the selected source; ``separation`` [arcsec] and ``angle`` [deg] of the
        super-resolved from the true position (see `offsets`), however large, and NaN
        where the cutout holds no source of the other catalogue; ``chance``, the
        fraction of shifted catalogues with a source within `NEAR`.
    """
    by_source = selection == SUPER_RESOLVED
    own, others = (sources, truth) if by_source else (truth, sources)
    own = trim_edges(own)
    own = own[own["flux"] >= flux_limit].reset_index(drop=True)
    partner, _ = match(own, others, WHOLE_CUTOUT)
    lone = partner < 0
    near = (others if len(others) else own).iloc[np.where(lone, 0, partner)]
    dx, dy = (near[name].to_numpy() - own[name].to_numpy() for name in ("x", "y"))
    separation, angle = offsets(*((-dx, -dy) if by_source else (dx, dy)))
    chance = [match(own, c, NEAR / PIXEL)[0] >= 0 for c in shifted_catalogues(others)]
    table = own[["cutout", "x", "y", "flux", "weight"]].assign(
        separation=np.where(lone, np.nan, separation),
        angle=np.where(lone, np.nan, angle),
        chance=np.mean(chance, axis=0),
    )
    table.insert(0, "selection", selection)
    return table
