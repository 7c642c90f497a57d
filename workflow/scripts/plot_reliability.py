"""Reliability diagrams on nominal and perturbed skies."""

import pandas as pd

from superspire.figures.reliability import draw_reliability
from superspire.figures.style import save
from superspire.job import run
from superspire.methods.conditions import CONDITIONS


def join(files, conditions):
    """Put tables of several conditions below each other."""
    return pd.concat(
        [
            pd.read_csv(file).assign(condition=name, title=CONDITIONS[name].title)
            for file, name in zip(files, conditions, strict=True)
        ],
        ignore_index=True,
    )


def main(job):
    names = job.params.conditions
    diagram = join(job.input.diagrams, names)
    counts = join(job.input.counts, names)
    save(draw_reliability(diagram, counts), job.output.pdf, job.output.png)
    diagram.to_csv(job.output.csv, index=False, float_format="%.4g")
    counts.to_csv(job.output.counts, index=False, float_format="%.4g")


if __name__ == "__main__":
    run(main, snakemake)
