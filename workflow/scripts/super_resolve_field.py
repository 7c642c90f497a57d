"""Super-resolve a real field: map, catalogue, regions, picture and record."""

import pandas as pd

from superspire.checks.extended import read_extended
from superspire.checks.inputs import read_corrected
from superspire.dataset.normalisation import input_scale, target_scale
from superspire.evaluation.protocols import STRICT
from superspire.figures.quicklook import write_quicklook
from superspire.instruments import SPIRE
from superspire.io import read_json
from superspire.job import run
from superspire.maps.tiling import common_grid, super_resolve_field
from superspire.photometry.uncertainty import extraction_noise, measured_scatter
from superspire.products.catalogue import COLUMNS, build_catalogue
from superspire.products.extra_bands import unused_bands
from superspire.products.field import SuperResolved, check_covered, write_products
from superspire.products.footprint import Footprint
from superspire.training.backend import set_threads
from superspire.unet.inference import load_network, super_resolve


def flux_scatter(path):
    """Scatter of point-source fluxes against the brightest true source within 4"."""
    fluxes = pd.read_csv(path)
    fluxes = fluxes[fluxes["protocol"] == STRICT]
    pairs = fluxes.groupby(["cutout", "flux_sr"], as_index=False)["flux"].max()
    return measured_scatter(pairs["flux"], pairs["flux_sr"])


def main(job, terminal):
    set_threads(job.threads)
    files, params, field = job.input, job.params, job.wildcards.field
    network = load_network(files.network)
    calibration, checks = read_json(files.calibration), read_json(files.checks)
    factor, peak_factor = calibration["factor"], calibration["peak_factor"]
    for sentence in unused_bands(params.options, SPIRE):
        print(sentence)
        print(f"{field}: {sentence}", file=terminal)
    maps, records, _ = read_corrected(
        files, params.options, checks, network.meta["sky_level"]
    )
    wcs, shape = common_grid(maps, {b: files[f"map_{b}"] for b in SPIRE})
    image, covered = super_resolve_field(
        lambda inputs: super_resolve(network, inputs),
        maps,
        wcs,
        shape,
        terminal=terminal,
    )
    footprint = Footprint(covered, wcs, read_extended(files.extended))
    check_covered(footprint, field)
    image *= factor
    limits = {key: getattr(params, key) for key in ("threshold", "min_flux")}
    level, noise = extraction_noise(image, **limits)
    scale = network.meta["normalisation"]
    table = build_catalogue(
        image,
        covered,
        wcs,
        **limits,
        noise=noise,
        peak_ratio=peak_factor / factor,
        top=factor * target_scale(scale)[1],
        inputs=list(zip(maps.values(), input_scale(scale)[1], strict=True)),
        scatter=flux_scatter(files.fluxes),
        selection_function=pd.read_csv(files.selection_function),
        extended=footprint.extended,
    )
    cards = {
        "CALFACT": (factor, "network flux was multiplied by this"),
        "PEAKFACT": (peak_factor, "network peak to S450"),
    }
    write_products(
        job.output,
        SuperResolved(
            field,
            image,
            footprint,
            table,
            COLUMNS,
            dict(level=level, noise=noise),
            cards,
        ),
        files.network,
        files.weights,
        params.seed,
        {
            "maps": records,
            "options": params.options,
            "checks": checks,
            "details": {
                "calibration_factor": factor,
                "peak_factor": peak_factor,
                "noise_mjy_beam": noise,
            },
        },
    )
    write_quicklook(
        job.output.quicklook, image, wcs, maps, table, field, footprint.extended
    )


if __name__ == "__main__":
    run(main, snakemake, progress=True)
