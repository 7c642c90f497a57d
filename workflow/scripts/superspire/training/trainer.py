"""Training: the simulated set once, then the observed set three times, each epoch."""

import contextlib
import json
import time
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from superspire.errors import InputError
from superspire.training.averaging import MovingAverage
from superspire.training.backend import Adam, prefetch, share_of_replica
from superspire.training.callbacks import Progress

LOWEST_RATE = 0.02
"""First and last learning rate of the schedules, of their highest."""

FALL = 0.2
"""Fraction of the steps in which the rate of the trapezoid schedule falls."""


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
    options : superspire.unet.losses.LossOptions or the like
        ``names``, ``terms`` and ``total`` of the loss.
    """

    def __init__(self, network, kind, options):
        super().__init__()
        self.network, self.kind, self.options = network, kind, options
        names = ["loss", *options.names(kind)]
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
        terms = self.options.terms(self.kind, y, y_pred)
        loss = self.options.total(terms)
        for name, term in {**terms, "loss": loss}.items():
            self.trackers[name].update_state(ops.mean(term))
        return loss * share_of_replica()


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


@keras.saving.register_keras_serializable("superspire")
class Trapezoid(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises, stays, and falls as one minus a square root at the end.

    It reaches what a cosine does (Hägele et al. 2024), and until it falls the training
    is the same whatever the number of steps, so that this can still be changed.

    Parameters
    ----------
    rate : float
        Highest learning rate.
    steps : int
        Batches of the whole training.
    rise : int
        Steps in which the rate rises linearly.
    """

    def __init__(self, rate, steps, rise):
        super().__init__()
        self.rate, self.steps, self.rise = rate, steps, rise

    def __call__(self, step):
        """Rate at a step."""
        step = ops.cast(step, "float32")
        left = ops.clip((self.steps - step) / (FALL * self.steps), 0.0, 1.0)
        factor = ops.minimum((step + 1.0) / self.rise, 1.0 - ops.sqrt(1.0 - left))
        return self.rate * ops.clip(factor, LOWEST_RATE, 1.0)

    def get_config(self):
        """Return the configuration of the schedule."""
        return {"rate": self.rate, "steps": self.steps, "rise": self.rise}


TRAPEZOID_RISE = 1000
"""Steps in which the rate of the trapezoid schedule rises, however many there are."""


def optimiser(learning_rate, steps, schedule="cosine", warmup=0.02):
    """Make the Adam optimiser.

    Parameters
    ----------
    learning_rate : float
        Maximum learning rate.
    steps : int
        Batches of the whole training.
    schedule : {"cosine", "trapezoid", "constant"}
        How the learning rate falls.
    warmup : float
        Fraction of the steps in which it rises ("cosine" only).

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
    elif schedule == "trapezoid":
        rise = max(1, min(TRAPEZOID_RISE, steps // 10))
        learning_rate = Trapezoid(learning_rate, steps, rise)
    return Adam(learning_rate)


def train(
    network,
    passes,
    options,
    settings,
    make_rng,
    validation=None,
    checkpoint=None,
    bar=None,
    record=None,
    model_of=LossModel,
):
    """Train a network.

    Parameters
    ----------
    network : keras.Model
        Changed in place; at the end it is as it was after its best epoch, the one of
        the highest validation score, if ``settings["keep"]`` is "best".
    passes : sequence of Pass
        Passes of an epoch, in order (section 3: simulated, then observed three times).
    options : superspire.unet.losses.LossOptions or the like
        Terms and weights of the loss.
    settings : dict
        epochs, learning_rate, schedule, keep; perhaps average, the momentum of a moving
        average of the weights, which is then validated and kept.
    make_rng : callable
        From (epoch, pass) to a random generator.
    validation : superspire.unet.validation.Validation, optional
        What the network is measured on after every epoch.
    checkpoint : superspire.training.checkpoint.Checkpoint, optional
        Where the state is kept after every epoch; training goes on from there.
    bar : tqdm.tqdm, optional
        Progress bar over the images.
    record : callable, optional
        Called with every entry of the history.
    model_of : callable, optional
        From network, kind of image and options to the model whose steps are taken.

    Returns
    -------
    list of dict
        For every epoch and pass the mean of every term and the images per second, and
        for every epoch what the validation gave.

    Raises
    ------
    InputError
        If the loss is not finite or the network's output is constant.
    """
    sizes = [one.batches(make_rng(0, i)) for i, one in enumerate(passes)]
    adam = optimiser(
        settings["learning_rate"],
        settings["epochs"] * sum(len(batches) for batches in sizes),
        settings["schedule"],
    )
    adam.build(network.trainable_variables)
    models = {}
    for kind in dict.fromkeys(one.kind for one in passes):
        models[kind] = model_of(network, kind, options)
        models[kind].compile(optimizer=adam, jit_compile=False)
    history, best, state = (
        checkpoint.restore(network, adam) if checkpoint else ([], [], [])
    )
    average, callbacks = None, []
    if settings.get("average"):
        average = MovingAverage(network, settings["average"])
        callbacks.append(average)
        if state:
            average.restore(state)
    done = history[-1]["epoch"] if history else 0
    if bar is not None:
        images = sum(len(batches.items) for batches in sizes)
        bar.reset(settings["epochs"] * images)
        bar.update(done * images)
    for epoch in range(done + 1, settings["epochs"] + 1):
        entries = [
            train_pass(
                models[one.kind], one.batches(make_rng(epoch, number)), bar, callbacks
            )
            | {"epoch": epoch, "pass": number, "kind": one.kind}
            for number, one in enumerate(passes)
        ]
        with average.applied() if average else contextlib.nullcontext():
            if validation is not None:
                scores = validation.measure(network)
                entries.append({"epoch": epoch, "kind": "validation", **scores})
            reached = [np.array(ops.convert_to_numpy(v)) for v in network.variables]
        history += entries
        for entry in entries:
            print(json.dumps(entry), flush=True)
            if record is not None:
                record(entry)
        if best_epoch(history, settings["keep"]) == epoch:
            best = reached
        if checkpoint:
            state = average.state() if average else []
            checkpoint.save(network, adam, history, best, state)
    for variable, value in zip(network.variables, best, strict=True):
        variable.assign(value)
    return history


def train_pass(model, batches, bar=None, callbacks=()):
    """Train on one pass and return the mean of every term and the images per second."""
    callbacks = [keras.callbacks.TerminateOnNaN(), *callbacks]
    if bar is not None:
        callbacks.append(Progress(bar, batches))
    start = time.perf_counter()
    data = prefetch(batches)
    logs = model.fit(data, shuffle=False, verbose=0, callbacks=callbacks).history
    seconds = time.perf_counter() - start
    terms = {name: values[-1] for name, values in logs.items()}
    if not np.isfinite(terms["loss"]):
        raise InputError(
            f"training: the loss is {terms['loss']}; lower training.learning_rate, or "
            "set training.precision to float32"
        )
    return {**terms, "images_per_second": len(batches.items) / seconds}


def best_epoch(history, keep):
    """Find the epoch whose weights are kept.

    Parameters
    ----------
    history : list of dict
        See `train`.
    keep : {"best", "last"}
        Whether it is the one of the highest validation score, the later of equals.

    Returns
    -------
    int
    """
    scores = [
        (entry["score"], entry["epoch"])
        for entry in history
        if entry["kind"] == "validation"
    ]
    if keep == "last" or not scores:
        return history[-1]["epoch"]
    return max(scores)[1]
