"""Measure the classical methods that are given a list of 24 µm sources."""

import time
from functools import partial

import numpy as np
import pandas as pd

from superspire.evaluation.methods import field_catalogue
from superspire.evaluation.prior_methods import compare_with_24
from superspire.instruments import SPIRE
from superspire.job import run
from superspire.methods.conditions import CONDITIONS, MIPS, Condition
from superspire.methods.list_24 import list_sources
from superspire.methods.observing import observe, simulate, truth_of
from superspire.methods.prior_fit import fit_map, fit_map_search, fit_nnls
from superspire.methods.prior_knowledge import learn, tune_search
from superspire.seeds import stream
from superspire.sky.beams import beam_of
from superspire.sky.dust import load_library

CENTER = (150.12, 2.21)
LEARNING_AREA = 0.5
"""Area of the sky that the methods learn from [deg²]."""

BEAMS = {band: beam_of(band) for band in (MIPS, *SPIRE)}


def make_sky(condition, area, make_rng, dust):
    """Simulate a sky, observe it and list its 24 µm sources."""
    rng = make_rng(condition.catalogue)
    galaxies = simulate(condition, CENTER, area, rng, dust)
    maps = observe(condition, galaxies, CENTER, area, make_rng)
    start = time.process_time()
    listed = list_sources(maps[MIPS], BEAMS[MIPS], condition.depth_24)
    seconds = (time.process_time() - start) / area
    return galaxies, maps, listed, seconds


def learn_nominal(condition, seed, dust):
    """Learn from sky of the model that is observed as in the condition."""
    same = Condition("as the model says", depth_24=condition.depth_24)
    make_rng = partial(stream, seed, "prior methods")
    galaxies, maps, listed, _ = make_sky(same, LEARNING_AREA, make_rng, dust)
    knowledge = learn(maps, BEAMS, listed, galaxies, LEARNING_AREA)
    truth, size, wcs = truth_of(galaxies, CENTER, LEARNING_AREA)
    return tune_search(maps, BEAMS, listed, knowledge, truth, size, wcs)


def main(job):
    params, name = job.params, job.wildcards.condition
    condition, dust = CONDITIONS[name], load_library(params.dust_library)
    knowledge = learn_nominal(condition, params.seed, dust)
    make_rng = partial(stream, params.seed, "conditions")
    galaxies, maps, listed, listing = make_sky(condition, params.area, make_rng, dust)
    truth, size, wcs = truth_of(galaxies, CENTER, params.area)
    list_24 = field_catalogue(listed.ra, listed.dec, listed.flux, wcs)
    list_24.to_csv(job.output.list_24, index=False, float_format="%.6g")
    rows = []
    for method, fit in (
        ("nnls", partial(fit_nnls, weights=knowledge.weights)),
        ("map", partial(fit_map, knowledge=knowledge)),
        ("map_search", partial(fit_map_search, knowledge=knowledge)),
    ):
        start = time.process_time()
        table = fit(maps, BEAMS, listed)
        seconds = (time.process_time() - start) / params.area + listing
        columns = (np.asarray(table[c], float) for c in ("ra", "dec", "flux"))
        found = field_catalogue(*columns, wcs)
        radii = params.match_radius, params.strict_radius
        rows.append(
            {"condition": name, "title": condition.title, "method": method}
            | compare_with_24(found, truth, list_24, *radii, size)
            | {"seconds_per_deg2": seconds}
        )
    summary = pd.DataFrame(rows)
    summary.to_csv(job.output.summary, index=False, float_format="%.5g")
    print(f"residuals above S/N {knowledge.least_snr:g} are added")
    print(summary.T.to_string())


if __name__ == "__main__":
    run(main, snakemake)
