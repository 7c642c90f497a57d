"""The cases that the speed of the training is measured on.

A case is a whole observed training step, the slower kind: forward and backward pass,
the loss of eq. 5 with its source detection, and the optimiser.
"""

import tempfile
import time
from pathlib import Path

import keras
import numpy as np

from superspire.dataset.batches import Batches, SourceLists
from superspire.instruments import CUTOUT
from superspire.io import ImageStack
from superspire.training.backend import (
    prefetch,
    set_precision,
    set_shortcuts,
    set_threads,
)
from superspire.training.trainer import LossModel, optimiser
from superspire.unet.architecture import build_network
from superspire.unet.losses import LossOptions
from superspire.unet.presets import PRESETS

PLAIN = {"precision": "float32", "batch": 1, "detection": "photutils", "plain": True}
"""What a first implementation would do: single precision, one image at a time,
photutils in the step, normalisation and Adam as Keras spells them."""

FUSED = PLAIN | {"batch": 4, "detection": "graph", "plain": False}

LEVERS = (
    PLAIN,
    PLAIN | {"batch": 4},
    PLAIN | {"batch": 4, "detection": "graph"},
    FUSED,
    FUSED | {"precision": "mixed_bfloat16"},
    FUSED | {"precision": "mixed_bfloat16", "batch": 8},
)
"""One change after the other, from the plain step to the fastest."""


class Constant(keras.utils.PyDataset):
    """One batch again and again, so that nothing is read."""

    def __init__(self, batch, number):
        super().__init__()
        self.made, self.number = batch, number

    def __len__(self):
        """Count the batches."""
        return self.number

    def __getitem__(self, number):
        """Give the batch."""
        return self.made


class WithoutLoss(LossModel):
    """A network whose loss costs nothing, to see what the loss costs."""

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Average the generated pixels."""
        loss = keras.ops.mean(y_pred)
        self.trackers["loss"].update_state(loss)
        return loss


def training_set(folder, images):
    """Write images, targets and sources to disk, and open them for training.

    Parameters
    ----------
    folder : pathlib.Path
    images : int
        Number of images.

    Returns
    -------
    inputs, targets : superspire.io.ImageStack
    sources : superspire.dataset.batches.SourceLists
        A hundred for each image, as on real cutouts.
    """
    rng = np.random.default_rng(0)
    for name, shape in (("inputs", (CUTOUT, CUTOUT, 3)), ("targets", (CUTOUT, CUTOUT))):
        array = np.lib.format.open_memmap(
            folder / f"{name}.npy", "w+", np.float32, (images, *shape)
        )
        for image in array:
            image[:] = rng.gamma(0.1, 5.0, shape)
        array.flush()
    x, y = rng.integers(0, CUTOUT, (2, 100 * images))
    stacks = (ImageStack(folder / f"{name}.npy") for name in ("inputs", "targets"))
    return *stacks, SourceLists(np.arange(images + 1) * 100, x, y)


def seconds_per_step(model, data):
    """Train for a pass, after two steps to warm up, and give the time of one [s]."""
    model.fit(prefetch(Constant(data[0], 2)), shuffle=False, verbose=0)
    start = time.perf_counter()
    model.fit(prefetch(data), shuffle=False, verbose=0)
    return (time.perf_counter() - start) / len(data)


def time_step(
    base_filters, precision, batch, detection, plain, part="step", threads=None, steps=8
):
    """Time a training step.

    Parameters
    ----------
    base_filters : int
    precision : {"float32", "mixed_bfloat16"}
    batch : int
        Images in a batch.
    detection : {"graph", "photutils"}
        See `superspire.unet.losses.LossOptions`.
    plain : bool
        Whether everything is as Keras spells it.
    part : {"step", "no loss", "reading"}
        The step with one batch again and again, the same without a loss, or with
        every batch read from disk.
    threads : int, optional
    steps : int
        Steps that are timed.

    Returns
    -------
    float
        Images per second.
    """
    if threads:
        set_threads(threads)
    set_precision(precision)
    set_shortcuts(not plain)
    network = build_network(base_filters, output_bias=-5.0)
    options = LossOptions(PRESETS["balanced"], "logcosh", 0.006, detection)
    kind = WithoutLoss if part == "no loss" else LossModel
    model = kind(network, "observed", options)
    adam = optimiser(1e-4, 100, "constant")
    adam.build(network.trainable_variables)
    model.compile(optimizer=adam, jit_compile=False)
    scale = {band: [-5.0, 50.0] for band in ("250", "350", "500", "450")}
    with tempfile.TemporaryDirectory() as folder:
        data = training_set(Path(folder), batch * steps)
        items = np.stack([np.arange(batch * steps), np.arange(batch * steps) % 8], 1)
        batches = Batches(*data, items, batch, {"scale": scale})
        if part != "reading":
            batches = Constant(batches[0], steps)
        return batch / seconds_per_step(model, batches)


def flop_per_image(base_filters):
    """Count the operations of the convolutions of one image's training step.

    Parameters
    ----------
    base_filters : int

    Returns
    -------
    float
        Multiplications and additions, forward and twice backward; 102e9 at 64 base
        filters.
    """
    total = 0
    for layer in build_network(base_filters).layers:
        if isinstance(layer, keras.layers.Conv2DTranspose):
            side = layer.input.shape[1]
        elif isinstance(layer, keras.layers.Conv2D):
            side = layer.output.shape[1]
        else:
            continue
        total += 3 * 2 * side**2 * int(np.prod(layer.kernel.shape))
    return float(total)
