"""The losses against a plain NumPy and photutils evaluation of eqs. 4 to 6."""

import numpy as np
import pytest
from keras import ops
from scipy.ndimage import gaussian_filter

from superspire.photometry.sources import aperture_fluxes, find_target_sources
from superspire.unet.losses import LossOptions, loss_terms, total
from superspire.unet.presets import PRESETS, TERMS

BEAM = 2 * np.pi * (7.9 / 2.3548200450309493) ** 2


def images(seed):
    rng = np.random.default_rng(seed)
    points = np.zeros((2, 120, 120))
    for image in points:
        where = rng.integers(0, 120, (2, 40))
        np.add.at(image, tuple(where), rng.pareto(1.5, 40))
    sky = gaussian_filter(points, (0, 3.35, 3.35)) + 0.02
    return (sky / sky.max()).astype(np.float32)


@pytest.fixture(scope="module")
def pair():
    return images(1), images(2)


def by_hand(kind, target, generated):
    """Evaluate the terms of one image in plain NumPy and photutils."""
    x, y, _ = find_target_sources(target, 3.0)
    f_t, f_g = (aperture_fluxes(i, x, y, 10.0) / BEAM for i in (target, generated))
    terms = {
        "pixel": np.abs(target - generated).mean(),
        "mean": abs(target.mean(dtype=float) - generated.mean(dtype=float)),
        "median": abs(np.median(target) - np.median(generated)),
    }
    if kind == "simulated":
        return {**terms, "aperture": np.abs(f_t - f_g).sum()}
    terms["aperture"] = np.abs(f_t - f_g).mean()
    x, y, _ = find_target_sources(generated, 1.0)
    f_t, f_g = (aperture_fluxes(i, x, y, 10.0) / BEAM for i in (target, generated))
    return {**terms, "spurious": np.abs((f_t - f_g) / f_g).sum()}


def truth_of(target):
    sources = np.zeros((*target.shape, 1), np.float32)
    for image, marked in zip(target, sources, strict=True):
        x, y, _ = find_target_sources(image, 3.0)
        marked[y, x] = 1
    return {
        "target": ops.convert_to_tensor(target[..., None]),
        "sources": ops.convert_to_tensor(sources),
        "median": ops.convert_to_tensor(np.median(target, axis=(1, 2))),
    }


@pytest.mark.parametrize("detection", ["graph", "photutils"])
@pytest.mark.parametrize("kind", ["simulated", "observed"])
def test_terms_are_the_papers_equations(pair, kind, detection):
    target, generated = pair
    options = LossOptions(PRESETS["unit_weights"], "l1", detection=detection)
    terms = loss_terms(
        kind, truth_of(target), ops.convert_to_tensor(generated[..., None]), options
    )
    expected = [by_hand(kind, t, g) for t, g in zip(target, generated, strict=True)]
    assert set(terms) == set(expected[0])
    for name, term in terms.items():
        wanted = [values[name] for values in expected]
        assert ops.convert_to_numpy(term) == pytest.approx(wanted, rel=1e-4)
    loss = float(total(terms, options))
    assert loss == pytest.approx(
        np.mean([sum(values.values()) for values in expected]), rel=1e-4
    )


def test_log_cosh_is_the_l1_term_far_away_and_square_nearby(pair):
    target, generated = pair
    difference = np.abs(target - generated).astype(float)
    for width in (1e-6, 0.05, 10.0):
        options = LossOptions(PRESETS["balanced"], "logcosh", width)
        term = loss_terms(
            "simulated",
            truth_of(target),
            ops.convert_to_tensor(generated[..., None]),
            options,
        )["pixel"]
        scaled = difference / width
        exact = width * (scaled + np.log1p(np.exp(-2 * scaled)) - np.log(2))
        assert ops.convert_to_numpy(term) == pytest.approx(
            exact.mean(axis=(1, 2)), rel=2e-2 if width == 10.0 else 1e-3
        )


def test_no_loss_without_a_difference(pair):
    target, _ = pair
    options = LossOptions(PRESETS["unit_weights"], "l1")
    for kind in ("simulated", "observed"):
        truth = truth_of(target)
        terms = loss_terms(kind, truth, truth["target"], options)
        assert float(total(terms, options)) == pytest.approx(0, abs=1e-6)


def gradient_of(name, kind, target, generated, detection):
    tf = pytest.importorskip("tensorflow")
    weights = {term: float(term == name) for term in TERMS}
    options = LossOptions(weights, "l1", detection=detection)
    variable = tf.Variable(generated[..., None])
    with tf.GradientTape() as tape:
        loss = total(loss_terms(kind, truth_of(target), variable, options), options)
    return tape.gradient(loss, variable).numpy()


EVERY_TERM = [
    (kind, name)
    for kind in ("simulated", "observed")
    for name in TERMS
    if (kind, name) != ("simulated", "spurious")
]


@pytest.mark.parametrize(("kind", "name"), EVERY_TERM)
def test_gradients_flow_and_are_those_of_the_photutils_path(pair, kind, name):
    gradients = [
        gradient_of(name, kind, *pair, detection)
        for detection in ("graph", "photutils")
    ]
    assert np.isfinite(gradients[0]).all()
    assert np.abs(gradients[0]).max() > 0
    scale = np.abs(gradients[1]).max()
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-4 * scale)


@pytest.mark.parametrize("name", ["aperture", "mean"])
def test_gradients_are_those_of_finite_differences(pair, name):
    target, generated = pair
    gradient = gradient_of(name, "observed", target, generated, "graph")
    options = LossOptions({term: float(term == name) for term in TERMS}, "l1")
    rng = np.random.default_rng(0)
    direction = gaussian_filter(rng.standard_normal(generated.shape), (0, 3, 3))
    step = 1e-4 * (direction / np.abs(direction).max()).astype(np.float32)
    values = [
        float(
            total(
                loss_terms(
                    "observed",
                    truth_of(target),
                    ops.convert_to_tensor((generated + sign * step)[..., None]),
                    options,
                ),
                options,
            )
        )
        for sign in (1, -1)
    ]
    expected = 2.0 * np.sum(gradient[..., 0] * step)
    assert values[0] - values[1] == pytest.approx(expected, rel=0.05)
