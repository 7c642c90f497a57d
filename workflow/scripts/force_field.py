"""Measure the fluxes of a field at the positions of a list."""

import numpy as np

from superspire.checks.inputs import native_noise, noise_of_bands, read_corrected
from superspire.checksums import verify
from superspire.instruments import SPIRE
from superspire.io import Map, read_json, read_table
from superspire.job import announce, run
from superspire.methods.forced_fit import force_bands
from superspire.products.field import pointing_cards
from superspire.products.forced import (
    COLUMNS,
    RADIUS,
    build_table,
    match_catalogue,
)
from superspire.products.reference import read_list
from superspire.products.writing import write_catalogue

MIN_PROBABILITY = 0.5
"""Minimum probability of a source that is fitted along."""

ANY_LEVEL = dict.fromkeys(map(str, SPIRE), 0.0)
"""Level of the maps, which the fit finds itself [mJy/beam]."""


def varying_noise(checks, errors):
    """Give the noise of the bands that have an error map; of others it is measured."""
    if not errors:
        return {}
    _, noise = noise_of_bands(checks, errors, np.nan)
    return {
        band: level
        for band, level in noise.items()
        if isinstance(level, Map) and np.isfinite(level.data).any()
    }


def main(job, terminal=None):
    options = job.params.options
    wanted, checks = options["positions"], read_json(job.input.checks)
    verify(job.input.positions)
    entries = read_list(
        job.input.positions, wanted.get("columns"), notify=announce(terminal)
    )
    catalogue = read_table(job.input.catalogue)
    maps, records, errors = read_corrected(job.input, options, checks, ANY_LEVEL)
    partner, alone = match_catalogue(entries, catalogue, wanted.get("radius", RADIUS))
    if "PROBABILITY" in catalogue.colnames:
        alone &= np.asarray(catalogue["PROBABILITY"]) >= MIN_PROBABILITY
    listed, companions = (
        tuple(np.asarray(table[name], float) for name in ("RA", "DEC"))
        for table in (entries, catalogue[alone])
    )
    fwhm = {band: records[band]["beam_fwhm_arcsec"] for band in SPIRE}
    noise = native_noise(maps, varying_noise(checks, errors))
    results = force_bands(maps, fwhm, listed, companions, noise)
    ids = np.append(np.asarray(catalogue["ID"], int), 0)
    table = build_table(entries, results, ids[partner])
    cards = {
        "OBJECT": (job.wildcards.field, "field of the configuration"),
        "POSLIST": (wanted["file"], "list of positions"),
    }
    cards |= {f"INPUT{b}": (records[b]["file"], f"map at {b} um") for b in SPIRE}
    cards |= pointing_cards(options, checks)
    write_catalogue(job.output[0], table, COLUMNS, cards)
    print(f"{len(table)} positions, {alone.sum()} other sources")
    for band in SPIRE:
        flux, error = results[band].flux, results[band].error
        print(
            f"{band} um: {np.isfinite(flux).sum()} observed, "
            f"{np.sum(flux >= 3.0 * error)} with a signal-to-noise ratio of 3"
        )


if __name__ == "__main__":
    run(main, snakemake, progress=True)
