"""The loss of the deblender against NumPy, its minima and its gradients."""

import numpy as np
import pytest
from keras import ops
from scipy.optimize import minimize_scalar
from scipy.special import expit

from superspire.deblender.architecture import (
    LOG_ERROR,
    LOG_POS_ERR,
    LOG_SIGMA,
    OUTPUTS,
    PRIOR_LOG_ERROR,
    PRIOR_LOG_FLUX,
    PRIOR_LOGIT,
    unpack,
)
from superspire.deblender.labels import source_labels
from superspire.deblender.losses import WEIGHTS, DeblenderLoss

CHANNELS = {"image": slice(0, 16), "log_sigma": slice(16, 17)} | {
    name: slice(17 + 4 * i, 21 + 4 * i)
    for i, name in enumerate(
        ("logit", "log_flux", "log_error", "dx", "dy", "log_pos_err")
    )
}
"""Where the heads are; the layout of files of weights that are published."""

PRIORS = {
    "logit": PRIOR_LOGIT,
    "log_flux": PRIOR_LOG_FLUX,
    "log_error": PRIOR_LOG_ERROR,
}


def pack(shape=(1, 2, 2), **heads):
    """Make the outputs of a network that answers so; zero where nothing is said."""
    outputs = np.zeros((*shape, OUTPUTS), np.float32)
    for name, channels in CHANNELS.items():
        outputs[..., channels] = heads.get(name, 0.0) - PRIORS.get(name, 0.0)
    return outputs


def truth_of(target, labels):
    return {
        "target": ops.convert_to_tensor(np.asarray(target, np.float32)),
        "labels": ops.convert_to_tensor(np.asarray(labels, np.float32)),
    }


def terms_of(target, labels, outputs, **options):
    loss = DeblenderLoss(**options)
    terms = loss.terms(
        "simulated", truth_of(target, labels), ops.convert_to_tensor(outputs)
    )
    return {name: ops.convert_to_numpy(term) for name, term in terms.items()}


@pytest.fixture(scope="module")
def random():
    """Targets with labels and any answer to them."""
    rng = np.random.default_rng(1)
    labels = []
    for _ in range(3):
        x, y = rng.uniform(0, 32, (2, 12))
        fine = source_labels(x, y, rng.pareto(1.5, 12) + 1.0, 16)
        cells = fine.reshape(8, 2, 8, 2, 5).swapaxes(1, 2)
        labels.append(cells.reshape(8, 8, 4, 5))
    target = rng.normal(0, 5, (3, 8, 8, 16))
    return target, np.stack(labels), rng.normal(0, 2, (3, 8, 8, OUTPUTS)).astype("f4")


def by_hand(target, labels, outputs, logcosh_width):
    """Evaluate the terms of one image."""
    outputs = outputs.astype(float)
    heads = {name: outputs[..., channels] for name, channels in CHANNELS.items()}
    score, log_flux, dx, dy, weight = np.moveaxis(labels.astype(float), -1, 0)
    difference = target - heads["image"]
    sigma = np.exp(np.clip(heads["log_sigma"], *LOG_SIGMA))
    shown = expit(heads["logit"] + PRIOR_LOGIT)
    error = np.exp(np.clip(heads["log_error"] + PRIOR_LOG_ERROR, *LOG_ERROR))
    distance = np.exp(np.clip(heads["log_pos_err"], *LOG_POS_ERR))
    flux = (log_flux - heads["log_flux"] - PRIOR_LOG_FLUX) ** 2 / error**2 / 2
    position = (dx - heads["dx"]) ** 2 + (dy - heads["dy"]) ** 2
    position = position / (2 * distance**2) + 2 * np.log(distance)
    asked = weight.sum() + 1.0
    return {
        "pixel": (logcosh_width * np.log(np.cosh(difference / logcosh_width))).mean(),
        "sigma": (difference**2 / (2 * sigma**2) + np.log(sigma)).mean(),
        "detection": -(score * np.log(shown) + (1 - score) * np.log(1 - shown)).mean(),
        "flux": (weight * (flux + np.log(error))).sum() / asked,
        "position": (weight * position).sum() / asked,
    }


@pytest.mark.parametrize("logcosh_width", [0.5, 1.0, 4.0])
def test_terms_are_their_closed_forms(random, logcosh_width):
    terms = terms_of(*random, logcosh_width=logcosh_width)
    expected = [by_hand(*image, logcosh_width) for image in zip(*random, strict=True)]
    assert set(terms) == set(WEIGHTS) == set(DeblenderLoss().names("simulated"))
    for name, term in terms.items():
        assert term.shape == (3,)
        assert term == pytest.approx([e[name] for e in expected], rel=2e-4), name


def test_total_weights_the_terms(random):
    weights = {name: float(i + 1) for i, name in enumerate(WEIGHTS)}
    loss = DeblenderLoss(weights=weights)
    terms = loss.terms("simulated", truth_of(*random[:2]), random[2])
    expected = sum(weights[name] * np.mean(term) for name, term in terms.items())
    assert float(loss.total(terms)) == pytest.approx(float(expected), rel=1e-5)


def test_weights_of_one_loss_are_not_those_of_another():
    one = DeblenderLoss()
    one.weights["pixel"] = 7.0
    assert DeblenderLoss().weights == WEIGHTS


def test_the_map_counts_near_and_far():
    """A difference counts as its square within the width and linearly beyond."""
    for d, expected in ((0.01, 0.01**2 / 2), (40.0, 40.0 - np.log(2.0))):
        outputs = pack(image=d)
        term = terms_of(np.zeros((1, 2, 2, 16)), np.zeros((1, 2, 2, 4, 5)), outputs)
        assert term["pixel"][0] == pytest.approx(expected, rel=2e-3)


def test_the_layout_of_the_outputs():
    heads = {name: i + 0.25 for i, name in enumerate(CHANNELS)}
    prediction = unpack(pack(**heads))
    assert prediction._fields == tuple(CHANNELS)
    for name, value in heads.items():
        limits = {
            "log_sigma": LOG_SIGMA,
            "log_error": LOG_ERROR,
            "log_pos_err": LOG_POS_ERR,
        }.get(name, (-np.inf, np.inf))
        assert np.all(getattr(prediction, name) == np.clip(value, *limits)), name


def lowest(function, low, high):
    found = minimize_scalar(function, bounds=(low, high), method="bounded")
    return found.x


def likelihood(term, head, target, labels, **others):
    shape = (1, *target.shape[1:3])
    return lambda value: float(
        terms_of(target, labels, pack(shape, **others, **{head: value}))[term][0]
    )


def test_the_map_error_is_the_scatter():
    target = np.random.default_rng(2).normal(0, 3.0, (1, 12, 12, 16))
    labels = np.zeros((1, 12, 12, 4, 5))
    best = lowest(likelihood("sigma", "log_sigma", target, labels), -2.9, 3.9)
    assert best == pytest.approx(np.log(np.sqrt(np.mean(target**2))), abs=1e-3)


def test_the_probability_is_the_smeared_place():
    labels = np.zeros((1, 2, 2, 4, 5))
    labels[..., 0] = 0.3
    target = np.zeros((1, 2, 2, 16))
    best = lowest(likelihood("detection", "logit", target, labels), -5, 5)
    assert expit(best) == pytest.approx(0.3, abs=1e-3)


@pytest.fixture(scope="module")
def questions():
    """Labels that scatter around an answer, of various weights."""
    rng = np.random.default_rng(3)
    labels = np.zeros((1, 12, 12, 4, 5))
    labels[..., 1] = rng.normal(2.0, 0.4, labels.shape[:-1])
    labels[..., 2] = rng.normal(0.5, 1.3, labels.shape[:-1])
    labels[..., 3] = rng.normal(-0.2, 1.3, labels.shape[:-1])
    labels[..., 4] = rng.uniform(0, 1, labels.shape[:-1]).round(2)
    return np.zeros((1, 12, 12, 16)), labels


def mean_of(labels, values):
    return np.average(values, weights=labels[..., 4])


def test_flux_and_place_are_weighted_means(questions):
    labels = questions[1]
    for head, term, i in (
        ("log_flux", "flux", 1),
        ("dx", "position", 2),
        ("dy", "position", 3),
    ):
        best = lowest(likelihood(term, head, *questions), -3, 4)
        assert best == pytest.approx(mean_of(labels, labels[..., i]), abs=2e-3)


def test_errors_of_flux_and_place_are_the_scatter(questions):
    labels = questions[1]
    best = lowest(likelihood("flux", "log_error", *questions, log_flux=2.0), -3.9, 1.9)
    square = mean_of(labels, (labels[..., 1] - 2.0) ** 2)
    assert np.exp(2 * best) == pytest.approx(square, rel=5e-3)
    centre = {"dx": 0.5, "dy": -0.2}
    best = lowest(
        likelihood("position", "log_pos_err", *questions, **centre), -2.9, 2.9
    )
    square = (labels[..., 2] - 0.5) ** 2 + (labels[..., 3] + 0.2) ** 2
    assert np.exp(2 * best) == pytest.approx(mean_of(labels, square) / 2, rel=5e-3)


def test_where_nothing_is_asked_nothing_counts():
    labels = np.zeros((1, 2, 2, 4, 5))
    terms = terms_of(np.zeros((1, 2, 2, 16)), labels, pack(log_flux=9.0, dx=4.0))
    assert terms["flux"] == terms["position"] == 0.0


def gradient_of(target, labels, outputs, weights=None):
    tf = pytest.importorskip("tensorflow")
    variable = tf.Variable(outputs)
    loss = DeblenderLoss(**({"weights": weights} if weights else {}))
    with tf.GradientTape() as tape:
        value = loss.total(loss.terms("simulated", truth_of(target, labels), variable))
    return value.numpy(), tape.gradient(value, variable).numpy()


@pytest.mark.parametrize("extreme", [-1e6, -100.0, 100.0, 1e6])
@pytest.mark.parametrize("head", CHANNELS)
def test_loss_and_gradients_are_finite_for_extreme_answers(random, head, extreme):
    target, labels, outputs = random
    outputs = outputs.copy()
    outputs[..., CHANNELS[head]] = extreme
    value, gradient = gradient_of(target, labels, outputs)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("extreme", [-1e4, 1e4])
def test_loss_and_gradients_are_finite_for_extreme_skies(random, extreme):
    target, labels, outputs = random
    value, gradient = gradient_of(target + extreme, labels, outputs)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_each_head_learns_from_its_own_term_alone(random):
    reach = {
        "pixel": {"image"},
        "sigma": {"log_sigma"},
        "detection": {"logit"},
        "flux": {"log_flux", "log_error"},
        "position": {"dx", "dy", "log_pos_err"},
    }
    for term, heads in reach.items():
        weights = {name: float(name == term) for name in WEIGHTS}
        _, gradient = gradient_of(*random, weights=weights)
        moved = {n for n, c in CHANNELS.items() if np.abs(gradient[..., c]).max() > 0}
        assert moved == heads, term


@pytest.mark.parametrize("head", CHANNELS)
def test_gradients_are_those_of_finite_differences(random, head):
    target, labels, outputs = random
    terms = [name for name in WEIGHTS if (head, name) != ("image", "sigma")]
    _, gradient = gradient_of(*random, dict.fromkeys(WEIGHTS, 1.0))
    step = np.zeros(outputs.shape)
    part = step[..., CHANNELS[head]]
    part[:] = 1e-3 * np.random.default_rng(5).choice([-1, 1], part.shape)
    above, below = (
        sum(by_hand(*image, 1.0)[term] for image in images for term in terms)
        for images in (
            list(zip(target, labels, outputs + sign * step, strict=True))
            for sign in (1, -1)
        )
    )
    expected = 2 * np.sum(gradient * step)
    assert (above - below) / len(target) == pytest.approx(expected, rel=1e-3)
