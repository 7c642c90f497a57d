"""Simulate a field for the deblender's training, like the model or not."""

from pathlib import Path

import numpy as np

from superspire.deblender.skies import (
    FILES,
    Departure,
    depart,
    draw_departure,
    observe_field,
)
from superspire.instruments import BANDS
from superspire.seeds import stream
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.dust import load_library


def main(job):
    params, name = job.params, job.wildcards.part
    rng = stream(params.seed, "deblender", name)
    departure, clustering = Departure(), True
    if params.field["unlike"]:
        departure = draw_departure(params.departure, rng)
        clustering = bool(rng.random() >= params.departure["unclustered"])
    catalogue = simulate_catalogue(
        params.field["area"],
        stream(params.seed, "catalogue", "deblender", name),
        clustering=clustering,
        dust=load_library(params.dust_library),
    )
    fluxes = {band: np.asarray(catalogue[f"S{band}"], float) for band in BANDS}
    center = catalogue.meta["RA0"], catalogue.meta["DEC0"]
    made = observe_field(
        catalogue,
        depart(fluxes, departure, rng),
        params.field["area"],
        center,
        departure,
        rng,
    )
    for file in FILES:
        np.save(Path(job.output[file]), made[file])
    print(f"{name}: {len(made['sources'])} sources, {departure}, {clustering=}")


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake):
        main(snakemake)
