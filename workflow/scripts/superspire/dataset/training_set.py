"""The images that the network is trained and validated on, read batch by batch."""

import numpy as np
import pandas as pd

from superspire.dataset.augmentation import TRANSFORMS
from superspire.dataset.batches import Batches, SourceLists
from superspire.instruments import TARGET
from superspire.io import ImageStack


class TrainingSet:
    """The simulated and the observed set, read from disk image by image.

    Parameters
    ----------
    files : mapping of str to str
        For each ``kind`` of "simulated" and "observed": ``kind``, the interpolated
        images; ``kind_target``, the 450 µm cutouts; ``kind_sources``, their sources;
        and ``simulated_index`` and ``augmentation``, which say what is trained on.
    batch : int
        Images in a batch.
    normalisation : dict
        What normalisation.json holds.
    """

    def __init__(self, files, batch, normalisation):
        self.files, self.batch, self.normalisation = files, batch, normalisation
        self.medians = {"simulated": {}, "observed": {}}
        self.index = pd.read_csv(files["simulated_index"])
        self.factor = {
            "simulated": 1.0,
            "observed": normalisation["observed_factor"][str(TARGET)],
        }

    def items(self, kind, split="train"):
        """List the images of a set.

        Parameters
        ----------
        kind : {"simulated", "observed"}
        split : {"train", "validation", "test"}
            Part of the simulated set; all of the observed set is trained on (paper
            section 2.2).

        Returns
        -------
        ndarray of int, shape (n, 2)
            Row and transform of every image.
        """
        if kind == "observed":
            return pd.read_csv(self.files["augmentation"]).to_numpy()
        rows = np.flatnonzero(self.index["split"] == split)
        return np.stack([rows, np.zeros_like(rows)], axis=1)

    def batches(self, kind, items):
        """Read images of a set in the order of `items`."""
        return Batches(
            ImageStack(self.files[kind]),
            ImageStack(self.files[f"{kind}_target"]),
            SourceLists.load(self.files[f"{kind}_sources"]),
            items,
            self.batch,
            self.normalisation,
            self.factor[kind],
            self.medians[kind],
        )

    def shuffled(self, kind, number=None, flips=False):
        """Make passes over a set.

        Parameters
        ----------
        kind : {"simulated", "observed"}
        number : int, optional
            Images of a pass, drawn anew for each; every one by default.
        flips : bool
            Whether each image is flipped and rotated at random; otherwise each is shown
            as its set has it.

        Returns
        -------
        callable
            From a random generator to the `Batches` of a pass.
        """
        items = self.items(kind)

        def one_pass(rng):
            chosen = rng.permutation(items)[:number]
            if flips:
                chosen[:, 1] = rng.integers(0, TRANSFORMS, len(chosen))
            return self.batches(kind, chosen)

        return one_pass
