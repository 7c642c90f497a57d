"""Sources of a set of 450 µm images, and how many of the true ones are among them."""

import itertools

import numpy as np
import pandas as pd

from superspire.evaluation.measures import binomial_interval, trim_edges
from superspire.photometry.matching import match
from superspire.photometry.sources import extract_sources

EDGES = (6.0, 8.5, 12.0, np.inf)
"""Ranges of flux in which networks are compared [mJy]."""


def catalogue(images, threshold, min_flux):
    """Extract the sources of a set of images.

    Parameters
    ----------
    images : ndarray, shape (n, size, size)
        450 µm images [mJy/beam].
    threshold : float
        Minimum S/N.
    min_flux : float
        Minimum peak [mJy/beam].

    Returns
    -------
    pandas.DataFrame
        ``cutout``, ``x``, ``y`` [pixel] and ``flux`` in circles of 10 arcsec [mJy];
        sources near the rims are left out.
    """
    tables = [pd.DataFrame(columns=["cutout", "x", "y", "flux"], dtype=float)]
    for cutout, image in enumerate(images):
        found = extract_sources(image, threshold, min_flux=min_flux)
        columns = {name: found[name].value for name in ("x", "y")}
        flux = found["aperture_flux"].value
        tables.append(pd.DataFrame({"cutout": cutout, **columns, "flux": flux}))
    filled = [table for table in tables if len(table)]
    return trim_edges(pd.concat(filled or tables), images.shape[1])


def recovery_by_flux(truth, found, radius, edges=EDGES):
    """Measure completeness, purity, fluxes and counts in ranges of flux.

    Parameters
    ----------
    truth, found : pandas.DataFrame
        True and super-resolved sources, see `catalogue`.
    radius : float
        Maximum offset of a match [pixel].
    edges : sequence of float
        Edges of the ranges [mJy].

    Returns
    -------
    pandas.DataFrame
        ``flux_min``, ``flux_max`` [mJy], ``n`` true sources; ``completeness`` and
        ``purity`` with their 68 % errors; ``flux_ratio``, the median of found over
        true flux, and ``flux_scatter``, half the width of its 68 % range; ``offset``,
        median [pixel]; ``counts``, found over true number.
    """
    partner, distance = match(truth, found, radius)
    confirmed = match(found, truth, radius)[0] >= 0
    flux, flux_found = (table["flux"].to_numpy() for table in (truth, found))
    rows = []
    for low, high in itertools.pairwise(edges):
        own = (flux >= low) & (flux < high)
        seen = (flux_found >= low) & (flux_found < high)
        hit = own & (partner >= 0)
        ratio = flux_found[partner[hit]] / flux[hit] if hit.any() else [np.nan]
        q16, q50, q84 = np.quantile(ratio, (0.16, 0.5, 0.84))
        completeness, purity = hit.sum(), (confirmed & seen).sum()
        rows.append(
            {
                "flux_min": low,
                "flux_max": high,
                "n": own.sum(),
                "completeness": fraction(completeness, own.sum()),
                "completeness_error": half_interval(completeness, own.sum()),
                "purity": fraction(purity, seen.sum()),
                "purity_error": half_interval(purity, seen.sum()),
                "flux_ratio": q50,
                "flux_scatter": (q84 - q16) / 2,
                "offset": np.median(distance[hit]) if hit.any() else np.nan,
                "counts": fraction(seen.sum(), own.sum()),
            }
        )
    return pd.DataFrame(rows)


def fraction(part, whole):
    """Divide, or give NaN for a fraction of nothing."""
    return part / whole if whole else np.nan


def half_interval(hits, trials):
    """Half the width of a fraction's 68 % interval."""
    low, high = binomial_interval(hits, trials)
    return (high - low) / 2
