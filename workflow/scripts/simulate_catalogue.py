"""Simulate the galaxies of one sky by one of the two models (section 2.1)."""

from superspire.io import write_table_parts
from superspire.job import run
from superspire.seeds import stream
from superspire.sky.catalogue import simulate_parts
from superspire.sky.dust import load_library
from superspire.sky.filter_curves import load_responses


def main(job):
    params, sky = job.params, job.wildcards.sky
    name = "catalogue" if params.model == "egg" else params.model
    parts = simulate_parts(
        params.area,
        stream(params.seed, name, sky),
        model=params.model,
        z_min=params.z_min,
        z_max=params.z_max,
        log_mass_min=params.log_mass_min,
        log_lir_min=params.log_lir_min,
        clustering=params.clustering,
        cluster_seeds=params.cluster_seeds,
        poisson=params.poisson,
        center=params.center,
        dust=load_library(params.dust_library),
        responses=load_responses(params.filter_curves),
        realism=params.realism,
    )
    n = write_table_parts(job.output[0], parts, SEED=params.seed, SKY=sky)
    print(f"{sky}: {n} galaxies in {params.area} deg²")


if __name__ == "__main__":
    run(main, snakemake)
