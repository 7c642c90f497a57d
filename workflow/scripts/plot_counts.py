"""Plot the simulated differential counts over published ones."""

import pandas as pd

from superspire.evaluation.counts import differential_counts
from superspire.figures.counts import draw_counts
from superspire.figures.style import save
from superspire.instruments import BANDS
from superspire.io import read_table


def main(job):
    area = job.params.area * len(job.input.catalogues)
    fluxes = {band: [] for band in BANDS}
    for path in job.input.catalogues:
        sky = read_table(path)
        for band in BANDS:
            fluxes[band].append(sky[f"S{band}"].data)
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
    from superspire.job import job

    with job(snakemake):
        main(snakemake)
