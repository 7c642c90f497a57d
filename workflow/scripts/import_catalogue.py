"""Take the sources of one sky from a catalogue that others made."""

from superspire.io import write_table_parts
from superspire.job import run
from superspire.sky.external import read_parts


def main(job):
    params, sky = job.params, job.wildcards.sky
    options = {k: v for k, v in params.catalogue.items() if k != "file"}
    parts = read_parts(
        job.input.catalogue, params.area, log_lir_min=params.log_lir_min, **options
    )
    n = write_table_parts(job.output[0], parts, SKY=sky)
    print(f"{sky}: {n} sources in {params.area} deg² and around it")


if __name__ == "__main__":
    run(main, snakemake)
