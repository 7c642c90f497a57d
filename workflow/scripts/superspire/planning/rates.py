"""Time and memory of a rule's jobs as straight lines in their size."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from superspire.errors import InputError

COLUMNS = ["rule", "size", "unit", "wall_s", "peak_mb"]


@dataclass(frozen=True)
class Rate:
    """What a job of a rule takes.

    Attributes
    ----------
    start_s, per_unit_s : float
        Time of any job [s] and of each unit of its size.
    start_mb, per_unit_mb : float
        The same for its largest resident memory [MB].
    """

    start_s: float
    per_unit_s: float
    start_mb: float
    per_unit_mb: float

    def seconds(self, size):
        """Time of a job [s]."""
        return self.start_s + self.per_unit_s * size

    def megabytes(self, size):
        """Largest resident memory of a job [MB]."""
        return self.start_mb + self.per_unit_mb * size

    def largest(self, memory):
        """Size of the largest job that fits in a memory [MB]."""
        if self.per_unit_mb == 0:
            return np.inf
        return max(memory - self.start_mb, 0.0) / self.per_unit_mb

    def scaled(self, time, memory):
        """Give the rate of a machine that takes other times and memory."""
        return Rate(
            time * self.start_s,
            time * self.per_unit_s,
            memory * self.start_mb,
            memory * self.per_unit_mb,
        )


def line(sizes, values):
    """Fit a start and a slope, neither below zero, by relative errors.

    Parameters
    ----------
    sizes, values : array_like, shape (n,)
        With one size only, values are taken to be proportional to it.

    Returns
    -------
    (float, float)
    """
    sizes, values = np.asarray(sizes, float), np.asarray(values, float)
    if len(np.unique(sizes)) == 1:
        return 0.0, float(values.mean() / sizes[0])
    matrix = np.column_stack([np.ones_like(sizes), sizes]) / values[:, None]
    start, slope = nnls(matrix, np.ones_like(values))[0]
    return float(start), float(slope)


def read_rates(path):
    """Read measured jobs.

    Parameters
    ----------
    path : path-like
        CSV with the columns `COLUMNS` and comments.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    InputError
        If columns are missing or no size, time or memory of a job is positive.
    """
    table = pd.read_csv(path, comment="#")
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise InputError(
            f"{path}: expected the columns {', '.join(COLUMNS)}, found no {missing[0]}"
        )
    wrong = ~(table[["size", "wall_s", "peak_mb"]] > 0).all(axis=1)
    if wrong.any():
        raise InputError(
            f"{path}: expected positive sizes, times and memory, found "
            f"{table[wrong].iloc[0].to_dict()}"
        )
    return table


def fit_rates(table):
    """Fit the rate of every rule of a table of `read_rates`."""
    return {
        rule: Rate(
            *line(rows["size"], rows["wall_s"]), *line(rows["size"], rows["peak_mb"])
        )
        for rule, rows in table.groupby("rule", sort=False)
    }


def read_benchmark(path):
    """Read time [s] and largest resident memory [MB] of a job, or None.

    Parameters
    ----------
    path : path-like
        A file that Snakemake wrote for a rule's `benchmark`; a job too short to be
        looked at has no memory in it.
    """
    table = pd.read_csv(path, sep="\t", na_values="-")
    values = table.reindex(columns=["s", "max_rss"]).mean()
    if not (values > 0).all():
        return None
    return float(values["s"]), float(values["max_rss"])


def own_rates(rates, folder, stages):
    """Replace rates by what jobs of this configuration took here.

    Parameters
    ----------
    rates : dict of str to Rate
        Rates of another machine.
    folder : pathlib.Path
        Where the benchmarks of the workflow are.
    stages : list of superspire.planning.stages.Stage
        Jobs whose sizes are known.

    Returns
    -------
    rates : dict of str to Rate
        Those of this machine: the other's times a factor in time and in memory.
    measured : list of str
        The rules that were measured here.
    """
    rates, measured = dict(rates), []
    for stage in stages:
        rows = []
        for name, size in stage.jobs.items():
            path = folder / stage.rule / f"{name}.tsv"
            if not name:
                path = folder / f"{stage.rule}.tsv"
            found = read_benchmark(path) if path.exists() else None
            if found:
                rows.append((size, *found))
        if not rows:
            continue
        sizes, times, memory = np.transpose(rows)
        if stage.rule in rates:
            known = rates[stage.rule]
            expected = known.seconds(sizes).sum(), known.megabytes(sizes).sum()
            factors = times.sum() / expected[0], memory.sum() / expected[1]
            rates[stage.rule] = known.scaled(*map(float, factors))
        else:
            rates[stage.rule] = Rate(*line(sizes, times), *line(sizes, memory))
        measured.append(stage.rule)
    return rates, measured
