"""Find the scales of the bands and the renormalisation of the observed maps."""

import numpy as np
import pandas as pd

from superspire.dataset.normalisation import band_scale, renormalisation, sky_level
from superspire.instruments import PAPER_BANDS
from superspire.io import read_json, read_map, write_json
from superspire.job import run

SAMPLE = 100
"""Training cutouts that the statistics (not the scales) are taken from."""


def main(job):
    index = pd.read_csv(job.input.index)
    train = np.flatnonzero(index["split"] == "train")
    stacks = {
        band: np.load(path, mmap_mode="r")
        for band, path in zip(PAPER_BANDS, job.input.simulated, strict=True)
    }
    sample = train[:: -(-len(train) // SAMPLE)]
    simulated = {band: stack[sample] for band, stack in stacks.items()}
    observed = {
        band: read_map(path).data
        for band, path in zip(PAPER_BANDS, job.input.observed, strict=True)
    }
    scale = {band: band_scale(stack[: len(train)]) for band, stack in stacks.items()}
    factors = renormalisation(simulated, observed)
    write_json(
        job.output[0],
        {
            "scale": scale,
            "observed_factor": factors,
            "sky_level": {b: sky_level(images) for b, images in simulated.items()},
        },
    )
    print(read_json(job.output[0]))


if __name__ == "__main__":
    run(main, snakemake)
