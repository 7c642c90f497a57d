"""A residual U-Net on a grid of 4 arcsec, with a map and sources as its prediction.

SPIRE holds no structure finer than that grid, on which the same work pays for a deeper
network than on pixels of 1 arcsec. In every cell of it the network predicts `OUTPUTS`
numbers, see `unpack`, of maps and their noise, see `superspire.deblender.inputs`.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops

from superspire.deblender.inputs import (
    FLUX_BANDS,
    SPIRE_BANDS,
    band_of_channel,
    band_pixels,
    count_channels,
    count_signals,
)
from superspire.errors import InputError
from superspire.maps.cells import CELL, FINE_CELLS
from superspire.training.backend import BatchNormalization

MAP_OUTPUTS = CELL**2 + 1
HEADS = 4
"""Numbers in each of the fine cells besides two of every flux."""

OUTPUTS = MAP_OUTPUTS + (HEADS + 2 * len(FLUX_BANDS)) * FINE_CELLS

BLOCKS = (2, 2, 2, 2)
"""Residual blocks at each scale on the way down; on the way up at all but the last."""

WIDTHS = (1, 2, 4, 4)
"""Features at each scale, in base filters."""

MULTIPLE = 2 ** (len(WIDTHS) - 1)
"""The sides of the images are multiples of this [cell]."""


class Look(NamedTuple):
    """How the network sees a band.

    Attributes
    ----------
    scale : float
        Surface brightness that is one in the linear view [mJy/beam].
    knee : float
        Where the compressed views turn logarithmic [mJy/beam].
    noise : float
        Noise whose view is zero (`superspire.deblender.inputs`).
    """

    scale: float
    knee: float
    noise: float


LOOKS = {24: Look(0.3, 0.05, 0.015), 850: Look(10.0, 2.0, 1.0)}
USUAL_LOOK = Look(30.0, 5.0, 3.0)
"""Of 24 µm, 850 µm, and all other bands."""

BRIGHTEST = 5.0
"""Where the linear view ends, in its scale: brighter sources would dominate it."""

LAST = "answer"
"""Name of the last layer."""

MOMENTUM = 0.97
"""Of the running statistics of the batch normalisations."""

PRIOR_LOGIT = -3.0
PRIOR_LOG_FLUX = 1.7
PRIOR_LOG_ERROR = -1.0
"""What an untrained network answers, roughly: faint sources are rare."""

LOG_ERROR = (-3.0, 2.0)
LOG_POS_ERR = (-3.0, 3.0)
LOG_SIGMA = (-3.0, 4.0)
"""Ranges of the logarithms of the errors of flux, position [arcsec], map [mJy/beam]."""


class Prediction(NamedTuple):
    """What the network predicts of a sky, as arrays or tensors.

    Attributes
    ----------
    image : (..., n, n, 16)
        450 µm surface brightness of the 4 x 4 pixels of a cell [mJy/beam].
    log_sigma : (..., n, n)
        Logarithm of its standard error in the cell [mJy/beam].
    logit : (..., n, n, 4)
        Log odds of a source in each fine cell, smeared as `labels` smears them.
    dx, dy : (..., n, n, 4)
        Position of the source, from the centre of the fine cell [arcsec].
    log_pos_err : (..., n, n, 4)
        Logarithm of the standard error of the position along each axis [arcsec].
    log_flux, log_error : (..., n, n, 4, bands)
        Logarithm of the flux of the source [mJy] in each of `FLUX_BANDS`, and the
        logarithm of its standard error.
    """

    image: object
    log_sigma: object
    logit: object
    dx: object
    dy: object
    log_pos_err: object
    log_flux: object
    log_error: object


def unpack(outputs, math=np):
    """Separate the numbers of each cell.

    Parameters
    ----------
    outputs : array or tensor, shape (..., n, n, `OUTPUTS`)
        Output of the network.
    math : module
        numpy, or keras.ops for tensors.

    Returns
    -------
    Prediction
    """
    heads = [
        outputs[..., first : first + FINE_CELLS]
        for first in range(MAP_OUTPUTS, outputs.shape[-1], FINE_CELLS)
    ]
    pos_err = heads[HEADS - 1]
    number = (len(heads) - HEADS) // 2
    flux = math.stack(heads[HEADS : HEADS + number], axis=-1)
    error = math.stack(heads[HEADS + number :], axis=-1)
    return Prediction(
        *unpack_map(outputs, math),
        unpack_logit(outputs),
        *unpack_offset(outputs),
        math.clip(pos_err, *LOG_POS_ERR),
        flux + PRIOR_LOG_FLUX,
        math.clip(error + PRIOR_LOG_ERROR, *LOG_ERROR),
    )


def unpack_map(outputs, math=np):
    """Separate ``image`` and ``log_sigma`` alone; see `unpack`."""
    image, log_sigma = outputs[..., : CELL**2], outputs[..., CELL**2]
    return image, math.clip(log_sigma, *LOG_SIGMA)


def unpack_logit(outputs):
    """Separate ``logit`` alone; see `unpack`."""
    return outputs[..., MAP_OUTPUTS : MAP_OUTPUTS + FINE_CELLS] + PRIOR_LOGIT


def unpack_offset(outputs):
    """Separate ``dx`` and ``dy`` alone; see `unpack`."""
    first = MAP_OUTPUTS + FINE_CELLS
    dx = outputs[..., first : first + FINE_CELLS]
    return dx, outputs[..., first + FINE_CELLS : first + 2 * FINE_CELLS]


@keras.saving.register_keras_serializable("superspire")
class Views(layers.Layer):
    """Show the maps as they are, compressed and against their noise, and the noise.

    Parameters
    ----------
    bands : dict of int to int
        See `superspire.deblender.inputs`.
    """

    def __init__(self, bands, **options):
        super().__init__(**options)
        self.bands = band_pixels(bands)

    def call(self, x):
        """From (batch, n, n, channels) [mJy/beam] to three views of every map.

        They are followed by the logarithm of the noise, zero where nothing was
        observed, and by one where something was.
        """
        signals = count_signals(self.bands)
        signal, noise = x[..., :signals], x[..., signals:]
        looks = [LOOKS.get(band, USUAL_LOOK) for band in self.bands]
        scale, knee, usual = np.transpose(looks).astype(np.float32)
        channel = band_of_channel(self.bands)
        total = ops.take(ops.sqrt(noise**2 + knee**2), channel, axis=-1)
        observed = ops.cast(noise > 0, x.dtype)
        log_noise = ops.log(ops.where(noise > 0, noise, usual) / usual)
        return ops.concatenate(
            [
                ops.clip(signal / scale[channel], -BRIGHTEST, BRIGHTEST),
                0.5 * ops.arcsinh(signal / knee[channel]),
                ops.arcsinh(signal / total),
                log_noise,
                observed,
            ],
            axis=-1,
        )

    def get_config(self):
        """Return the configuration of the layer."""
        return super().get_config() | {"bands": self.bands}


def build_deblender(
    size=None,
    base_filters=16,
    blocks=BLOCKS,
    widths=WIDTHS,
    bands=SPIRE_BANDS,
    folded=False,
):
    """Build the network.

    Parameters
    ----------
    size : int or None
        Side of the images [cell], a multiple of 8; None for any.
    base_filters : int
        Features at the finest scale.
    blocks, widths : sequence of int
        Blocks, and features in base filters, at each scale.
    bands : dict
        Pixels along the side of a cell by band, see `superspire.deblender.inputs`.
    folded : bool
        Leave out the normalisations that follow convolutions, for `fold_batchnorm`.

    Returns
    -------
    keras.Model
        From inputs of shape (batch, size, size, channels) [mJy/beam] to predictions
        of shape (batch, size, size, `OUTPUTS`), see `unpack`.
    """
    convolution = convolve if folded else convolve_normalised
    bands = band_pixels(bands)
    images = keras.Input((size, size, count_channels(bands)), name="maps")
    x = Views(bands, name="views")(images)
    x = convolution(x, widths[0] * base_filters, "stem", kernel=5)
    skips = []
    for scale, (number, width) in enumerate(zip(blocks, widths, strict=True)):
        filters = width * base_filters
        if scale:
            skips.append(x)
            x = convolution(x, filters, f"down{scale}", kernel=2, stride=2)
        for i in range(number):
            x = block(x, filters, f"down{scale}_{i}", convolution)
    for scale in reversed(range(len(skips))):
        filters = widths[scale] * base_filters
        x = layers.Conv2DTranspose(filters, 2, 2, use_bias=False, name=f"up{scale}")(x)
        x = layers.Add(name=f"up{scale}_add")([x, skips[scale]])
        x = normalised(x, f"up{scale}")
        for i in range(blocks[scale]):
            x = block(x, filters, f"up{scale}_{i}", convolution)
    x = convolution(x, 4 * widths[0] * base_filters, "last")
    # In bfloat16 the logarithm of a flux would come in steps of 0.016.
    x = layers.Conv2D(OUTPUTS, 1, padding="same", dtype="float32", name=LAST)(x)
    return keras.Model(images, x, name="deblender")


def begin_from(network, trained, bands):
    """Give a network the weights of another one, whose answers it then gives.

    Parameters
    ----------
    network : keras.Model
        What `build_deblender` gives, changed in place.
    trained : superspire.deblender.inference.Deblender
        With as many filters and no more blocks. Further blocks change nothing at
        first: the normalisations that end them have a scale of zero.
    bands : dict of int to int
        Bands of the network. Those that `trained` lacks have no effect at first;
        without one that it has, the answer is that where the band was not observed.

    Raises
    ------
    InputError
        If the networks differ in more than their bands and blocks.
    """
    known = {
        variable.path: np.asarray(variable) for variable in trained.model.variables
    }
    own, other = (
        {name: number for number, name in enumerate(view_names(each))}
        for each in (bands, trained.bands)
    )
    kernel = known["stem/kernel"]
    wider = np.zeros((*kernel.shape[:2], len(own), kernel.shape[3]), "f4")
    for name in own.keys() & other.keys():
        wider[:, :, own[name]] = kernel[:, :, other[name]]
    known["stem/kernel"] = wider
    for variable in network.variables:
        if variable.path not in known and variable.path.endswith("_b_norm/gamma"):
            variable.assign(np.zeros(variable.shape, "f4"))
    shapes = {variable.path: tuple(variable.shape) for variable in network.variables}
    if any(shapes.get(path) != weights.shape for path, weights in known.items()):
        raise InputError(
            "deblender.initial: expected a network of the same base_filters and no "
            "more blocks"
        )
    for variable in network.variables:
        if variable.path in known:
            variable.assign(known[variable.path])


def view_names(bands):
    """Name the channels of `Views`, in order: view, band and pixel of each."""
    signals = [(band, pixel) for band, p in bands.items() for pixel in range(p**2)]
    views = [(view, *signal) for view in range(3) for signal in signals]
    return views + [(view, band, 0) for view in ("noise", "observed") for band in bands]


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
