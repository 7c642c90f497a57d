"""Training: the simulated set once, then the observed set three times, each epoch."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import ops

from superspire.errors import InputError
from superspire.network.backend import Adam
from superspire.network.losses import loss_terms, total

LOWEST_RATE = 0.02
"""First and last learning rate of the cosine schedule, of its highest."""


class LossModel(keras.Model):
    """A network with the loss of one kind of image.

    Two of them share one network and one optimiser, so that each pass of an epoch has
    the loss of its images.

    Parameters
    ----------
    network : keras.Model
        What is trained.
    kind : {"simulated", "observed"}
        Which of eqs. 4 and 5 is used.
    options : superspire.network.losses.LossOptions
    """

    def __init__(self, network, kind, options):
        super().__init__()
        self.network, self.kind, self.options = network, kind, options
        names = ["loss", "aperture", "pixel", "mean", "median"]
        if kind == "observed":
            names.append("spurious")
        self.trackers = {name: keras.metrics.Mean(name=name) for name in names}

    def call(self, images, training=None):
        """Apply the network."""
        return self.network(images, training=training)

    @property
    def metrics(self):
        """Running means of the loss and its unweighted terms."""
        return list(self.trackers.values())

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Evaluate the loss of a batch and keep its terms."""
        terms = loss_terms(self.kind, y, y_pred, self.options)
        loss = total(terms, self.options)
        for name, term in {**terms, "loss": loss}.items():
            self.trackers[name].update_state(ops.mean(term))
        return loss


@dataclass(frozen=True)
class Pass:
    """One pass of an epoch over one set of images.

    Attributes
    ----------
    kind : {"simulated", "observed"}
        Which loss is used.
    batches : callable
        From a random generator to the shuffled `Batches` of the pass.
    """

    kind: str
    batches: callable


class Progress(keras.callbacks.Callback):
    """Tell after every batch how far training is and how long it will take.

    Parameters
    ----------
    bar : tqdm.tqdm
        Progress bar over all batches of the training.
    """

    def __init__(self, bar):
        super().__init__()
        self.bar = bar

    def on_train_batch_end(self, batch, logs=None):
        """Advance by a batch and show the mean loss of the pass."""
        self.bar.set_postfix({"loss": f"{logs['loss']:.3g}"}, refresh=False)
        self.bar.update(1)


def optimiser(learning_rate, steps, schedule="cosine", warmup=0.02):
    """Make the Adam optimiser.

    Parameters
    ----------
    learning_rate : float
        Highest learning rate.
    steps : int
        Batches of the whole training.
    schedule : {"cosine", "constant"}
        How the learning rate falls.
    warmup : float
        Share of the steps in which it rises ("cosine" only).

    Returns
    -------
    keras.optimizers.Optimizer
    """
    if schedule == "cosine":
        rise = max(1, int(warmup * steps))
        learning_rate = keras.optimizers.schedules.CosineDecay(
            LOWEST_RATE * learning_rate,
            max(1, steps - rise),
            alpha=LOWEST_RATE,
            warmup_target=learning_rate,
            warmup_steps=rise,
        )
    return Adam(learning_rate)


def train(network, passes, options, settings, rng_of, backup=None, bar=None):
    """Train a network.

    Parameters
    ----------
    network : keras.Model
        Changed in place.
    passes : sequence of Pass
        Passes of an epoch, in order (section 3: simulated, then observed three times).
    options : superspire.network.losses.LossOptions
        Terms and weights of the loss.
    settings : dict
        epochs, learning_rate, schedule.
    rng_of : callable
        From (epoch, pass) to a random generator.
    backup : Backup, optional
        Where the state is kept after every epoch; training goes on from there.
    bar : tqdm.tqdm, optional
        Progress bar over the batches.

    Returns
    -------
    list of dict
        For every epoch and pass the mean of every term and the images per second.

    Raises
    ------
    InputError
        If the loss is not finite.
    """
    per_epoch = sum(len(p.batches(rng_of(0, i))) for i, p in enumerate(passes))
    steps = per_epoch * settings["epochs"]
    adam = optimiser(settings["learning_rate"], steps, settings["schedule"])
    adam.build(network.trainable_variables)
    models = {}
    for kind in dict.fromkeys(p.kind for p in passes):
        models[kind] = LossModel(network, kind, options)
        models[kind].compile(optimizer=adam, jit_compile=False)
    history = backup.restore(network, adam) if backup else []
    done = history[-1]["epoch"] if history else 0
    if bar is not None:
        bar.reset(steps)
        bar.update(done * per_epoch)
    callbacks = [] if bar is None else [Progress(bar)]
    for epoch in range(done + 1, settings["epochs"] + 1):
        for number, one in enumerate(passes):
            batches = one.batches(rng_of(epoch, number))
            start = time.perf_counter()
            logs = models[one.kind].fit(
                batches, shuffle=False, verbose=0, callbacks=callbacks
            )
            seconds = time.perf_counter() - start
            record = {"epoch": epoch, "pass": number, "kind": one.kind}
            record |= {name: values[-1] for name, values in logs.history.items()}
            record["images_per_second"] = len(batches.items) / seconds
            if not np.isfinite(record["loss"]):
                raise InputError(
                    f"training: the loss is {record['loss']} in epoch {epoch}; lower "
                    "training.learning_rate"
                )
            history.append(record)
            print(json.dumps(record), flush=True)
        if backup:
            backup.save(network, adam, history)
    return history


class Backup:
    """State of a training after its last whole epoch.

    It is kept in a folder that is no output of the workflow, since Snakemake deletes
    the outputs of a job that was killed, under a name that tells which training it
    belongs to.

    Parameters
    ----------
    folder : str or path-like
        Where backups are kept.
    digest : str
        Names the training: its code, its settings and its data.
    """

    def __init__(self, folder, digest):
        self.path = Path(folder) / f"{digest}.npz"

    def save(self, network, adam, history):
        """Replace the backup at once."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        variables = [ops.convert_to_numpy(v) for v in self.variables(network, adam)]
        arrays = {f"v{i}": value for i, value in enumerate(variables)}
        partial = self.path.with_suffix(".partial.npz")
        np.savez(partial, history=json.dumps(history), **arrays)
        partial.replace(self.path)

    def restore(self, network, adam):
        """Bring back the last whole epoch, if there is one.

        Returns
        -------
        list of dict
            The history until then.
        """
        if not self.path.exists():
            return []
        with np.load(self.path) as arrays:
            for i, variable in enumerate(self.variables(network, adam)):
                variable.assign(arrays[f"v{i}"])
            return json.loads(str(arrays["history"]))

    def remove(self):
        """Forget the training."""
        self.path.unlink(missing_ok=True)

    @staticmethod
    def variables(network, adam):
        """All that changes while a network is trained."""
        return [*network.variables, *adam.variables]
