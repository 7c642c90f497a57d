"""Simulate a field for the deblender's training, like the model or not."""

from pathlib import Path

import numpy as np

from superspire.deblender.inputs import band_pixels
from superspire.deblender.skies import (
    FILES,
    Perturbation,
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
    catalogue = simulate_catalogue(
        params.field["area"],
        stream(params.seed, "catalogue", "deblender", name),
        clustering=clustering,
        dust=load_library(params.dust_library),
    )
    fluxes = {band: np.asarray(catalogue[f"S{band}"], float) for band in PAPER_BANDS}
    center = catalogue.meta["RA0"], catalogue.meta["DEC0"]
    made = observe_field(
        catalogue,
        perturb(fluxes, perturbation, rng),
        params.field["area"],
        center,
        perturbation,
        rng,
        band_pixels(params.bands),
    )
    for file in FILES:
        np.save(Path(job.output[file]), made[file])
    print(f"{name}: {len(made['sources'])} sources, {perturbation}, {clustering=}")


if __name__ == "__main__":
    run(main, snakemake)
