"""Interpolate the native SPIRE cutouts of a dataset to pixels of 1 arcsec."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from astropy.io import fits
from astropy.wcs import WCS

from superspire.dataset.cutouts import OBSERVED_SPLITS, cutout_map
from superspire.errors import InputError
from superspire.instruments import CUTOUT, PAPER_BANDS, SPIRE, TARGET
from superspire.io import new_array, read_json
from superspire.job import run
from superspire.maps.interpolation import interpolate


def main(job):
    index = pd.read_csv(job.input.index)
    factors = read_json(job.input.normalisation)["observed_factor"]
    stacks = [np.load(path, mmap_mode="r") for path in job.input.stacks]
    files = np.reshape(job.input.maps, (len(job.params.skies), len(PAPER_BANDS)))
    wcs = {
        (sky, band): WCS(fits.getheader(path))
        for sky, paths in zip(job.params.skies, files, strict=True)
        for band, path in zip(PAPER_BANDS, paths, strict=True)
    }
    images = new_array(job.output[0], (len(index), CUTOUT, CUTOUT, len(SPIRE)))

    def fill(row):
        grid = cutout_map(None, wcs[row.sky, TARGET], row.x0, row.y0).wcs
        for channel, (band, stack) in enumerate(zip(SPIRE, stacks, strict=True)):
            native = cutout_map(
                stack[row.Index],
                wcs[row.sky, band],
                getattr(row, f"x0_{band}"),
                getattr(row, f"y0_{band}"),
            )
            image = interpolate(native, grid, (CUTOUT, CUTOUT))
            if not np.isfinite(image).all():
                raise InputError(
                    f"cutout {row.cutout} of {row.sky}: expected observed sky at "
                    f"{band} µm all over it, found NaN; move or shrink the grid"
                )
            if row.split in OBSERVED_SPLITS:
                image = image * np.float32(factors[str(band)])
            images[row.Index, :, :, channel] = image

    with ThreadPoolExecutor(job.threads) as pool:
        for _ in pool.map(fill, index.itertuples()):
            pass
    images.flush()
    print(f"{len(index)} images")


if __name__ == "__main__":
    run(main, snakemake)
