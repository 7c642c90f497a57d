"""Relate super-resolved to 450 µm flux, by sources and by two fits (section 4)."""

import numpy as np
import pandas as pd

from superspire.evaluation.calibration import (
    calibrate,
    pair_sources,
    sample_cutouts,
)
from superspire.evaluation.catalogues import evaluated_rows
from superspire.io import read_json, write_json
from superspire.job import run


def main(job):
    files, params = job.input, job.params
    evaluated = pd.read_csv(files.evaluated)
    chosen = np.flatnonzero(evaluated["split"] != "test")
    if len(chosen) == 0:
        chosen = np.arange(len(evaluated))
    cutouts = evaluated.iloc[chosen]
    rows = evaluated_rows(pd.read_csv(files.index), cutouts)
    inputs = np.load(files.inputs, mmap_mode="r")
    target = np.load(files.target, mmap_mode="r")
    generated = np.load(files.superresolved, mmap_mode="r")
    pixels = sample_cutouts(
        (inputs[i, ..., 2] for i in rows),
        (target[i] for i in rows),
        (generated[i] for i in chosen),
        cutouts,
    )
    pairs = pair_sources(
        (target[i] for i in rows),
        (generated[i] for i in chosen),
        cutouts,
        params.threshold,
        params.min_flux,
    )
    record = calibrate(pixels, pairs, params.method, params.brightest_fraction)
    write_json(job.output[0], record | {"n_cutouts": len(cutouts)})
    print(read_json(job.output[0]))


if __name__ == "__main__":
    run(main, snakemake)
