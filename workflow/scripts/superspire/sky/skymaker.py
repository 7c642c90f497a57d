"""Images of the simulated sources by SkyMaker, as in the paper (section 2.1).

SkyMaker (Bertin 2009, Mem. Soc. Astron. Italiana 80, 422) adds up the sources one by
one, each a copy of the PSF that is shifted by a Lanczos-3 interpolation and sampled at
the centres of the pixels. It does not integrate over the pixels a PSF that it reads
from a file; the one written here is therefore the beam averaged over a pixel. Sources
come out within 0.4 % of their peak and 0.007 pixel of their position.

Its time grows with the sources and with the area of the beam: 4 µs of one core for
each source in a SPIRE map and 20 µs at 450 µm, with the Gaussians of Table 1; 23 and
170 µs with the extended and two-component beams. It holds the image in 4 bytes per
pixel, and needs on disk as much again and 80 bytes per source. The number of sources
and the size of the PSF have no limit that matters; an image has at most `MAX_SIDE`
pixels along a side, 165 deg² at 450 µm.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT

import numpy as np
from astropy.io import fits
from scipy import fft

from superspire.errors import InputError
from superspire.instruments import BANDS
from superspire.io import Map
from superspire.sky.beams import beam_of
from superspire.sky.maps import STRIP, field_wcs

PROGRAMS = ("sky", "skymaker")
"""Names that SkyMaker's executable goes by."""

HOME = "https://github.com/astromatic/skymaker"

ZERO_POINT = 16.4
"""AB magnitude of 1 mJy."""

SAMPLES = 3
"""Samples of the PSF image along a native pixel, 9 or more along the FWHM."""

MAX_SIDE = 46340
"""Most pixels along a side: SkyMaker counts pixels in 32 bits."""

MIN_FRACTION = 0.1
"""Minimum sum of a PSF image over that of its absolute values."""

POINT_SOURCE = 100
"""SkyMaker's code of an unresolved object."""

SOURCES, PSF, CONFIG, IMAGE = "sources.txt", "psf.fits", "sky.conf", "image.fits"
"""Files of a run; SkyMaker adds ``image.list``, the objects that it has painted."""


def find_program():
    """Find SkyMaker's executable.

    Other programs are called ``sky`` too, so each is asked for its name.

    Returns
    -------
    str
        Its path.

    Raises
    ------
    InputError
        If it is not installed.
    """
    others = []
    for path in map(os.path.abspath, filter(None, map(shutil.which, PROGRAMS))):
        try:
            answer = subprocess.run([path, "-v"], stdin=DEVNULL, stdout=PIPE).stdout
        except OSError:
            answer = b""
        if b"SkyMaker" in answer:
            return path
        others.append(path)
    found = " and ".join(others) + ", not SkyMaker" if others else "neither"
    raise InputError(
        f"simulation.renderer: skymaker needs the program {' or '.join(PROGRAMS)} "
        f"of {HOME} on the PATH, found {found}; renderer: model needs no program"
    )


def psf_image(beam, pixel):
    """Average a beam over a pixel, wherever the pixel lies, by its Fourier transform.

    Parameters
    ----------
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        The beam.
    pixel : float
        Side of a pixel [arcsec].

    Returns
    -------
    ndarray of float32, shape (n, n)
        Brightness of a source of unit flux in a pixel at each distance from it; n is
        odd and the source lies in the central sample. The square holds the beam's
        reach and one pixel more.
    """
    step = pixel / SAMPLES
    half = SAMPLES * (int(np.ceil(beam.reach / pixel)) + 1)
    n = fft.next_fast_len(2 * half + 1, real=True)
    ky, kx = fft.fftfreq(n, step), fft.rfftfreq(n, step)
    mean = np.outer(np.sinc(ky * pixel), np.sinc(kx * pixel))
    image = fft.irfft2(beam.transfer(ky, kx) * mean, (n, n), workers=-1) / step**2
    rows = np.arange(-half, half + 1)
    return image[np.ix_(rows, rows)].astype(np.float32)


def write_sources(path, x, y, flux):
    """Write the list of point sources that SkyMaker reads.

    Parameters
    ----------
    path : path-like
        File to write.
    x, y : ndarray, shape (n,)
        Positions [pixel], one at the centre of the first pixel.
    flux : ndarray, shape (n,)
        Flux densities [mJy].
    """
    code = np.full(len(flux), POINT_SOURCE)
    magnitude = ZERO_POINT - 2.5 * np.log10(flux)
    np.savetxt(path, np.column_stack([code, x, y, magnitude]), "%d %.6f %.6f %.7f")


def configuration(n, pixel, threads):
    """Configure an image without noise, background, saturation and stars.

    Parameters
    ----------
    n : int
        Pixels along each side of the image.
    pixel : float
        Side of a pixel [arcsec].
    threads : int
        Threads of the run.

    Returns
    -------
    str
        SkyMaker's configuration file. One ADU in the image is 1 mJy.
    """
    keys = {
        "IMAGE_NAME": IMAGE,
        "IMAGE_SIZE": f"{n},{n}",
        "IMAGE_TYPE": "SKY_NONOISE",
        "IMAGE_HEADER": "INTERNAL",
        "LISTCOORD_TYPE": "PIXEL",
        "LISTMAG_LIMITS": "-99.0,99.0",
        "GAIN": 1.0,
        "WELL_CAPACITY": 0,
        "SATUR_LEVEL": 1e18,
        "READOUT_NOISE": 0.0,
        "EXPOSURE_TIME": 1.0,
        "MAG_ZEROPOINT": ZERO_POINT,
        "PIXEL_SIZE": pixel,
        "MICROSCAN_NSTEP": 1,
        "PSF_TYPE": "FILE",
        "PSF_NAME": PSF,
        "PSFCENTER_TYPE": "HALF",
        "PSF_OVERSAMP": SAMPLES,
        "AUREOLE_RADIUS": 0,
        "BACK_MAG": 99.0,
        "STARCOUNT_ZP": 0.0,
        "SEED_MOTION": 1,
        "SEED_STARPOS": 1,
        "VERBOSE_TYPE": "QUIET",
        "NTHREADS": threads,
    }
    return "".join(f"{key} {value}\n" for key, value in keys.items())


def paint(program, directory, psf):
    """Run SkyMaker on the sources in a directory.

    Parameters
    ----------
    program : str
        Path of the executable.
    directory : path-like
        Where the list of sources and the configuration are.
    psf : ndarray, shape (m, m)
        Brightness of a source of unit flux.

    Returns
    -------
    ndarray of float32, shape (n, n)
        Surface brightness [mJy/beam]: SkyMaker's flux per pixel times the integral of
        the PSF over that of a pixel, which SkyMaker has divided it by.

    Raises
    ------
    InputError
        If the program fails; the last line that it printed is reported.
    """
    directory = Path(directory)
    fits.writeto(directory / PSF, psf, overwrite=True)
    done = subprocess.run(
        [program, SOURCES, "-c", CONFIG],
        cwd=directory,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        text=True,
        errors="replace",
    )
    image = directory / IMAGE
    if done.returncode or not image.is_file():
        plain = re.sub(r"\x1b\[\d*\w|^>", "", done.stdout, flags=re.MULTILINE)
        lines = [line.strip() for line in plain.splitlines() if line.strip()]
        last = f"the last line {lines[-1]!r}" if lines else "no message"
        raise InputError(
            f"{program}: expected an image of SkyMaker, found exit status "
            f"{done.returncode} and {last}"
        )
    data = fits.getdata(image).astype(np.float32)
    data *= np.float32(psf.sum(dtype=np.float64) / SAMPLES**2)
    return data


def make_map_skymaker(
    ra,
    dec,
    flux,
    band,
    center,
    side,
    beam=None,
    foreground=None,
    directory=None,
    threads=1,
):
    """Observe point sources as `superspire.sky.maps.make_map` does, through SkyMaker.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Positions [deg].
    flux : ndarray, shape (n,)
        Flux densities [mJy].
    band : int
        Wavelength of the band [µm].
    center : (float, float)
        Right ascension and declination of the field's centre [deg].
    side : float
        Side of the square field [arcsec].
    beam : superspire.sky.beams.GaussianBeam or ImageBeam, optional
        By default the Gaussian of Table 1.
    foreground : ndarray, shape (ny, nx), or callable, optional
        What is seen besides the sources [mJy/beam], as of `make_map`.
    directory : path-like, optional
        Where the files of the run are as long as it lasts; by default where the
        system has its temporary files.
    threads : int
        Threads of the run.

    Returns
    -------
    Map
        Zero-mean map without noise [mJy/beam] in the band's native pixels.

    Raises
    ------
    InputError
        If SkyMaker is not installed or fails, the field is smaller than a pixel or
        larger than SkyMaker can count, a flux is negative or not finite, or the beam
        has no area.
    """
    pixel = BANDS[band].pixel
    wcs, n = field_wcs(center, side, pixel)
    flux = np.asarray(flux, dtype=float)
    check(flux, n, side, band)
    program = find_program()
    psf = psf_image(beam_of(band) if beam is None else beam, pixel)
    if psf.sum() < MIN_FRACTION * np.abs(psf).sum():
        raise InputError(
            f"simulation.renderer: skymaker divides the {band} µm beam by its area, "
            "found none (realism.scuba2_filter must be null)"
        )
    x, y = wcs.wcs_world2pix(ra, dec, 1)
    half = n / 2 + psf.shape[0] / SAMPLES / 2 + 1
    seen = (np.abs([x - (n + 1) / 2, y - (n + 1) / 2]) < half).all(axis=0) & (flux > 0)
    with tempfile.TemporaryDirectory(prefix="skymaker-", dir=directory) as folder:
        folder = Path(folder)
        write_sources(folder / SOURCES, x[seen], y[seen], flux[seen])
        (folder / CONFIG).write_text(configuration(n, pixel, threads))
        data = paint(program, folder, psf)
    for first in range(0, n if foreground is not None else 0, STRIP):
        rows = slice(first, min(first + STRIP, n))
        data[rows] += (
            foreground(rows.start, rows.stop, n, pixel)
            if callable(foreground)
            else foreground[rows]
        )
    data -= np.float32(data.mean(dtype=np.float64))
    return Map(data, wcs)


def check(flux, n, side, band):
    """Refuse what SkyMaker cannot paint.

    Parameters
    ----------
    flux : ndarray
        Flux densities [mJy].
    n : int
        Pixels along each side of the image.
    side : float
        Side of the field [arcsec].
    band : int
        Wavelength of the band [µm].

    Raises
    ------
    InputError
        If the image has no pixel or too many, or a flux has no magnitude.
    """
    if n < 1:
        raise InputError(
            f"field of {side} arcsec is smaller than a pixel of {BANDS[band].pixel}"
        )
    if n > MAX_SIDE:
        raise InputError(
            f"simulation.renderer: skymaker makes images of at most {MAX_SIDE} "
            f"pixels along a side, found {n} at {band} µm"
        )
    wrong = ~np.isfinite(flux) | (flux < 0)
    if wrong.any():
        raise InputError(
            f"flux at {band} µm: SkyMaker needs finite positive flux densities, found "
            f"{flux[wrong][0]} mJy"
        )
