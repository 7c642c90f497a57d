"""Put the paper's claims beside ours."""

import pandas as pd

from superspire.evaluation.comparison import compare, readable
from superspire.io import read_json
from superspire.seeds import stream

MEASURES = ("completeness", "purity", "offsets", "fluxes")


def main(snakemake):
    files, names = snakemake.input, snakemake.params.datasets
    datasets = {
        name: {measure: pd.read_csv(files[measure][i]) for measure in MEASURES}
        | {"stack": read_json(files.widths[i])}
        for i, name in enumerate(names)
    }
    table = compare(datasets, stream(snakemake.params.seed, "comparison"))
    table.to_csv(snakemake.output.csv, index=False, float_format="%.4g")
    short = readable(table)
    short.to_csv(snakemake.output.summary, index=False)
    print(short.to_string())


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake):
        main(snakemake)
