"""Plans as tables."""

import numpy as np
import pandas as pd

from superspire.planning.stages import survey_stages

MEMORY = 8000.0
"""Memory that a job on a piece of a survey may take [MB]."""


def plan_stages(stages, rates):
    """Put stages and what they take into a table.

    Parameters
    ----------
    stages : list of superspire.planning.stages.Stage
    rates : dict of str to superspire.planning.rates.Rate

    Returns
    -------
    pandas.DataFrame
        Columns rule, jobs, size, unit, hours (of all jobs, one after the other),
        longest_h and memory_gb (of the largest job), disk_gb; NaN without a rate.
    """
    rows = []
    for stage in stages:
        sizes, rate = np.array(list(stage.jobs.values())), rates.get(stage.rule)
        times = rate.seconds(sizes) / 3600.0 if rate else np.array([np.nan])
        memory = rate.megabytes(sizes) / 1e3 if rate else np.array([np.nan])
        rows.append(
            {
                "rule": stage.rule,
                "jobs": len(sizes),
                "size": stage.size,
                "unit": stage.unit,
                "hours": times.sum(),
                "longest_h": times.max(),
                "memory_gb": memory.max(),
                "disk_gb": stage.megabytes * stage.size / 1e3,
            }
        )
    return pd.DataFrame(rows)


def pieces(area, largest):
    """Share an area [deg²] among as few equal pieces as are not larger than allowed."""
    number = max(int(np.ceil(area / largest)), 1)
    return {str(i): area / number for i in range(number)}


def plan_surveys(surveys, rates, architecture="deblender", memory=MEMORY):
    """Plan the super-resolution of large areas, piece by piece.

    Parameters
    ----------
    surveys : dict of str to float
        Areas [deg²].
    rates : dict of str to superspire.planning.rates.Rate
    architecture : str
        What super-resolves them, as in the configuration.
    memory : float
        Memory that a job may take [MB].

    Returns
    -------
    pandas.DataFrame
        Columns survey, area_deg2, pieces, piece_deg2, jobs, hours (of all jobs, one
        after the other), longest_h, memory_gb (of a job), disk_gb.
    """
    rows = []
    for name, area in surveys.items():
        known = [
            rates[stage.rule].largest(memory)
            for stage in survey_stages({}, architecture)
            if stage.rule in rates
        ]
        parts = pieces(area, min(known, default=np.inf))
        table = plan_stages(survey_stages(parts, architecture), rates)
        rows.append(
            {
                "survey": name,
                "area_deg2": area,
                "pieces": len(parts),
                "piece_deg2": area / len(parts),
                "jobs": table["jobs"].sum(),
                "hours": table["hours"].sum(skipna=False),
                "longest_h": table["longest_h"].max(skipna=False),
                "memory_gb": table["memory_gb"].max(skipna=False),
                "disk_gb": table["disk_gb"].sum(),
            }
        )
    return pd.DataFrame(rows)


def text(table):
    """Write a plan for the terminal."""
    formats = {
        "size": "{:.0f}",
        "area_deg2": "{:g}",
        "piece_deg2": "{:.1f}",
        "hours": "{:.2g}",
        "longest_h": "{:.2g}",
        "memory_gb": "{:.1f}",
        "disk_gb": "{:.1f}",
    }
    formatters = {k: v.format for k, v in formats.items() if k in table}
    return table.to_string(index=False, na_rep="?", formatters=formatters)
