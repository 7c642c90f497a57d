"""Measure the bias of stacks on the super-resolved map against true fluxes."""

import pandas as pd

from superspire.checks.noise import noise_levels
from superspire.deblender.inference import deblend, load_deblender
from superspire.evaluation.stacking_bias import BLOCKS, sample_maps, stacking_bias
from superspire.instruments import TARGET
from superspire.job import run
from superspire.methods.conditions import CONDITIONS
from superspire.methods.observing import observe, truth_of
from superspire.seeds import stream
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.dust import load_library
from superspire.sky.maps import make_map
from superspire.training.backend import set_precision, set_threads

CENTER = (150.12, 2.21)
MIN_FLUX = 0.3
"""Faintest source that is stacked [mJy]."""


def sample_sky(number, conditions, network, params):
    """Sample the maps of one sky under all conditions, a table for each."""

    def make_rng(*names):
        return stream(params.seed, "stacking", number, *names)

    dust = load_library(params.dust_library)
    galaxies = simulate_catalogue(
        params.area, make_rng("catalogue"), model="egg", center=CENTER, dust=dust
    )
    truth, size, wcs = truth_of(galaxies, CENTER, params.area, MIN_FLUX)
    side = 3600.0 * params.area**0.5
    place = galaxies["RA"], galaxies["DEC"]
    true = make_map(*place, galaxies[f"S{TARGET}"], TARGET, CENTER, side, pixel=1.0)
    for name in conditions:
        maps = observe(
            CONDITIONS[name],
            galaxies,
            CENTER,
            params.area,
            lambda *names, name=name: make_rng(name, *names),
        )
        image, *_ = deblend(network, maps, wcs, (size, size), noise_levels(maps))
        table = sample_maps(
            {"superresolved": image, "true": true.data}, truth, make_rng("random")
        )
        yield name, table.assign(block=table["block"] + number * BLOCKS**2)


def main(job):
    params, files = job.params, job.input
    set_threads(job.threads)
    set_precision("auto")
    network = load_deblender(files.network, files.calibration)
    samples = {name: [] for name in params.conditions}
    for number in range(params.skies):
        for name, table in sample_sky(number, params.conditions, network, params):
            samples[name].append(table)
    tables = []
    for name, parts in samples.items():
        rng = stream(params.seed, "stacking", name, "bootstrap")
        bias = stacking_bias(pd.concat(parts, ignore_index=True), rng)
        bias.insert(0, "noise", CONDITIONS[name].noise)
        bias.insert(0, "condition", name)
        tables.append(bias)
    table = pd.concat(tables, ignore_index=True)
    table.to_csv(job.output[0], index=False, float_format="%.5g")
    print(table.to_string())


if __name__ == "__main__":
    run(main, snakemake)
