"""Fig. 2: super-resolved, target and input maps of simulated sky."""

import numpy as np
import pandas as pd

from superspire.evaluation.catalogues import evaluated_rows
from superspire.figures.fig2_3_maps import choose_cutouts, draw_maps
from superspire.figures.style import save
from superspire.io import read_table
from superspire.job import run

TITLES = ("Simulated test sky, rich cutout", "Simulated test sky, typical cutout")


def main(job):
    files = job.input
    evaluated = pd.read_csv(files.evaluated)
    chosen = np.flatnonzero(evaluated["split"] == "test")
    rows = evaluated_rows(pd.read_csv(files.index), evaluated)
    target = np.load(files.target, mmap_mode="r")
    inputs = np.load(files.inputs, mmap_mode="r")
    generated = np.load(files.superresolved, mmap_mode="r")
    sources = read_table(files.sources)
    picked = chosen[choose_cutouts([target[rows[i]] for i in chosen])]
    panels = [
        {
            "title": title,
            "sr": generated[i],
            "target": target[rows[i]],
            "inputs": inputs[rows[i]],
            "sources": sources[sources["cutout"] == evaluated["cutout"][i]],
        }
        for i, title in zip(picked, TITLES, strict=False)
    ]
    save(draw_maps(panels), job.output.pdf, job.output.png)


if __name__ == "__main__":
    run(main, snakemake)
