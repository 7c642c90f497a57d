"""Measure a deblender, with or without 24 µm, on the sky of the classical methods."""

import time
from functools import partial

import pandas as pd

from superspire.checks.noise import noise_levels
from superspire.deblender.inference import deblend, load_deblender
from superspire.evaluation.prior_methods import compare_with_24
from superspire.instruments import SPIRE
from superspire.job import run
from superspire.methods.conditions import CONDITIONS, MIPS
from superspire.methods.observing import observe, simulate, truth_of
from superspire.seeds import stream
from superspire.sky.dust import load_library
from superspire.training.backend import set_precision, set_threads

CENTER = (150.12, 2.21)


def main(job):
    params, files, name = job.params, job.input, job.wildcards.condition
    set_threads(job.threads)
    set_precision("auto")
    condition, dust = CONDITIONS[name], load_library(params.dust_library)
    make_rng = partial(stream, params.seed, "conditions")
    rng = make_rng(condition.catalogue)
    galaxies = simulate(condition, CENTER, params.area, rng, dust)
    maps = observe(condition, galaxies, CENTER, params.area, make_rng)
    truth, size, wcs = truth_of(galaxies, CENTER, params.area)
    depth = {MIPS: condition.depth_24}
    maps_24 = {MIPS: maps.pop(MIPS)}
    noise = noise_levels({band: maps[band] for band in SPIRE})
    if params.with_24:
        maps, noise = maps | maps_24, noise | depth
    network = load_deblender(files.network, files.calibration)
    start = time.perf_counter()
    sources = deblend(network, maps, wcs, (size, size), noise)[3]
    seconds = (time.perf_counter() - start) / params.area
    found = sources.assign(cutout=0, weight=1.0).reset_index(drop=True)
    row = {"condition": name, "title": condition.title, "method": params.method}
    row |= compare_with_24(
        found,
        truth,
        pd.read_csv(files.list_24),
        params.match_radius,
        params.strict_radius,
        size,
    )
    table = pd.DataFrame([row | {"seconds_per_deg2": seconds}])
    table.to_csv(job.output[0], index=False, float_format="%.5g")
    print(table.T.to_string())


if __name__ == "__main__":
    run(main, snakemake)
