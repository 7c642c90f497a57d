"""Plot the simulated differential counts over published ones."""

import numpy as np
import pandas as pd
from astropy.io import fits

from superspire.evaluation.counts import differential_counts
from superspire.figures.counts import draw_counts
from superspire.figures.style import save
from superspire.instruments import PAPER_BANDS
from superspire.io import read_columns
from superspire.job import run
from superspire.sky.external import tangent_offsets


def main(job):
    area = job.params.area * len(job.input.catalogues)
    fluxes = {band: [] for band in PAPER_BANDS}
    for path in job.input.catalogues:
        header = fits.getheader(path, 1)
        ra, dec = read_columns(path, "RA", "DEC")
        offsets = tangent_offsets(ra, dec, (header["RA0"], header["DEC0"]))
        inside = np.max(np.abs(offsets), axis=0) <= 0.5 * header["AREA"] ** 0.5
        for band in PAPER_BANDS:
            fluxes[band].append(read_columns(path, f"S{band}")[0][inside])
    counts = pd.concat(
        [
            differential_counts(parts, area).assign(band_um=b)
            for b, parts in fluxes.items()
        ]
    )
    counts.to_csv(job.output.csv, index=False, float_format="%.5g")
    published = pd.read_csv(job.input.published, comment="#")
    save(draw_counts(counts, published), job.output.pdf, job.output.png)


if __name__ == "__main__":
    run(main, snakemake)
