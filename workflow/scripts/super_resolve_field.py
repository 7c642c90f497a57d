"""Super-resolve a real field: map, catalogue, regions, picture and record."""

import hashlib
from pathlib import Path

import pandas as pd

from superspire.dataset.normalisation import input_scale, target_scale
from superspire.errors import InputError
from superspire.evaluation.protocols import STRICT
from superspire.fields.checks import corrected
from superspire.fields.download import verify
from superspire.fields.products import COLUMNS, build_catalogue
from superspire.fields.quicklook import write_quicklook
from superspire.fields.reader import read_observation
from superspire.fields.tiling import common_grid, super_resolve_field
from superspire.fields.uncertainty import extraction_noise, measured_scatter
from superspire.fields.writing import (
    write_catalogue,
    write_regions,
    write_superresolved,
)
from superspire.instruments import SPIRE
from superspire.io import read_json, write_json
from superspire.network.backend import set_threads
from superspire.network.inference import load_network, super_resolve

OPTIONS = ("unit", "hdu", "mask_good", "level")


def read_bands(inputs, options, sky_level):
    kinds = ("map_", "mask_", "error_")
    sums = {key: verify(file) for key, file in inputs.items() if key.startswith(kinds)}
    chosen = {key: options[key] for key in OPTIONS if key in options}
    observations = {
        band: read_observation(
            inputs[f"map_{band}"],
            band,
            mask=inputs.get(f"mask_{band}"),
            error=inputs.get(f"error_{band}"),
            sky_level=sky_level[str(band)],
            **chosen,
        )
        for band in SPIRE
    }
    maps = {band: observation.map for band, observation in observations.items()}
    return maps, {
        band: observation.record | {"sha256": sums[f"map_{band}"]}
        for band, observation in observations.items()
    }


def flux_scatter(path):
    """Scatter of point-source fluxes against the brightest true source within 4"."""
    fluxes = pd.read_csv(path)
    fluxes = fluxes[fluxes["protocol"] == STRICT]
    pairs = fluxes.groupby(["cutout", "flux_sr"], as_index=False)["flux"].max()
    return measured_scatter(pairs["flux"], pairs["flux_sr"])


def provenance(job, records, network_digest, calibration):
    cards = {
        "OBJECT": (job.wildcards.field, "field of the configuration"),
        "NETWORK": (network_digest, "start of the sha256 of the network's weights"),
        "SEED": (job.params.seed, "seed of the simulation and the training"),
        "WAVELNTH": (450.0, "[um] wavelength"),
        "CALFACT": (calibration["factor"], "network flux was multiplied by this"),
        "PEAKFACT": (calibration["peak_factor"], "network peak to S450"),
    }
    for band, record in records.items():
        cards[f"INPUT{band}"] = (record["file"], f"map at {band} um")
        level = record["sky_subtracted_mjy_beam"]
        cards[f"SKY{band}"] = (level, "[mJy/beam] constant subtracted from it")
    return cards


def read_corrected(job, checks, zero):
    options = job.params.options
    maps, records = read_bands(job.input, options, zero)
    for band in SPIRE if options.get("correct") else ():
        maps[band] = corrected(
            maps[band], checks, band, options["correct"], zero[str(band)]
        )
    return maps, records


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
    maps, records = read_corrected(job, checks, network.meta["sky_level"])
    image, covered, wcs = resolve(job, network, maps, terminal)
    image *= factor
    limits = {key: getattr(job.params, key) for key in ("threshold", "minimum_flux")}
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
        expectation=pd.read_csv(job.input.expectation),
    )
    digest = hashlib.sha256(Path(job.input.weights).read_bytes()).hexdigest()[:12]
    cards = provenance(job, records, digest, calibration)
    field, area = job.wildcards.field, covered.sum() / 3600.0**2
    write_superresolved(job.output.image, image, covered, wcs, level, noise, cards)
    write_catalogue(job.output.catalogue, table, COLUMNS, cards)
    write_regions(job.output.regions, table)
    write_quicklook(job.output.quicklook, image, wcs, maps, table, field)
    write_json(
        job.output.decisions,
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
    from superspire.job import job

    with job(snakemake) as terminal:
        main(snakemake, terminal)
