"""A network of residual blocks on a grid of 4 arcsec.

SPIRE holds no structure finer than that, so that nothing is lost where the paper's
network spends most of its work, and the same work pays for a deeper one.
"""

import keras
from keras import layers

from superspire.instruments import CUTOUT
from superspire.network.architecture import BAND_COUNT

STEP = 4
"""Side of the squares of pixels of 1 arcsec that make one of the grid."""

DEPTHS = (2, 3, 2)
"""Residual blocks at each scale on the way down; on the way up at all but the last."""

WIDTHS = (1, 2, 3)
"""Features at each scale, in base filters."""

SHRINK = 0.3
"""Weight of a block's change to its input, which lets deep stacks begin gently."""


def block(x, width, name):
    """Add to features what two convolutions make of them."""
    y = layers.Conv2D(width, 3, padding="same", name=f"{name}_a")(x)
    y = layers.ReLU(name=f"{name}_relu")(y)
    y = layers.Conv2D(width, 3, padding="same", name=f"{name}_b")(y)
    y = layers.Rescaling(SHRINK, name=f"{name}_shrink")(y)
    return layers.Add(name=f"{name}_add")([x, y])


def build_residual_network(base_filters=32, size=CUTOUT, bands=BAND_COUNT):
    """Build the residual network.

    Parameters
    ----------
    base_filters : int
        Features on the grid of 4 arcsec.
    size : int
        Side of the images [pixel], a multiple of 4.
    bands : int
        Number of input bands.

    Returns
    -------
    keras.Model
        From normalised images of shape (batch, size, size, bands) to (batch, size,
        size, 1), of any value: nothing bounds the flux of a source.
    """
    images = keras.Input((size, size, bands), name="spire")
    x = layers.Conv2D(base_filters, 2 * STEP, STEP, padding="same", name="stem")(images)
    skips = []
    for scale, (depth, width) in enumerate(zip(DEPTHS, WIDTHS, strict=True)):
        if scale:
            skips.append(x)
            x = layers.Conv2D(
                width * base_filters, 2, 2, padding="same", name=f"down{scale}"
            )(x)
        for i in range(depth):
            x = block(x, width * base_filters, f"down{scale}_{i}")
    for scale in reversed(range(len(skips))):
        width, skip = WIDTHS[scale] * base_filters, skips[scale]
        x = layers.Conv2DTranspose(width, 2, 2, padding="same", name=f"up{scale}")(x)
        extra = x.shape[1] - skip.shape[1]
        if extra:
            x = layers.Cropping2D(((0, extra), (0, extra)), name=f"up{scale}_crop")(x)
        x = layers.Add(name=f"up{scale}_add")([x, skip])
        for i in range(DEPTHS[scale]):
            x = block(x, width, f"up{scale}_{i}")
    x = layers.Conv2D(STEP**2, 3, padding="same", name="head")(x)
    x = PixelShuffle(STEP, name="shuffle")(x)
    x = layers.Conv2D(1, 5, padding="same", dtype="float32", name="scuba2")(x)
    return keras.Model(images, x, name="superspire")


class PixelShuffle(layers.Layer):
    """Turn the features of a pixel into the pixels of a square (Shi et al. 2016)."""

    def __init__(self, step, **options):
        super().__init__(**options)
        self.step = step

    def call(self, x):
        """From (batch, n, n, step²) to (batch, step n, step n, 1)."""
        n, step = x.shape[1], self.step
        x = keras.ops.reshape(x, (-1, n, n, step, step))
        x = keras.ops.transpose(x, (0, 1, 3, 2, 4))
        return keras.ops.reshape(x, (-1, n * step, n * step, 1))
