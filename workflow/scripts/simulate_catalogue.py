"""Simulate the galaxies of one sky (section 2.1)."""

from superspire.io import write_table
from superspire.seeds import stream
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.dust import load_library


def main(snakemake):
    params, sky = snakemake.params, snakemake.wildcards.sky
    catalogue = simulate_catalogue(
        params.area,
        stream(params.seed, "catalogue", sky),
        z_min=params.z_min,
        z_max=params.z_max,
        log_mass_min=params.log_mass_min,
        log_lir_min=params.log_lir_min,
        clustering=params.clustering,
        cluster_seeds=params.cluster_seeds,
        poisson=params.poisson,
        center=params.center,
        dust=load_library(params.dust_library),
    )
    print(f"{sky}: {len(catalogue)} galaxies in {params.area} deg²")
    write_table(snakemake.output[0], catalogue, SEED=params.seed, SKY=sky)


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake):
        main(snakemake)
