"""A residual U-Net on a grid of 4 arcsec, with a map and sources as its prediction.

SPIRE holds no structure finer than that grid, on which the same work pays for a deeper
network than on pixels of 1 arcsec. In every cell of it the network answers with
`OUTPUTS` numbers, see `unpack`.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops

from superspire.instruments import SPIRE
from superspire.maps.cells import CELL, FINE_CELLS
from superspire.training.backend import BatchNormalization

BAND_COUNT = len(SPIRE)

HEADS = 6
"""Numbers in each of the fine cells."""

OUTPUTS = CELL**2 + 1 + HEADS * FINE_CELLS

DEPTHS = (2, 2, 2, 2)
"""Residual blocks at each scale on the way down; on the way up at all but the last."""

WIDTHS = (1, 2, 4, 4)
"""Features at each scale, in base filters."""

MULTIPLE = 2 ** (len(WIDTHS) - 1)
"""The sides of the images are multiples of this [cell]."""

SCALE = 30.0
"""Surface brightness that is one to the network [mJy/beam]."""

KNEE = 5.0
"""Where its second, compressed view of the maps turns logarithmic [mJy/beam]."""

LAST = "answer"
"""Name of the last layer."""

MOMENTUM = 0.97
"""Of the running statistics of the batch normalisations."""

PRIOR_LOGIT = -3.0
PRIOR_LOG_FLUX = 1.7
PRIOR_LOG_ERROR = -1.0
"""What an untrained network answers, roughly: faint sources are rare."""

LOG_ERROR = (-4.0, 2.0)
LOG_POS_ERR = (-3.0, 3.0)
LOG_SIGMA = (-3.0, 4.0)
"""Ranges of the logarithms of the errors of flux, position [arcsec], map [mJy/beam]."""


class Prediction(NamedTuple):
    """What the network says of a sky, as arrays or tensors.

    Attributes
    ----------
    image : (..., n, n, 16)
        450 µm surface brightness of the 4 x 4 pixels of a cell [mJy/beam].
    log_sigma : (..., n, n)
        Logarithm of its standard error in the cell [mJy/beam].
    logit : (..., n, n, 4)
        Log odds of a source in each fine cell, smeared as `labels` smears them.
    log_flux, log_error : (..., n, n, 4)
        Logarithm of the flux of the source [mJy], and its standard error.
    dx, dy : (..., n, n, 4)
        Position of the source, from the centre of the fine cell [arcsec].
    log_pos_err : (..., n, n, 4)
        Logarithm of the standard error of the position along each axis [arcsec].
    """

    image: object
    log_sigma: object
    logit: object
    log_flux: object
    log_error: object
    dx: object
    dy: object
    log_pos_err: object


def unpack(outputs, math=np):
    """Report apart the numbers of each cell.

    Parameters
    ----------
    outputs : array or tensor, shape (..., n, n, `OUTPUTS`)
        Answer of the network.
    math : module
        numpy, or keras.ops for tensors.

    Returns
    -------
    Prediction
    """
    pixels = CELL**2
    heads = outputs[..., pixels + 1 :]
    logit, flux, error, dx, dy, pos_err = (
        heads[..., i * FINE_CELLS : (i + 1) * FINE_CELLS] for i in range(HEADS)
    )
    return Prediction(
        outputs[..., :pixels],
        math.clip(outputs[..., pixels], *LOG_SIGMA),
        logit + PRIOR_LOGIT,
        flux + PRIOR_LOG_FLUX,
        math.clip(error + PRIOR_LOG_ERROR, *LOG_ERROR),
        dx,
        dy,
        math.clip(pos_err, *LOG_POS_ERR),
    )


@keras.saving.register_keras_serializable("superspire")
class TwoViews(layers.Layer):
    """Show the maps twice, as they are and compressed, so that none is too bright."""

    def call(self, x):
        """From (batch, n, n, bands) [mJy/beam] to twice as many channels."""
        return ops.concatenate([x / SCALE, 0.5 * ops.arcsinh(x / KNEE)], axis=-1)


def build_deblender(
    size=None,
    base_filters=32,
    depths=DEPTHS,
    widths=WIDTHS,
    bands=BAND_COUNT,
    folded=False,
):
    """Build the network.

    Parameters
    ----------
    size : int or None
        Side of the images [cell], a multiple of 8; None for any.
    base_filters : int
        Features at the finest scale.
    depths, widths : sequence of int
        Blocks, and features in base filters, at each scale.
    bands : int
        Number of input bands.
    folded : bool
        Leave out the normalisations that follow convolutions, for `fold_batchnorm`.

    Returns
    -------
    keras.Model
        From SPIRE maps of shape (batch, size, size, bands) [mJy/beam] to answers of
        shape (batch, size, size, `OUTPUTS`), see `unpack`.
    """
    convolution = convolve if folded else convolve_normalised
    images = keras.Input((size, size, bands), name="spire")
    x = TwoViews(name="views")(images)
    x = convolution(x, base_filters, "stem", kernel=5)
    skips = []
    for scale, (depth, width) in enumerate(zip(depths, widths, strict=True)):
        filters = width * base_filters
        if scale:
            skips.append(x)
            x = convolution(x, filters, f"down{scale}", kernel=2, stride=2)
        for i in range(depth):
            x = block(x, filters, f"down{scale}_{i}", convolution)
    for scale in reversed(range(len(skips))):
        filters = widths[scale] * base_filters
        x = layers.Conv2DTranspose(filters, 2, 2, use_bias=False, name=f"up{scale}")(x)
        x = layers.Add(name=f"up{scale}_add")([x, skips[scale]])
        x = normalised(x, f"up{scale}")
        for i in range(depths[scale]):
            x = block(x, filters, f"up{scale}_{i}", convolution)
    x = convolution(x, 2 * base_filters, "last")
    # In bfloat16 the logarithm of a flux would come in steps of 0.016.
    x = layers.Conv2D(OUTPUTS, 3, padding="same", dtype="float32", name=LAST)(x)
    return keras.Model(images, x, name="deblender")


def fold_batchnorm(model, **architecture):
    """Put normalisations into the convolutions before them: the same, but faster.

    Parameters
    ----------
    model : keras.Model
        What `build_deblender` gives for `architecture`, trained.
    **architecture
        See `build_deblender`.

    Returns
    -------
    keras.Model
        With kernels w g / (v + e)^0.5 and offsets b - m g / (v + e)^0.5, where g, b, m
        and v are scale, offset, mean and variance of a normalisation, e its epsilon.
    """
    folded = build_deblender(**architecture, folded=True)
    for layer in folded.layers:
        own = [np.asarray(weight) for weight in model.get_layer(layer.name).weights]
        if not own:
            continue
        if isinstance(layer, layers.Conv2D) and layer.name != LAST:
            norm = model.get_layer(f"{layer.name}_norm")
            scale = np.asarray(norm.gamma) / np.sqrt(
                norm.moving_variance + norm.epsilon
            )
            own = [own[0] * scale, norm.beta - norm.moving_mean * scale]
        layer.set_weights(own)
    return folded


def convolve_normalised(x, filters, name, kernel=3, stride=1, relu=True):
    """Convolve and normalise, and apply a ReLU by default."""
    x = layers.Conv2D(
        filters,
        kernel,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return normalised(x, name, relu)


def convolve(x, filters, name, kernel=3, stride=1, relu=True):
    """Convolve, and apply a ReLU by default; see `fold_batchnorm`."""
    x = layers.Conv2D(filters, kernel, stride, padding="same", name=name)(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def normalised(x, name, relu=True):
    """Normalise features, and apply a ReLU by default."""
    x = BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def block(x, filters, name, convolution):
    """Add to features what two convolutions make of them (He et al. 2016)."""
    y = convolution(x, filters, f"{name}_a")
    y = convolution(y, filters, f"{name}_b", relu=False)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))
