"""Measure completeness, purity, offsets and fluxes in both protocols (section 4)."""

import numpy as np
import pandas as pd

from superspire.evaluation.protocols import measure
from superspire.instruments import PIXEL
from superspire.io import read_table
from superspire.job import run


def main(job):
    files, params = job.input, job.params
    evaluated = pd.read_csv(files.evaluated)
    unseen = evaluated.loc[evaluated["split"] != "validation", "cutout"]
    rms = pd.read_csv(files.background).set_index("cutout")["sr_rms"]

    def read(path):
        table = read_table(path)
        return table[np.isin(table["cutout"], unseen)]

    found = read(files.sr)
    found["background_rms"] = rms.loc[found["cutout"]].to_numpy()
    tables = measure(
        found,
        read(files.target),
        read(files.injected) if files.injected else None,
        params.match_radius / PIXEL,
        params.strict_radius / PIXEL,
    )
    for name, table in tables.items():
        table.to_csv(job.output[name], index=False, float_format="%.6g")
        print(f"{name}: {len(table)} rows")


if __name__ == "__main__":
    run(main, snakemake)
