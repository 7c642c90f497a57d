"""Observe the simulated sources in every band."""

from functools import partial
from pathlib import Path

import numpy as np
from astropy.io import fits

from superspire.instruments import BANDS, PAPER_BANDS, TARGET
from superspire.io import read_columns, write_map
from superspire.job import run
from superspire.seeds import stream
from superspire.sky.beams import beam_of
from superspire.sky.cirrus import cirrus_field
from superspire.sky.maps import make_map
from superspire.sky.noise import add_noise, depth_map
from superspire.sky.skymaker import make_map_skymaker

NOISE = ("white noise per pixel", "rms noise for a point source")
"""What the card NOISE holds of SPIRE's maps and of SCUBA-2's."""


def file_name(path):
    """Name of a file in the characters that a FITS header takes."""
    return Path(path).name.encode("ascii", "replace").decode()


def realism_cards(band, realism, noise):
    """Header cards of what this band's map has beyond the paper's."""
    cards = {}
    beam = realism["scuba2_beam" if band == TARGET else "spire_beams"]
    if isinstance(beam, dict):
        beam = file_name(beam[str(band)])
    if beam != "gaussian":
        cards["BEAM"] = beam
    if band == TARGET and realism["scuba2_filter"]:
        cards["FILTER"] = (
            realism["scuba2_filter"],
            "[arcsec] FWHM of the background taken away",
        )
    if realism["cirrus"]:
        cards["CIRRUS"] = (realism["cirrus"], "[MJy/sr] expected rms at 250 um")
        cards["CIRSLOPE"] = (realism["cirrus_slope"], "slope of its power spectrum")
        cards["CIRTEMP"] = (realism["cirrus_temperature"], "[K] dust temperature")
    if realism["noise_knee"] and noise:
        cards["KNEE"] = (realism["noise_knee"], "[arcmin] knee of the 1/f noise")
        cards["KNEESLOP"] = (realism["noise_slope"], "slope of its power spectrum")
    if str(band) in realism["depth"]:
        cards["DEPTH"] = file_name(realism["depth"][str(band)])
        cards["COMMENT"] = "NOISE is the mean of the errors of DEPTH."
    return cards


def observe(job, band, center, side):
    """Make the map of one band and tell its noise [mJy/beam]."""
    params, sky = job.params, job.wildcards.sky
    realism = params.realism
    beam = beam_of(band, params.beams)
    foreground = None
    if realism["cirrus"]:
        foreground = cirrus_field(
            band,
            beam,
            side,
            realism["cirrus"],
            stream(params.seed, "cirrus", sky),
            realism["cirrus_slope"],
            realism["cirrus_temperature"],
        ).rows
    ra, dec, flux = read_columns(job.input.catalogue, "RA", "DEC", f"S{band}")
    make = make_map
    if params.renderer == "skymaker":
        folder = job.resources.tmpdir
        make = partial(make_map_skymaker, directory=folder, threads=job.threads)
    map_ = make(ra, dec, flux, band, center, side, beam, foreground)
    pixel, noise, depth = BANDS[band].pixel, params.noise[str(band)], None
    for_point_sources = band == TARGET
    if str(band) in realism["depth"]:
        with np.load(params.depth[str(band)]) as file:
            error, native = file["error"], float(file["pixel"])
        depth = depth_map(
            error, native, map_.data.shape, pixel, white=not for_point_sources
        )
        noise = float(depth.mean(dtype=np.float64))
    add_noise(
        map_.data,
        noise,
        stream(params.seed, "noise", sky, band),
        pixel,
        realism["noise_knee"],
        realism["noise_slope"],
        depth,
        stream(params.seed, "drift", sky, band),
        beam if for_point_sources else None,
    )
    return map_, noise


def main(job):
    header = fits.getheader(job.input.catalogue, 1)
    center, side = (header["RA0"], header["DEC0"]), 3600.0 * header["AREA"] ** 0.5
    for path, band in zip(job.output, PAPER_BANDS, strict=True):
        map_, noise = observe(job, band, center, side)
        write_map(
            path,
            map_,
            BANDS[band].fwhm,
            WAVELNTH=(band, "[um]"),
            NOISE=(noise, f"[mJy/beam] {NOISE[band == TARGET]}"),
            SEED=job.params.seed,
            MAKER=(job.params.renderer, "what made the image"),
            **realism_cards(band, job.params.realism, noise),
        )
        print(f"{band} um: {map_.data.shape}, rms {map_.data.std():.3f} mJy/beam")


if __name__ == "__main__":
    run(main, snakemake)
