"""Put together what to expect of a super-resolved source of a given flux."""

import pandas as pd

from superspire.evaluation.selection_function import expected_fraction, expected_ratio
from superspire.io import read_columns
from superspire.job import run


def main(job):
    table = pd.concat(
        [
            expected_fraction(pd.read_csv(job.input.completeness), "completeness"),
            expected_fraction(pd.read_csv(job.input.purity), "purity"),
            expected_ratio(*read_columns(job.input.catalogue, "S450", "S500")),
        ]
    )
    table.to_csv(job.output[0], index=False, float_format="%.5g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    run(main, snakemake)
