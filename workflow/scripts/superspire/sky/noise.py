"""Instrument noise: white, filtered or 1/f, and as deep as a real observation."""

import numpy as np
from scipy import fft, ndimage

from superspire.sky.random_fields import CELL, random_field

BLOCK = 512
"""Rows of noise that are made at a time."""


def add_noise(
    data,
    rms,
    rng,
    pixel,
    knee=None,
    slope=-2.0,
    depth=None,
    drift_rng=None,
    beam=None,
):
    """Add noise to a map, in place.

    Without a beam the noise is white. With one it is the noise of a map that was
    filtered for point sources and in which they look like `beam`: a matched filter P
    turns white noise into noise of power |P|² and a point source into the image |P|²,
    so that the covariance of two pixels is rms² times the beam at their separation.
    The value of a pixel is then the best estimate of the flux of a point source there,
    and its standard error is `rms`.

    With a knee the power spectrum is multiplied by 1 + (k knee)^slope. This part has
    the modes of `superspire.sky.random_fields.random_field`: none below 1 / (2 side),
    none above 1 / (2 cell), with cells of 6 arcsec or of the pixel's size, whichever
    is larger.

    Parameters
    ----------
    data : ndarray of float32, shape (n, n)
        Map [mJy/beam].
    rms : float
        Standard deviation of the noise [mJy/beam] without its 1/f part: of each pixel
        and, in a filtered map, of the flux of a point source.
    rng : numpy.random.Generator
        Source of the noise without its 1/f part.
    pixel : float
        Side of a pixel [arcsec].
    knee : float, optional
        Scale at which the 1/f noise has the power of the other [arcmin].
    slope : float
        Slope of the power spectrum of the 1/f noise, relative to the other.
    depth : ndarray, shape (n, n), optional
        Standard deviation of the noise of every pixel [mJy/beam] in place of `rms`;
        the 1/f noise follows it as well.
    drift_rng : numpy.random.Generator, optional
        Source of the 1/f noise; by default a child of `rng`.
    beam : superspire.sky.beams.GaussianBeam, optional
        Point source in a filtered map.
    """
    if depth is None and not rms:
        return
    n = len(data)

    def add(rows, noise):
        data[rows] += (np.float32(rms) if depth is None else depth[rows]) * noise

    for rows, noise in unit_noise(n, pixel, rng, beam):
        add(rows, noise)
    if not knee:
        return
    scale = np.float32(60.0 * knee)
    variance = np.float32(1.0 if beam else pixel**2)
    drift = random_field(
        lambda k: variance * (k * scale) ** np.float32(slope),
        n * pixel,
        rng.spawn(1)[0] if drift_rng is None else drift_rng,
        max(CELL, pixel),
        (lambda ky, kx: root_transfer(beam, ky, kx)) if beam else None,
    )
    for first in range(0, n, BLOCK):
        rows = slice(first, min(first + BLOCK, n))
        add(rows, drift.rows(rows.start, rows.stop, n, pixel))


def unit_noise(n, pixel, rng, beam=None):
    """Draw noise of unit variance block by block, white or filtered.

    Parameters
    ----------
    n : int
        Pixels along each side of the map.
    pixel : float
        Side of a pixel [arcsec].
    rng : numpy.random.Generator
        Source of the noise.
    beam : superspire.sky.beams.GaussianBeam, optional
        Point source in a filtered map, see `add_noise`; white noise by default.

    Yields
    ------
    rows : slice
        Rows of the map.
    noise : ndarray of float32, shape (rows, n)
    """
    margin = int(np.ceil(beam.reach / pixel)) if beam else 0
    width = n + 2 * margin
    strip = rng.standard_normal((2 * margin, width), np.float32)
    for first in range(0, n, BLOCK):
        rows = slice(first, min(first + BLOCK, n))
        drawn = rng.standard_normal((rows.stop - first, width), np.float32)
        strip = np.concatenate([strip[len(strip) - 2 * margin :], drawn])
        if beam is None:
            yield rows, strip
        else:
            inside = np.s_[margin : len(strip) - margin, margin : width - margin]
            yield rows, filtered(strip, pixel, beam)[inside]


def filtered(white, pixel, beam):
    """Give white noise of unit variance the covariance of a beam, by FFT.

    Parameters
    ----------
    white : ndarray of float32, shape (ny, nx)
        White noise.
    pixel : float
        Side of a pixel [arcsec].
    beam : superspire.sky.beams.GaussianBeam
        Beam of unit peak.

    Returns
    -------
    ndarray of float32, shape (ny, nx)
        Noise whose two sides are taken to be next to each other.
    """
    ny, nx = (fft.next_fast_len(side, real=True) for side in white.shape)
    spectrum = fft.rfft2(white, (ny, nx), workers=-1)
    spectrum *= root_transfer(beam, fft.fftfreq(ny, pixel), fft.rfftfreq(nx, pixel))
    image = fft.irfft2(spectrum, (ny, nx), workers=-1) / np.float32(pixel)
    return image[: white.shape[0], : white.shape[1]]


def root_transfer(beam, ky, kx):
    """Square root of a beam's transfer function, that of its matched filter [arcsec].

    Parameters
    ----------
    beam : superspire.sky.beams.GaussianBeam
        Beam whose transfer function is nowhere negative.
    ky, kx : ndarray, shape (m,) and (n,)
        Spatial frequencies [cycles/arcsec].

    Returns
    -------
    ndarray of float32, shape (m, n)
    """
    return np.sqrt(np.maximum(beam.transfer(ky, kx), 0.0))


def depth_map(error, native, shape, pixel, white=True):
    """Take the depth of a real observation for a simulated field.

    The observation is laid over the field centre on centre, at its angular scale, and
    reflected at its edges where the field is larger.

    Parameters
    ----------
    error : ndarray, shape (ny, nx)
        Standard error of each pixel of the observation [mJy/beam]; where it is not
        finite and positive, the median of the others is used.
    native : float
        Side of its pixels [arcsec].
    shape : (int, int)
        Shape of the field.
    pixel : float
        Side of its pixels [arcsec].
    white : bool
        Whether the errors are those of white noise, which are inversely proportional
        to the side of a pixel; otherwise they are those of point sources, as in a
        filtered map, whatever its pixels.

    Returns
    -------
    ndarray of float32, shape `shape`
        Standard deviation of the noise of every pixel [mJy/beam].
    """
    if white:
        error = error * np.float32(native / pixel)
    good = np.isfinite(error) & (error > 0)
    error = np.where(good, error, np.median(error[good]))
    step = pixel / native
    corner = 0.5 * (np.array(error.shape) - 1) - 0.5 * (np.array(shape) - 1) * step
    return ndimage.affine_transform(
        error, [step, step], corner, shape, np.float32, order=1, mode="reflect"
    )
