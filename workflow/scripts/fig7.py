"""Fig. 7: completeness and purity."""

import pandas as pd

from superspire.figures.fig7_completeness import draw_recovery, gather
from superspire.figures.style import save, sky_titles
from superspire.job import run


def main(job):
    files, names = job.input, job.params.datasets
    table = gather(
        dict(zip(names, map(pd.read_csv, files.completeness), strict=True)),
        dict(zip(names, map(pd.read_csv, files.purity), strict=True)),
    )
    table.to_csv(job.output.csv, index=False, float_format="%.5g")
    figure = draw_recovery(table, sky_titles(job.params.mocked))
    save(figure, job.output.pdf, job.output.png)


if __name__ == "__main__":
    run(main, snakemake)
