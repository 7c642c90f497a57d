"""Differential number counts."""

import numpy as np
import pandas as pd

EDGES = 10.0 ** np.arange(0.0, 2.5001, 0.1)
"""Edges of the bins of flux [mJy], 0.1 dex each."""

STERADIAN = (180.0 / np.pi) ** 2
"""Square degrees in a steradian."""


def differential_counts(fluxes, area, edges=EDGES):
    """Count sources per flux and area.

    Parameters
    ----------
    fluxes : sequence of ndarray
        Flux densities of all sources, in parts [mJy].
    area : float
        Area that they lie in [deg²].
    edges : ndarray
        Edges of the bins [mJy].

    Returns
    -------
    pandas.DataFrame
        ``S_mJy`` (geometric mean of the edges), ``n`` sources, ``dNdS`` and its
        Poisson error ``error`` [deg⁻² mJy⁻¹]; bins without a source are left out.
    """
    n = sum(np.histogram(part, edges)[0] for part in fluxes)
    width = np.diff(edges) * area
    table = pd.DataFrame(
        {
            "S_mJy": np.sqrt(edges[1:] * edges[:-1]),
            "n": n,
            "dNdS": n / width,
            "error": np.sqrt(n) / width,
        }
    )
    return table[table["n"] > 0].reset_index(drop=True)


def euclidean(flux, counts):
    """Normalise differential counts to those of a static Euclidean sky.

    Parameters
    ----------
    flux : array_like
        Flux density [mJy].
    counts : array_like
        dN/dS [deg⁻² mJy⁻¹].

    Returns
    -------
    ndarray
        S^2.5 dN/dS [Jy^1.5 sr⁻¹].
    """
    flux = np.asarray(flux, float) / 1e3
    return flux**2.5 * np.asarray(counts, float) * 1e3 * STERADIAN
