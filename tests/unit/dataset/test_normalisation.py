"""Scales of the bands and renormalisation of the observed maps."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from superspire.dataset.batches import Batches, SourceLists
from superspire.dataset.normalisation import (
    PARTNER,
    band_scale,
    paired_pixels,
    renormalisation,
    signal_width,
)
from superspire.instruments import SPIRE, TARGET
from superspire.io import Map
from superspire.sky.maps import field_wcs


@pytest.fixture(scope="module")
def sky():
    rng = np.random.default_rng(1)
    return gaussian_filter(rng.standard_normal((6, 200, 200)), (0, 3, 3)) * 20


def test_signal_width_does_not_see_white_noise(sky):
    noise = np.random.default_rng(2).standard_normal(sky.shape)
    assert signal_width(sky + noise) == pytest.approx(signal_width(sky), rel=0.03)


def test_renormalisation_recovers_a_calibration_error_of_each_band(sky):
    simulated = dict.fromkeys(SPIRE, sky)
    error = {250: 1.2, 350: 0.9, 500: 1.1, TARGET: 1.3}
    observed = {band: sky / error[band] for band in SPIRE}
    pairs = np.stack([2.0 * sky.ravel(), sky.ravel()])
    factors = renormalisation(
        simulated, observed, pairs, pairs / [[error[TARGET]], [error[PARTNER]]]
    )
    assert factors == pytest.approx(error, rel=1e-6)


def test_correlated_noise_leaves_the_scale_of_the_target_alone(sky):
    """Noise as wide as the beam would pass for sky within the 450 µm map alone."""
    rng = np.random.default_rng(4)
    noise = gaussian_filter(rng.standard_normal(sky.shape), (0, 3, 3)) * 20
    simulated = dict.fromkeys(SPIRE, sky)
    pairs = np.stack([sky.ravel(), sky.ravel()])
    noisy = pairs + np.stack([noise.ravel(), np.zeros(noise.size)])
    factors = renormalisation(simulated, simulated, pairs, noisy)
    independent = noise.size / (4 * np.pi * 3**2)
    assert factors[TARGET] == pytest.approx(1.0, abs=5 / np.sqrt(independent))
    assert signal_width(sky + noise) > 1.3 * signal_width(sky)


def test_pixels_are_paired_by_their_place_on_the_sky():
    def ramp(pixel, factor):
        wcs, n = field_wcs((150.0, 2.0), 600.0, pixel)
        x = (np.arange(n) - (n - 1) / 2) * pixel
        return Map(np.tile(factor * x, (n, 1)).astype(np.float32), wcs)

    target, partner = ramp(1.0, 3.0), ramp(25.0 / 3.0, 1.0)
    target.data[:, :100] = np.nan
    fine, coarse = paired_pixels(target, partner)
    np.testing.assert_allclose(fine, 3.0 * coarse, atol=0.02)
    assert coarse.min() == pytest.approx(-200.0, abs=9.0)
    assert coarse.max() == pytest.approx(296.0, abs=9.0)


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
    assert np.allclose(truth["target"][1, ..., 0], expected, atol=1e-6)
    assert truth["median"][1] == pytest.approx(np.median(expected), abs=1e-6)
    assert truth["sources"][1].sum() == 1
    assert truth["sources"][1, 2, 1, 0] == 1
