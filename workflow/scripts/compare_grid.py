"""Compare the sky model without scatter with EGG at the points of its grid."""

import pandas as pd

from superspire.egg.grid_comparison import compare_grid, summarise_grid
from superspire.job import run


def main(job):
    found, expected = (
        pd.read_csv(path, comment="#") for path in (job.input.ours, job.input.egg)
    )
    table = compare_grid(found, expected)
    table.to_csv(job.output[0], index=False, float_format="%.3g")
    for group in summarise_grid(table):
        print(f"{group['group']}: largest difference {group['percent']:.2g} %")


if __name__ == "__main__":
    run(main, snakemake)
