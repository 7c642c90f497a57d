"""Give the methods what they may know: simulated sources, and sky to tune on."""

import numpy as np
import pandas as pd
from astropy.io import fits

from superspire.evaluation.catalogues import TRUTH_LIMIT
from superspire.instruments import BANDS, PAPER_BANDS, SPIRE
from superspire.io import read_columns, read_map, write_json, write_map, write_table
from superspire.job import run
from superspire.methods.statistics import source_statistics
from superspire.methods.tuning import cut_map, held_out_box, sources_in


def main(job):
    files = job.input
    names = [f"S{band}" for band in PAPER_BANDS]
    area = sum(fits.getheader(file, 1)["AREA"] for file in files.catalogues)
    fluxes = (
        dict(zip(PAPER_BANDS, read_columns(file, *names), strict=True))
        for file in files.catalogues
    )
    statistics = source_statistics(fluxes, area) | {"area_deg2": area}
    sky, box = held_out_box(pd.read_csv(files.index))
    number = job.params.skies.index(sky)
    noise = {}
    for file, band in zip(
        files.maps[number * len(SPIRE) :][: len(SPIRE)], SPIRE, strict=True
    ):
        header = fits.getheader(files.targets[number])
        part = cut_map(read_map(file), header, box)
        noise[str(band)] = float(fits.getheader(file).get("NOISE", 0.0))
        output = job.output[f"map_{band}"]
        write_map(output, part, BANDS[band].fwhm, NOISE=noise[str(band)])
        print(f"{band} um: {part.data.shape}, {np.isnan(part.data).sum()} unobserved")
    ra, dec, flux = read_columns(files.catalogues[number], "RA", "DEC", "S450")
    truth = sources_in(ra, dec, flux, fits.getheader(files.targets[number]), box)
    write_table(job.output.truth, truth[truth["S450"].value >= TRUTH_LIMIT], SKY=sky)
    write_json(job.output.statistics, statistics | {"sky": sky, "box": box})
    print(statistics)


if __name__ == "__main__":
    run(main, snakemake)
