"""Read one map of the observed field; the 450 µm map comes to pixels of 1 arcsec."""

import numpy as np

from superspire.checksums import verify
from superspire.instruments import BANDS, PIXEL, TARGET
from superspire.io import Map, write_map
from superspire.job import run
from superspire.maps.archives import file_of
from superspire.maps.interpolation import interpolate
from superspire.maps.positions import map_matrix, pixel_sides
from superspire.maps.reader import read_observation
from superspire.sky.maps import field_wcs

SAME_PIXEL = 1e-3


def to_plain_pixels(map_, band):
    """Interpolate a map of odd pixels, and every 450 µm map to those of 1 arcsec."""
    sides = pixel_sides(map_)
    pixel = PIXEL if band == TARGET else sides.mean()
    square = np.allclose(gram(map_) / pixel**2, np.eye(2), atol=SAME_PIXEL)
    if square and not map_.wcs.has_distortion:
        return map_
    ny, nx = map_.data.shape
    center = map_.wcs.all_pix2world((nx - 1) / 2, (ny - 1) / 2, 0)
    side = max(nx * sides[0], ny * sides[1])
    wcs, n = field_wcs([float(c) for c in center], side, pixel)
    return Map(interpolate(map_, wcs, (n, n)), wcs)


def gram(map_):
    """Scalar products of the sides of a pixel [arcsec²]."""
    matrix = map_matrix(map_)
    return matrix.T @ matrix


def main(job, terminal):
    band = int(job.wildcards.band)
    verify(file_of(job.input.map, band))
    observation = read_observation(job.input.map, band, **job.params.reading)
    for warning in observation.record["warnings"]:
        print(f"{observation.record['file']}: {warning}", file=terminal)
    map_ = to_plain_pixels(observation.map, band)
    write_map(job.output[0], map_, BANDS[band].fwhm, WAVELNTH=(band, "[um]"))
    print(observation.record)


if __name__ == "__main__":
    run(main, snakemake, progress=True)
