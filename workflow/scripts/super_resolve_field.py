"""Super-resolve a real field: map, catalogue, regions, picture and record."""

import hashlib
from pathlib import Path

import pandas as pd

from superspire.dataset.normalisation import input_scale, target_scale
from superspire.errors import InputError
from superspire.evaluation.protocols import STRICT
from superspire.fields.checks import corrected
from superspire.fields.products import (
    build_catalogue,
    measured_scatter,
    write_regions,
    write_superresolved,
)
from superspire.fields.quicklook import write_quicklook
from superspire.fields.reader import read_observation
from superspire.fields.tiling import common_grid, super_resolve_field
from superspire.instruments import SPIRE
from superspire.io import read_json, write_json, write_table
from superspire.network.inference import load_network, super_resolve
from superspire.network.training import set_threads

OPTIONS = ("unit", "hdu", "mask_good", "level")


def read_bands(inputs, options, sky_level):
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
        band: observation.record for band, observation in observations.items()
    }


def flux_scatter(path):
    """Scatter of point-source fluxes against the brightest true source within 4"."""
    fluxes = pd.read_csv(path)
    fluxes = fluxes[fluxes["protocol"] == STRICT]
    pairs = fluxes.groupby(["cutout", "flux_sr"], as_index=False)["flux"].max()
    return measured_scatter(pairs["flux"], pairs["flux_sr"])


def provenance(job, records, network_digest):
    cards = {
        "OBJECT": (job.wildcards.field, "field of the configuration"),
        "NETWORK": (network_digest, "start of the sha256 of the network's weights"),
        "SEED": (job.params.seed, "seed of the simulation and the training"),
        "WAVELNTH": (450.0, "[um] wavelength"),
    }
    for band, record in records.items():
        cards[f"INPUT{band}"] = (record["file"], f"map at {band} um")
        level = record["sky_subtracted_mjy_beam"]
        cards[f"SKY{band}"] = (level, "[mJy/beam] constant subtracted from it")
    return cards


def main(job, terminal):
    set_threads(job.threads)
    network = load_network(job.input.network)
    calibration = read_json(job.input.calibration)
    factor = calibration["factor"]
    options, checks = job.params.options, read_json(job.input.checks)
    level = network.meta["sky_level"]
    maps, records = read_bands(job.input, options, level)
    for band in SPIRE if options.get("correct") else ():
        maps[band] = corrected(
            maps[band], checks, band, options["correct"], level[str(band)]
        )
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
    highest = input_scale(network.meta["normalisation"])[1]
    table = build_catalogue(
        image,
        covered,
        wcs,
        factor=factor,
        peak_factor=calibration["peak_factor"],
        threshold=job.params.threshold,
        minimum_flux=job.params.minimum_flux,
        top=target_scale(network.meta["normalisation"])[1],
        inputs=list(zip(maps.values(), highest, strict=True)),
        scatter=flux_scatter(job.input.fluxes),
        expectation=pd.read_csv(job.input.expectation),
    )
    digest = hashlib.sha256(Path(job.input.weights).read_bytes()).hexdigest()[:12]
    cards = provenance(job, records, digest)
    write_superresolved(job.output.image, image, covered, wcs, factor, cards)
    write_table(
        job.output.catalogue, table, **{key: card[0] for key, card in cards.items()}
    )
    write_regions(job.output.regions, table)
    field = job.wildcards.field
    write_quicklook(job.output.quicklook, image * factor, wcs, maps, table, field)
    write_json(
        job.output.decisions,
        {
            "field": field,
            "maps": records,
            "corrected_for": options.get("correct", []),
            "warnings": checks["warnings"],
            "grid": {"shape": shape, "centre_deg": wcs.wcs.crval},
            "covered_deg2": covered.sum() / 3600.0**2,
            "network": {"file": job.input.network, "digest": digest},
            "calibration_factor": factor,
            "peak_factor": calibration["peak_factor"],
            "sources": len(table),
        },
    )
    print(f"{field}: {len(table)} sources in {covered.sum() / 3600.0**2:.4f} deg2")


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake) as terminal:
        main(snakemake, terminal)
