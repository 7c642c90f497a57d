"""The validation of a deblender in training, and that it can learn."""

import keras
import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from helpers.answers import CHANNELS, FLUXES, PRIORS, squares
from superspire.deblender.architecture import OUTPUTS, build_deblender
from superspire.deblender.crops import Crops
from superspire.deblender.inputs import FLUX_BANDS, LEAD, SPIRE_BANDS
from superspire.deblender.labels import source_labels
from superspire.deblender.losses import WEIGHTS, DeblenderLoss
from superspire.deblender.skies import Field
from superspire.deblender.training import (
    SCORES,
    FieldValidation,
    log_scatter,
    observed_input,
    true_sources,
)
from superspire.errors import InputError

SIDE = 48
COLOURS = np.array([2.0, 1.5, 1.0, 0.7])


def make_field(seed=0):
    """Make a field of sources 20 arcsec apart, all well inside."""
    rng = np.random.default_rng(seed)
    line = np.arange(24, 4 * SIDE - 20, 20.0)
    x, y = (a.ravel() + rng.uniform(-2, 2, a.size) for a in np.meshgrid(line, line))
    flux = rng.uniform(6.5, 30.0, x.size)
    v, u = np.indices((4 * SIDE, 4 * SIDE))
    target = np.zeros((4 * SIDE, 4 * SIDE))
    for a, b, f in zip(x, y, flux, strict=True):
        target += f * np.exp(-0.5 * ((u - a) ** 2 + (v - b) ** 2) / 3.35**2)
    signal = target.reshape(SIDE, 4, SIDE, 4).mean(axis=(1, 3))
    return Field(
        np.repeat(signal[..., None], 3, axis=-1).astype(np.float16),
        rng.standard_normal((SIDE, SIDE, 3)).astype(np.float16),
        target.astype(np.float16),
        np.column_stack([x, y, np.outer(flux, COLOURS)]).astype(np.float32),
    )


def make_crops(field, number=8, size=16, batch=4, **options):
    return Crops([field], number, size, batch, 0, 1.0, None, 1.0, **options)


class Oracle:
    """Network that knows a field; what it predicts of crops is of no use."""

    def __init__(self, field, lost=0, invented=0, level=0.9, scatter=0.0):
        x, y, *flux = field.sources.astype(float).T
        flux = np.transpose(flux)
        flux *= np.exp(scatter * np.random.default_rng(9).standard_normal(flux.shape))
        kept = slice(lost, None)
        score, dx, dy, _, *log_flux = np.moveaxis(
            source_labels(x[kept], y[kept], flux[kept], 2 * SIDE, LEAD), -1, 0
        )
        score = level * np.clip(score, 1e-4, 1.0)
        for i in range(invented):
            score[4 + 10 * i, 6] = 0.21
            for one in log_flux:
                one[4 + 10 * i, 6] = np.log(9.0)
        heads = {"logit": logit(score), "dx": dx, "dy": dy}
        heads |= zip(FLUXES, log_flux, strict=True)
        outputs = np.zeros((SIDE, SIDE, OUTPUTS), np.float32)
        outputs[..., :16] = squares(np.asarray(field.target, float), 4)
        for name, image in heads.items():
            outputs[..., CHANNELS[name]] = squares(image - PRIORS.get(name, 0.0), 2)
        self.outputs = outputs

    def __call__(self, images):
        return keras.ops.zeros((*images.shape[:3], OUTPUTS))

    def predict_on_batch(self, tile):
        side = tile.shape[1]
        start = (side - SIDE) // 2
        outputs = np.zeros((1, side, side, OUTPUTS), np.float32)
        outputs[0, start : start + SIDE, start : start + SIDE] = self.outputs
        return outputs


NAMES = ("", "_noisy", "_noisier")


def validation_of(field, noises=(1.0,)):
    named = dict(zip(NAMES, noises, strict=False))
    return FieldValidation(field, make_crops(field), DeblenderLoss(), named)


def test_truth_is_the_list_of_sources():
    field = make_field()
    truth = true_sources(field)
    fluxes = [f"flux_{band}" for band in FLUX_BANDS]
    np.testing.assert_array_equal(truth[["x", "y", *fluxes]], field.sources)
    assert truth["flux"].equals(truth["flux_450"])
    assert truth["cutout"].eq(0).all()
    assert truth["weight"].eq(1.0).all()


@pytest.mark.parametrize("noise", [2.5, [1.0, 2.0, 4.0]])
def test_observing_adds_noise_and_tells_it(noise):
    field = make_field()
    field.noise[:5] = 0.0
    field.noise[9, 9, 1] = 0.0
    cells = observed_input(field, noise)
    assert cells.dtype == np.float32
    levels = np.broadcast_to(noise, 3)
    covered = field.noise != 0
    expected = field.signal.astype(float) + levels * field.noise.astype(float)
    expected = np.concatenate([expected * covered, levels * covered], axis=-1)
    np.testing.assert_allclose(cells, expected, rtol=1e-5, atol=1e-5)


def test_observing_bands_of_several_pixels_a_cell():
    """A cell is observed if all of its pixels are."""
    field, bands = make_field(), {250: 2, 500: 1}
    rng = np.random.default_rng(1)
    shape = (SIDE, SIDE, 5)
    field = Field(
        rng.standard_normal(shape).astype(np.float16),
        rng.standard_normal(shape).astype(np.float16),
        field.target,
        field.sources,
    )
    field.noise[3, 4, 2] = 0.0
    cells = observed_input(field, [3.0, 2.0], bands)
    expected = np.concatenate([np.full((*shape[:2], 1), v) for v in (3.0, 2.0)], -1)
    expected[3, 4, 0] = 0.0
    np.testing.assert_array_equal(cells[..., 5:], expected)
    assert not cells[3, 4, :4].any()
    own = field.signal.astype(float) + [3, 3, 3, 3, 2] * field.noise.astype(float)
    np.testing.assert_allclose(cells[5:, :, :5], own[5:], atol=1e-5)


def test_a_perfect_network_finds_all_and_nothing_else():
    field = make_field()
    record = validation_of(field).measure(Oracle(field))
    assert record["completeness"] == record["purity"] == record["score"] == 1.0
    assert record["threshold"] in SCORES


def test_missed_and_invented_sources_are_counted():
    field = make_field()
    number = len(field.sources)
    record = validation_of(field).measure(Oracle(field, lost=16, level=0.15))
    assert record["completeness"] == pytest.approx(1 - 16 / number, abs=1e-6)
    assert record["purity"] == 1.0
    record = validation_of(field).measure(Oracle(field, invented=4, level=0.15))
    assert record["completeness"] == 1.0
    assert record["purity"] == pytest.approx(number / (number + 4), abs=1e-6)
    expected = 2 * record["purity"] / (1 + record["purity"])
    assert record["score"] == pytest.approx(expected)


@pytest.mark.parametrize("scatter", [0.0, 0.05])
def test_scatter_of_the_fluxes_of_every_band(scatter):
    """It is that of the bright ones, of which errors of 5 % make no others."""
    field = make_field()
    record = validation_of(field).measure(Oracle(field, scatter=scatter))
    for band in FLUX_BANDS:
        error = 5 * 1.2 * scatter / np.sqrt(len(field.sources)) + 1e-4
        assert record[f"scatter_{band}"] == pytest.approx(scatter, abs=error)


@pytest.mark.parametrize("number", [0, 1])
def test_too_few_sources_have_no_scatter(number):
    assert log_scatter(np.full(number, 3.0), np.full(number, 2.0)) == 0.0


def test_scatter_of_a_ratio_by_hand():
    true = np.random.default_rng(0).uniform(1, 9, 20001)
    ratio = np.exp(np.linspace(-1, 1, 20001) + 0.3)
    assert log_scatter(ratio * true, true) == pytest.approx(0.68269, rel=1e-3)


class Deaf(Oracle):
    """Network that finds nothing where the noise of a band is more than 4 mJy/beam."""

    def predict_on_batch(self, tile):
        outputs = super().predict_on_batch(tile)
        if tile[..., len(SPIRE_BANDS) :].max() > 4.0:
            outputs[..., CHANNELS["logit"]] = -9.0
        return outputs


def test_other_noises_have_measures_of_their_own():
    field = make_field()
    record = validation_of(field, (2.0, 6.0, 3.5)).measure(Deaf(field))
    alone = validation_of(field, (2.0,)).measure(Deaf(field))
    measures = {"completeness", "purity", "score", "threshold"}
    measures |= {f"scatter_{band}" for band in FLUX_BANDS}
    named = {f"{name}{n}" for name in measures for n in NAMES[1:]}
    assert set(record) == set(alone) | named
    assert {name: record[name] for name in alone} == alone
    for name in ("completeness", "score"):
        assert record[name] == record[f"{name}_noisier"] == 1.0
        assert record[f"{name}_noisy"] == 0.0


def test_the_threshold_tells_them_apart():
    field = make_field()
    record = validation_of(field).measure(Oracle(field, invented=4))
    assert record["score"] == 1.0
    assert record["threshold"] > 0.21


def test_loss_is_the_mean_of_the_images():
    field = make_field()
    record = validation_of(field).measure(Oracle(field))
    loss, crops = DeblenderLoss(), make_crops(field)
    terms = [
        loss.terms("simulated", truth, np.zeros((*images.shape[:3], OUTPUTS), "f4"))
        for images, truth in (crops[i] for i in range(len(crops)))
    ]
    for name in WEIGHTS:
        expected = np.mean([np.asarray(t[name]) for t in terms])
        assert record[name] == pytest.approx(float(expected), rel=1e-5)
    total = sum(WEIGHTS[name] * record[name] for name in WEIGHTS)
    assert record["loss"] == pytest.approx(total, rel=1e-5)


def test_a_collapsed_network_is_told():
    field = make_field()
    oracle = Oracle(field)
    oracle.outputs[:] = 0.5
    with pytest.raises(InputError, match=r"deblender\.learning_rate"):
        validation_of(field).measure(oracle)


def test_every_measure_of_an_untrained_network_is_finite():
    field = make_field()
    keras.utils.set_random_seed(0)
    network = build_deblender(None, 2, blocks=(1, 1), widths=(1, 2))
    record = validation_of(field).measure(network)
    assert set(record) == set(WEIGHTS) | {
        "loss",
        "completeness",
        "purity",
        "score",
        "threshold",
        *(f"scatter_{band}" for band in FLUX_BANDS),
    }
    assert np.isfinite(list(record.values())).all()


def test_a_network_learns():
    """Each term of the loss falls on images that it is trained on."""
    field = make_field()
    keras.utils.set_random_seed(1)
    network = build_deblender(None, 6, blocks=(1, 1), widths=(1, 2))
    loss = DeblenderLoss()
    images, truth = make_crops(field, number=4, flip=False)[0]
    truth = {name: keras.ops.convert_to_tensor(value) for name, value in truth.items()}
    tf = pytest.importorskip("tensorflow")
    optimizer = keras.optimizers.Adam(1e-2)

    def step():
        with tf.GradientTape() as tape:
            terms = loss.terms("simulated", truth, network(images, training=True))
            total = loss.total(terms)
        gradients = tape.gradient(total, network.trainable_variables)
        optimizer.apply_gradients(
            zip(gradients, network.trainable_variables, strict=True)
        )
        return terms

    history = pd.DataFrame(
        {name: float(np.mean(term)) for name, term in step().items()} for _ in range(40)
    )
    assert (history.tail(4).mean() < history.head(2).mean()).all()
    assert history["pixel"].tail(4).mean() < 0.6 * history["pixel"].head(2).mean()
