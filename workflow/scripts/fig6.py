"""Fig. 6: stacked sources, super-resolved and target."""

import numpy as np
import pandas as pd

from superspire.figures.fig6_stacks import draw_stacks
from superspire.figures.style import save, sky_titles
from superspire.io import read_json
from superspire.job import run


def main(job):
    files, names = job.input, job.params.datasets
    stacks = {
        name: dict(np.load(path))
        for name, path in zip(names, files.images, strict=True)
    }
    widths = {
        name: read_json(path) for name, path in zip(names, files.widths, strict=True)
    }
    table = pd.concat(
        [pd.read_csv(path) for path in files.profiles], keys=names, names=["dataset"]
    ).reset_index("dataset")
    table.to_csv(job.output.csv, index=False, float_format="%.5g")
    figure = draw_stacks(stacks, widths, table, sky_titles(job.params.mocked))
    save(figure, job.output.pdf, job.output.png)


if __name__ == "__main__":
    run(main, snakemake)
