"""Small mock skies: sources of known flux on white noise."""

import numpy as np

from superspire.instruments import BANDS, SPIRE
from superspire.io import Map
from superspire.sky.maps import field_wcs, make_map

CENTRE, SIDE = (10.0, 0.0), 1200.0
COLOURS = {"250": 1.8, "350": 1.4, "500": 0.8}
NO_CONFUSION = {"colours": COLOURS, "confusion": np.zeros((3, 3)).tolist()}


def position(x, y):
    """Turn offsets from the centre to the west and north [arcsec] into sky."""
    wcs, n = field_wcs(CENTRE, SIDE, 1.0)
    centre = (n - 1) / 2
    return wcs.all_pix2world(np.add(x, centre), np.add(y, centre), 0)


def observe(ra, dec, flux, noise=0.0, seed=1, colours=COLOURS):
    """Make SPIRE maps of sources of given 450 µm flux, their sky level kept at zero."""
    rng = np.random.default_rng(seed)
    maps = {}
    for band in SPIRE:
        fluxes = colours[str(band)] * np.asarray(flux, float)
        map_ = make_map(np.asarray(ra), np.asarray(dec), fluxes, band, CENTRE, SIDE)
        data = map_.data - np.float32(np.median(map_.data))
        data = data + rng.normal(0.0, noise, data.shape) if noise else data
        maps[band] = Map(data.astype(np.float32), map_.wcs)
    return maps


def beam_sum(band):
    """Sum of the squared pixels of a Gaussian beam of unit peak, pixels unresolved."""
    return np.pi * BANDS[band].sigma ** 2 / BANDS[band].pixel ** 2
