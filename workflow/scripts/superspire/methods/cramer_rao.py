"""What no method can do better: errors of a lone source in Gaussian noise."""

import numpy as np
import pandas as pd

from superspire.evaluation.measures import RAYLEIGH_MEDIAN
from superspire.instruments import SPIRE
from superspire.methods.matched_filter import filter_of

BANDS_USED = {"250": (250,), "all": SPIRE}


def least_errors(filter_):
    """Give the Cramér-Rao bounds of flux and position of a lone source.

    With the signal s(k) of a source of 1 mJy and the noise C(k), the Fisher information
    of the flux is the integral of s C⁻¹ s, that of a coordinate, per squared flux, the
    integral of (2 pi k_x)² s C⁻¹ s.

    Parameters
    ----------
    filter_ : superspire.methods.matched_filter.Filter
        Its weights are C⁻¹ s.

    Returns
    -------
    flux : float
        Standard error of the flux [mJy].
    position : float
        Standard error of a coordinate times the flux [arcsec mJy].
    """
    k = filter_.k
    density = np.sum(filter_.weights * filter_.signal, axis=1)
    information = np.trapezoid(2.0 * np.pi * k * density, k)
    gradient = np.trapezoid(4.0 * np.pi**3 * k**3 * density, k)
    return float(information**-0.5), float(gradient**-0.5)


def cramer_rao(maps, beams, statistics, flux):
    """Measure the bounds for the sources of a field.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps [mJy/beam].
    beams : dict of int to superspire.sky.beams.GaussianBeam or ImageBeam
        Their beams.
    statistics : dict
        See `superspire.methods.statistics.source_statistics`.
    flux : ndarray, shape (n,)
        True fluxes at 450 µm [mJy].

    Returns
    -------
    pandas.DataFrame
        ``bands`` "250" or "all"; ``noise``: "instrument" alone, which binds every
        method, or with "confusion" as if it was Gaussian, which binds linear ones;
        ``flux_error`` [mJy], its median ratio to the flux ``scatter``, and
        ``offset_median`` [arcsec].
    """
    silent = statistics | {"confusion": np.zeros((len(SPIRE), len(SPIRE)))}
    rows = []
    for bands, used in BANDS_USED.items():
        for noise, known in (("instrument", silent), ("confusion", statistics)):
            error, position = least_errors(filter_of(maps, beams, known, used))
            offset = RAYLEIGH_MEDIAN * np.median(position / flux)
            rows.append((bands, noise, error, np.median(error / flux), offset))
    columns = ["bands", "noise", "flux_error", "scatter", "offset_median"]
    return pd.DataFrame(rows, columns=columns)
