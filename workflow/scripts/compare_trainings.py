"""Put the network trained on both sets beside the one trained on simulations alone."""

import pandas as pd

from superspire.evaluation.trainings import join_trainings
from superspire.job import run


def main(job):
    both, one = (pd.read_csv(path) for path in (job.input.both, job.input.one))
    trainings = {"both_sets": both, "simulation_only": one}
    table = join_trainings(trainings, job.params.datasets)
    table.to_csv(job.output[0], index=False, float_format="%.4g")
    print(table.to_string())


if __name__ == "__main__":
    run(main, snakemake)
