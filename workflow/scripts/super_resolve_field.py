"""Super-resolve a real field: map, catalogue, regions, picture and record."""

import hashlib
from pathlib import Path

import pandas as pd

from superspire.checks.inputs import provenance, read_corrected
from superspire.dataset.normalisation import input_scale, target_scale
from superspire.errors import InputError
from superspire.evaluation.protocols import STRICT
from superspire.figures.quicklook import write_quicklook
from superspire.instruments import SPIRE
from superspire.io import read_json, write_json
from superspire.job import run
from superspire.maps.tiling import common_grid, super_resolve_field
from superspire.photometry.uncertainty import extraction_noise, measured_scatter
from superspire.products.catalogue import COLUMNS, build_catalogue
from superspire.products.writing import (
    write_catalogue,
    write_regions,
    write_superresolved,
)
from superspire.training.backend import set_threads
from superspire.unet.inference import load_network, super_resolve


def flux_scatter(path):
    """Scatter of point-source fluxes against the brightest true source within 4"."""
    fluxes = pd.read_csv(path)
    fluxes = fluxes[fluxes["protocol"] == STRICT]
    pairs = fluxes.groupby(["cutout", "flux_sr"], as_index=False)["flux"].max()
    return measured_scatter(pairs["flux"], pairs["flux_sr"])


def resolve(job, network, maps, terminal):
    wcs, shape = common_grid(maps, {b: job.input[f"map_{b}"] for b in SPIRE})
    image, covered = super_resolve_field(
        lambda inputs: super_resolve(network, inputs),
        maps,
        wcs,
        shape,
        terminal=terminal,
    )
    if not covered.any():
        raise InputError(
            f"field {job.wildcards.field}: expected sky that all bands cover, found "
            "none but at the borders of the maps"
        )
    return image, covered, wcs


def main(job, terminal):
    set_threads(job.threads)
    network = load_network(job.input.network)
    calibration, checks = read_json(job.input.calibration), read_json(job.input.checks)
    factor, peak_factor = calibration["factor"], calibration["peak_factor"]
    scale = network.meta["normalisation"]
    level = network.meta["sky_level"]
    maps, records = read_corrected(job.input, job.params.options, checks, level)
    image, covered, wcs = resolve(job, network, maps, terminal)
    image *= factor
    limits = {key: getattr(job.params, key) for key in ("threshold", "min_flux")}
    level, noise = extraction_noise(image, **limits)
    table = build_catalogue(
        image,
        covered,
        wcs,
        **limits,
        noise=noise,
        peak_ratio=peak_factor / factor,
        top=factor * target_scale(scale)[1],
        inputs=list(zip(maps.values(), input_scale(scale)[1], strict=True)),
        scatter=flux_scatter(job.input.fluxes),
        selection_function=pd.read_csv(job.input.selection_function),
    )
    digest = hashlib.sha256(Path(job.input.weights).read_bytes()).hexdigest()[:12]
    field, area = job.wildcards.field, covered.sum() / 3600.0**2
    cards = provenance(field, job.params.seed, digest, records) | {
        "CALFACT": (factor, "network flux was multiplied by this"),
        "PEAKFACT": (peak_factor, "network peak to S450"),
    }
    write_superresolved(
        job.output.image, image, covered, wcs, cards, level=level, noise=noise
    )
    write_catalogue(job.output.catalogue, table, COLUMNS, cards)
    write_regions(job.output.regions, table)
    write_quicklook(job.output.quicklook, image, wcs, maps, table, field)
    write_json(
        job.output.reading,
        {
            "field": field,
            "maps": records,
            "corrected_for": job.params.options.get("correct", []),
            "warnings": checks["warnings"],
            "grid": {"shape": image.shape, "centre_deg": wcs.wcs.crval},
            "covered_deg2": area,
            "network": {"file": job.input.network, "digest": digest},
            "calibration_factor": factor,
            "peak_factor": peak_factor,
            "noise_mjy_beam": noise,
            "sources": len(table),
        },
    )
    print(f"{field}: {len(table)} sources in {area:.4f} deg2")


if __name__ == "__main__":
    run(main, snakemake, progress=True)
