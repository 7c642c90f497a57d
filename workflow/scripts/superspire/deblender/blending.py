"""Errors of the fluxes of sources that share their beam with others."""

import itertools

import numpy as np
import pandas as pd

from superspire.deblender.calibration import QUANTILES, brightest_partner
from superspire.deblender.catalogue import RADIUS
from superspire.deblender.inputs import FLUX_BANDS
from superspire.evaluation.methods import inside
from superspire.instruments import BANDS
from superspire.photometry.flags import blend_fraction

FRACTION_EDGES = (0.0, 0.2, 0.4, 0.6, 1.0)
"""Edges of the bins of the fraction of flux that belongs to other sources."""

LIMIT = 6.0
"""Minimum flux in the band [mJy]."""


def blend_errors(sources, truth, shape, edges=FRACTION_EDGES, limit=LIMIT):
    """Compare flux errors with what is stated, in bins of the blend fraction.

    Parameters
    ----------
    sources : pandas.DataFrame
        What `superspire.deblender.calibration.apply_at` gives, with ``cutout``.
    truth : pandas.DataFrame
        True sources.
    shape : (int, int)
        Shape of the field [pixel].
    edges : array_like
        Edges of the bins.
    limit : float
        Minimum flux in the band [mJy].

    Returns
    -------
    pandas.DataFrame
        One row for each ``band`` and bin (``blend_min``, ``blend_max``). Of the ``n``
        true sources of at least the limit whose brightest listed source within 4 arcsec
        has such a blend fraction: ``ratio``, the median of S over true flux;
        ``scatter``, half the 68 % range of its logarithm; ``stated``, the median
        relative error. Of the ``n_listed`` listed sources whose deboosted flux is at
        least the limit: ``real``, the fraction with a true one within 4 arcsec, and
        ``coverage``, the fraction of these whose true flux is in the 68 % range.
    """
    x, y = (sources[axis].to_numpy(float) for axis in ("x", "y"))
    rows = []
    for band in FLUX_BANDS:
        deboosted = sources[f"deboosted_{band}"].to_numpy(float)
        blend = blend_fraction(x, y, deboosted, BANDS[band].fwhm)
        own = sources.assign(blend=blend)
        pairs = pair_fluxes(own, truth, shape, band, limit)
        listed = list_fluxes(own, truth, shape, band, limit)
        for low, high in itertools.pairwise(edges):
            row = {"band": band, "blend_min": low, "blend_max": high}
            rows.append(
                row
                | summarise_pairs(pairs[pairs["blend"].between(low, high, "left")])
                | summarise_listed(listed[listed["blend"].between(low, high, "left")])
            )
    return pd.DataFrame(rows)


def pair_fluxes(sources, truth, shape, band, limit):
    """List the true sources of a band with what is measured of them."""
    truth = truth[inside(truth, shape, RADIUS) & (truth[f"flux_{band}"] >= limit)]
    truth = truth.reset_index(drop=True)
    partner, _ = brightest_partner(truth, sources)
    own, true = sources.iloc[partner[partner >= 0]], truth[partner >= 0]
    flux, error = (own[f"{name}_{band}"].to_numpy() for name in ("flux", "error"))
    return pd.DataFrame(
        {
            "blend": own["blend"].to_numpy(),
            "log_ratio": np.log(flux / true[f"flux_{band}"].to_numpy()),
            "stated": error / flux,
        }
    )


def list_fluxes(sources, truth, shape, band, limit):
    """List the catalogued sources of a band: whether they and their ranges are true."""
    kept = inside(sources, shape, RADIUS) & (sources[f"deboosted_{band}"] >= limit)
    sources = sources[kept].reset_index(drop=True)
    partner, _ = brightest_partner(sources, truth)
    true = np.append(truth[f"flux_{band}"].to_numpy(), np.nan)[partner]
    low, high = (sources[f"{name}_{band}"].to_numpy() for name in ("low", "high"))
    real = partner >= 0
    held = np.where(real, (true >= low) & (true <= high), np.nan)
    return pd.DataFrame({"blend": sources["blend"], "real": real, "held": held})


def summarise_pairs(pairs):
    """Measure bias, scatter and stated error of pairs; NaN without any."""
    if pairs.empty:
        return {"n": 0} | dict.fromkeys(("ratio", "scatter", "stated"), np.nan)
    low, median, high = np.quantile(pairs["log_ratio"], QUANTILES)
    return {
        "n": len(pairs),
        "ratio": np.exp(median),
        "scatter": 0.5 * (high - low),
        "stated": pairs["stated"].median(),
    }


def summarise_listed(listed):
    """Measure how many listed sources, and ranges of real ones, are true."""
    return {
        "n_listed": len(listed),
        "real": listed["real"].mean(),
        "coverage": listed["held"].mean(),
    }
