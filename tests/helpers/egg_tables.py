"""Tables of the validation as they are when the sky model is EGG itself."""

from pathlib import Path

import numpy as np
import pandas as pd

from superspire.egg import measurements as sky
from superspire.egg.agreement import COUNTED
from superspire.egg.egg_reference import FILES, read_reference, reference_table

REFERENCE = Path(__file__).parents[2] / "resources" / "validation"
AREA, FIELDS = 4.0, 5


def read_all():
    """Read EGG's tables."""
    return {name: read_reference(REFERENCE / f"egg_{name}.csv", name) for name in FILES}


def fields_like_egg(rng=None):
    """Make what is measured in five fields whose means are EGG's, or scattered."""
    table = reference_table(read_all())
    table["unit"] = ""
    edges = [("counts", sky.COUNT_EDGES), ("correlation", sky.SEPARATIONS)]
    for group, bounds in edges:
        rows = table["group"] == group
        parts = table.loc[rows, "quantity"].str.extract(r"([\d.]+)-([\d.]+)")
        for name, part in zip(("low", "high"), (parts[0], parts[1]), strict=True):
            nearest = [bounds[np.argmin(np.abs(bounds - float(x)))] for x in part]
            table.loc[rows, name] = nearest
    counts = table["group"].isin(COUNTED)
    error = table["egg_error"].fillna(1e-3 * table["egg"].abs())
    fields = []
    for _ in range(FIELDS):
        field = table[["group", "quantity", "band_um", "unit", "low", "high"]].copy()
        mean = table["egg_n"] / FIELDS
        field["n"] = mean if rng is None else rng.poisson(mean.fillna(0.0))
        field["n"] = field["n"].where(counts)
        noise = 0.0 if rng is None else rng.normal(size=len(table)) * np.sqrt(FIELDS)
        field["value"] = (table["egg"] + noise * error).where(
            ~counts, field["n"] / AREA
        )
        poisson = (error * np.sqrt(FIELDS)).where(table["group"] != "confusion")
        field["poisson"] = poisson.where(~counts, np.sqrt(field["n"]) / AREA)
        fields.append(field)
    return fields


def draws_like_egg(rng):
    """Make a table of pulls that are unit normal."""
    n = 480
    kind = np.where(np.arange(n) % 3, "draws: properties", "draws: fluxes")
    table = pd.DataFrame({"group": kind, "z": 2.0, "logM": 10.8, "passive": 0})
    table = table.assign(quantity="log10_SFR", statistic="mean", egg=1.0)
    table = table.assign(egg_error=0.1, ours_error=0.1, chance=1e-4, agrees="yes")
    table["sigma"] = rng.normal(size=n)
    table["difference"] = table["sigma"] * np.hypot(0.1, 0.1)
    return table.assign(ours=table["egg"] + table["difference"])
