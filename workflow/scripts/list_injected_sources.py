"""List the injected sources that lie in the evaluated cutouts."""

from pathlib import Path

import pandas as pd
from astropy.table import Table

from superspire.evaluation.catalogues import (
    project_injected,
    round_columns,
    sky_systems,
)
from superspire.io import write_table
from superspire.job import run


def main(job):
    files = job.input
    catalogues = {Path(path).parent.name: Table.read(path) for path in files.catalogues}
    table = project_injected(
        catalogues, pd.read_csv(files.evaluated), sky_systems(files.maps)
    )
    print(f"{len(table)} injected sources")
    write_table(job.output[0], round_columns(table))


if __name__ == "__main__":
    run(main, snakemake)
