"""Stack the 450 µm and the super-resolved cutouts at their sources (Fig. 6)."""

import numpy as np
import pandas as pd

from superspire.evaluation.catalogues import evaluated_rows
from superspire.evaluation.measures import OFFSET_FLUX
from superspire.evaluation.stacking import combine_groups, stack_groups
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
        return table[table["flux"].value >= OFFSET_FLUX]

    where = {"target": bright(files.target), "sr": bright(files.sr)}
    if files.injected:
        where["injected"] = bright(files.injected)
    images, records = {}, {}
    for name, sources in where.items():
        maps = {"sr": (generated[i] for i in chosen)}
        if name == "target":
            maps["target"] = (target[i] for i in rows)
        for kind, stream in maps.items():
            groups = stack_groups(list(stream), cutouts, sources)
            key = f"{kind}_at_{name}"
            images[key], records[key] = combine_groups(*groups)
            print(key, records[key])
    np.savez(job.output.images, **images)
    write_json(job.output.widths, records)


if __name__ == "__main__":
    run(main, snakemake)
