"""Extract the sources of the super-resolved and of the 450 µm cutouts (section 4)."""

import numpy as np
import pandas as pd

from superspire.evaluation.catalogues import (
    evaluated_rows,
    extract_cutouts,
    forced_fluxes,
    measure_backgrounds,
    round_columns,
    sky_systems,
)
from superspire.io import read_json, write_table
from superspire.job import run


def main(job):
    files, params = job.input, job.params
    evaluated = pd.read_csv(files.evaluated)
    wcs = sky_systems(files.maps)
    rows = evaluated_rows(pd.read_csv(files.index), evaluated)
    target = np.load(files.target, mmap_mode="r")
    generated = np.load(files.superresolved, mmap_mode="r")
    calibration = read_json(files.calibration)
    factor = calibration["factor"]
    peak_factor = calibration["peak_factor"] or factor

    found = extract_cutouts(
        generated, evaluated, wcs, params.threshold, params.min_flux
    )
    found["flux"] = peak_factor * found["peak"].value * found["aperture_flux"].unit
    found["flux_aperture"] = factor * found["aperture_flux"]

    true = extract_cutouts(
        (target[i] for i in rows), evaluated, wcs, params.target_threshold
    )
    true["flux"] = true["peak"].value * true["aperture_flux"].unit
    true["flux_sr"] = factor * forced_fluxes(generated, evaluated, true)

    levels = measure_backgrounds(generated, (target[i] for i in rows), evaluated)
    levels.to_csv(job.output.background, index=False, float_format="%.5g")
    for path, table in ((job.output.sr, found), (job.output.target, true)):
        write_table(path, round_columns(table), CALIB=factor)
        print(f"{path}: {len(table)} sources in {len(evaluated)} cutouts")


if __name__ == "__main__":
    run(main, snakemake)
