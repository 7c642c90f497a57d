"""Simulate a field as EGG's were, and measure what is known of EGG's."""

from superspire import __version__
from superspire.egg.measurements import measure_field
from superspire.job import run
from superspire.seeds import stream
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.dust import load_library
from superspire.sky.filter_curves import load_responses

REQUEST = {
    "z_min": 0.1,
    "z_max": 6.0,
    "log_mass_min": 8.0,
    "log_lir_min": None,
    "clustering": True,
    "cluster_seeds": "egg",
}
"""How the fields of the reference were made."""


def main(job):
    params, number = job.params, job.wildcards.number
    catalogue = simulate_catalogue(
        params.area,
        stream(params.seed, "validation", number),
        dust=load_library(params.dust_library),
        responses=load_responses(params.filter_curves),
        **REQUEST,
    )
    print(f"{len(catalogue)} galaxies in {params.area} deg²", flush=True)
    rng = stream(params.seed, "validation", number, "random positions")
    table = measure_field(catalogue, rng)
    with open(job.output[0], "w") as file:
        file.write(
            f"# SuperSPIRE {__version__}, field {number} of {params.area} deg2, "
            f"seed {params.seed}, dust: {catalogue.meta['DUST']}\n"
        )
        table.to_csv(file, index=False, float_format="%.9g")
    print(f"{len(table)} quantities")


if __name__ == "__main__":
    run(main, snakemake)
