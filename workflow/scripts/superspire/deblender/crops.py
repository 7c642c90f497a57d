"""Training images, cut at random out of fields, with noise as it may come."""

import keras
import numpy as np

from superspire.deblender.inputs import (
    LEAD,
    SPIRE_BANDS,
    band_of_channel,
    make_input,
    noise_levels,
    turned_channels,
)
from superspire.deblender.labels import LABELS, source_labels
from superspire.deblender.observations import Observation, draw_observation
from superspire.errors import InputError
from superspire.maps.cells import CELL, FINE, FINE_CELLS

BORDER = 8
"""Border of a field that no image touches, where its maps are extrapolated [cell]."""

REACH = 12.0
"""Border around an image in which sources still matter [arcsec]."""


class Crops(keras.utils.PyDataset):
    """Images of one epoch, each drawn when it is asked for.

    Parameters
    ----------
    fields : sequence of superspire.deblender.skies.Field
        Where they are cut from.
    number : int
        Images.
    size : int
        Side of the images [cell].
    batch : int
        Images in a batch.
    seed : int
        Of all that is drawn; batch number i is the same whenever it is asked for.
    noise : float
        White noise per native pixel of SPIRE [mJy/beam].
    noise_augmentation : dict or None
        How observations depart from that, see
        `superspire.deblender.observations.draw_observation`.
    min_flux : float
        Faintest source of the labels [mJy].
    flip : bool
        Flip and rotate the images.
    bands : dict of int to int
        Bands of the input, see `superspire.deblender.inputs`.
    depth : dict, optional
        Depth of the bands other than SPIRE's [mJy].
    """

    def __init__(
        self,
        fields,
        number,
        size,
        batch,
        seed,
        noise,
        noise_augmentation,
        min_flux,
        flip=True,
        bands=SPIRE_BANDS,
        depth=None,
    ):
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=4)
        self.fields, self.size, self.batch = fields, size, batch
        self.items = range(number)
        self.seed, self.noise_augmentation = seed, noise_augmentation
        self.levels = noise_levels(bands, noise, depth)
        self.min_flux, self.flip, self.bands = min_flux, flip, bands
        smallest = min(field.signal.shape[0] for field in fields)
        if smallest < size + 2 * BORDER:
            raise InputError(
                f"deblender.area: expected fields of {CELL * (size + 2 * BORDER)} "
                f"arcsec or more for crops of {CELL * size}, found {CELL * smallest}"
            )

    def __len__(self):
        """Count the batches."""
        return -(-len(self.items) // self.batch)

    def __getitem__(self, number):
        """Draw a batch: inputs [mJy/beam], and targets with labels."""
        rng = np.random.default_rng([self.seed, number])
        items = self.items[number * self.batch : (number + 1) * self.batch]
        images, targets, labels = zip(*(self.draw(rng) for _ in items), strict=True)
        n = self.size
        images, shape = np.stack(images), (len(items), n, n)
        targets = blocks(np.stack(targets)[..., None], CELL).reshape(*shape, CELL**2)
        labels = blocks(np.stack(labels), FINE)
        labels = labels.reshape(*shape, FINE_CELLS, -1)
        seen = (images[..., -len(self.bands) :] > 0).any(axis=-1).astype(np.float32)
        truth = {"target": targets, "labels": labels, "seen": seen}
        return images, {
            name: np.ascontiguousarray(value) for name, value in truth.items()
        }

    def draw(self, rng):
        """Draw an input, its target and the labels of its fine cells."""
        field = self.fields[rng.integers(len(self.fields))]
        side, n = field.signal.shape[0], self.size
        last = side - n - BORDER
        y, x = rng.integers(BORDER, last + 1, 2)
        signal = field.signal[y : y + n, x : x + n].astype(np.float32)
        v, u = rng.integers(BORDER, last + 1, 2)
        noise = field.noise[v : v + n, u : u + n].astype(np.float32)
        sky = self.observation(rng)
        channel = band_of_channel(self.bands)
        image = signal * sky.scale[channel] + noise * sky.level[..., channel]
        image = make_input(image, sky.stated, self.bands)
        pixels = slice(CELL * y, CELL * (y + n)), slice(CELL * x, CELL * (x + n))
        target = field.target[pixels].astype(np.float32)
        labels = self.label(field.sources, CELL * x, CELL * y)
        if not self.flip:
            return image, target, labels
        transform = rng.integers(8)
        image, target, labels = turn(image, target, labels, transform)
        return image[..., turned_channels(self.bands, transform)], target, labels

    def observation(self, rng):
        """Draw how an image is observed."""
        augmentation, n = self.noise_augmentation, self.size
        if not augmentation or rng.random() >= augmentation["fraction"]:
            return Observation.usual(self.levels, n)
        return draw_observation(augmentation, n, self.bands, rng)

    def label(self, sources, x0, y0):
        """Label an image that begins at a pixel of 1 arcsec."""
        x, y, flux = sources[:, 0] - x0, sources[:, 1] - y0, sources[:, 2:]
        side = CELL * self.size
        own = (flux[:, LEAD] >= self.min_flux) & (np.minimum(x, y) > -REACH)
        own &= np.maximum(x, y) < side + REACH
        return source_labels(x[own], y[own], flux[own], side // FINE, LEAD)


def turn(image, target, labels, transform):
    """Flip and rotate an image with its target and labels.

    Parameters
    ----------
    image, target, labels : ndarray
        Rows and columns first.
    transform : int
        0 to 7: transposed if 4 is in it, then rows reversed if 1 is, columns if 2 is.

    Returns
    -------
    tuple of ndarray
        The labels' directions turn along.
    """
    labels = labels.copy()
    dx, dy = LABELS.index("dx"), LABELS.index("dy")
    if transform & 4:
        image, target, labels = (a.swapaxes(0, 1) for a in (image, target, labels))
        labels = labels.copy()
        labels[..., [dx, dy]] = labels[..., [dy, dx]]
    if transform & 1:
        image, target, labels = image[::-1], target[::-1], labels[::-1]
        labels[..., dy] *= -1.0
    if transform & 2:
        image, target, labels = image[:, ::-1], target[:, ::-1], labels[:, ::-1]
        labels[..., dx] *= -1.0
    return image, target, labels


def blocks(images, step):
    """Gather squares of pixels: (b, n, n, c) to (b, n / step, n / step, step², c)."""
    b, n, _, c = images.shape
    split = images.reshape(b, n // step, step, n // step, step, c).swapaxes(2, 3)
    return split.reshape(b, n // step, n // step, step**2, c)
