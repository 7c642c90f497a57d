"""Galaxies of fixed redshift, mass and type against EGG's."""

import numpy as np
import pandas as pd
from scipy.stats import norm

from superspire.egg.agreement import pulls
from superspire.egg.agreement_summary import pull_limit
from superspire.egg.egg_reference import DIGITS
from superspire.egg.sampling import mean_error, percentile_errors, std_error
from superspire.errors import InputError
from superspire.instruments import PAPER_BANDS
from superspire.sky.galaxies import draw_scatter
from superspire.sky.model_egg import evaluate_model

BLOCK = 20_000
"""Galaxies that are evaluated at a time."""

LOGARITHMS = {
    "log10_SFR": "SFR",
    "log10_IRX": "IRX",
    "log10_LIR": "LIR_Lsun",
    "log10_IR8": "IR8",
    "log10_Mdust": "Mdust_Msun",
} | {f"log10_S{band}_mJy": f"S{band}_mJy" for band in PAPER_BANDS}
"""Quantities of EGG's table that are logarithms of columns of ours."""

POINT = ["z", "logM", "passive"]


def draw_point(z, log_mass, passive, n, rng, dust, responses=None):
    """Draw galaxies of one redshift, mass and type.

    Parameters
    ----------
    z, log_mass : float
        Redshift and stellar mass [log10 Msun].
    passive : bool
        Quiescent or not.
    n : int
        Number of galaxies.
    rng : numpy.random.Generator
        Source of the scatter.
    dust : superspire.sky.dust.DustLibrary
        Dust templates.
    responses : dict, optional
        Responses of the bands, by default top-hats.

    Returns
    -------
    dict of ndarray, shape (n,)
        The columns of `evaluate_model` and the logarithms that EGG's table has.
    """
    parts = []
    for start in range(0, n, BLOCK):
        size = min(BLOCK, n - start)
        point = (np.full(size, value) for value in (z, log_mass, passive))
        scatter = draw_scatter(size, rng)
        parts.append(evaluate_model(*point, dust, scatter, responses))
    names = parts[0].colnames
    drawn = {name: np.concatenate([part[name] for part in parts]) for name in names}
    logs = {name: np.log10(drawn[column]) for name, column in LOGARITHMS.items()}
    return drawn | logs


def sample_statistics(sample, statistics):
    """Measure the mean, standard deviation and percentiles of a sample.

    Parameters
    ----------
    sample : ndarray, shape (n,)
        Independent draws.
    statistics : sequence of str
        ``mean``, ``std`` or percentiles such as ``p99.9``.

    Returns
    -------
    values, errors : ndarray
        The statistics and their standard errors (`superspire.egg.sampling`).
    """
    percents = [float(name[1:]) for name in statistics if name.startswith("p")]
    names = ["mean", "std", *(f"p{percent:g}" for percent in percents)]
    values = [sample.mean(), sample.std(), *np.percentile(sample, percents)]
    errors = [mean_error(sample), std_error(sample)]
    errors += percentile_errors(sample, percents).tolist()
    order = [names.index(name) for name in statistics]
    return np.array(values)[order], np.array(errors)[order]


def compare_draws(reference, draw):
    """Hold the distributions of fixed points against EGG's.

    Parameters
    ----------
    reference : pandas.DataFrame
        EGG's table: ``z``, ``logM``, ``passive``, ``quantity``, ``N`` and a column per
        statistic.
    draw : callable
        From z, logM, passive and the number of the point to what `draw_point` gives.

    Returns
    -------
    pandas.DataFrame
        One row per point, quantity and statistic: ``group`` (properties or fluxes),
        ``egg``, ``egg_error``, ``ours``, ``ours_error``, ``difference``, ``sigma``,
        the pull, ``chance`` and ``agrees``: whether the pull is below the one that the
        largest of them all exceeds by chance in one of twenty cases; empty for
        percentiles with too few draws beyond.

    Raises
    ------
    InputError
        If the table has a quantity that the model does not have.
    """
    statistics = [name for name in reference if name[0] == "p" and name[1:2].isdigit()]
    statistics = ["mean", "std", *statistics]
    parts = []
    for i, (point, rows) in enumerate(reference.groupby(POINT, sort=False)):
        drawn = draw(*point, i)
        for row in rows.to_dict("records"):
            quantity = row["quantity"]
            if quantity not in drawn:
                raise InputError(
                    f"stochastic points: expected quantities of the model "
                    f"({', '.join(drawn)}), found {quantity!r}"
                )
            sample = drawn[quantity]
            values, errors = sample_statistics(sample, statistics)
            part = pd.DataFrame({"statistic": statistics})
            part["egg"] = [row[name] for name in statistics]
            error = errors * np.sqrt(len(sample) / row["N"])
            part["egg_error"] = np.hypot(error, DIGITS * part["egg"])
            part["ours"], part["ours_error"] = values, errors
            kind = "fluxes" if quantity.endswith("_mJy") else "properties"
            names = dict(zip(POINT, point, strict=True)) | {"quantity": quantity}
            parts.append(part.assign(group=f"draws: {kind}", **names))
    table = pd.concat(parts, ignore_index=True)
    table["difference"] = table["ours"] - table["egg"]
    error = np.hypot(table["egg_error"], table["ours_error"])
    table["sigma"] = pulls(table["difference"], error)
    limit = pull_limit(len(table))
    table["chance"] = 2.0 * norm.sf(limit)
    agrees = np.where(table["sigma"].abs() <= limit, "yes", "no")
    table["agrees"] = np.where(error.isna(), "", agrees)
    first = ["group", *POINT, "quantity"]
    return table[[*first, *table.columns.difference(first, sort=False)]]
