"""Exponential moving average of a network's variables while it is trained."""

import contextlib

import keras
import numpy as np
from keras import ops

EVERY = 10
"""Batches between two updates."""


class MovingAverage(keras.callbacks.Callback):
    """Average the weights over the batches, and the running statistics with them.

    Parameters
    ----------
    network : keras.Model
        Whose variables are averaged.
    momentum : float
        Weight of what was before, after one batch. Of the first t updates no more than
        (1 + t) / (10 + t) counts, or else the average would begin with random weights.
    """

    def __init__(self, network, momentum):
        super().__init__()
        self.variables = network.variables
        self.momentum = momentum**EVERY
        self.batches = self.updates = 0
        self.values = self.current()

    def current(self):
        """Copy the variables as they are."""
        return [np.array(ops.convert_to_numpy(v)) for v in self.variables]

    def on_train_batch_end(self, batch, logs=None):
        """Take a batch into account."""
        self.batches += 1
        if self.batches % EVERY:
            return
        kept = min(self.momentum, (1 + self.updates) / (10 + self.updates))
        for value, variable in zip(self.values, self.current(), strict=True):
            if np.issubdtype(value.dtype, np.floating):
                value *= kept
                value += (1.0 - kept) * variable
            else:
                value[...] = variable
        self.updates += 1

    def state(self):
        """Return what a checkpoint keeps: the average and the number of batches."""
        return [*self.values, np.array([self.batches, self.updates])]

    def restore(self, state):
        """Go on from what `state` gave."""
        *self.values, counts = [np.array(value) for value in state]
        self.batches, self.updates = counts.tolist()

    @contextlib.contextmanager
    def applied(self):
        """Give the network the averaged variables for a while."""
        own = self.current()
        self.assign(self.values)
        try:
            yield
        finally:
            self.assign(own)

    def assign(self, values):
        """Set the variables of the network."""
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)
