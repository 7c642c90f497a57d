"""What to expect of a super-resolved source of a given flux, measured on mock sky."""

import itertools

import numpy as np
import pandas as pd

from superspire.evaluation.protocols import STRICT

LEAST = 20
"""Minimum number of sources of a bin that counts."""

RATIO_EDGES = 10.0 ** np.arange(0.3, 2.0001, 0.1)
"""Edges of the bins of 450 µm flux in which the colour is measured [mJy]."""

COLUMNS = ("quantity", "flux_min", "flux_max", "flux", "value", "low", "high", "n")
"""Edges and median of each bin of 450 µm flux [mJy]; what is expected there, the ends
of its 68 % range (of the mean for shares, of the galaxies for colours), and the number
of sources behind it."""


def expected_fraction(table, quantity):
    """Take completeness or purity against the injected sources from its measurement.

    Parameters
    ----------
    table : pandas.DataFrame
        What `superspire.evaluation.protocols.measure` writes for independent sky.
    quantity : {"completeness", "purity"}
        Its name.

    Returns
    -------
    pandas.DataFrame
        COLUMNS; bins of fewer than LEAST sources are left out.
    """
    own = table[(table["protocol"] == STRICT) & (table["measure"] == "position")]
    own = own[np.isfinite(own["flux_max"]) & (own["n"] >= LEAST)]
    own = own.rename(columns={"fraction": "value"}).assign(quantity=quantity)
    return own[list(COLUMNS)]


def expected_ratio(flux_450, flux_500, edges=RATIO_EDGES):
    """Measure the ratio of the 500 to the 450 µm flux of simulated galaxies.

    Parameters
    ----------
    flux_450, flux_500 : ndarray, shape (n,)
        Flux densities [mJy].
    edges : ndarray
        Edges of the bins of 450 µm flux [mJy].

    Returns
    -------
    pandas.DataFrame
        COLUMNS with quantity "S500/S450": median and 16 to 84 % range per bin.
    """
    ratio = flux_500 / flux_450
    rows = []
    for low, high in itertools.pairwise(edges):
        own = (flux_450 >= low) & (flux_450 < high)
        if own.sum() >= LEAST:
            q16, median, q84 = np.quantile(ratio[own], (0.16, 0.5, 0.84))
            flux = np.median(flux_450[own])
            rows.append(("S500/S450", low, high, flux, median, q16, q84, own.sum()))
    return pd.DataFrame(rows, columns=COLUMNS)


def at_flux(table, quantity, flux, fainter=True):
    """Interpolate a selection function in the logarithm of flux.

    Parameters
    ----------
    table : pandas.DataFrame
        COLUMNS.
    quantity : str
        Which of its quantities.
    flux : ndarray, shape (n,)
        Flux densities [mJy].
    fainter : bool
        Whether the faintest value holds for still fainter sources; NaN otherwise. The
        brightest one holds for brighter ones.

    Returns
    -------
    value, error : ndarray, shape (n,)
        The selection_function and half its 68 % range.
    """
    own = table[table["quantity"] == quantity].sort_values("flux")
    flux = np.asarray(flux, float)
    if own.empty:
        return np.full(flux.shape, np.nan), np.full(flux.shape, np.nan)
    known = np.log(own["flux"].to_numpy(float))
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.log(flux)
    value, low, high = (
        np.interp(x, known, own[name].to_numpy(float))
        for name in ("value", "low", "high")
    )
    error = 0.5 * (high - low)
    if not fainter:
        outside = ~(flux >= own["flux_min"].min())
        value[outside] = error[outside] = np.nan
    return value, error
