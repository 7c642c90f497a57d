"""Evaluate the sky model without scatter at the points of a grid."""

import pandas as pd

from superspire.errors import InputError
from superspire.job import run
from superspire.sky.dust import load_library
from superspire.sky.filter_curves import load_responses
from superspire.sky.model_egg import evaluate_model

COLUMNS = ("z", "logM", "passive")


def main(job):
    grid = pd.read_csv(job.input.grid, comment="#")
    missing = [name for name in COLUMNS if name not in grid]
    if missing:
        raise InputError(
            f"{job.input.grid}: expected the columns {', '.join(COLUMNS)}, found no "
            f"{', '.join(missing)}"
        )
    table = evaluate_model(
        grid["z"],
        grid["logM"],
        grid["passive"],
        load_library(job.params.dust_library),
        responses=load_responses(job.params.filter_curves),
    ).to_pandas()
    table["passive"] = table["passive"].astype(int)
    table.to_csv(job.output[0], index=False, float_format="%.7g")
    print(f"{len(table)} points")


if __name__ == "__main__":
    run(main, snakemake)
