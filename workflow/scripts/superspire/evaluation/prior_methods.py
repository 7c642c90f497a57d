"""Compare methods that are given a list of 24 µm sources, on one field."""

import numpy as np

from superspire.evaluation.catalogues import TRUTH_LIMIT
from superspire.evaluation.koopmans import measure_koopmans
from superspire.evaluation.measures import trim_edges
from superspire.evaluation.methods import (
    flux_fractions,
    fraction,
    spread,
    summarise,
)
from superspire.photometry.matching import match

MIN_FLUX = 1.5
"""Faintest source of a list that counts [mJy]: half the faintest true one that is
looked for. A fit at given positions lists any number of fainter ones."""

FAINT_24 = 0.045
"""Maximum 24 µm flux of the galaxies that are measured apart [mJy]."""

FAINT_RANGE = (5.0, 8.0)
"""Their range of flux at 450 µm [mJy]."""

SCATTER_RANGES = {"6_8": (6.0, 8.0), "above_10": (10.0, np.inf)}
"""Ranges of true flux in which the scatter of ln S450 is measured [mJy]."""

PERCENTILE_ERROR = 0.96
"""Standard error of half the 68 % range of n normal deviates, times n^0.5, in standard
deviations."""

LISTED = {
    "complete_3_5": (3.0, 5.0),
    "complete_5_6": (5.0, 6.0),
    "complete_6_8": (6.0, 8.0),
    "complete_above_6": (6.0, np.inf),
    "complete_above_10": (10.0, np.inf),
    "pure_above_3": (3.0, np.inf),
    "pure_above_5": (5.0, np.inf),
    "pure_above_10": (10.0, np.inf),
}
"""Fractions of `superspire.evaluation.methods.flux_fractions` that are shown, and their
ranges of true (complete) or listed flux (pure) [mJy]."""


def compare_with_24(found, truth, list_24, match_radius, strict_radius, size):
    """Put what a method is worth into one row.

    Parameters
    ----------
    found, truth, list_24 : pandas.DataFrame
        Sources of the method, all true ones with ``flux_24`` [mJy], and those of the
        24 µm list: ``cutout`` (zero), ``x``, ``y`` [pixel], ``flux`` [mJy].
    match_radius, strict_radius : float
        Radii of a match [pixel].
    size : int
        Side of the field [pixel].

    Returns
    -------
    dict
        ``n_complete_3_5``, ``n_pure_above_3`` and so on, the numbers of true or listed
        sources; `LISTED` with their 68 % intervals ``_low`` and ``_high``;
        ``recovered`` (a factor two above 10 mJy); ``ln_scatter_6_8``,
        ``ln_scatter_above_10``, half the 68 % range of ln of listed over true flux,
        with their standard errors; ``ratio`` and ``offset`` above 10 mJy with their
        errors; what `superspire.evaluation.koopmans.measure_koopmans` gives; and
        `measure_faint`.
    """
    found = found[found["flux"] >= MIN_FLUX].reset_index(drop=True)
    fractions = flux_fractions(found, truth, strict_radius, size)
    whole = summarise(found, truth, match_radius, strict_radius, size)
    row = number_sources(found, truth, size)
    for name in LISTED:
        row |= {
            f"{name}{end}": fractions[f"{name}{end}"] for end in ("", "_low", "_high")
        }
    wanted = ("recovered", "recovered_low", "recovered_high")
    wanted += ("ratio", "ratio_error", "offset", "offset_error")
    row |= {name: whole[name] for name in wanted}
    row |= log_scatter(found, truth, strict_radius, size)
    row |= measure_koopmans(found, truth, size)
    return row | measure_faint(found, truth, list_24, strict_radius, size)


def number_sources(found, truth, size):
    """Count the sources that the fractions of `LISTED` are of."""
    numbers = {}
    for name, (low, high) in LISTED.items():
        table = found if name.startswith("pure") else truth
        flux = trim_edges(table, size)["flux"]
        numbers[f"n_{name}"] = int(np.sum((flux >= low) & (flux < high)))
    return numbers


def log_scatter(found, truth, radius, size):
    """Measure the scatter of ln S450 in ranges of true flux.

    Parameters
    ----------
    found, truth : pandas.DataFrame
        See `compare_with_24`.
    radius : float
        Radius of a match [pixel].
    size : int
        Side of the field [pixel].

    Returns
    -------
    dict
        Half the 68 % range, and its standard error for a normal distribution.
    """
    truth = trim_edges(truth, size)
    partner = match(truth, found, radius)[0]
    flux, result = truth["flux"].to_numpy(), {}
    for name, (low, high) in SCATTER_RANGES.items():
        rows = (partner >= 0) & (flux >= low) & (flux < high)
        ratio = np.log(found["flux"].to_numpy()[partner[rows]] / flux[rows])
        scatter = spread(ratio)[2]
        result[f"ln_scatter_{name}"] = scatter
        error = scatter / np.sqrt(max(len(ratio), 1)) * PERCENTILE_ERROR
        result[f"ln_scatter_{name}_error"] = error
    return result


def measure_faint(found, truth, list_24, radius, size):
    """Measure the sources that are faint at 24 µm.

    Parameters
    ----------
    found, truth, list_24 : pandas.DataFrame
        See `compare_with_24`.
    radius : float
        Radius of a match [pixel].
    size : int
        Side of the field [pixel].

    Returns
    -------
    dict
        ``faint_24_complete``, of true sources below `FAINT_24` at 24 µm and in
        `FAINT_RANGE` at 450 µm; ``faint_24_pure``, of sources of the method in this
        range without a counterpart in the 24 µm list, those within the radius of any
        true source of 1 mJy or more; each with ``_low`` and ``_high``, and the numbers
        ``n_faint_24_complete`` and ``n_faint_24_pure``.
    """
    wanted = trim_edges(truth, size)
    wanted = wanted[wanted["flux"].between(*FAINT_RANGE, inclusive="left")]
    wanted = wanted[wanted["flux_24"] < FAINT_24].reset_index(drop=True)
    own = trim_edges(found, size)
    own = own[own["flux"].between(*FAINT_RANGE, inclusive="left")]
    own = own.reset_index(drop=True)
    own = own[match(own, list_24, radius)[0] < 0].reset_index(drop=True)
    real = truth[truth["flux"] >= TRUTH_LIMIT]
    return {
        "n_faint_24_complete": len(wanted),
        "n_faint_24_pure": len(own),
        **fraction(match(wanted, found, radius)[0] >= 0, "faint_24_complete"),
        **fraction(match(own, real, radius)[0] >= 0, "faint_24_pure"),
    }
