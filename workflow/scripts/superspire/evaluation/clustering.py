"""Clustering and number counts of super-resolved and of true sources (section 5)."""

import numpy as np
import pandas as pd

from superspire.evaluation.counts import differential_counts
from superspire.evaluation.measures import EDGE, trim_edges
from superspire.instruments import CUTOUT, PIXEL
from superspire.photometry.correlation import Window, jackknife_correlation

SEPARATIONS = 10.0 ** np.arange(0.6, 2.61, 0.2)
"""Edges of the bins of separation [arcsec]."""

LIMITS = (6.0, 10.0)
"""Common flux limits of the samples whose clustering is measured [mJy]."""

COUNT_EDGES = 10.0 ** np.arange(0.5, 2.01, 0.1)
"""Edges of the bins of flux [mJy]."""

COLUMNS = ["sample", "limit", "low", "high", "n", "value", "error"]

REGION = 2
"""Side of a region of the jackknife [cutout]."""

MIN_SOURCES = 10
"""Minimum number of sources whose clustering is measured."""


def cutout_window(index):
    """Make the window of the sources in the inner parts of cutouts.

    Parameters
    ----------
    index : pandas.DataFrame
        Cutouts of one sky that do not overlap: ``x0``, ``y0`` [pixel].

    Returns
    -------
    superspire.photometry.correlation.Window
        Without the rims that `trim_edges` takes away, in arcsec on the plane of the
        sky's map.
    """
    corners = index[["x0", "y0"]].to_numpy(float) + EDGE
    return Window(corners * PIXEL, (CUTOUT - 1 - 2 * EDGE) * PIXEL)


def jackknife_regions(index, side=REGION):
    """Gather neighbouring cutouts in regions.

    Parameters
    ----------
    index : pandas.DataFrame
        Cutouts of one sky: ``x0``, ``y0`` [pixel].
    side : int
        Side of a region [cutout].

    Returns
    -------
    ndarray of int, shape (t,)
        Number of each cutout's region.
    """
    corners = index[["x0", "y0"]].to_numpy(float)
    region = (corners - corners.min(axis=0)) // (side * CUTOUT)
    return np.unique(region, axis=0, return_inverse=True)[1].ravel()


def plane_positions(sources, index):
    """Give the positions of sources on the plane of their sky's map.

    Parameters
    ----------
    sources : pandas.DataFrame
        ``cutout``, ``x``, ``y`` [pixel].
    index : pandas.DataFrame
        The cutouts: ``cutout``, ``x0``, ``y0`` [pixel].

    Returns
    -------
    ndarray, shape (2, n)
        [arcsec].
    """
    own = index.set_index("cutout").loc[sources["cutout"]]
    return PIXEL * np.array(
        [sources[axis].to_numpy() + own[f"{axis}0"].to_numpy() for axis in "xy"]
    )


def measure_clustering(samples, index, limits=LIMITS, edges=SEPARATIONS):
    """Measure w(theta) of several samples of sources above common limits of flux.

    Parameters
    ----------
    samples : dict of str to pandas.DataFrame
        ``cutout``, ``x``, ``y`` [pixel] and ``flux`` [mJy].
    index : pandas.DataFrame
        Cutouts of one sky that do not overlap.
    limits : sequence of float
        Minimum fluxes [mJy].
    edges : ndarray
        Edges of the bins of separation [arcsec].

    Returns
    -------
    pandas.DataFrame
        ``sample``, ``limit`` [mJy], ``low``, ``high`` [arcsec], ``n`` pairs, ``value``
        and its jackknife ``error``; nothing of a sample of fewer than `MIN_SOURCES`.
    """
    window, regions = cutout_window(index), jackknife_regions(index)
    edges = edges[edges <= window.extent]
    tables = [pd.DataFrame(columns=COLUMNS)]
    for limit in limits:
        for name, sources in samples.items():
            bright = trim_edges(sources[sources["flux"] >= limit])
            if len(bright) < MIN_SOURCES:
                continue
            x, y = plane_positions(bright, index)
            table = jackknife_correlation(x, y, window, edges, regions)
            table = table.rename(columns={"pairs": "n", "w": "value"})
            tables.append(table.assign(sample=name, limit=limit)[COLUMNS])
    return join(tables)


def measure_counts(samples, index, edges=COUNT_EDGES):
    """Count the sources of several samples by flux.

    Parameters
    ----------
    samples, index
        See `measure_clustering`.
    edges : ndarray
        Edges of the bins of flux [mJy].

    Returns
    -------
    pandas.DataFrame
        ``sample``, ``limit`` (NaN), ``low``, ``high`` [mJy], ``n`` sources, ``value``
        (dN/dS [deg⁻² mJy⁻¹]) and its Poisson ``error``; bins without a source are left
        out.
    """
    area = cutout_window(index).area / 3600.0**2
    tables = [pd.DataFrame(columns=COLUMNS)]
    for name, sources in samples.items():
        table = differential_counts([trim_edges(sources)["flux"]], area, edges)
        first = np.searchsorted(edges, table["S_mJy"]) - 1
        own = {"sample": name, "limit": np.nan}
        own |= {"low": edges[first], "high": edges[first + 1], "value": table["dNdS"]}
        tables.append(table.assign(**own)[COLUMNS])
    return join(tables)


def join(tables):
    """Join tables of which some are empty."""
    return pd.concat([t for t in tables if len(t)] or tables, ignore_index=True)
