"""The loss of the deblender against NumPy, its minima and its gradients."""

import numpy as np
import pytest
from keras import ops
from scipy.optimize import minimize_scalar
from scipy.special import expit

from helpers.answers import CHANNELS, ERRORS, FLUXES, PRIORS
from superspire.deblender.architecture import (
    LOG_ERROR,
    LOG_POS_ERR,
    LOG_SIGMA,
    OUTPUTS,
    unpack,
)
from superspire.deblender.inputs import LEAD
from superspire.deblender.labels import LABELS, source_labels
from superspire.deblender.losses import WEIGHTS, DeblenderLoss

BANDS = len(FLUXES)
COLUMNS = len(LABELS) + BANDS
SCORE, DX, DY, WEIGHT = range(4)


def pack(shape=(1, 2, 2), **heads):
    """Make the outputs of a network that answers so; zero where nothing is said."""
    for name, names in (("log_flux", FLUXES), ("log_error", ERRORS)):
        if name in heads:
            heads |= dict.fromkeys(names, heads.pop(name))
    outputs = np.zeros((*shape, OUTPUTS), np.float32)
    for name, channels in CHANNELS.items():
        outputs[..., channels] = heads.get(name, 0.0) - PRIORS.get(name, 0.0)
    return outputs


def truth_of(target, labels, seen=None):
    if seen is None:
        seen = np.ones(np.shape(target)[:3])
    return {
        name: ops.convert_to_tensor(np.asarray(value, np.float32))
        for name, value in (("target", target), ("labels", labels), ("seen", seen))
    }


def terms_of(target, labels, outputs, seen=None, **options):
    loss = DeblenderLoss(**options)
    truth = truth_of(target, labels, seen)
    terms = loss.terms("simulated", truth, ops.convert_to_tensor(outputs))
    return {name: ops.convert_to_numpy(term) for name, term in terms.items()}


def no_labels(*shape):
    return np.zeros((*shape, 4, COLUMNS))


@pytest.fixture(scope="module")
def random():
    """Targets with labels and any answer to them."""
    rng = np.random.default_rng(1)
    labels = []
    for _ in range(3):
        x, y = rng.uniform(0, 32, (2, 12))
        fine = source_labels(x, y, rng.pareto(1.5, (12, BANDS)) + 1.0, 16, LEAD)
        cells = fine.reshape(8, 2, 8, 2, COLUMNS).swapaxes(1, 2)
        labels.append(cells.reshape(8, 8, 4, COLUMNS))
    target = rng.normal(0, 5, (3, 8, 8, 16))
    return target, np.stack(labels), rng.normal(0, 2, (3, 8, 8, OUTPUTS)).astype("f4")


def by_hand(target, labels, outputs, logcosh_width, seen=None):
    """Evaluate the terms of one image."""
    outputs = outputs.astype(float)
    heads = {
        name: outputs[..., channels] + PRIORS.get(name, 0.0)
        for name, channels in CHANNELS.items()
    }
    score, dx, dy, weight, *log_fluxes = np.moveaxis(labels.astype(float), -1, 0)
    seen = np.ones(target.shape[:2], bool) if seen is None else seen > 0
    weight = weight * seen[..., None]
    difference = target - heads["image"]
    sigma = np.exp(np.clip(heads["log_sigma"], *LOG_SIGMA))
    shown = expit(heads["logit"])
    flux = 0.0
    for log_flux, own, width in zip(log_fluxes, FLUXES, ERRORS, strict=True):
        error = np.exp(np.clip(heads[width], *LOG_ERROR))
        flux += ((log_flux - heads[own]) ** 2 / error**2 / 2 + np.log(error)) / BANDS
    distance = np.exp(np.clip(heads["log_pos_err"], *LOG_POS_ERR))
    position = (dx - heads["dx"]) ** 2 + (dy - heads["dy"]) ** 2
    position = position / (2 * distance**2) + 2 * np.log(distance)
    asked = weight.sum() + 1.0
    maps = {
        "pixel": logcosh_width * np.log(np.cosh(difference / logcosh_width)),
        "sigma": difference**2 / (2 * sigma**2) + np.log(sigma),
        "detection": -(score * np.log(shown) + (1 - score) * np.log(1 - shown)),
    }
    return {name: term[seen].mean() for name, term in maps.items()} | {
        "flux": (weight * flux).sum() / asked,
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


@pytest.fixture(scope="module")
def gaps():
    """Observed cells: all of the first image, parts of the others."""
    seen = np.ones((3, 8, 8), np.float32)
    seen[1, :3] = 0.0
    seen[2] = np.random.default_rng(2).random((8, 8)) < 0.4
    return seen


def test_terms_are_those_of_the_observed_cells(random, gaps):
    terms = terms_of(*random, gaps)
    images = zip(*random, gaps, strict=True)
    expected = [by_hand(t, a, o, 1.0, seen) for t, a, o, seen in images]
    for name, term in terms.items():
        assert term == pytest.approx([e[name] for e in expected], rel=2e-4), name
    for name, term in terms_of(*random).items():
        assert term[0] == pytest.approx(terms[name][0])
        assert np.abs(term[1:] - terms[name][1:]).min() > 1e-4, name


def test_nothing_depends_on_what_was_not_observed(random, gaps):
    target, labels, outputs = (np.array(a) for a in random)
    before = terms_of(target, labels, outputs, gaps)
    lost = gaps == 0
    target[lost], labels[lost], outputs[lost] = 30.0, 0.7, -2.0
    after = terms_of(target, labels, outputs, gaps)
    for name in WEIGHTS:
        np.testing.assert_array_equal(after[name], before[name], err_msg=name)
    assert (
        np.abs(terms_of(target, labels, outputs)["pixel"] - before["pixel"]).max() > 1
    )


def test_an_image_of_which_nothing_was_observed_counts_nothing(random):
    seen = np.zeros((3, 8, 8))
    for name, term in terms_of(*random, seen).items():
        assert not term.any(), name
    value, gradient = gradient_of(*random, seen=seen)
    assert value == 0.0
    assert not gradient.any()


@pytest.mark.parametrize("band", range(BANDS))
def test_the_flux_term_averages_the_bands(band):
    """An error in one band counts a fourth of what it does in all of them."""
    labels = no_labels(1, 2, 2)
    labels[..., WEIGHT] = 0.5
    target = np.zeros((1, 2, 2, 16))
    one = terms_of(target, labels, pack(**{FLUXES[band]: 1.5}))["flux"]
    every = terms_of(target, labels, pack(log_flux=1.5))["flux"]
    assert every == pytest.approx(8.0 / 9.0 * 1.5**2 / 2)
    assert one == pytest.approx(every / BANDS)


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
        term = terms_of(np.zeros((1, 2, 2, 16)), no_labels(1, 2, 2), outputs)
        assert term["pixel"][0] == pytest.approx(expected, rel=2e-3)


def test_the_layout_of_the_outputs():
    heads = {name: i - 3.25 for i, name in enumerate(CHANNELS)}
    found = unpack(pack(**heads))._asdict()
    for name, names in (("log_flux", FLUXES), ("log_error", ERRORS)):
        found |= zip(names, np.moveaxis(found.pop(name), -1, 0), strict=True)
    assert set(found) == set(CHANNELS)
    limits = {"log_sigma": LOG_SIGMA, "log_pos_err": LOG_POS_ERR}
    limits |= dict.fromkeys(ERRORS, LOG_ERROR)
    for name, value in heads.items():
        expected = np.clip(value, *limits.get(name, (-np.inf, np.inf)))
        np.testing.assert_allclose(found[name], expected, rtol=1e-6, err_msg=name)


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
    labels = no_labels(1, 12, 12)
    best = lowest(likelihood("sigma", "log_sigma", target, labels), -2.9, 3.9)
    assert best == pytest.approx(np.log(np.sqrt(np.mean(target**2))), abs=1e-3)


def test_the_probability_is_the_smeared_place():
    labels = no_labels(1, 2, 2)
    labels[..., SCORE] = 0.3
    target = np.zeros((1, 2, 2, 16))
    best = lowest(likelihood("detection", "logit", target, labels), -5, 5)
    assert expit(best) == pytest.approx(0.3, abs=1e-3)


@pytest.fixture(scope="module")
def questions():
    """Labels that scatter around an answer, of various weights."""
    rng = np.random.default_rng(3)
    labels = no_labels(1, 12, 12)
    for band in range(BANDS):
        column = 2.0 + 0.2 * band, 0.4 + 0.1 * band, labels.shape[:-1]
        labels[..., 4 + band] = rng.normal(*column)
    labels[..., DX] = rng.normal(0.5, 1.3, labels.shape[:-1])
    labels[..., DY] = rng.normal(-0.2, 1.3, labels.shape[:-1])
    labels[..., WEIGHT] = rng.uniform(0, 1, labels.shape[:-1]).round(2)
    return np.zeros((1, 12, 12, 16)), labels


def mean_of(labels, values):
    return np.average(values, weights=labels[..., WEIGHT])


def test_flux_and_place_are_weighted_means(questions):
    labels = questions[1]
    heads = [(name, "flux", 4 + band) for band, name in enumerate(FLUXES)]
    for head, term, i in (*heads, ("dx", "position", DX), ("dy", "position", DY)):
        best = lowest(likelihood(term, head, *questions), -3, 4)
        assert best == pytest.approx(mean_of(labels, labels[..., i]), abs=2e-3)


def test_errors_of_flux_and_place_are_the_scatter(questions):
    labels = questions[1]
    for band, (own, width) in enumerate(zip(FLUXES, ERRORS, strict=True)):
        best = lowest(likelihood("flux", width, *questions, **{own: 2.0}), -2.9, 1.9)
        square = mean_of(labels, (labels[..., 4 + band] - 2.0) ** 2)
        assert np.exp(2 * best) == pytest.approx(square, rel=5e-3)
    centre = {"dx": 0.5, "dy": -0.2}
    best = lowest(
        likelihood("position", "log_pos_err", *questions, **centre), -2.9, 2.9
    )
    square = (labels[..., DX] - 0.5) ** 2 + (labels[..., DY] + 0.2) ** 2
    assert np.exp(2 * best) == pytest.approx(mean_of(labels, square) / 2, rel=5e-3)


def test_where_nothing_is_asked_nothing_counts():
    labels = no_labels(1, 2, 2)
    terms = terms_of(np.zeros((1, 2, 2, 16)), labels, pack(log_flux=9.0, dx=4.0))
    assert terms["flux"] == terms["position"] == 0.0


def gradient_of(target, labels, outputs, weights=None, seen=None):
    tf = pytest.importorskip("tensorflow")
    variable = tf.Variable(outputs)
    loss = DeblenderLoss(**({"weights": weights} if weights else {}))
    with tf.GradientTape() as tape:
        truth = truth_of(target, labels, seen)
        value = loss.total(loss.terms("simulated", truth, variable))
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
        "flux": {*FLUXES, *ERRORS},
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
