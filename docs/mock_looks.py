"""Simulate two observations of one mock sky, with the noise of Beta And."""

from pathlib import Path

import numpy as np

from superspire.instruments import BANDS
from superspire.io import Map, write_map
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.dust import load_library
from superspire.sky.maps import make_map

SEED, AREA, CENTER = 7, 0.5, (34.0, -5.0)
NOISE = {250: 5.7, 350: 5.1, 500: 6.0}  # of a pixel [mJy/beam]
PIXEL = {250: 6.0, 350: 10.0, 500: 14.0}  # side [arcsec]

folder = Path("data/mock_looks")
folder.mkdir(parents=True, exist_ok=True)
sky = simulate_catalogue(AREA, SEED, center=CENTER, dust=load_library("compact"))
ra, dec = (np.asarray(sky[name], float) for name in ("RA", "DEC"))
rng = np.random.default_rng(SEED)
for band in NOISE:
    flux, side = np.asarray(sky[f"S{band}"], float), 3600.0 * AREA**0.5
    clean = make_map(ra, dec, flux, band, CENTER, side, pixel=PIXEL[band])
    for look in (1, 2):
        noise = rng.normal(0.0, NOISE[band], clean.data.shape).astype("f4")
        map_ = Map(clean.data + noise, clean.wcs)
        write_map(folder / f"{look}_{band}.fits", map_, BANDS[band].fwhm)
