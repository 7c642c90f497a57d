"""Measure the network of every preset of the loss on independent sky."""

import numpy as np
import pandas as pd

from superspire.evaluation.cutout_metrics import catalogue, recovery_by_flux
from superspire.job import run


def main(job):
    limits = dict(job.params.limits)
    radius = limits.pop("radius")
    truth = catalogue(np.load(job.input.target, mmap_mode="r"), 5.0, 0.5)
    tables = {}
    for preset, path in zip(job.params.presets, job.input.images, strict=True):
        found = catalogue(np.load(path, mmap_mode="r"), **limits)
        tables[preset] = recovery_by_flux(truth, found, radius)
    table = pd.concat(tables, names=["preset"]).reset_index("preset")
    print(table.to_string(index=False))
    table.to_csv(job.output[0], index=False, float_format="%.4g")


if __name__ == "__main__":
    run(main, snakemake)
