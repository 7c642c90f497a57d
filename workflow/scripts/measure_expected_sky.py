"""Measure the colours, beams and noise of the simulated sky that fields should have."""

import numpy as np

from superspire.checks.checks import expected_sky
from superspire.instruments import BANDS, PAPER_BANDS
from superspire.io import Map, read_map, write_json
from superspire.job import run

SIDE = 5400.0
"""Side of the central part that is measured [arcsec]."""


def central_part(map_, pixel):
    corner = [max(0, int((n - SIDE / pixel) // 2)) for n in map_.data.shape]
    part = tuple(slice(c, n - c) for c, n in zip(corner, map_.data.shape, strict=True))
    return Map(np.ascontiguousarray(map_.data[part]), map_.wcs[part])


def main(job):
    maps = {
        band: central_part(read_map(path), BANDS[band].pixel)
        for band, path in zip(PAPER_BANDS, job.input, strict=True)
    }
    record = expected_sky(maps)
    write_json(job.output[0], record)
    for pair, found in record["pairs"].items():
        print(f"{pair} µm: slope {found['slope']:.3f} ± {found['slope_error']:.3f}")


if __name__ == "__main__":
    run(main, snakemake)
