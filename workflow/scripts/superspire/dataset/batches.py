"""Batches of normalised training images, read ahead from disk."""

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
    medians : dict, optional
        Median of the target of each row, filled in when a row is first read.
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
        medians=None,
    ):
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=4)
        self.inputs, self.targets, self.sources = inputs, targets, sources
        self.items, self.batch = items, batch
        self.size = targets.shape[1]
        low, high = input_scale(normalisation)
        self.low, self.gain = (
            np.tile(values.astype(np.float32), self.size)
            for values in (low, 1.0 / (high - low))
        )
        self.target_low, self.target_high = target_scale(normalisation)
        self.target_factor = target_factor
        self.medians = {} if medians is None else medians

    def __len__(self):
        """Count the batches."""
        return -(-len(self.items) // self.batch)

    def __getitem__(self, number):
        """Make a batch: normalised inputs, and targets with sources and medians."""
        items = self.items[number * self.batch : (number + 1) * self.batch]
        shape = (len(items), self.size, self.size)
        images = np.empty((*shape, self.inputs.shape[-1]), np.float32)
        truth = {
            "target": np.empty((*shape, 1), np.float32),
            "sources": np.empty((*shape, 1), np.float32),
            "median": np.empty(len(items), np.float32),
        }
        for i, (row, transform) in enumerate(items):
            images[i] = transform_image(self.input(row), transform)
            target = self.target(row)
            truth["target"][i, ..., 0] = transform_image(target, transform)
            truth["sources"][i, ..., 0] = self.sources.image(row, transform, self.size)
            if row not in self.medians:
                self.medians[row] = np.median(target)
            truth["median"][i] = self.medians[row]
        return images, truth

    def input(self, row):
        """Read and normalise the SPIRE images of a cutout, (size, size, 3)."""
        image = np.asarray(self.inputs[row], np.float32)
        flat = image.reshape(self.size, -1) - self.low
        flat *= self.gain
        return flat.reshape(image.shape)

    def target(self, row):
        """Read and normalise the 450 µm image of a cutout, (size, size).

        Noise below zero stays, since the losses compare differences and means; what is
        brighter than the whole training set is cut at 1, where the sigmoid ends.
        """
        gain = 1.0 / (self.target_high - self.target_low)
        image = np.asarray(self.targets[row], np.float32) * np.float32(
            self.target_factor * gain
        )
        image -= np.float32(self.target_low * gain)
        return np.minimum(image, 1.0, out=image)
