"""Put the paper's claims beside ours."""

import pandas as pd

from superspire.evaluation.comparison import compare, readable
from superspire.io import read_json
from superspire.job import run
from superspire.seeds import stream

MEASURES = ("completeness", "purity", "offsets", "fluxes")


def main(job):
    files, names = job.input, job.params.datasets
    datasets = {
        name: {measure: pd.read_csv(files[measure][i]) for measure in MEASURES}
        | {"stack": read_json(files.widths[i])}
        for i, name in enumerate(names)
    }
    table = compare(datasets, stream(job.params.seed, "comparison"))
    table.to_csv(job.output.csv, index=False, float_format="%.4g")
    short = readable(table)
    short.to_csv(job.output.summary, index=False)
    print(short.to_string())


if __name__ == "__main__":
    run(main, snakemake)
