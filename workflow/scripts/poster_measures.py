"""Poster: offsets, fluxes, stacks, completeness and purity, one figure each."""

import numpy as np
import pandas as pd

from superspire.evaluation.measures import SUPER_RESOLVED
from superspire.evaluation.protocols import PAPER, read_protocol
from superspire.figures.fig4_fluxes import draw_fluxes, flux_bins
from superspire.figures.fig5_offsets import draw_offsets
from superspire.figures.fig6_stacks import SHOWN
from superspire.figures.fig7_completeness import draw_recovery, gather
from superspire.figures.poster import draw_stack
from superspire.figures.style import save, sky_titles
from superspire.io import read_json
from superspire.job import run


def main(job):
    files, output, dataset = job.input, job.output, job.params.dataset
    titles = sky_titles(job.params.mocked)
    offsets = read_protocol(files.offsets, PAPER, selection=SUPER_RESOLVED)
    known = {dataset: offsets.dropna(subset="angle")}
    figures = {"offsets": draw_offsets(known, titles)}
    fluxes = {dataset: read_protocol(files.fluxes, PAPER)}
    figures["fluxes"] = draw_fluxes(fluxes, flux_bins(fluxes), titles)
    stacks, widths = np.load(files.stacks), read_json(files.widths)
    for stack, title in SHOWN.items():
        name = f"psf_{stack.partition('_')[0]}"
        figures[name] = draw_stack(stacks[stack], widths[stack], titles[dataset], title)
    tables = (
        dict(zip(job.params.datasets, map(pd.read_csv, paths), strict=True))
        for paths in (files.completeness, files.purity)
    )
    table = gather(*tables)
    for quantity in ("completeness", "purity"):
        figures[quantity] = draw_recovery(table, titles, (quantity,))
    for name, figure in figures.items():
        save(figure, output[name], output[f"{name}_png"])


if __name__ == "__main__":
    run(main, snakemake)
