"""Train the paper's network with another loss."""

from superspire.methods.galaxygan import train_adversarially
from superspire.training.trainer import train
from superspire.unet.run import train_for_job


def main(job, terminal):
    adversarial = "adversarial" in job.params.loss
    train_for_job(job, terminal, train_adversarially if adversarial else train)


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake) as terminal:
        main(snakemake, terminal)
