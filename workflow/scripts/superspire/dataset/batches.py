"""Batches of normalised training images, read ahead from memory-mapped arrays."""

import keras
import numpy as np

from superspire.dataset.augmentation import transform_image, transform_positions
from superspire.dataset.normalisation import input_scale, target_scale


class SourceLists:
    """The target sources of every cutout, found once before training.

    Parameters
    ----------
    offsets : ndarray of int, shape (n + 1,)
        Where the sources of each cutout begin and end.
    x, y : ndarray of int
        Pixels of the sources of all cutouts.
    """

    def __init__(self, offsets, x, y):
        self.offsets, self.x, self.y = offsets, x, y

    @classmethod
    def load(cls, path):
        """Read the lists that the workflow's rule ``find_sources`` wrote."""
        with np.load(path) as lists:
            return cls(lists["offsets"], lists["x"], lists["y"])

    def image(self, cutout, transform, size):
        """Mark the sources of a flipped and rotated cutout.

        Parameters
        ----------
        cutout : int
            Row of the cutout.
        transform : int
            Element of the dihedral group, see `augmentation.TRANSFORMS`.
        size : int
            Side of the cutout [pixel].

        Returns
        -------
        ndarray of float32, shape (size, size)
            1 at the sources, 0 elsewhere.
        """
        own = slice(*self.offsets[cutout : cutout + 2])
        x, y = transform_positions(self.x[own], self.y[own], transform, size)
        image = np.zeros((size, size), np.float32)
        image[y, x] = 1.0
        return image


class Batches(keras.utils.PyDataset):
    """One pass over a set of cutouts, shuffled.

    Parameters
    ----------
    inputs : ndarray, shape (n, size, size, 3)
        Interpolated SPIRE images [mJy/beam].
    targets : ndarray, shape (n, size, size)
        450 µm images [mJy/beam].
    sources : SourceLists
        Sources of the targets.
    items : ndarray of int, shape (m, 2)
        Row and transform of the images of the pass, in order.
    batch : int
        Images in a batch.
    normalisation : dict
        What normalisation.json holds.
    target_factor : float
        Renormalisation of the targets.
    """

    def __init__(
        self,
        inputs,
        targets,
        sources,
        items,
        batch,
        normalisation,
        target_factor=1.0,
    ):
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=4)
        self.inputs, self.targets, self.sources = inputs, targets, sources
        self.items, self.batch = items, batch
        self.low, self.high = input_scale(normalisation)
        self.target_low, self.target_high = target_scale(normalisation)
        self.target_factor = np.float32(target_factor)

    def __len__(self):
        """Count the batches."""
        return -(-len(self.items) // self.batch)

    def __getitem__(self, number):
        """Make a batch: normalised inputs, and targets with sources and medians."""
        items = self.items[number * self.batch : (number + 1) * self.batch]
        images = np.stack([self.view(self.inputs, *item) for item in items])
        target = np.stack([self.view(self.targets, *item) for item in items])
        size = target.shape[1]
        sources = np.stack([self.sources.image(*item, size) for item in items])
        images = (images - self.low) / (self.high - self.low)
        target = target * self.target_factor - self.target_low
        target = np.clip(target / (self.target_high - self.target_low), 0.0, 1.0)
        truth = {
            "target": target[..., None],
            "sources": sources[..., None],
            "median": np.median(target, axis=(1, 2)),
        }
        return images, truth

    @staticmethod
    def view(stack, cutout, transform):
        """Read one cutout, flipped and rotated."""
        return transform_image(np.asarray(stack[cutout]), transform)
