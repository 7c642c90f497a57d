"""Number counts of a catalogue, corrected for what the network misses and misplaces."""

import numpy as np
import pandas as pd

from superspire.instruments import TARGET

MAX_FACTOR = 3.0
"""Bins that need a larger correction, or its inverse, are left out."""


def corrected_counts(flux, selection_function, area, band=TARGET):
    """Count sources in bins of flux and correct the numbers.

    The factor of each bin comes from mock sky (`superspire.deblender.calibration`) and
    holds for counts like those: it takes in completeness, purity and the sources that
    noise moves from one bin into another.

    Parameters
    ----------
    flux : ndarray, shape (n,)
        Fluxes of the sources in the band [mJy].
    selection_function : pandas.DataFrame
        `superspire.evaluation.selection_function.COLUMNS`; its quantity "counts_450"
        (or of another band) is used.
    area : float
        Area that they lie in [deg²].
    band : int
        The band [µm].

    Returns
    -------
    pandas.DataFrame
        ``flux_min``, ``flux_max`` [mJy], ``n``, ``dNdS`` and ``error`` [deg⁻² mJy⁻¹]:
        the corrected differential counts with the Poisson error of both numbers, the
        one here and the one on mock sky; ``uncorrected`` [deg⁻² mJy⁻¹]; ``factor``.
    """
    factors = selection_function[
        selection_function["quantity"] == f"counts_{band}"
    ].sort_values("flux_min")
    small = factors["value"].between(1.0 / MAX_FACTOR, MAX_FACTOR)
    factors = factors[small]
    rows = []
    for bin_ in factors.itertuples():
        n = int(((flux >= bin_.flux_min) & (flux < bin_.flux_max)).sum())
        per = 1.0 / (area * (bin_.flux_max - bin_.flux_min))
        relative = np.sqrt(1.0 / max(n, 1) + 1.0 / bin_.n)
        density = n * bin_.value * per
        rows.append(
            {
                "flux_min": bin_.flux_min,
                "flux_max": bin_.flux_max,
                "n": n,
                "dNdS": density,
                "error": max(n, 1) * bin_.value * per * relative,
                "uncorrected": n * per,
                "factor": bin_.value,
            }
        )
    return pd.DataFrame(rows)
