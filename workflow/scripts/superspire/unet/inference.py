"""The trained network applied to images."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from superspire.dataset.normalisation import input_scale, target_scale
from superspire.errors import InputError
from superspire.io import read_json
from superspire.unet.architecture import build_network


@dataclass(frozen=True)
class Network:
    """A trained network with all that belongs to it.

    Attributes
    ----------
    model : keras.Model
        From normalised SPIRE images to normalised 450 µm images.
    meta : dict
        What network.json holds: architecture, normalisation, seed, versions.
    """

    model: keras.Model
    meta: dict


def load_network(path):
    """Load a trained network.

    Parameters
    ----------
    path : str or path-like
        network.json; the weights lie beside it in network.weights.h5.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If a file is missing or does not fit.
    """
    path = Path(path)
    weights = path.with_suffix(".weights.h5")
    for file in (path, weights):
        if not file.exists():
            raise InputError(f"{file}: no such file; a trained network is expected")
    meta = read_json(path)
    model = build_network(**meta["architecture"])
    try:
        model.load_weights(weights)
    except ValueError as error:
        raise InputError(
            f"{weights}: these are not the weights of the network in {path}"
        ) from error
    return Network(model, meta)


def super_resolve(network, inputs, batch=4):
    """Super-resolve images.

    Parameters
    ----------
    network : Network
    inputs : ndarray, shape (n, size, size, 3)
        SPIRE 250, 350, 500 µm images with pixels of 1 arcsec [mJy/beam], finite.
    batch : int
        Images at a time.

    Returns
    -------
    ndarray of float32, shape (n, size, size)
        450 µm images [mJy/beam].
    """
    low, high = input_scale(network.meta["normalisation"])
    bottom, top = target_scale(network.meta["normalisation"])
    result = np.empty(inputs.shape[:3], np.float32)
    for first in range(0, len(inputs), batch):
        part = slice(first, first + batch)
        images = (np.asarray(inputs[part]) - low) / (high - low)
        generated = network.model.predict_on_batch(images)
        result[part] = bottom + generated[..., 0] * (top - bottom)
    return result
