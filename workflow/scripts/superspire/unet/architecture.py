"""The U-Net of Table 2 (section 3.1)."""

import keras
from keras import layers

from superspire.instruments import CUTOUT, SPIRE
from superspire.training.backend import BatchNormalization

BAND_COUNT = len(SPIRE)
KERNEL = 4
ENCODER_WIDTHS = (1, 2, 4, 8, 8, 8, 8, 8)
DECODER_WIDTHS = (8, 8, 8, 8, 4, 2, 1)
DROPOUT_BLOCKS = 3


def build_network(
    base_filters=64,
    dropout=0.5,
    leaky_slope=0.2,
    momentum=0.99,
    output_bias=0.0,
    size=CUTOUT,
    bands=BAND_COUNT,
):
    """Build the autoencoder of Table 2.

    Eight convolutions halve the image (424-212-106-53-27-14-7-4-2), eight
    de-convolutions double it; each de-convolution is cropped to the odd size of the
    encoder's output that it is concatenated with. The convolutions carry no bias of
    their own where batch normalisation follows, which adds one.

    Parameters
    ----------
    base_filters : int
        Filters of the first convolution; 64 in the paper, with 54.4 million
        parameters in all.
    dropout : float
        Fraction of features dropped in the first three de-convolutions.
    leaky_slope : float
        Slope of the leaky ReLU below zero.
    momentum : float
        Momentum of the running statistics of the batch normalisations.
    output_bias : float
        Initial bias of the last layer, before the sigmoid.
    size : int
        Side of the images [pixel].
    bands : int
        Number of input bands.

    Returns
    -------
    keras.Model
        From images of shape (batch, size, size, bands) to (batch, size, size, 1),
        both normalised to between zero and one.
    """

    def convolution(kind, filters, name, **options):
        return kind(
            filters,
            KERNEL,
            strides=2,
            padding="same",
            kernel_initializer=keras.initializers.RandomNormal(0.0, 0.02),
            name=name,
            **options,
        )

    images = keras.Input((size, size, bands), name="spire")
    x, encoded = images, []
    for i, width in enumerate(ENCODER_WIDTHS, start=1):
        x = convolution(
            layers.Conv2D, width * base_filters, f"conv{i}", use_bias=False
        )(x)
        x = BatchNormalization(momentum=momentum, name=f"conv{i}_norm")(x)
        x = layers.LeakyReLU(leaky_slope, name=f"conv{i}_relu")(x)
        encoded.append(x)

    for i, width in enumerate(DECODER_WIDTHS, start=1):
        skip = encoded[-1 - i]
        x = convolution(
            layers.Conv2DTranspose,
            width * base_filters,
            f"deconv{i}",
            use_bias=False,
        )(x)
        x = crop_to(x, skip, f"deconv{i}_crop")
        x = BatchNormalization(momentum=momentum, name=f"deconv{i}_norm")(x)
        if i <= DROPOUT_BLOCKS:
            x = layers.Dropout(dropout, name=f"deconv{i}_dropout")(x)
        x = layers.Concatenate(name=f"deconv{i}_concat")([x, skip])
        x = layers.LeakyReLU(leaky_slope, name=f"deconv{i}_relu")(x)

    x = convolution(
        layers.Conv2DTranspose,
        1,
        "deconv8",
        bias_initializer=keras.initializers.Constant(output_bias),
    )(x)
    x = crop_to(x, images, "deconv8_crop")
    x = layers.Activation("sigmoid", dtype="float32", name="scuba2")(x)
    return keras.Model(images, x, name="superspire")


def crop_to(x, other, name):
    """Drop the last row and column of `x` where the size of `other` is odd."""
    extra = [a - b for a, b in zip(x.shape[1:3], other.shape[1:3], strict=True)]
    if not any(extra):
        return x
    return layers.Cropping2D(((0, extra[0]), (0, extra[1])), name=name)(x)
