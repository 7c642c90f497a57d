"""Mock fields for the tests of the checks: maps of the sky model, seen as real ones."""

from dataclasses import replace
from functools import cache

import numpy as np

from superspire.instruments import BANDS, SPIRE
from superspire.io import Map
from superspire.maps.reader import Observation
from superspire.seeds import stream
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.dust import load_library
from superspire.sky.maps import make_map

CENTER = (40.0, 5.0)
NOISE = 2.0


@cache
def catalogue(seed, area=0.1):
    return simulate_catalogue(
        area, stream(seed, "mock field"), dust=load_library("compact"), center=CENTER
    )


def sky_map(seed, band, area=0.1):
    """Noise-free map in the pixels that BANDS has for the band."""
    galaxies = catalogue(seed, area)
    side = 3600.0 * area**0.5
    flux = np.asarray(galaxies[f"S{band}"])
    return make_map(galaxies["RA"], galaxies["DEC"], flux, band, CENTER, side)


def field(seed, bands=SPIRE, noise=NOISE, area=0.1):
    """Maps with white noise [mJy/beam] per native pixel."""
    maps = {}
    for band in bands:
        map_ = sky_map(seed, band, area)
        rng = stream(seed, "mock noise", band)
        map_.data[:] += noise * rng.standard_normal(map_.data.shape)
        maps[band] = map_
    return maps


def observed(maps, errors=None, **record):
    """Observations of maps, with one error for all pixels of each [mJy/beam]."""
    return {
        band: Observation(
            map_,
            None if errors is None else np.full_like(map_.data, errors[band]),
            {
                "file": f"{band}.fits",
                "beam_fwhm_arcsec": BANDS[band].fwhm,
                "pixel_arcsec": 3600.0 * abs(map_.wcs.wcs.cdelt[0]),
                "matched_filtered": False,
                **record,
            },
        )
        for band, map_ in maps.items()
    }


def scaled(map_, factor):
    return Map((map_.data * factor).astype(np.float32), map_.wcs)


def other_pixel(band, pixel):
    """A band with other native pixels [arcsec], to be put into BANDS."""
    return replace(BANDS[band], pixel=pixel)
