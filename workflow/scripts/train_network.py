"""Train the network on the simulated and the observed set."""

from superspire.unet.run import train_for_job


def main(job, terminal):
    train_for_job(job, terminal)


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake) as terminal:
        main(snakemake, terminal)
