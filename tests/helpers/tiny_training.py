"""A tiny training set for the tests of the training."""

from dataclasses import replace

import keras
import numpy as np

from superspire.dataset.batches import Batches, SourceLists
from superspire.seeds import stream
from superspire.training.trainer import Pass, train
from superspire.unet.architecture import build_network
from superspire.unet.losses import LossOptions
from superspire.unet.presets import PRESETS
from superspire.unet.validation import Validation

SIZE = 64
SETTINGS = {
    "epochs": 2,
    "learning_rate": 1e-3,
    "schedule": "cosine",
    "keep": "best",
}
SCALE = {"250": [-5, 50], "350": [-5, 50], "500": [-5, 50], "450": [-1, 30]}
OPTIONS = LossOptions(PRESETS["balanced"], "logcosh", 0.1)
QUICK = replace(OPTIONS, detection="photutils")
"""The same loss; TensorFlow builds the training graph in a third of the time."""


def make_rng(epoch, number):
    return stream(1, epoch, number)


def new_network(**options):
    keras.utils.set_random_seed(3)
    return build_network(2, output_bias=-3.0, size=SIZE, **options)


def point_sources(n=4, brightest=25.0):
    """450 µm images [mJy/beam] of six sources each, with a little noise."""
    rng = np.random.default_rng(0)
    y, x = np.indices((SIZE, SIZE))
    images = 0.02 * rng.standard_normal((n, SIZE, SIZE))
    for image in images:
        for flux in np.linspace(8.0, brightest, 6):
            at = rng.uniform(12, SIZE - 13, 2)
            image += flux * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 22.5)
    return images.astype(np.float32)


def all_batches(batch=2):
    """Give a function from (row, transform) pairs to batches of them."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(4, SIZE, SIZE, 3)).astype(np.float32)
    sources = SourceLists(np.arange(5), np.full(4, 50), np.full(4, 60))
    targets = point_sources()
    return lambda items: Batches(
        inputs, targets, sources, items, batch, {"scale": SCALE}
    )


def all_passes(batch=2):
    items = np.stack([np.arange(4), np.arange(4)], axis=1)
    batches = all_batches(batch)
    shuffled = Pass("simulated", lambda rng: batches(rng.permutation(items)))
    return [shuffled, *[Pass("observed", shuffled.batches)] * 3]


def history_of_an_epoch(weights, options):
    """Train for an epoch from the weights of a file, and give the history."""
    network = new_network(dropout=0.0)
    with np.load(weights) as arrays:
        network.set_weights([arrays[f"w{i}"] for i in range(len(arrays))])
    items = np.stack([np.arange(4), np.zeros(4, int)], axis=1)
    validation = Validation(all_batches()(items), options, 4.0, 5.0, 3.5)
    settings = SETTINGS | {"epochs": 1}
    return train(network, all_passes(), options, settings, make_rng, validation)
