"""Let EGG itself simulate the galaxies of one sky (section 2.1)."""

from tempfile import TemporaryDirectory

from superspire.io import write_table_parts
from superspire.job import run
from superspire.seeds import stream
from superspire.sky.egg_program import PROGRAM, REFERENCE, command, run_program
from superspire.sky.external import read_parts


def main(job):
    params, sky = job.params, job.wildcards.sky
    seed = int(stream(params.seed, "egg", sky).integers(2**31))
    lines = params.emission_lines
    arguments = command(
        params.area, seed, params.z_min, params.z_max, params.log_mass_min, lines
    )
    print(*arguments)
    with TemporaryDirectory(dir=job.resources.tmpdir) as folder:
        parts = read_parts(
            run_program(arguments, folder),
            params.area,
            center=REFERENCE,
            moved_to=params.center,
            log_lir_min=params.log_lir_min,
        )
        n = write_table_parts(
            job.output[0],
            parts,
            SEED=params.seed,
            SKY=sky,
            SOURCE=PROGRAM,
            EGGSEED=seed,
            EFFECTS="emission_lines" if lines else "none",
        )
    print(f"{sky}: {n} galaxies in {params.area} deg²")


if __name__ == "__main__":
    run(main, snakemake)
