"""Scales of the bands and renormalisation of the observed maps."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from superspire.dataset.batches import Batches, SourceLists
from superspire.dataset.normalisation import band_scale, renormalisation, signal_width
from superspire.instruments import PAPER_BANDS


@pytest.fixture(scope="module")
def sky():
    rng = np.random.default_rng(1)
    return gaussian_filter(rng.standard_normal((6, 200, 200)), (0, 3, 3)) * 20


def test_signal_width_does_not_see_white_noise(sky):
    noise = np.random.default_rng(2).standard_normal(sky.shape)
    assert signal_width(sky + noise) == pytest.approx(signal_width(sky), rel=0.03)


def test_renormalisation_recovers_a_calibration_error(sky):
    simulated = dict.fromkeys(PAPER_BANDS, sky)
    factors = renormalisation(simulated, {b: sky / 1.2 for b in PAPER_BANDS})
    assert factors == pytest.approx(dict.fromkeys(PAPER_BANDS, 1.2), rel=1e-6)


def test_scale_spans_the_training_set():
    assert band_scale(np.array([[-2.0, np.nan], [5.0, 1.0]])) == (-2.0, 5.0)


def test_batches_are_normalised_flipped_and_know_their_medians():
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(2, 8, 8, 3)).astype(np.float32)
    targets = rng.normal(size=(2, 8, 8)).astype(np.float32)
    lists = SourceLists(np.array([0, 1, 2]), np.array([1, 5]), np.array([2, 7]))
    scale = {"250": [-4, 4], "350": [-5, 5], "500": [-6, 6], "450": [-4, 12]}
    batches = Batches(
        inputs, targets, lists, np.array([[1, 5], [0, 0]]), 2, {"scale": scale}, 1.5
    )
    images, truth = batches[0]
    assert len(batches) == 1
    flipped = np.rot90(inputs[1][:, ::-1], 1)
    assert np.allclose(
        images[0], (flipped + np.array([4, 5, 6])) / [8, 10, 12], atol=1e-6
    )
    expected = (targets[0] * 1.5 + 4) / 16
    assert np.allclose(truth["target"][1, ..., 0], np.clip(expected, 0, 1), atol=1e-6)
    assert truth["median"][1] == pytest.approx(np.median(expected), abs=1e-6)
    assert truth["sources"][1].sum() == 1
    assert truth["sources"][1, 2, 1, 0] == 1
