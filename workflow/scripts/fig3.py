"""Fig. 3: super-resolved, target and input maps of observed and of independent sky."""

import numpy as np
import pandas as pd

from superspire.evaluation.catalogues import evaluated_rows
from superspire.figures.fig2_3_maps import choose_cutouts, draw_maps
from superspire.figures.style import save, sky_titles
from superspire.io import read_table
from superspire.job import run


def panel(files, i, ranks, title):
    """Gather what is shown of one cutout of the i-th set."""
    evaluated = pd.read_csv(files.evaluated[i])
    rows = evaluated_rows(pd.read_csv(files.index[i]), evaluated)
    target = np.load(files.target[i], mmap_mode="r")
    (row,) = choose_cutouts([target[j] for j in rows], ranks)
    sources = read_table(files.sources[i])
    return {
        "title": title,
        "sr": np.load(files.superresolved[i], mmap_mode="r")[row],
        "target": target[rows[row]],
        "inputs": np.load(files.inputs[i], mmap_mode="r")[rows[row]],
        "sources": sources[sources["cutout"] == evaluated["cutout"][row]],
    }


def main(job):
    files, titles = job.input, sky_titles(job.params.mocked)
    panels = [
        panel(files, 0, (1.0,), titles["observed"]),
        panel(files, 1, (0.5,), titles["independent"]),
    ]
    save(draw_maps(panels), job.output.pdf, job.output.png)


if __name__ == "__main__":
    run(main, snakemake)
