"""The protocol of Koopmans et al. (2025, arXiv:2512.13353), for lists of a field.

A match is within 4 arcsec, of several the closest in flux. Completeness and reliability
are cumulative in flux.
"""

import numpy as np

from superspire.evaluation.measures import trim_edges
from superspire.evaluation.methods import fraction, spread
from superspire.photometry.matching import choose, find_pairs

RADIUS = 4.0
"""Radius of a match [arcsec]."""

LIMITS = (3.0, 6.0)
"""Fluxes above which it counts all sources [mJy]."""

BRIGHT = 8.0
"""Faintest source whose flux it compares [mJy]."""

TOLERANCE = 0.05
"""Tolerance of that flux."""


def match_flux(first, second, radius):
    """Match each source to the one within a radius that is the closest in flux.

    Parameters
    ----------
    first, second : mapping
        Columns ``cutout``, ``x``, ``y`` [pixel] and positive ``flux`` [mJy].
    radius : float
        Maximum separation [pixel].

    Returns
    -------
    ndarray of int, shape (n,)
        Row of `second`, -1 for none. A source of `second` may serve several times.
    """
    i, j, distance = find_pairs(first, second, radius)
    a, b = (np.log(np.asarray(c["flux"], float)) for c in (first, second))
    order = np.lexsort((distance, np.abs(a[i] - b[j])))
    return choose((i[order], j[order], distance[order]), len(a))[0]


def measure_koopmans(found, truth, size):
    """Measure a list in this protocol.

    Parameters
    ----------
    found, truth : pandas.DataFrame
        Listed and true sources: ``cutout`` (zero), ``x``, ``y`` [pixel], ``flux``
        [mJy].
    size : int
        Side of the field [pixel].

    Returns
    -------
    dict
        With the prefix ``koopmans_``: ``complete_above_3``, ``complete_above_6`` of
        true flux, ``reliable_above_3``, ``reliable_above_6`` of listed flux,
        ``within_5_percent``, the fraction of the matched true sources above 8 mJy whose
        flux agrees to 5 %, each with the suffixes ``_low`` and ``_high`` its 68 %
        interval; ``ratio``, the median of listed over true flux of the same sources,
        and its standard error ``ratio_error``.
    """
    wanted, own = (trim_edges(table, size) for table in (truth, found))
    partner = match_flux(wanted, found, RADIUS)
    real = match_flux(own, truth, RADIUS) >= 0
    flux, result = wanted["flux"].to_numpy(), {}
    for limit in LIMITS:
        above = flux >= limit
        result |= fraction(partner[above] >= 0, f"koopmans_complete_above_{limit:g}")
        above = (own["flux"] >= limit).to_numpy()
        result |= fraction(real[above], f"koopmans_reliable_above_{limit:g}")
    bright = (flux >= BRIGHT) & (partner >= 0)
    ratio = found["flux"].to_numpy()[partner[bright]] / flux[bright]
    close = np.abs(ratio - 1.0) <= TOLERANCE
    result |= fraction(close, f"koopmans_within_{100 * TOLERANCE:g}_percent")
    median, error, _ = spread(ratio)
    return result | {"koopmans_ratio": median, "koopmans_ratio_error": error}
