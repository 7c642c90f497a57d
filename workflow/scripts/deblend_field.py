"""Super-resolve a real field and list its sources: map, catalogue, picture, record."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from superspire.deblender.counts import corrected_counts
from superspire.deblender.inference import load_deblender, resolve
from superspire.deblender.products import COLUMNS, build_catalogue
from superspire.errors import InputError
from superspire.fields.inputs import provenance, read_corrected
from superspire.fields.quicklook import write_quicklook
from superspire.fields.tiling import common_grid
from superspire.fields.writing import (
    write_catalogue,
    write_regions,
    write_superresolved,
)
from superspire.instruments import SPIRE
from superspire.io import read_json, write_json
from superspire.network.backend import set_precision, set_threads


def run(job, network, maps, terminal):
    wcs, shape = common_grid(maps, {b: job.input[f"map_{b}"] for b in SPIRE})
    with tqdm(desc="Super-resolving", unit="tile", file=terminal) as bar:

        def show(done, all_):
            bar.total = all_
            bar.update(done - bar.n)

        image, sigma, covered, sources = resolve(network, maps, wcs, shape, show)
    if not covered.any():
        raise InputError(
            f"field {job.wildcards.field}: expected sky that all bands cover, found "
            "none but at the borders of the maps"
        )
    return image, sigma, covered, wcs, sources


def main(job, terminal):
    set_threads(job.threads)
    set_precision("auto")
    field, options, files = job.wildcards.field, job.params.options, job.input
    network = load_deblender(files.network, files.calibration)
    calibration, checks = network.calibration, read_json(files.checks)
    level = network.meta["sky_level"]
    maps, records = read_corrected(files, options, checks, level)
    image, sigma, covered, wcs, sources = run(job, network, maps, terminal)
    sources = sources[sources["heat"] >= calibration["least_heat"]]
    expectation = pd.read_csv(files.expectation)
    brightest = calibration["brightest"]
    table = build_catalogue(
        sources,
        covered,
        wcs,
        [(map_, brightest[str(band)]) for band, map_ in maps.items()],
        expectation,
    )
    digest = hashlib.sha256(Path(files.weights).read_bytes()).hexdigest()[:12]
    factor = calibration["peak_factor"]
    cards = provenance(field, network.meta["seed"], digest, records) | {
        "PEAKFACT": (factor, "S450 over the peak in IMAGE, median of bright sources"),
    }
    area = covered.sum() / 3600.0**2
    write_superresolved(job.output.image, image, covered, wcs, cards, sigma=sigma)
    write_catalogue(job.output.catalogue, table, COLUMNS, cards)
    counts = corrected_counts(np.asarray(table["S450"]), expectation, area)
    counts.to_csv(job.output.counts, index=False, float_format="%.5g")
    write_regions(job.output.regions, table)
    write_quicklook(job.output.quicklook, image, wcs, maps, table, field)
    write_json(
        job.output.decisions,
        {
            "field": field,
            "maps": records,
            "corrected_for": options.get("correct", []),
            "warnings": checks["warnings"],
            "grid": {"shape": image.shape, "centre_deg": wcs.wcs.crval},
            "covered_deg2": area,
            "network": {"file": files.network, "digest": digest},
            "peak_factor": factor,
            "sources": len(table),
        },
    )
    print(f"{field}: {len(table)} sources in {area:.4f} deg2")


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake) as terminal:
        main(snakemake, terminal)
