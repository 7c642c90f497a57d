"""Train the network on the simulated and the observed set."""

import hashlib
import platform
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from superspire import __version__
from superspire.dataset.batches import Batches, SourceLists
from superspire.dataset.normalisation import target_scale
from superspire.instruments import TARGET
from superspire.io import read_json, write_json
from superspire.network.architecture import build_network
from superspire.network.backend import set_threads
from superspire.network.losses import PRESETS, LossOptions
from superspire.network.training import Backup, Pass, train
from superspire.seeds import stream


def loss_options(loss, normalisation):
    low, high = target_scale(normalisation)
    return LossOptions(
        {**PRESETS[loss["preset"]], **loss["weights"]},
        loss["pixel"],
        loss["rounding"] / float(high - low),
    )


def make_passes(inputs, settings, normalisation):
    """Plan an epoch: the simulated set once, then the observed set (section 3)."""
    index = pd.read_csv(inputs.simulated_index)
    train_rows = np.flatnonzero(index["split"] == "train")
    items = {
        "simulated": np.stack([train_rows, np.zeros_like(train_rows)], axis=1),
        "observed": pd.read_csv(inputs.augmentation).to_numpy(),
    }
    factor = {
        "simulated": 1.0,
        "observed": normalisation["observed_factor"][str(TARGET)],
    }

    def one(kind):
        images = np.load(inputs[kind], mmap_mode="r")
        targets = np.load(inputs[f"{kind}_target"], mmap_mode="r")
        sources = SourceLists.load(inputs[f"{kind}_sources"])
        number = settings["images_per_pass"][kind]

        def batches(rng):
            chosen = rng.permutation(items[kind])[:number]
            return Batches(
                images,
                targets,
                sources,
                chosen,
                settings["batch"],
                normalisation,
                factor[kind],
            )

        return Pass(kind, batches)

    simulated, observed = one("simulated"), one("observed")
    return [simulated] + [observed] * settings["observed_passes"]


def training_digest(job):
    """Name this training by its code, settings and data, for its backup."""
    digest = hashlib.sha256()
    for name in ("code", "seed", "network", "loss", "training"):
        digest.update(repr(getattr(job.params, name)).encode())
    for path in job.input:
        size = Path(path).stat()
        digest.update(f"{path} {size.st_size} {size.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def main(job, terminal):
    params, settings = job.params, job.params.training
    set_threads(job.threads)
    keras.utils.set_random_seed(params.seed)
    keras.mixed_precision.set_global_policy(settings["precision"])
    normalisation = read_json(job.input.normalisation)
    network = build_network(**params.network)
    passes = make_passes(job.input, settings, normalisation)
    backup = Backup(params.backup, training_digest(job))
    with tqdm(total=1, desc="training", unit="batch", file=terminal) as bar:
        history = train(
            network,
            passes,
            loss_options(params.loss, normalisation),
            settings,
            lambda epoch, number: stream(params.seed, "shuffle", epoch, number),
            backup,
            bar,
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
            "training": dict(settings),
            "seed": params.seed,
            "final_loss": history[-1]["loss"],
            "versions": {
                "superspire": __version__,
                "keras": keras.__version__,
                "backend": keras.backend.backend(),
                "python": platform.python_version(),
            },
        },
    )
    backup.remove()


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake) as terminal:
        main(snakemake, terminal)
