"""Stacks on the super-resolved map over those on the true one, in a figure."""

import pandas as pd

from superspire.figures.stacking_bias import draw_stacking_bias
from superspire.figures.style import save
from superspire.job import run


def main(job):
    table = pd.read_csv(job.input[0])
    save(draw_stacking_bias(table), job.output.pdf, job.output.png)


if __name__ == "__main__":
    run(main, snakemake)
