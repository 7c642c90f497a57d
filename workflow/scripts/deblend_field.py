"""Super-resolve a real field and list its sources: map, catalogue, picture, record."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from tqdm import tqdm

from superspire.checks.inputs import provenance, read_corrected
from superspire.deblender.calibration import at_noise, selection_function_at
from superspire.deblender.inference import deblend, load_deblender
from superspire.errors import InputError
from superspire.figures.quicklook import write_quicklook
from superspire.instruments import SPIRE
from superspire.io import read_json, write_json
from superspire.job import run
from superspire.maps.tiling import common_grid
from superspire.products.counts import corrected_counts
from superspire.products.deblended_catalogue import COLUMNS, build_catalogue
from superspire.products.writing import (
    write_catalogue,
    write_regions,
    write_superresolved,
)
from superspire.storage import stored_in, strips_of
from superspire.training.backend import set_precision, set_threads


def noise_of(checks, training):
    """White noise of the maps per pixel of Table 1 [mJy/beam], as far as known."""
    ratios = [record["ratio"] for record in checks["noise"].values()]
    known = [np.log(ratio) for ratio in ratios if ratio]
    return training * float(np.exp(np.mean(known))) if known else training


def deblend_maps(job, network, maps, noise, terminal, make):
    wcs, shape = common_grid(maps, {b: job.input[f"map_{b}"] for b in SPIRE})
    with tqdm(desc="Super-resolving", unit="tile", file=terminal) as bar:

        def show(done, all_):
            bar.total = all_
            bar.update(done - bar.n)

        image, sigma, covered, sources = deblend(
            network, maps, wcs, shape, noise, show, make
        )
    area = sum(covered[rows].sum() for rows in strips_of(covered)) / 3600.0**2
    if not area:
        raise InputError(
            f"field {job.wildcards.field}: expected sky that all bands cover, found "
            "none but at the borders of the maps"
        )
    return image, sigma, covered, area, wcs, sources


def main(job, terminal):
    # The temporary folder may be memory; beside the outputs is room for them anyway.
    with TemporaryDirectory(dir=Path(job.output.image).parent) as folder:
        deblend_field(job, terminal, stored_in(folder))


def deblend_field(job, terminal, make):
    set_threads(job.threads)
    set_precision("auto")
    field, options, files = job.wildcards.field, job.params.options, job.input
    network = load_deblender(files.network, files.calibration)
    calibration, checks = network.calibration, read_json(files.checks)
    sky_level = network.meta["sky_level"]
    maps, records = read_corrected(files, options, checks, sky_level)
    noise = noise_of(checks, calibration["noise"])
    image, sigma, covered, area, wcs, sources = deblend_maps(
        job, network, maps, noise, terminal, make
    )
    level = at_noise(calibration, noise)
    calibrated_at, factor = level["noise"], level["peak_factor"]
    selection_function = selection_function_at(
        pd.read_csv(files.selection_function), calibrated_at
    )
    brightest = calibration["brightest"]
    table = build_catalogue(
        sources,
        covered,
        wcs,
        [(map_, brightest[str(band)]) for band, map_ in maps.items()],
        selection_function,
    )
    digest = hashlib.sha256(Path(files.weights).read_bytes()).hexdigest()[:12]
    cards = provenance(field, network.meta["seed"], digest, records) | {
        "PEAKFACT": (factor, "S450 over the peak in IMAGE, median of bright sources"),
    }
    write_superresolved(job.output.image, image, covered, wcs, cards, sigma=sigma)
    write_catalogue(job.output.catalogue, table, COLUMNS, cards)
    counts = corrected_counts(np.asarray(table["S450"]), selection_function, area)
    counts.to_csv(job.output.counts, index=False, float_format="%.5g")
    write_regions(job.output.regions, table)
    write_quicklook(job.output.quicklook, image, wcs, maps, table, field)
    write_json(
        job.output.reading,
        {
            "field": field,
            "maps": records,
            "corrected_for": options.get("correct", []),
            "warnings": checks["warnings"],
            "grid": {"shape": image.shape, "centre_deg": wcs.wcs.crval},
            "covered_deg2": area,
            "network": {"file": files.network, "digest": digest},
            "peak_factor": factor,
            "noise_mjy_beam": noise,
            "calibrated_at_noise_mjy_beam": calibrated_at,
            "sources": len(table),
        },
    )
    print(f"{field}: {len(table)} sources in {area:.4f} deg2")


if __name__ == "__main__":
    run(main, snakemake, progress=True)
