"""Compare what is stated of sources with what is true of them: reliability diagrams."""

import itertools

import numpy as np
import pandas as pd
from scipy.stats import norm

from superspire.deblender.calibration import RADIUS, brightest_partner
from superspire.evaluation.measures import FLUX_FACTOR, binomial_interval
from superspire.evaluation.methods import inside
from superspire.photometry.matching import match

LEVELS = np.round(np.arange(0.1, 0.96, 0.05), 2)
"""Stated probabilities of the intervals that are checked."""

PROBABILITIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
"""Edges of the bins of the stated probability of a source."""

MIN_FLUX = 4.0
"""Faintest deboosted flux of the sources whose intervals are checked [mJy]."""


def reliability_diagram(sources, truth, shape):
    """Measure how often stated intervals hold the truth, at every probability.

    Parameters
    ----------
    sources : pandas.DataFrame
        What `superspire.deblender.calibration.apply` gives, with ``cutout``.
    truth : pandas.DataFrame
        ``cutout``, ``x``, ``y``, ``flux`` of all true sources above 1 mJy.
    shape : (int, int)
        Shape of the fields [pixel].

    Returns
    -------
    pandas.DataFrame
        ``quantity``: "flux" (central intervals of the true flux: halves of a Gaussian
        in its logarithm on either side of the median), "position" (circles) and
        "probability" (of being real: a true source within 4 arcsec and a factor two in
        the deboosted flux, of which no other source is the counterpart); ``stated`` and
        measured ``fraction`` with its 68 % interval ``low``, ``high``; ``n`` sources.
    """
    sources = sources[inside(sources, shape, RADIUS)].reset_index(drop=True)
    partner, distance = brightest_partner(sources, truth)
    judged = (partner >= 0) & (sources["deboosted"] >= MIN_FLUX).to_numpy()
    own = sources[judged]
    true = np.log(truth["flux"].to_numpy()[partner[judged]])
    low, centre, high = (np.log(own[name]) for name in ("low", "deboosted", "high"))
    width = np.where(true < centre, centre - low, high - centre)
    within = 2.0 * norm.cdf(np.abs(true - centre) / width) - 1.0
    nearer = -np.expm1(-0.5 * (distance[judged] / own["pos_err"]) ** 2)
    rows = [
        (quantity, level, int(np.sum(reached <= level)), len(reached))
        for quantity, reached in (("flux", within), ("position", nearer))
        for level in LEVELS
    ]
    rows += probability_rows(sources, truth)
    table = pd.DataFrame(rows, columns=["quantity", "stated", "hits", "n"])
    intervals = map(binomial_interval, table["hits"], table["n"])
    table["fraction"] = table["hits"] / table["n"]
    table["low"], table["high"] = zip(*intervals, strict=True)
    return table.drop(columns="hits")


def probability_rows(sources, truth):
    """Count real sources in bins of their stated probability."""
    best = sources.assign(flux=sources["deboosted"])
    real = match(best, truth, RADIUS, FLUX_FACTOR, one_to_one=True)[0] >= 0
    stated = sources["probability"].to_numpy()
    rows = []
    for low, high in itertools.pairwise(PROBABILITIES):
        own = (stated >= low) & (stated < high)
        if own.any():
            mean = float(stated[own].mean())
            rows.append(("probability", mean, int(real[own].sum()), int(own.sum())))
    return rows
