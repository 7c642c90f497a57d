"""The validation of a deblender in training, and that it can learn."""

import keras
import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from superspire.deblender.architecture import (
    OUTPUTS,
    PRIOR_LOG_FLUX,
    PRIOR_LOGIT,
    build_deblender,
)
from superspire.deblender.calibration import HEATS
from superspire.deblender.crops import Crops
from superspire.deblender.labels import source_labels
from superspire.deblender.losses import WEIGHTS, DeblenderLoss
from superspire.deblender.skies import Field
from superspire.deblender.training import FieldValidation, observed_cells, true_sources
from superspire.errors import InputError

SIDE = 48


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
        np.column_stack([x, y, flux]).astype(np.float32),
    )


def make_crops(field, number=8, size=16, batch=4, **options):
    return Crops([field], number, size, batch, 0, 1.0, None, 1.0, **options)


def squares(image, step):
    n = len(image) // step
    return image.reshape(n, step, n, step).swapaxes(1, 2).reshape(n, n, step**2)


class Oracle:
    """Network that knows a field; what it answers in crops is of no use."""

    def __init__(self, field, lost=0, invented=0, level=0.9):
        x, y, flux = field.sources.astype(float).T
        kept = slice(lost, None)
        score, log_flux, dx, dy, _ = np.moveaxis(
            source_labels(x[kept], y[kept], flux[kept], 2 * SIDE), -1, 0
        )
        score = level * np.clip(score, 1e-4, 1.0)
        for i in range(invented):
            score[4 + 10 * i, 6], log_flux[4 + 10 * i, 6] = 0.2, np.log(9.0)
        outputs = np.zeros((SIDE, SIDE, OUTPUTS), np.float32)
        outputs[..., :16] = squares(np.asarray(field.target, float), 4)
        outputs[..., 17:21] = squares(logit(score) - PRIOR_LOGIT, 2)
        outputs[..., 21:25] = squares(log_flux - PRIOR_LOG_FLUX, 2)
        outputs[..., 29:33], outputs[..., 33:37] = squares(dx, 2), squares(dy, 2)
        self.outputs = outputs

    def __call__(self, images):
        return keras.ops.zeros((*images.shape[:3], OUTPUTS))

    def predict_on_batch(self, tile):
        side = tile.shape[1]
        start = (side - SIDE) // 2
        outputs = np.zeros((1, side, side, OUTPUTS), np.float32)
        outputs[0, start : start + SIDE, start : start + SIDE] = self.outputs
        return outputs


def validation_of(field, noise=1.0):
    return FieldValidation(field, make_crops(field), DeblenderLoss(), noise)


def test_truth_is_the_list_of_sources():
    field = make_field()
    truth = true_sources(field)
    np.testing.assert_array_equal(truth[["x", "y", "flux"]], field.sources)
    assert truth["cutout"].eq(0).all()
    assert truth["weight"].eq(1.0).all()


def test_observing_adds_noise():
    field = make_field()
    cells = observed_cells(field, 2.5)
    assert cells.dtype == np.float32
    expected = field.signal.astype(float) + 2.5 * field.noise.astype(float)
    np.testing.assert_allclose(cells, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(observed_cells(field, 0.0), field.signal)


def test_a_perfect_network_finds_all_and_nothing_else():
    field = make_field()
    record = validation_of(field).measure(Oracle(field))
    assert record["completeness"] == record["purity"] == record["score"] == 1.0
    assert record["threshold"] in HEATS


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


def test_the_threshold_tells_them_apart():
    field = make_field()
    record = validation_of(field).measure(Oracle(field, invented=4))
    assert record["score"] == 1.0
    assert record["threshold"] > 0.2


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
    network = build_deblender(None, 2, depths=(1, 1), widths=(1, 2))
    record = validation_of(field).measure(network)
    assert set(record) == set(WEIGHTS) | {
        "loss",
        "completeness",
        "purity",
        "score",
        "threshold",
    }
    assert np.isfinite(list(record.values())).all()


def test_a_network_learns():
    """Each term of the loss falls on images that it is trained on."""
    field = make_field()
    keras.utils.set_random_seed(1)
    network = build_deblender(None, 6, depths=(1, 1), widths=(1, 2))
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
        {name: float(np.mean(term)) for name, term in step().items()} for _ in range(20)
    )
    assert (history.tail(4).mean() < history.head(2).mean()).all()
    assert history["pixel"].tail(4).mean() < 0.6 * history["pixel"].head(2).mean()
