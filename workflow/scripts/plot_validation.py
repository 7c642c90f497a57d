"""Plot the simulated sky against EGG's."""

import pandas as pd

from superspire.figures.sky_validation import draw_sky_validation
from superspire.figures.style import save
from superspire.job import run


def main(job):
    summary, draws = (
        pd.read_csv(path, comment="#") for path in (job.input.summary, job.input.draws)
    )
    grid = pd.read_csv(job.input.grid[0]) if job.input.grid else None
    figure = draw_sky_validation(summary, draws, grid)
    save(figure, job.output.pdf, job.output.png)


if __name__ == "__main__":
    run(main, snakemake)
