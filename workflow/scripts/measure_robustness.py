"""Measure the deblender and the strongest classical method on perturbed sky."""

import numpy as np
import pandas as pd
from scipy.stats import gmean

from superspire.checks.noise import noise_levels
from superspire.deblender.blending import blend_errors
from superspire.deblender.calibration import (
    band_fluxes,
    coverage,
    is_ultra_red,
    selection_function_at,
)
from superspire.deblender.catalogue import RADIUS
from superspire.deblender.diagram import reliability_diagram
from superspire.deblender.inference import deblend, load_deblender
from superspire.evaluation.methods import field_catalogue, flux_fractions, summarise
from superspire.instruments import SPIRE
from superspire.io import read_json
from superspire.job import run
from superspire.methods.conditions import CONDITIONS, MIPS
from superspire.methods.methods import MethodInputs, find
from superspire.methods.observing import observe, simulate, truth_of
from superspire.photometry.matching import match
from superspire.products.counts import corrected_counts
from superspire.seeds import stream
from superspire.sky.dust import load_library
from superspire.training.backend import set_precision, set_threads

CENTER = (150.12, 2.21)
COUNTS = (3.9, 31.0)
"""Range of the lower edges of the bins in which counts are compared [mJy]."""

ULTRA_RED_FLUX = 10.0
"""500 µm flux of the faintest ultra-red galaxy that should be found [mJy]."""

PROBABLE = 0.8
"""Minimum probability of the purer list that is measured as well."""

ULTRA_RED = 0.05
"""Minimum probability of an ultra-red candidate: they are rare."""

CLASSICAL = "multiband_filter"


def find_classically(files, maps):
    table = find(CLASSICAL, maps, MethodInputs(read_json(files.statistics)))
    return table[table["snr"] >= read_json(files.threshold)["threshold"]]


def count_ratios(sources, truth, selection_function, area):
    """Corrected over true number counts from 4 to 32 mJy, bin by bin."""
    counts = corrected_counts(sources["flux"].to_numpy(), selection_function, area)
    edges = [*counts["flux_min"], counts["flux_max"].iloc[-1]]
    true = np.histogram(truth["flux"], edges)[0]
    number = true / (area * np.diff(edges))
    table = counts[["flux_min", "flux_max"]].assign(
        flux=np.sqrt(counts["flux_min"] * counts["flux_max"]),
        n_true=true,
        ratio=counts["dNdS"] / number,
        error=counts["error"] / number,
    )
    return table[counts["flux_min"].between(*COUNTS, inclusive="left")]


def ultra_red_fractions(sources, truth):
    """Completeness and purity of candidates with S500 > S350 > S250."""
    bright = truth["flux_500"] >= ULTRA_RED_FLUX
    wanted = truth[bright & is_ultra_red(truth)]
    real = truth[is_ultra_red(truth)]
    candidates = sources[sources["ultra_red"] >= ULTRA_RED]
    return {
        "ultra_red_expected": sources["ultra_red"].sum(),
        "ultra_red_true": len(wanted),
        "ultra_red_candidates": len(candidates),
        "ultra_red_complete": np.mean(match(wanted, candidates, RADIUS)[0] >= 0),
        "ultra_red_pure": np.mean(match(candidates, real, RADIUS)[0] >= 0),
    }


def main(job):
    params, files = job.params, job.input
    set_threads(job.threads)
    set_precision("auto")
    name = job.wildcards.condition
    condition = CONDITIONS[name]
    dust = load_library(params.dust_library)
    rng = stream(params.seed, "conditions", condition.catalogue)
    galaxies = simulate(condition, CENTER, params.area, rng, dust)
    maps = observe(
        condition,
        galaxies,
        CENTER,
        params.area,
        lambda *names: stream(params.seed, "conditions", *names),
    )
    truth, size, wcs = truth_of(galaxies, CENTER, params.area)
    network = load_deblender(files.network, files.calibration)
    noise = noise_levels({band: maps[band] for band in SPIRE})
    typical = float(gmean(list(noise.values())))
    if condition.depth_24:
        noise[MIPS] = condition.depth_24
    _, _, _, sources = deblend(network, maps, wcs, (size, size), noise)
    sources = sources.assign(cutout=0, weight=1.0)
    selection_function = selection_function_at(
        pd.read_csv(files.selection_function), typical, condition.depth_24 or 0.0
    )
    classical = find_classically(files, maps)
    found = {
        "deblender": sources,
        "deblender_probable": sources[sources["probability"] >= PROBABLE],
        CLASSICAL: field_catalogue(
            *(np.asarray(classical[c], float) for c in ("ra", "dec", "flux")), wcs
        ),
    }
    radii = params.match_radius, params.strict_radius
    rows = [
        {"condition": name, "title": condition.title, "method": method}
        | summarise(table.reset_index(drop=True), truth, *radii, size)
        | flux_fractions(
            table.reset_index(drop=True), truth, params.strict_radius, size
        )
        for method, table in found.items()
    ]
    rows[0] |= coverage(sources, truth, (size, size))
    rows[0] |= band_fluxes(sources, truth, (size, size))
    rows[0] |= ultra_red_fractions(sources, truth)
    counts = count_ratios(sources, truth, selection_function, (size / 3600.0) ** 2)
    rows[0] |= {
        f"counts_{row.flux_min:.3g}_{row.flux_max:.3g}": row.ratio
        for row in counts.itertuples()
    }
    diagram = reliability_diagram(sources, truth, (size, size))
    for output, table in (
        ("summary", pd.DataFrame(rows)),
        ("diagram", diagram),
        ("counts", counts),
        ("blends", blend_errors(sources, truth, (size, size))),
    ):
        table.to_csv(job.output[output], index=False, float_format="%.5g")
        print(table.T.to_string())


if __name__ == "__main__":
    run(main, snakemake)
