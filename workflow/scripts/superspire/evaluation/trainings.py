"""Two trainings of the network, measured on the same sky."""

import pandas as pd

KEYS = ["claim", "quantity", "dataset", "protocol"]
VALUES = ["value", "low", "high", "chance", "n_distinct"]


def join_trainings(tables, datasets):
    """Put the comparisons of several trainings beside each other.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        Name of a training to its comparison with the paper, see
        `superspire.evaluation.comparison.compare`.
    datasets : sequence of str
        Sets of cutouts that are kept.

    Returns
    -------
    pandas.DataFrame
        One row per claim, set of cutouts and protocol: ``claim``, ``quantity``,
        ``dataset``, ``protocol``, and for each training its ``value``, the ends
        ``low`` and ``high`` of its 68 % interval, the ``chance`` level and the number
        of distinct sources ``n_distinct``, all after the training's name. The
        intervals do not know that the sky is the same, so that a difference is better
        known than from both of them.
    """
    parts = [
        table[table["dataset"].isin(datasets)]
        .set_index(KEYS)[VALUES]
        .add_prefix(f"{name}_")
        for name, table in tables.items()
    ]
    return pd.concat(parts, axis=1).reset_index()
