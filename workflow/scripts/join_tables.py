"""Put tables of the same columns one below the other."""

import pandas as pd

from superspire.job import run


def main(job):
    table = pd.concat([pd.read_csv(path) for path in job.input])
    table.to_csv(job.output[0], index=False)
    print(table.to_string())


if __name__ == "__main__":
    run(main, snakemake)
