"""Train the network on the simulated and the observed set."""

from superspire.job import run
from superspire.unet.run import train_for_job


def main(job, terminal):
    train_for_job(job, terminal)


if __name__ == "__main__":
    run(main, snakemake, progress=True)
