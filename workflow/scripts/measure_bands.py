"""Measure what each band adds to SPIRE, with one network that takes them all."""

from pathlib import Path

import pandas as pd

from superspire.deblender.bands import measure_bands
from superspire.deblender.inference import load_deblender
from superspire.deblender.skies import Field
from superspire.job import run
from superspire.training.backend import set_precision, set_threads


def main(job):
    set_threads(job.threads)
    set_precision("auto")
    network = load_deblender(job.input.network)
    field = Field.load(Path(job.input.field[0]).parent)
    table = pd.DataFrame(measure_bands(network, field, job.params.noises))
    table.to_csv(job.output.table, index=False, float_format="%.4g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    run(main, snakemake)
