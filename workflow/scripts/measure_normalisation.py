"""Find the scales of the bands and the renormalisation of the observed maps."""

import numpy as np
import pandas as pd
from astropy.io import fits
from astropy.wcs import WCS

from superspire.dataset.cutouts import cutout_map
from superspire.dataset.normalisation import (
    PARTNER,
    band_scale,
    paired_pixels,
    renormalisation,
    sky_level,
)
from superspire.instruments import PAPER_BANDS, TARGET
from superspire.io import read_json, read_map, write_json
from superspire.job import run

SAMPLE = 100
"""Training cutouts that the statistics (not the scales) are taken from."""


def simulated_pairs(job, stacks, cutouts):
    """Pair the pixels of cutouts at 450 µm and in the SPIRE band, (2, n)."""
    files = np.reshape(job.input.maps, (len(job.params.skies), len(PAPER_BANDS)))
    wcs = {
        (sky, band): WCS(fits.getheader(path))
        for sky, paths in zip(job.params.skies, files, strict=True)
        for band, path in zip(PAPER_BANDS, paths, strict=True)
    }
    pairs = []
    for row in cutouts.itertuples():
        corners = {TARGET: (row.x0, row.y0)}
        corners[PARTNER] = [getattr(row, f"{axis}0_{PARTNER}") for axis in "xy"]
        maps = (
            cutout_map(stacks[band][row.Index], wcs[row.sky, band], *corners[band])
            for band in (TARGET, PARTNER)
        )
        pairs.append(paired_pixels(*maps))
    return np.concatenate(pairs, axis=1)


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
        band: read_map(path)
        for band, path in zip(PAPER_BANDS, job.input.observed, strict=True)
    }
    scale = {band: band_scale(stack[: len(train)]) for band, stack in stacks.items()}
    factors = renormalisation(
        simulated,
        {band: map_.data for band, map_ in observed.items()},
        simulated_pairs(job, stacks, index.iloc[sample]),
        paired_pixels(observed[TARGET], observed[PARTNER]),
    )
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
