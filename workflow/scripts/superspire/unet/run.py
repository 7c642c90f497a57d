"""A whole training as a job of the workflow: from its files to the saved network."""

import keras
import pandas as pd
from tqdm import tqdm

from superspire.dataset.normalisation import target_scale
from superspire.dataset.training_set import TrainingSet
from superspire.io import read_json, write_json
from superspire.seeds import stream
from superspire.training.backend import (
    for_device,
    on_devices,
    set_precision,
    set_threads,
)
from superspire.training.callbacks import TensorBoard
from superspire.training.checkpoint import Checkpoint, training_digest
from superspire.training.trainer import Pass, best_epoch, train
from superspire.training.versions import versions
from superspire.unet.architecture import build_network
from superspire.unet.losses import LossOptions
from superspire.unet.presets import PRESETS
from superspire.unet.validation import Validation


def loss_options(loss, normalisation):
    """Make the loss of the configuration's section for images of a scale."""
    low, high = target_scale(normalisation)
    return LossOptions(
        {**PRESETS[loss["preset"]], **loss["weights"]},
        loss["pixel"],
        loss["logcosh_width"] / float(high - low),
        loss["detection"],
    )


def plan_epoch(images, settings):
    """Plan an epoch: the simulated set once, then the observed set (section 3)."""
    numbers = settings["images_per_pass"]
    flips = settings["flip_simulated"]
    simulated = images.shuffled("simulated", numbers["simulated"], flips)
    observed = Pass("observed", images.shuffled("observed", numbers["observed"]))
    return [Pass("simulated", simulated)] + [observed] * settings["observed_passes"]


def train_for_job(job, terminal, fit=train):
    """Train the paper's network as a job says, and save it.

    Parameters
    ----------
    job : snakemake.script.Snakemake
        ``input``, ``output``, ``params`` and ``threads`` of the rule ``train_network``
        or one like it.
    terminal : file
        Where the progress is shown.
    fit : callable, optional
        What trains the network: `superspire.training.trainer.train` or one that takes
        the same.
    """
    params, settings = job.params, dict(job.params.training)
    set_threads(job.threads)
    keras.utils.set_random_seed(params.seed)
    settings["precision"] = set_precision(for_device(settings["precision"]))
    settings["batch"] = for_device(settings["batch"])
    normalisation = read_json(job.input.normalisation)
    options = loss_options(params.loss, normalisation)
    images = TrainingSet(job.input, settings["batch"], normalisation)
    names = ("code", "seed", "network", "loss", "training")
    digest = training_digest((getattr(params, name) for name in names), job.input)
    checkpoint = Checkpoint(params.checkpoint, digest)
    board = TensorBoard(params.tensorboard) if settings["tensorboard"] else None
    reserved = images.batches("simulated", images.items("simulated", "validation"))
    validation = (
        Validation(reserved, options, **params.validation) if len(reserved) else None
    )
    with (
        on_devices(settings["devices"]),
        tqdm(total=1, desc="training", unit="image", file=terminal) as bar,
    ):
        network = build_network(**params.network)
        history = fit(
            network,
            plan_epoch(images, settings),
            options,
            settings,
            lambda epoch, number: stream(params.seed, "shuffle", epoch, number),
            validation,
            checkpoint,
            bar,
            board,
        )
    network.save_weights(job.output.weights)
    pd.DataFrame(history).to_csv(job.output.history, index=False)
    write_json(
        job.output.network,
        {
            "architecture": dict(params.network),
            "normalisation": normalisation,
            "sky_level": normalisation["sky_level"],
            "loss": dict(params.loss),
            "training": settings,
            "seed": params.seed,
            "epoch": best_epoch(history, settings["keep"]),
            "versions": versions(),
            "configuration": dict(params.configuration),
            "history": history,
        },
    )
    checkpoint.remove()
