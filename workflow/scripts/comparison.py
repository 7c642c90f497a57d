"""Put the paper's claims beside ours."""

import pandas as pd

from superspire.evaluation.comparison import compare, readable
from superspire.io import read_json
from superspire.job import run
from superspire.seeds import stream


def main(job):
    files, params = job.input, job.params
    datasets = {
        name: {measure: pd.read_csv(files[measure][i]) for measure in params.measures}
        | {"stack": read_json(files.widths[i])}
        for i, name in enumerate(params.datasets)
    }
    table = compare(datasets, stream(params.seed, "comparison"), params.mocked)
    table.to_csv(job.output.csv, index=False, float_format="%.4g")
    short = readable(table)
    short.to_csv(job.output.summary, index=False)
    print(short.to_string())


if __name__ == "__main__":
    run(main, snakemake)
