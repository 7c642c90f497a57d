"""Draw galaxies of fixed redshift, mass and type and compare them with EGG's."""

import numpy as np

from superspire import __version__
from superspire.egg.draws import compare_draws, draw_point
from superspire.egg.egg_reference import read_reference
from superspire.job import run
from superspire.seeds import stream
from superspire.sky.dust import load_library
from superspire.sky.filter_curves import load_responses


def main(job):
    params = job.params
    dust, responses = (
        load_library(params.dust_library),
        load_responses(params.filter_curves),
    )

    def draw(z, log_mass, passive, number):
        rng = stream(params.seed, "validation", "draws", number)
        return draw_point(z, log_mass, passive, params.draws, rng, dust, responses)

    reference = read_reference(job.input.points, "stochastic_points")
    table = compare_draws(reference, draw)
    with open(job.output[0], "w") as file:
        file.write(
            f"# SuperSPIRE {__version__}, {params.draws} galaxies at each point, "
            f"seed {params.seed}, dust: {dust.name}\n"
        )
        table.to_csv(file, index=False, float_format="%.6g")
    for group, rows in table.groupby("group"):
        print(
            f"{group}: {len(rows)} pulls, largest {np.abs(rows['sigma']).max():.2f}, "
            f"mean square {np.mean(rows['sigma'] ** 2):.2f}"
        )


if __name__ == "__main__":
    run(main, snakemake)
