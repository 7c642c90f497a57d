"""Write a table in the format that its ending asks for."""

import pandas as pd

from superspire.exports import export, read_described, with_units


def main(snakemake):
    source = snakemake.input[0]
    if source.endswith(".csv"):
        table = with_units(pd.read_csv(source))
    else:
        table = read_described(source)
    export(table, snakemake.output[0], snakemake.wildcards.kind)


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake):
        main(snakemake)
