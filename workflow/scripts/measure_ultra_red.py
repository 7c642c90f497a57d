"""Measure how complete and pure ultra-red sources are found (section 5)."""

import pandas as pd
from astropy.io import fits
from astropy.wcs import WCS

from superspire.instruments import PIXEL, SPIRE
from superspire.io import read_columns, read_map, read_table
from superspire.job import run
from superspire.methods.ultra_red import (
    deblended_fluxes,
    in_cutouts,
    measure_ultra_red,
    peak_fluxes,
)
from superspire.sky.beams import beam_of


def read_lists(files, min_flux):
    """Read the injected galaxies, and the positions at which fluxes are measured."""
    names = ["RA", "DEC", "S450", *(f"S{band}" for band in SPIRE)]
    columns = read_columns(files.catalogue, *names)
    galaxies = pd.DataFrame(dict(zip(names, columns, strict=True)), dtype=float)
    wcs = WCS(fits.getheader(files.target_map))
    truth = in_cutouts(galaxies, pd.read_csv(files.evaluated), wcs)
    names = {"cutout": "cutout", "x": "x", "y": "y", "ra": "RA", "dec": "DEC"}
    found = read_table(files.sr)
    found = pd.DataFrame({new: found[old].value for old, new in names.items()})
    bright = truth.loc[truth["S450"] >= min_flux, list(names.values())]
    return truth, {"super-resolved": found, "injected": bright}


def main(job):
    files, params = job.input, job.params
    maps = {band: read_map(files[f"map_{band}"]) for band in SPIRE}
    beams = {band: beam_of(band, params.realism) for band in SPIRE}
    truth, lists = read_lists(files, params.min_flux)
    tables = {}
    for positions, table in lists.items():
        position = table["RA"].to_numpy(), table["DEC"].to_numpy()
        for photometry, fluxes in (
            ("peak", peak_fluxes(maps, beams, *position)),
            ("forced", deblended_fluxes(maps, beams, *position)),
        ):
            tables[positions, photometry] = measure_ultra_red(
                table.assign(**fluxes), truth, params.strict_radius / PIXEL
            )
    result = pd.concat(tables, names=["positions", "photometry"])
    result = result.reset_index(["positions", "photometry"])
    result.to_csv(job.output[0], index=False, float_format="%.4g")
    print(result.to_string(index=False))


if __name__ == "__main__":
    run(main, snakemake)
