"""Source finding and aperture photometry inside the training graph (section 3.2).

What astropy and photutils do to one image outside the graph, done to a batch of images
with ``keras.ops``: sigma clipping, local maxima (`photutils.detection.find_peaks`) and
circular apertures centred on pixels (`photutils.aperture`, method "exact").
"""

import numpy as np
from keras import ops
from photutils.aperture import CircularAperture

from superspire.instruments import APERTURE_RADIUS, PIXEL
from superspire.maps.background import CLIP_ITERATIONS, CLIP_SIGMA
from superspire.photometry.sources import PEAK_BOX
from superspire.training.backend import sort

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
        Fraction of each pixel inside the circle.
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
    tensor, shape (batch, n, n)
        In ascending order, row after row.
    """
    n = images.shape[1]
    return ops.reshape(sort(ops.reshape(images, (-1, n * n))), (-1, n, n))


def median(images, ordered):
    """Median of every image, through which gradients flow to the middle pixels.

    Parameters
    ----------
    images : tensor, shape (batch, n, n, 1)
    ordered : tensor, shape (batch, n, n)
        Their sorted pixels.

    Returns
    -------
    tensor, shape (batch,)
    """
    rows, columns = ordered.shape[1:]
    pixels = ops.reshape(images, ops.shape(ordered))

    def value(rank):
        here = ordered[:, rank // columns, rank % columns]
        middle = ops.cast(pixels == here[:, None, None], pixels.dtype)
        return ops.sum(pixels * middle, axis=(1, 2)) / ops.sum(middle, axis=(1, 2))

    last = rows * columns - 1
    return (value(last // 2) + value((last + 1) // 2)) / 2


def background(ordered):
    """Median and scatter after sigma clipping, as `astropy.stats.sigma_clip` does it.

    What is left after clipping is a range of the sorted pixels. Its ends and its sums
    are found from the sums of whole rows and from single rows, without another pass
    over all the pixels.

    Parameters
    ----------
    ordered : tensor, shape (batch, rows, columns)
        Sorted pixels of every image, row after row.

    Returns
    -------
    median, rms : tensor, shape (batch, 1)
    """
    rows, columns = ordered.shape[1:]
    pivot = ordered[:, rows // 2, :1]
    shifted = ordered - pivot[..., None]
    powers = [shifted, ops.square(shifted)]
    before = [
        ops.pad(ops.cumsum(ops.sum(power, axis=2), axis=1), ((0, 0), (1, 0)))
        for power in powers
    ]
    inside = ops.arange(columns, dtype="int32")[None]
    image = ops.arange(ops.shape(ordered)[0], dtype="int32")

    def take(values, index):
        flat = ops.reshape(values, (-1, *values.shape[2:]))
        return ops.take(flat, image * values.shape[1] + index, axis=0)

    def pixel(rank):
        return take(ops.reshape(shifted, (-1, rows * columns)), rank)

    def sums_below(rank):
        row = ops.minimum(rank // columns, rows - 1)
        column = (rank - columns * row)[:, None]
        own = ops.where(inside < column, take(shifted, row), 0.0)
        return [
            take(whole, row) + ops.sum(own**power, axis=1)
            for power, whole in enumerate(before, start=1)
        ]

    def count(below):
        row = ops.sum(ops.cast(below(shifted[:, :, -1]), "int32"), axis=1)
        values = take(shifted, ops.minimum(row, rows - 1))
        partial = ops.sum(ops.cast(below(values), "int32"), axis=1)
        return columns * row + ops.where(row < rows, partial, 0)

    def moments(first, last):
        number = ops.cast(last - first, ordered.dtype)
        total, square = (
            (upper - lower) / number
            for upper, lower in zip(sums_below(last), sums_below(first), strict=True)
        )
        centre = (pixel((first + last - 1) // 2) + pixel((first + last) // 2)) / 2
        rms = ops.sqrt(ops.maximum(square - ops.square(total), 0.0))
        return centre[:, None], rms[:, None]

    first = ops.zeros_like(ordered[:, 0, 0], dtype="int32")
    last = first + rows * columns
    for _ in range(CLIP_ITERATIONS):
        centre, rms = moments(first, last)
        low, high = centre - CLIP_SIGMA * rms, centre + CLIP_SIGMA * rms
        first = ops.maximum(first, count(lambda x, low=low: x < low))
        last = ops.minimum(last, count(lambda x, high=high: x <= high))
    centre, rms = moments(first, last)
    return centre + pivot, rms


def find_peaks(images, ordered, snr):
    """Mark the sources of every image, as `find_target_sources` finds them.

    Parameters
    ----------
    images : tensor, shape (batch, n, n, 1)
    ordered : tensor, shape (batch, n, n)
        Their sorted pixels.
    snr : float
        Minimum signal-to-noise ratio of a peak.

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
