"""Read the error map of an observation that gives a simulated map its noise."""

import numpy as np

from superspire.errors import InputError
from superspire.job import run
from superspire.maps.reader import read_observation


def read_depth(path, band):
    """Read the standard errors of an observation.

    Parameters
    ----------
    path : str or path-like
        FITS file with an error map, in a layout that
        `superspire.maps.reader.read_observation` reads.
    band : int
        Wavelength of the band [µm].

    Returns
    -------
    error : ndarray of float32, shape (ny, nx)
        Standard error of each pixel [mJy/beam].
    pixel : float
        Side of a pixel [arcsec].

    Raises
    ------
    InputError
        If the file can't be read or has no usable error map.
    """
    observation = read_observation(path, band)
    if observation.error is None:
        raise InputError(
            f"realism.depth.{band}: expected an error map (an HDU named error, noise, "
            f"sigma, rms or variance) in {path}, found none"
        )
    error = observation.error
    if not (np.isfinite(error) & (error > 0)).any():
        raise InputError(
            f"realism.depth.{band}: expected positive errors in "
            f"{observation.record['error']} of {path}, found none"
        )
    return error, observation.record["pixel_arcsec"]


def main(job):
    error, pixel = read_depth(job.input.observation, int(job.wildcards.band))
    np.savez(job.output[0], error=error, pixel=pixel)


if __name__ == "__main__":
    run(main, snakemake)
