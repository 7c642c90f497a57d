"""Plot the corrected number counts of a field over published ones."""

import numpy as np
import pandas as pd

from superspire.figures.counts import draw_counts
from superspire.figures.style import save
from superspire.job import run


def main(job):
    counts = pd.read_csv(job.input.counts).rename(columns={"band": "band_um"})
    counts["S_mJy"] = np.sqrt(counts["flux_min"] * counts["flux_max"])
    published = pd.read_csv(job.input.published, comment="#")
    figure = draw_counts(counts[counts["n"] > 0], published, job.wildcards.field)
    save(figure, job.output.pdf, job.output.png)


if __name__ == "__main__":
    run(main, snakemake)
