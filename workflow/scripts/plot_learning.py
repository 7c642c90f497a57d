"""Plot the learning curves of a training."""

import pandas as pd

from superspire.figures.learning import draw_learning
from superspire.figures.style import save
from superspire.io import read_json
from superspire.job import run


def main(job):
    history = pd.read_csv(job.input.history)
    epoch = read_json(job.input.network)["epoch"]
    save(draw_learning(history, epoch), *job.output)


if __name__ == "__main__":
    run(main, snakemake)
