"""The state of a training after its last whole epoch, kept on disk."""

import hashlib
import json
import os
import zipfile
from pathlib import Path

import numpy as np
from keras import ops

DAMAGED = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile)
"""Raised by checkpoints that are cut off, overwritten or of another network."""


def training_digest(settings, files):
    """Name a training by what determines it, for its checkpoint.

    Parameters
    ----------
    settings : iterable
        Code, seed and options, of plain types.
    files : iterable of str or path-like
        Its data; a file that was written again makes another training.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for value in settings:
        digest.update(repr(value).encode())
    for path in files:
        stat = Path(path).stat()
        digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


class Checkpoint:
    """State of a training after its last whole epoch.

    It is kept in a folder that is no output of the workflow, since Snakemake deletes
    the outputs of a job that was killed, under a name that states which training it
    belongs to.

    Parameters
    ----------
    folder : str or path-like
        Where backups are kept.
    digest : str
        See `training_digest`.
    """

    def __init__(self, folder, digest):
        self.path = Path(folder) / f"{digest}.npz"
        self.partial = self.path.with_suffix(".partial.npz")

    def save(self, network, adam, history, best, average=()):
        """Replace the checkpoint at once, or leave it as it is if the disk is full.

        Parameters
        ----------
        network : keras.Model
        adam : keras.optimizers.Optimizer
        history : list of dict
            See `superspire.training.trainer.train`.
        best : list of ndarray
            The network's variables after its best epoch.
        average : list of ndarray
            What `superspire.training.averaging.MovingAverage.state` gives.
        """
        arrays = {
            f"v{i}": ops.convert_to_numpy(v)
            for i, v in enumerate(self.variables(network, adam))
        }
        arrays |= {f"b{i}": value for i, value in enumerate(best)}
        arrays |= {f"a{i}": value for i, value in enumerate(average)}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.partial.open("wb") as file:
                np.savez(file, history=json.dumps(history), **arrays)
                file.flush()
                os.fsync(file.fileno())
            self.partial.replace(self.path)
        except OSError as error:
            self.partial.unlink(missing_ok=True)
            print(
                f"Warning: {self.path}: epoch {history[-1]['epoch']} could not be "
                f"backed up ({error.strerror}); an interrupted training would go on "
                "from the last epoch that was",
                flush=True,
            )

    def restore(self, network, adam):
        """Bring back the last whole epoch, if there is one.

        Returns
        -------
        history : list of dict
            Until then.
        best : list of ndarray
            The network's variables after its best epoch.
        average : list of ndarray
            What was saved of the moving average.
        """
        if not self.path.exists():
            return [], [], []
        variables = self.variables(network, adam)
        try:
            with np.load(self.path) as arrays:
                values = [arrays[f"v{i}"] for i in range(len(variables))]
                best = [arrays[f"b{i}"] for i in range(len(network.variables))]
                number = sum(name.startswith("a") for name in arrays.files)
                average = [arrays[f"a{i}"] for i in range(number)]
                history = json.loads(str(arrays["history"]))
        except DAMAGED as error:
            print(
                f"Warning: {self.path}: expected a backup of this training, found a "
                f"damaged file ({error}); training begins anew",
                flush=True,
            )
            return [], [], []
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return history, best, average

    def remove(self):
        """Forget the training."""
        self.path.unlink(missing_ok=True)

    @staticmethod
    def variables(network, adam):
        """All that changes while a network is trained."""
        return [*network.variables, *adam.variables]
