"""Calibrate the deblender on fields that it was not trained on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from superspire.deblender.calibration import (
    MIN_PROBABILITY,
    MIN_PROBABILITY_MORE,
    apply,
    calibrate,
    expectations,
)
from superspire.deblender.catalogue import list_sources
from superspire.deblender.inference import deblend, join_fields, load_deblender
from superspire.deblender.inputs import (
    band_pixels,
    first_extra,
    noise_levels,
    signal_slices,
    signals_of,
    takes_more,
)
from superspire.deblender.prediction import predict
from superspire.deblender.skies import Field
from superspire.deblender.training import observed_input, true_sources
from superspire.instruments import PAPER_BANDS, SPIRE
from superspire.io import write_json
from superspire.job import run
from superspire.maps.cells import CELL
from superspire.methods.conditions import MIPS, Condition
from superspire.methods.observing import observe
from superspire.products.residuals import calibrate_residuals
from superspire.seeds import stream
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.dust import load_library
from superspire.sky.maps import field_wcs
from superspire.training.backend import set_precision, set_threads

BRIGHT = 10.0
"""Faintest source that the factor from peaks of the map to fluxes comes from [mJy]."""

RESIDUAL_AREA = 1.0
"""Area of the native maps whose residuals are measured [deg²]."""


def min_probability(network):
    """Fraction of real sources at the lowest score that a network lists."""
    return MIN_PROBABILITY_MORE if takes_more(network.bands) else MIN_PROBABILITY


def brightest_inputs(fields, noise, bands):
    """Highest surface brightness of every band [mJy/beam]."""
    inputs = [observed_input(field, noise, bands) for field in fields]
    return {
        str(band): float(max(each[..., own].max() for each in inputs))
        for band, own in signal_slices(bands).items()
    }


def residual_sky(params, bands):
    return simulate_catalogue(
        RESIDUAL_AREA,
        stream(params.seed, "deblender", "residuals"),
        dust=load_library(params.dust_library),
        bands=sorted({*PAPER_BANDS, *bands}),
    )


def residuals_at(network, level, sky, seed):
    """Measure what a good fit leaves of native maps at the noise of a level."""
    noise, center = level["noise"], (sky.meta["RA0"], sky.meta["DEC0"])
    network = replace(network, calibration={"noise": noise, "levels": [level]})
    depth = level["depth"] if MIPS in network.bands else 0.0
    told = {**dict.fromkeys(SPIRE, noise), MIPS: depth}
    maps = observe(
        Condition("calibration", noise=noise, depth_24=depth),
        sky,
        center,
        RESIDUAL_AREA,
        lambda *names: stream(seed, "deblender", "residuals", *names),
    )
    wcs, size = field_wcs(center, 3600.0 * np.sqrt(RESIDUAL_AREA), 1.0)
    sources = deblend(network, maps, wcs, (size, size), told)[-1]
    spire = {band: maps[band] for band in SPIRE}
    return calibrate_residuals([(spire, wcs, sources)], noise)


def calibrate_at(network, fields, noise, depth):
    """Calibrate at a noise [mJy/beam] and at depths [mJy], and tell what to expect."""
    found, truth = [], []
    levels = noise_levels(network.bands, noise, depth)
    for field in fields:
        outputs = predict(network.model, observed_input(field, levels, network.bands))
        found.append(list_sources(outputs, beside=takes_more(network.bands)))
        truth.append(true_sources(field))
    found, truth = join_fields(found), join_fields(truth)
    side = CELL * fields[0].signal.shape[0]
    first = float(depth.get(str(first_extra(network.bands)), 0.0))
    level = {"noise": noise, "depth": first}
    level |= calibrate(found, truth, (side, side), min_probability(network))
    listed = found[found["score"] >= level["min_score"]].reset_index(drop=True)
    sources = apply(listed, level).assign(cutout=listed["cutout"])
    bright = sources[sources["flux"] >= BRIGHT]
    level["peak_factor"] = float((bright["flux"] / bright["peak"]).median())
    table = expectations(sources, truth, (side, side)).assign(noise=noise, depth=first)
    print(table.to_string(index=False))
    return level, table


def main(job):
    params = job.params
    set_threads(job.threads)
    set_precision("auto")
    network = load_deblender(job.input.network)
    folders = dict.fromkeys(Path(path).parent for path in job.input.fields)
    channels = signals_of(band_pixels(params.bands), network.bands)
    fields = [Field.load(folder).take(channels) for folder in folders]
    levels, tables = zip(
        *(calibrate_at(network, fields, *each) for each in params.levels), strict=True
    )
    sky = residual_sky(params, network.bands)
    for level in levels:
        level["residuals"] = residuals_at(network, level, sky, params.seed)
    side = fields[0].signal.shape[0] * CELL / 3600.0
    usual = noise_levels(network.bands, params.noise, network.meta["training"]["depth"])
    write_json(
        job.output.calibration,
        {
            "noise": params.noise,
            "area_deg2": len(fields) * side**2,
            "brightest": brightest_inputs(fields, usual, network.bands),
            "levels": levels,
        },
    )
    table = pd.concat(tables)
    table.to_csv(job.output.selection_function, index=False, float_format="%.5g")


if __name__ == "__main__":
    run(main, snakemake)
