"""Train the deblender on its fields."""

from pathlib import Path

import keras
import pandas as pd
from tqdm import tqdm

from superspire.dataset.normalisation import sky_level
from superspire.deblender.architecture import begin_from, build_deblender
from superspire.deblender.crops import Crops
from superspire.deblender.inference import load_deblender
from superspire.deblender.inputs import (
    FLUX_BANDS,
    band_pixels,
    noise_levels,
    signal_slices,
)
from superspire.deblender.losses import WEIGHTS, DeblenderLoss
from superspire.deblender.skies import Field
from superspire.deblender.training import FieldValidation, observed_input
from superspire.io import write_json
from superspire.job import run
from superspire.seeds import stream
from superspire.training.backend import for_device, set_precision, set_threads
from superspire.training.checkpoint import Checkpoint, training_digest
from superspire.training.trainer import Pass, best_epoch, train
from superspire.training.versions import versions

VALIDATION_IMAGES = 64

VALIDATION_CELLS = 608
"""Side of the corner of a field on which sources are counted [cell]."""

NOISY = 9.0
"""Noise of shallow surveys, at which the network is validated as well [mJy/beam]."""


def open_fields(paths):
    """Open the fields that files belong to, in order."""
    folders = dict.fromkeys(Path(path).parent for path in paths)
    return [Field.load(folder) for folder in folders]


def sky_levels(field, noise, bands):
    """Typical level of every band between the sources [mJy/beam]."""
    cells = observed_input(field, noise, bands)[None]
    slices = signal_slices(bands).items()
    return {str(band): sky_level(cells[..., own]) for band, own in slices}


def main(job, terminal):
    options, seed = job.params.options, job.params.seed
    set_threads(job.threads)
    keras.utils.set_random_seed(seed)
    precision = set_precision(for_device(options["precision"]))
    fields = open_fields(job.input.fields)
    (held_out,) = open_fields(job.input.validation)
    loss = DeblenderLoss(options["logcosh_width"], {**WEIGHTS, **options["weights"]})
    batch = for_device(options["batch"])
    bands = band_pixels(options["bands"])
    architecture = {key: options[key] for key in ("base_filters", "blocks")}
    depth = options["depth"]
    common = {key: options[key] for key in ("noise", "min_flux", "depth")}
    common |= {"bands": bands}

    def crops(rng):
        return Crops(
            fields,
            options["images"],
            options["crop"],
            batch,
            int(rng.integers(2**31)),
            noise_augmentation=options["noise_augmentation"],
            **common,
        )

    reserved = Crops(
        [held_out],
        VALIDATION_IMAGES,
        options["crop"],
        batch,
        0,
        noise_augmentation=None,
        **common,
    )
    noises = {
        "": noise_levels(bands, options["noise"], depth),
        f"_noise_{NOISY:g}": noise_levels(bands, NOISY, depth),
    }
    if depth:
        noises["_spire"] = noise_levels(bands, options["noise"])
    corner = held_out.corner(VALIDATION_CELLS)
    validation = FieldValidation(corner, reserved, loss, noises, bands)
    # Without the number of epochs: a training can be made shorter or longer.
    same = {key: value for key, value in options.items() if key != "epochs"}
    digest = training_digest((job.params.code, seed, same), job.input)
    checkpoint = Checkpoint(job.params.checkpoint, digest)
    with tqdm(total=1, desc="training", unit="image", file=terminal) as bar:
        network = build_deblender(None, **architecture, bands=bands)
        for path in job.input.initial:
            begin_from(network, load_deblender(path, folded=False), bands)
        history = train(
            network,
            [Pass("simulated", crops)],
            loss,
            options,
            lambda epoch, number: stream(seed, "deblender", "crops", epoch, number),
            validation,
            checkpoint,
            bar,
        )
    network.save_weights(job.output.weights)
    pd.DataFrame(history).to_csv(job.output.history, index=False)
    write_json(
        job.output.network,
        {
            "architecture": {
                **architecture,
                "bands": {str(band): pixels for band, pixels in bands.items()},
            },
            "fluxes": FLUX_BANDS,
            "sky_level": sky_levels(held_out, noises[""], bands),
            "training": dict(options) | {"precision": precision, "batch": batch},
            "seed": seed,
            "epoch": best_epoch(history, options["keep"]),
            "parameters": network.count_params(),
            "versions": versions(),
            "history": history,
        },
    )
    checkpoint.remove()


if __name__ == "__main__":
    run(main, snakemake, progress=True)
