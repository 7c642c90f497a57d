"""Simulate a field for the deblender's training, like the model or not."""

from pathlib import Path

import numpy as np

from superspire.deblender.inputs import band_pixels
from superspire.deblender.skies import (
    FILES,
    Perturbation,
    add_bright,
    draw_perturbation,
    observe_field,
    perturb,
)
from superspire.instruments import PAPER_BANDS
from superspire.job import run
from superspire.seeds import stream
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.dust import load_library


def main(job):
    params, name = job.params, job.wildcards.part
    rng = stream(params.seed, "deblender", name)
    perturbation, clustering = Perturbation(), True
    if params.field["perturbed"]:
        perturbation = draw_perturbation(params.perturbation, rng)
        clustering = bool(rng.random() >= params.perturbation["unclustered"])
    area, pixels = params.field["area"], band_pixels(params.bands)
    bands = sorted({*PAPER_BANDS, *pixels})
    catalogue = simulate_catalogue(
        area,
        stream(params.seed, "catalogue", "deblender", name),
        clustering=clustering,
        dust=load_library(params.dust_library),
        bands=bands,
    )
    fluxes = {band: np.asarray(catalogue[f"S{band}"], float) for band in bands}
    fluxes = perturb(fluxes, perturbation, rng)
    center = catalogue.meta["RA0"], catalogue.meta["DEC0"]
    ra, dec = (np.asarray(catalogue[name], float) for name in ("RA", "DEC"))
    if perturbation.bright:
        density = perturbation.bright
        ra, dec, fluxes = add_bright(ra, dec, fluxes, area, center, density, rng)
    made = observe_field(ra, dec, fluxes, area, center, perturbation, rng, pixels)
    for file in FILES:
        np.save(Path(job.output[file]), made[file])
    print(f"{name}: {len(made['sources'])} sources, {perturbation}, {clustering=}")


if __name__ == "__main__":
    run(main, snakemake)
