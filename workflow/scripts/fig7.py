"""Fig. 7: completeness and purity."""

import pandas as pd

from superspire.figures.fig7_completeness import draw_recovery, gather
from superspire.figures.style import save


def main(snakemake):
    files, names = snakemake.input, snakemake.params.datasets
    table = gather(
        dict(zip(names, map(pd.read_csv, files.completeness), strict=True)),
        dict(zip(names, map(pd.read_csv, files.purity), strict=True)),
    )
    table.to_csv(snakemake.output.csv, index=False, float_format="%.5g")
    save(draw_recovery(table), snakemake.output.pdf, snakemake.output.png)


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake):
        main(snakemake)
