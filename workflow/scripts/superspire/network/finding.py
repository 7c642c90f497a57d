"""Source finding and aperture photometry inside the training graph (section 3.2).

What astropy and photutils do to one image outside the graph, done to a batch of images
with ``keras.ops``: sigma clipping, local maxima (`photutils.detection.find_peaks`) and
circular apertures centred on pixels (`photutils.aperture`, method "exact").
"""

import numpy as np
from keras import ops
from photutils.aperture import CircularAperture

from superspire.evaluation.sources import CLIP_ITERATIONS, CLIP_SIGMA, PEAK_BOX
from superspire.instruments import APERTURE_RADIUS, PIXEL

BLOCK = 4
"""Side of the squares of pixels that the aperture sums are computed in."""


def aperture_kernel(radius=APERTURE_RADIUS / PIXEL):
    """Make the weights of the pixels in a circle centred on a pixel.

    Parameters
    ----------
    radius : float
        Radius [pixel].

    Returns
    -------
    ndarray of float32, shape (2 r + 1, 2 r + 1)
        Share of each pixel inside the circle.
    """
    reach = int(np.ceil(radius))
    mask = CircularAperture((reach, reach), radius).to_mask(method="exact")
    return mask.to_image((2 * reach + 1, 2 * reach + 1)).astype(np.float32)


def blocked_kernel(kernel, block=BLOCK):
    """Rearrange a convolution kernel for images cut into blocks of pixels.

    One channel makes poor use of a processor's vectors; sixteen, one for each pixel of
    a 4 x 4 block, give the same sums several times faster.

    Parameters
    ----------
    kernel : ndarray, shape (2 r + 1, 2 r + 1)
        Symmetric weights.
    block : int
        Side of a block.

    Returns
    -------
    ndarray of float32, shape (2 m + 1, 2 m + 1, block², block²)
        Kernel between the blocks of the input and those of the output.
    """
    reach = kernel.shape[0] // 2
    blocks = -(-reach // block)
    side = np.arange(block)
    offset = np.arange(-blocks, blocks + 1)
    tap = block * offset[:, None, None] + side[None, :, None] - side[None, None, :]
    valid = np.abs(tap) <= reach
    index = np.where(valid, tap + reach, 0)
    weights = kernel[index[:, None, :, None, :, None], index[None, :, None, :, None, :]]
    weights = np.where(
        valid[:, None, :, None, :, None] & valid[None, :, None, :, None, :], weights, 0
    )
    shape = (len(offset), len(offset), block**2, block**2)
    return weights.reshape(shape).astype(np.float32)


def aperture_sums(images):
    """Sum the images inside a circle of 10 arcsec around every pixel.

    Parameters
    ----------
    images : tensor, shape (batch, n, n, 1)
        The sides are multiples of 4.

    Returns
    -------
    tensor, shape (batch, n, n, 1)
        At each pixel what `photutils.aperture.aperture_photometry` gives there.
    """
    ny, nx = images.shape[1] // BLOCK, images.shape[2] // BLOCK
    x = ops.reshape(images, (-1, ny, BLOCK, nx, BLOCK))
    x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4)), (-1, ny, nx, BLOCK**2))
    x = ops.conv(x, blocked_kernel(aperture_kernel()), padding="same")
    x = ops.reshape(x, (-1, ny, nx, BLOCK, BLOCK))
    x = ops.transpose(x, (0, 1, 3, 2, 4))
    return ops.reshape(x, (-1, images.shape[1], images.shape[2], 1))


def sorted_pixels(images):
    """Sort the pixels of every image; no gradient passes.

    Parameters
    ----------
    images : tensor, shape (batch, n, n, 1)

    Returns
    -------
    tensor, shape (batch, n²)
        In ascending order.
    """
    pixels = ops.reshape(images, (-1, images.shape[1] * images.shape[2]))
    return ops.sort(ops.stop_gradient(pixels), axis=-1)


def pick(ordered, index):
    """Take one sorted pixel of every image."""
    return ops.take_along_axis(ordered, index[:, None], axis=1)


def median(images, ordered):
    """Median of every image, through which gradients flow to the middle pixels.

    Parameters
    ----------
    images : tensor, shape (batch, n, n, 1)
    ordered : tensor, shape (batch, n²)
        Their sorted pixels.

    Returns
    -------
    tensor, shape (batch,)
    """
    pixels = ops.reshape(images, ops.shape(ordered))
    n = ordered.shape[1]

    def value(i):
        middle = ops.cast(pixels == ordered[:, i : i + 1], pixels.dtype)
        return ops.sum(pixels * middle, axis=1) / ops.sum(middle, axis=1)

    return (value((n - 1) // 2) + value(n // 2)) / 2


def background(ordered):
    """Median and scatter after sigma clipping, as `astropy.stats.sigma_clip` does it.

    Parameters
    ----------
    ordered : tensor, shape (batch, n)
        Sorted pixels of every image.

    Returns
    -------
    median, rms : tensor, shape (batch, 1)
    """
    rank = ops.arange(ordered.shape[1], dtype="int32")[None]
    first = ops.zeros_like(ordered[:, 0], dtype="int32")
    last = first + ordered.shape[1]

    def moments(first, last):
        kept = (rank >= first[:, None]) & (rank < last[:, None])
        number = ops.cast(last - first, ordered.dtype)[:, None]
        middle = pick(ordered, (first + last - 1) // 2) + pick(
            ordered, (first + last) // 2
        )
        mean = ops.sum(ops.where(kept, ordered, 0.0), axis=1, keepdims=True) / number
        square = ops.where(kept, ops.square(ordered - mean), 0.0)
        rms = ops.sqrt(ops.sum(square, axis=1, keepdims=True) / number)
        return middle / 2, rms

    for _ in range(CLIP_ITERATIONS):
        centre, rms = moments(first, last)
        below = ordered < centre - CLIP_SIGMA * rms
        inside = ordered <= centre + CLIP_SIGMA * rms
        first = ops.maximum(first, ops.sum(ops.cast(below, "int32"), axis=1))
        last = ops.minimum(last, ops.sum(ops.cast(inside, "int32"), axis=1))
    return moments(first, last)


def find_peaks(images, ordered, snr):
    """Mark the sources of every image, as `find_target_sources` finds them.

    Parameters
    ----------
    images : tensor, shape (batch, n, n, 1)
    ordered : tensor, shape (batch, n²)
        Their sorted pixels.
    snr : float
        Least signal-to-noise ratio of a peak.

    Returns
    -------
    tensor, shape (batch, n, n, 1)
        1 at the peaks, 0 elsewhere; detection passes no gradient.
    """
    images = ops.stop_gradient(images)
    centre, rms = background(ordered)
    threshold = (centre + snr * rms)[:, :, None, None]
    highest = ops.max_pool(images, (PEAK_BOX, 1), strides=1, padding="same")
    highest = ops.max_pool(highest, (1, PEAK_BOX), strides=1, padding="same")
    return ops.cast((images == highest) & (images > threshold), images.dtype)
