"""Stack the 450 µm and the super-resolved cutouts at their sources (Fig. 6)."""

import numpy as np
import pandas as pd

from superspire.evaluation.catalogues import coverage_weights, evaluated_rows
from superspire.evaluation.measures import trim_edges
from superspire.evaluation.protocols import OFFSET_FLUX
from superspire.evaluation.stacking import (
    HALF,
    combine_groups,
    stack_groups,
    stacked_profile,
)
from superspire.io import read_table, write_json
from superspire.job import run


def main(job):
    files = job.input
    evaluated = pd.read_csv(files.evaluated)
    chosen = np.flatnonzero(evaluated["split"] != "validation")
    rows = evaluated_rows(pd.read_csv(files.index), evaluated)[chosen]
    cutouts = evaluated["cutout"].to_numpy()[chosen]
    target = np.load(files.target_maps, mmap_mode="r")
    generated = np.load(files.superresolved, mmap_mode="r")

    def bright(path):
        table = read_table(path)
        table = table[np.isin(table["cutout"], cutouts)]
        return trim_edges(
            table[table["flux"].value >= OFFSET_FLUX].to_pandas(), edge=HALF
        )

    where = {"target": bright(files.target), "sr": bright(files.sr)}
    if files.injected:
        where["injected"] = bright(files.injected)
    images, records, profiles = {}, {}, []
    for name, sources in where.items():
        position = (sources[column] for column in ("cutout", "x", "y"))
        distinct = coverage_weights(evaluated, *position, HALF).sum()
        maps = {"sr": (generated[i] for i in chosen)}
        if name == "target":
            maps["target"] = (target[i] for i in rows)
        for kind, stream in maps.items():
            groups = stack_groups(list(stream), cutouts, sources)
            key = f"{kind}_at_{name}"
            images[key], records[key] = combine_groups(*groups)
            records[key]["n_distinct"] = distinct
            profiles.append(stacked_profile(*groups).assign(stack=key))
            print(key, records[key])
    np.savez(job.output.images, **images)
    write_json(job.output.widths, records)
    table = pd.concat(profiles, ignore_index=True)
    table.insert(0, "stack", table.pop("stack"))
    table.to_csv(job.output.profiles, index=False, float_format="%.5g")


if __name__ == "__main__":
    run(main, snakemake)
