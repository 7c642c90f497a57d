"""Write a table in the format that its ending asks for."""

import pandas as pd

from superspire.exports import export, read_described, with_units
from superspire.job import run


def main(job):
    source = job.input[0]
    if source.endswith(".csv"):
        table = with_units(pd.read_csv(source))
    else:
        table = read_described(source)
    export(table, job.output[0], job.wildcards.kind)


if __name__ == "__main__":
    run(main, snakemake)
