"""Super-resolve the images of a dataset that measure the network."""

import numpy as np
import pandas as pd

from superspire.dataset.cutouts import OBSERVED_SPLITS
from superspire.instruments import TARGET
from superspire.job import run
from superspire.training.backend import set_threads
from superspire.unet.inference import load_network, super_resolve


def main(job):
    set_threads(job.threads)
    network = load_network(job.input.network)
    index = pd.read_csv(job.input.index)
    rows = np.flatnonzero(index["split"] != "train")
    images = super_resolve(network, np.load(job.input.images, mmap_mode="r")[rows])
    if index["split"].isin(OBSERVED_SPLITS).any():
        images /= network.meta["normalisation"]["observed_factor"][str(TARGET)]
    np.save(job.output.images, images)
    index.iloc[rows].to_csv(job.output.index, index=False)
    print(f"{len(rows)} images, maximum {images.max():.1f} mJy/beam")


if __name__ == "__main__":
    run(main, snakemake)
