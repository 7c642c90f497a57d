"""Training: the order of an epoch, the best one, what is refused."""

import numpy as np
import pytest

from helpers.tiny_training import (
    OPTIONS,
    SCALE,
    SETTINGS,
    SIZE,
    all_passes,
    make_rng,
    new_network,
)
from superspire.errors import InputError
from superspire.io import write_json
from superspire.training.trainer import optimiser, train
from superspire.unet.architecture import build_network
from superspire.unet.inference import Network, load_network, super_resolve


@pytest.fixture(scope="module")
def passes():
    return all_passes()


def weights(network):
    return [w.copy() for w in network.get_weights()]


@pytest.fixture(scope="module")
def uninterrupted(passes):
    network = new_network()
    history = train(network, passes, OPTIONS, SETTINGS, make_rng)
    return weights(network), history


def test_an_epoch_is_the_simulated_set_once_and_the_observed_three_times(
    uninterrupted,
):
    _, history = uninterrupted
    assert [row["kind"] for row in history] == ["simulated", *["observed"] * 3] * 2
    assert [row["epoch"] for row in history] == [1] * 4 + [2] * 4
    assert all(np.isfinite(row["loss"]) for row in history)
    assert "spurious" in history[1]
    assert "spurious" not in history[0]


def test_two_runs_with_one_seed_give_the_same_weights(passes, uninterrupted):
    network = new_network()
    train(network, passes, OPTIONS, SETTINGS, make_rng)
    for one, other in zip(weights(network), uninterrupted[0], strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_loss_that_is_not_finite_stops_the_training(passes):
    network = new_network()
    network.get_layer("deconv8").bias.assign([np.nan])
    with pytest.raises(InputError, match=r"lower training\.learning_rate"):
        train(network, passes[:1], OPTIONS, SETTINGS, make_rng)


def test_a_network_is_loaded_as_it_was_saved(tmp_path):
    network = new_network()
    meta = {
        "architecture": {"base_filters": 2, "size": SIZE},
        "normalisation": {"scale": SCALE},
    }
    network.save_weights(tmp_path / "network.weights.h5")
    write_json(tmp_path / "network.json", meta)
    images = np.random.default_rng(1).normal(size=(1, SIZE, SIZE, 3)).astype("f4")
    loaded = load_network(tmp_path / "network.json")
    expected = super_resolve(Network(network, meta), images)
    np.testing.assert_array_equal(super_resolve(loaded, images), expected)
    assert expected.min() >= -1
    assert expected.max() <= 30


def test_missing_or_foreign_weights_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_network(tmp_path / "network.json")
    build_network(3).save_weights(tmp_path / "network.weights.h5")
    write_json(tmp_path / "network.json", {"architecture": {"base_filters": 2}})
    with pytest.raises(InputError, match="not the weights"):
        load_network(tmp_path / "network.json")


def test_the_learning_rate_rises_and_falls():
    schedule = optimiser(1e-3, 1000)._learning_rate
    rates = [float(schedule(step)) for step in (0, 20, 510, 1000)]
    assert rates == pytest.approx([2e-5, 1e-3, 5.1e-4, 2e-5], rel=1e-3)
    assert float(optimiser(1e-3, 1000, "constant").learning_rate) == pytest.approx(1e-3)
