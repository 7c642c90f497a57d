"""The model without scatter against EGG, point by point of a grid."""

import numpy as np
import pandas as pd

from superspire.errors import InputError

POINT = ["z", "logM", "passive"]

TOLERANCES = {"properties": 1e-5, "fluxes": 3e-3}
"""Allowed relative differences: the digits of EGG's table, and what the compact
library and the top-hats cost."""


def compare_grid(found, expected):
    """Compute the relative differences of the model without scatter from EGG.

    Parameters
    ----------
    found, expected : pandas.DataFrame
        The points of the grid (``z``, ``logM``, ``passive``) and the properties there.

    Returns
    -------
    pandas.DataFrame
        The points and, for each property, ours over EGG's less one (or ours if EGG's
        is zero).

    Raises
    ------
    InputError
        If the points or the properties are not the same.
    """
    missing = [name for name in expected if name not in found]
    if missing:
        raise InputError(
            f"grid: expected the columns {', '.join(expected)}, found no "
            f"{', '.join(missing)}"
        )
    points = [table[POINT].to_numpy(float) for table in (found, expected)]
    if points[0].shape != points[1].shape or not np.allclose(*points):
        raise InputError(
            f"grid: expected the {len(expected)} points of EGG's grid in its order, "
            f"found {len(found)} points that are not these"
        )
    columns = [name for name in expected if name not in POINT]
    ours, eggs = found[columns], expected[columns]
    scale = eggs.abs().where(eggs != 0, 1.0)
    return pd.concat([expected[POINT], (ours - eggs) / scale], axis=1)


def flux_columns(differences):
    """List the columns of fluxes."""
    return [name for name in differences if name.endswith("_mJy")]


def summarise_grid(differences):
    """Count the values without scatter that agree with EGG's.

    Parameters
    ----------
    differences : pandas.DataFrame
        What `compare_grid` gives.

    Yields
    ------
    dict
        Of the properties and of the fluxes ``group``, ``quantities``, how many
        ``agree``, and the maximum difference in ``percent``.
    """
    fluxes = flux_columns(differences)
    others = [name for name in differences if name not in [*POINT, *fluxes]]
    for kind, names in (("properties", others), ("fluxes", fluxes)):
        values = differences[names].abs().to_numpy()
        yield {
            "group": f"grid: {kind}",
            "quantities": values.size,
            "agree": int(np.sum(values <= TOLERANCES[kind])),
            "expected_beyond": 0.0,
            "percent": 100.0 * float(values.max()),
        }


def name_disagreeing_points(differences):
    """Name the values of `compare_grid` that do not agree.

    Parameters
    ----------
    differences : pandas.DataFrame
        The differences.

    Returns
    -------
    list of str
    """
    fluxes, names = flux_columns(differences), []
    for row in differences.to_dict("records"):
        for name in row.keys() - set(POINT):
            limit = TOLERANCES["fluxes" if name in fluxes else "properties"]
            if not abs(row[name]) <= limit:
                kind = "passive" if row["passive"] else "active"
                names.append(
                    f"grid, {name} at z = {row['z']:g}, log M = {row['logM']:g}, "
                    f"{kind}: {100 * row[name]:+.2g} % (allowed: {100 * limit:g} %)"
                )
    return names
