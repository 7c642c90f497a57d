"""Source finding by photutils itself, outside the training graph.

Slower than `superspire.unet.detection`, which has to give the same: the reference.
"""

import numpy as np
from keras import ops

from superspire.instruments import APERTURE_RADIUS, PIXEL
from superspire.photometry.sources import aperture_fluxes, find_target_sources
from superspire.training.backend import outside_graph
from superspire.unet import detection


def mark_peaks(images, snr):
    """Mark the sources that photutils finds.

    Parameters
    ----------
    images : ndarray of float32, shape (batch, n, n, 1)
    snr : float
        Minimum signal-to-noise ratio of a peak.

    Returns
    -------
    ndarray of float32, shape (batch, n, n, 1)
        1 at the peaks, 0 elsewhere.
    """
    marked = np.zeros(images.shape, np.float32)
    for image, result in zip(images[..., 0], marked[..., 0], strict=True):
        x, y, _ = find_target_sources(image, snr)
        result[y, x] = 1.0
    return marked


def measure_apertures(images, marked):
    """Measure the apertures at marked pixels with photutils.

    Parameters
    ----------
    images, marked : ndarray of float32, shape (batch, n, n, 1)
        Images, and 1 where they are measured.

    Returns
    -------
    ndarray of float32, shape (batch, n, n, 1)
        Sums in circles of 10 arcsec at the marked pixels, 0 elsewhere.
    """
    sums = np.zeros(images.shape, np.float32)
    for image, where, result in zip(
        images[..., 0], marked[..., 0], sums[..., 0], strict=True
    ):
        y, x = np.nonzero(where)
        result[y, x] = aperture_fluxes(image, x, y, APERTURE_RADIUS / PIXEL)
    return sums


def find_peaks(images, snr):
    """Mark the sources of a tensor of images; see `mark_peaks`."""
    return outside_graph(lambda array: mark_peaks(array, snr), images)


@ops.custom_gradient
def aperture_sums(images, marked):
    """Measure the apertures of a tensor of images; see `measure_apertures`.

    The gradient is exact: the sums are linear in the pixels.
    """
    sums = outside_graph(measure_apertures, images, marked)

    def gradient(*arguments, upstream=None):
        (upstream,) = arguments or (upstream,)
        return detection.aperture_sums(upstream * marked), ops.zeros_like(marked)

    return sums, gradient
