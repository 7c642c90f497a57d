"""Read the image of a beam that maps are simulated with."""

from superspire.job import run
from superspire.sky.beam_files import read_beam
from superspire.sky.beams import save_beam


def main(job):
    save_beam(job.output[0], read_beam(job.input.beam, int(job.wildcards.band)))


if __name__ == "__main__":
    run(main, snakemake)
