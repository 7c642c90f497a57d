"""Read one map of the observed field; the 450 µm map comes to pixels of 1 arcsec."""

import numpy as np
from astropy.wcs.utils import proj_plane_pixel_scales

from superspire.checksums import verify
from superspire.instruments import BANDS, PIXEL, TARGET
from superspire.io import Map, write_map
from superspire.job import run
from superspire.maps.interpolation import interpolate
from superspire.maps.reader import read_observation
from superspire.sky.maps import field_wcs

SAME_PIXEL = 1e-3


def to_plain_pixels(map_, band):
    """Interpolate a distorted map, and every 450 µm map to pixels of 1 arcsec."""
    scale = proj_plane_pixel_scales(map_.wcs) * 3600.0
    pixel = PIXEL if band == TARGET else scale.mean()
    if np.allclose(scale, pixel, rtol=SAME_PIXEL) and map_.wcs.sip is None:
        return map_
    ny, nx = map_.data.shape
    center = map_.wcs.all_pix2world((nx - 1) / 2, (ny - 1) / 2, 0)
    side = max(nx * scale[0], ny * scale[1])
    wcs, n = field_wcs([float(c) for c in center], side, pixel)
    return Map(interpolate(map_, wcs, (n, n)), wcs)


def main(job):
    band = int(job.wildcards.band)
    verify(job.input.map)
    observation = read_observation(job.input.map, band, **job.params.reading)
    map_ = to_plain_pixels(observation.map, band)
    write_map(job.output[0], map_, BANDS[band].fwhm, WAVELNTH=(band, "[um]"))
    print(observation.record)


if __name__ == "__main__":
    run(main, snakemake)
