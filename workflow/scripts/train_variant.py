"""Train the paper's network with another loss."""

from superspire.job import run
from superspire.methods.galaxygan import train_adversarially
from superspire.training.trainer import train
from superspire.unet.run import train_for_job


def main(job, terminal):
    adversarial = "adversarial" in job.params.loss
    train_for_job(job, terminal, train_adversarially if adversarial else train)


if __name__ == "__main__":
    run(main, snakemake, progress=True)
