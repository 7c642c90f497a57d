"""Adversarial training: the loss of GalaxyGAN (Schawinski et al. 2017; eq. 3).

GalaxyGAN is pix2pix (Isola et al. 2017) for astronomical images: a discriminator learns
to tell target from generated images, given the input of the generator, which learns to
deceive it and, at the same time, to have a small absolute difference of the pixels.
Here the generator is the network of Table 2, which descends from theirs.

Their images fill the range between -1 and 1. Ours are normalised to the brightest of
many thousand sources and hardly leave zero, where a discriminator sees nothing and any
lambda is small. Both losses therefore take images of unit variance.
"""

import keras
import numpy as np
from keras import layers, ops

from superspire.errors import InputError
from superspire.instruments import CUTOUT
from superspire.training.backend import (
    Adam,
    BatchNormalization,
    is_tensorflow,
    share_of_replica,
)
from superspire.training.checkpoint import Checkpoint
from superspire.training.trainer import LossModel, train
from superspire.unet.architecture import BAND_COUNT, KERNEL
from superspire.unet.losses import pixel_term

WIDTHS = (1, 2, 4, 8)
"""Features of the discriminator's convolutions, in base filters."""

STRIDES = (2, 2, 2, 1)
"""Their strides: each value of the output judges a patch of 70 pixels."""

FRACTION = 0.5
"""Base filters of the discriminator, of the network's. They are as many in pix2pix;
with half of them a step takes about as long as one of the paper's loss."""

EPSILON = 1e-5
"""Added to the variances of the discriminator's batch normalisations, as in pix2pix."""

SAMPLE = 16
"""Batches from which mean and standard deviation of the images are taken."""

BETA_1 = 0.5
"""Decay of the first moment of the discriminator's Adam, as in pix2pix."""


def measure_scale(batches):
    """Measure mean and standard deviation of the normalised images.

    Parameters
    ----------
    batches : superspire.dataset.batches.Batches
        The first `SAMPLE` are read.

    Returns
    -------
    mean, deviation : ndarray of float64, shape (bands + 1,)
        Of the SPIRE bands, then of the 450 µm images.
    """
    sums = 0.0
    for number in range(min(SAMPLE, len(batches))):
        images, truth = batches[number]
        pairs = np.concatenate([images, truth["target"]], -1, dtype=float)
        sums += np.stack([pairs**i for i in range(3)]).sum((1, 2, 3))
    mean, square = sums[1:] / sums[0]
    return mean, np.sqrt(square - mean**2)


def build_discriminator(
    base_filters=64,
    leaky_slope=0.2,
    size=CUTOUT,
    bands=BAND_COUNT,
    mean=0.0,
    deviation=1.0,
):
    """Build the patch discriminator of pix2pix (Isola et al. 2017, appendix 6.1.2).

    Parameters
    ----------
    base_filters : int
        Features of the first convolution; 64 there.
    leaky_slope : float
        Slope of the leaky ReLU below zero.
    size : int
        Side of the images [pixel].
    bands : int
        Number of input bands.
    mean, deviation : array_like, shape (bands + 1,), or float
        See `measure_scale`; the images are brought to zero mean and unit variance.

    Returns
    -------
    keras.Model
        From [SPIRE images (batch, size, size, bands), 450 µm images (batch, size, size,
        1)], both normalised, to the logarithm of the odds that the latter are real, one
        for each patch, (batch, m, m, 1) in single precision.
    """

    def convolution(filters, strides, name, **options):
        return layers.Conv2D(
            filters,
            KERNEL,
            strides=strides,
            padding="same",
            kernel_initializer=keras.initializers.RandomNormal(0.0, 0.02),
            name=name,
            **options,
        )

    gain = 1.0 / np.asarray(deviation)
    given = keras.Input((size, size, bands), name="spire")
    judged = keras.Input((size, size, 1), name="scuba2")
    x = layers.Concatenate(dtype="float32", name="pair")([given, judged])
    x = layers.Rescaling(gain, -np.asarray(mean) * gain, dtype="float32", name="scale")(
        x
    )
    for i, (width, strides) in enumerate(zip(WIDTHS, STRIDES, strict=True), start=1):
        first = i == 1
        name = f"conv{i}"
        x = convolution(width * base_filters, strides, name, use_bias=first)(x)
        if not first:
            x = BatchNormalization(epsilon=EPSILON, name=f"{name}_norm")(x)
        x = layers.LeakyReLU(leaky_slope, name=f"{name}_relu")(x)
    x = convolution(1, 1, "patches")(x)
    x = layers.Activation("linear", dtype="float32", name="logits")(x)
    return keras.Model([given, judged], x, name="discriminator")


def adversarial_term(logits):
    """Minus the logarithm of the probability that generated images are real.

    Parameters
    ----------
    logits : tensor, shape (batch, m, m, 1)
        Of the discriminator for generated images.

    Returns
    -------
    tensor, shape (batch,)
        Mean over the patches of -log D (Goodfellow et al. 2014, section 3, the form
        with the stronger gradient, as in pix2pix).
    """
    return ops.mean(ops.softplus(-logits), axis=(1, 2, 3))


def discriminator_term(real, generated):
    """Cross-entropy of the discriminator, halved as in pix2pix.

    Parameters
    ----------
    real, generated : tensor, shape (batch, m, m, 1)
        Its logits for target and for generated images.

    Returns
    -------
    tensor, shape (batch,)
        Mean over the patches of -[log D(target) + log(1 - D(generated))] / 2.
    """
    both = ops.softplus(-real) + ops.softplus(generated)
    return 0.5 * ops.mean(both, axis=(1, 2, 3))


class Rival:
    """A discriminator in training, and the loss that it gives its opponent.

    Parameters
    ----------
    discriminator : keras.Model
        See `build_discriminator`; changed in place.
    options : superspire.unet.losses.LossOptions
        Its weight of the pixel term is the lambda of eq. 3.
    deviation : float
        Standard deviation of the normalised 450 µm images.
    """

    def __init__(self, discriminator, options, deviation=1.0):
        self.discriminator, self.options = discriminator, options
        self.weight = options.weights["pixel"] / deviation
        self.adam = None

    @property
    def variables(self):
        """All that changes while it is trained."""
        return [*self.discriminator.variables, *self.adam.variables]

    def prepare(self, adam):
        """Make its optimiser, of the same learning rate as the opponent's `adam`."""
        if self.adam is None:
            config = adam.get_config() | {"beta_1": BETA_1, "name": "rival"}
            self.adam = Adam.from_config(config)
            self.adam.build(self.discriminator.trainable_variables)

    def discriminator_logits(self, images, candidates):
        """Give the logits of 450 µm images, knowing the SPIRE images."""
        return self.discriminator([images, candidates], training=True)

    def learn(self, images, target, generated):
        """Take one step against fixed generated images.

        Returns
        -------
        tensor, shape (batch,)
            See `discriminator_term`.
        """
        import tensorflow as tf

        generated = ops.stop_gradient(generated)
        with tf.GradientTape() as tape:
            real = self.discriminator_logits(images, target)
            term = discriminator_term(
                real, self.discriminator_logits(images, generated)
            )
            loss = ops.mean(term) * share_of_replica()
        variables = self.discriminator.trainable_variables
        self.adam.apply_gradients(
            zip(tape.gradient(loss, variables), variables, strict=True)
        )
        return term

    def names(self, kind):
        """Names of the terms, the same for both kinds of image."""
        return ["adversarial", "pixel", "discriminator"]

    def terms(self, kind, truth, generated):
        """Evaluate the opponent's two terms, of shape (batch,)."""
        logits = self.discriminator_logits(truth["images"], generated)
        return {
            "adversarial": adversarial_term(logits),
            "pixel": pixel_term(truth["target"], generated, self.options),
        }

    def total(self, terms):
        """Weight the terms and average over the batch (eq. 3)."""
        return ops.mean(terms["adversarial"] + self.weight * terms["pixel"])


class AdversarialModel(LossModel):
    """A network whose every step follows one of its rival's.

    Parameters
    ----------
    network : keras.Model
        What is trained.
    kind : {"simulated", "observed"}
        Which images these are.
    rival : Rival
    """

    def compile(self, optimizer, **options):
        """Set the optimiser of both."""
        super().compile(optimizer=optimizer, **options)
        self.options.prepare(optimizer)

    def train_step(self, data):
        """Let the rival learn from a batch, then the network from the rival."""
        import tensorflow as tf

        images, truth = data
        with tf.GradientTape() as tape:
            generated = self(images, training=True)
            with tape.stop_recording():
                learned = self.options.learn(images, truth["target"], generated)
            loss = self.compute_loss(y={**truth, "images": images}, y_pred=generated)
        self.trackers["discriminator"].update_state(learned)
        variables = self.network.trainable_variables
        self.optimizer.apply_gradients(
            zip(tape.gradient(loss, variables), variables, strict=True)
        )
        return self.get_metrics_result()


class RivalBackup(Checkpoint):
    """A checkpoint that holds the rival besides.

    Parameters
    ----------
    checkpoint : superspire.training.checkpoint.Checkpoint
        That of the network alone.
    rival : Rival
    """

    def __init__(self, checkpoint, rival):
        self.path, self.partial, self.rival = checkpoint.path, checkpoint.partial, rival

    def variables(self, network, adam):
        """All that changes while both are trained."""
        return [*super().variables(network, adam), *self.rival.variables]


def train_adversarially(
    network,
    passes,
    options,
    settings,
    make_rng,
    validation=None,
    checkpoint=None,
    *others,
):
    """Train a network against a discriminator.

    Parameters
    ----------
    network, passes, options, settings, make_rng, validation, checkpoint, *others
        See `superspire.training.trainer.train`; of the weights in `options` that of the
        pixel term is used.

    Returns
    -------
    list of dict
        See there; the terms are ``adversarial``, ``pixel`` and, the rival's own loss,
        ``discriminator``.

    Raises
    ------
    InputError
        If the loss is not finite, the network's output is constant, or the backend of
        Keras is not TensorFlow.
    """
    if not is_tensorflow():
        raise InputError(
            "KERAS_BACKEND: expected tensorflow, which alone trains adversarially, "
            f"found {keras.backend.backend()}"
        )
    _, size, _, bands = network.input_shape
    filters = max(1, int(FRACTION * network.get_layer("conv1").filters))
    mean, deviation = measure_scale(passes[0].batches(make_rng(0, 0)))
    discriminator = build_discriminator(
        filters, size=size, bands=bands, mean=mean, deviation=deviation
    )
    rival = Rival(discriminator, options, deviation[-1])
    checkpoint = RivalBackup(checkpoint, rival) if checkpoint else None
    return train(
        *(network, passes, rival, settings, make_rng, validation, checkpoint, *others),
        model_of=AdversarialModel,
    )
