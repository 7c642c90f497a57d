"""Super-resolve a real field and list its sources: map, catalogue, picture, record."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from scipy.stats import gmean
from tqdm import tqdm

from superspire.checks.extended import read_extended
from superspire.checks.inputs import native_noise, noise_of_bands, read_corrected
from superspire.deblender.calibration import at_noise, selection_function_at
from superspire.deblender.inference import deblend, load_deblender, typical_depth
from superspire.deblender.inputs import FLUX_BANDS
from superspire.figures.quicklook import write_quicklook
from superspire.instruments import SPIRE
from superspire.io import read_json
from superspire.job import announce, run
from superspire.maps.tiling import common_grid
from superspire.products.counts import corrected_counts
from superspire.products.deblended_catalogue import COLUMNS, build_catalogue
from superspire.products.extra_bands import gather_extra_bands
from superspire.products.field import SuperResolved, check_covered, write_products
from superspire.products.footprint import Footprint
from superspire.products.residuals import (
    gaussian_beams,
    judge_fit,
    write_residuals,
)
from superspire.storage import stored_in
from superspire.training.backend import set_precision, set_threads


def deblend_maps(network, maps, wcs, shape, noise, terminal, make):
    with tqdm(desc="Super-resolving", unit="tile", file=terminal) as bar:

        def show(done, all_):
            bar.total = all_
            bar.update(done - bar.n)

        return deblend(network, maps, wcs, shape, noise, show, make)


def main(job, terminal):
    # The temporary folder may be memory; beside the outputs is room for them anyway.
    with TemporaryDirectory(dir=Path(job.output.image).parent) as folder:
        deblend_field(job, terminal, stored_in(folder))


def deblend_field(job, terminal, make):
    set_threads(job.threads)
    set_precision("auto")
    files, options, field = job.input, job.params.options, job.wildcards.field
    network = load_deblender(files.network, files.calibration)
    calibration, checks = network.calibration, read_json(files.checks)
    maps, records, errors = read_corrected(
        files, options, checks, network.meta["sky_level"]
    )
    say = announce(terminal)
    levels, noise = noise_of_bands(checks, errors, calibration["noise"])
    wcs, shape = common_grid(maps, {b: files[f"map_{b}"] for b in SPIRE})
    extra, depths, extra_records = gather_extra_bands(
        files,
        options,
        checks,
        network.bands,
        wcs,
        shape,
        network.meta["sky_level"],
        lambda sentence: say(f"{field}: {sentence}"),
    )
    image, sigma, covered, sources = deblend_maps(
        network, maps | extra, wcs, shape, noise | depths, terminal, make
    )
    footprint = Footprint(covered, wcs, read_extended(files.extended))
    check_covered(footprint, field)
    typical = float(gmean(list(levels.values())))
    depth = typical_depth(depths, network.bands)
    level = at_noise(calibration, typical, depth)
    beams, white = gaussian_beams(records), native_noise(maps, noise)
    residuals, fit = judge_fit(
        maps, wcs, sources, level["residuals"], white, beams, footprint.extended
    )
    measured = pd.read_csv(files.selection_function)
    table = build_catalogue(
        sources.assign(**fit),
        covered,
        wcs,
        [(map_, calibration["brightest"][str(band)]) for band, map_ in maps.items()],
        measured,
        footprint.extended,
    )
    factor = level["peak_factor"]
    cards = {
        "PEAKFACT": (factor, "S450 over the peak in IMAGE, bright sources"),
    }
    shared = write_products(
        job.output,
        SuperResolved(
            field, image, footprint, table, COLUMNS, dict(sigma=sigma), cards
        ),
        files.network,
        files.weights,
        network.meta["seed"],
        {
            "maps": records | extra_records,
            "options": options,
            "checks": checks,
            "details": {
                "peak_factor": factor,
                "noise_mjy_beam": levels,
                "counts_corrected_at_noise_mjy_beam": typical,
                "residuals": {b: each.record() for b, each in residuals.items()},
            },
        },
    )
    clear = table[~table["EXTENDED"]]
    expected = selection_function_at(measured, typical, depth)
    counts = pd.concat(
        corrected_counts(
            np.asarray(clear[f"S{band}"]), expected, footprint.clear_area, band
        ).assign(band=band)
        for band in FLUX_BANDS
    )
    counts.to_csv(job.output.counts, index=False, float_format="%.5g")
    standardised = {band: each.standardised for band, each in residuals.items()}
    write_quicklook(
        job.output.quicklook,
        image,
        wcs,
        maps,
        table,
        field,
        footprint.extended,
        standardised,
    )
    write_residuals(job.output.residuals, residuals, shared)


if __name__ == "__main__":
    run(main, snakemake, progress=True)
