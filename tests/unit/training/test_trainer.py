"""Training: the order of an epoch, the best one, what is refused."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.tiny_training import (
    OPTIONS,
    QUICK,
    SCALE,
    SETTINGS,
    SIZE,
    all_passes,
    make_rng,
    new_network,
)
from superspire.errors import InputError
from superspire.io import write_json
from superspire.training.trainer import (
    FALL,
    LOWEST_RATE,
    TRAPEZOID_RISE,
    Trapezoid,
    optimiser,
    train,
)
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
        train(network, passes[:1], QUICK, SETTINGS, make_rng)


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


def rates(schedule, steps):
    return np.array([float(schedule(step)) for step in steps])


@settings(max_examples=40, deadline=None)
@given(
    rate=st.floats(1e-5, 1e-1),
    steps=st.integers(20, 10**6),
    rise=st.integers(1, 1000),
    data=st.data(),
)
def test_the_trapezoid_is_its_closed_form(rate, steps, rise, data):
    at = np.array(data.draw(st.lists(st.integers(0, steps), min_size=1, max_size=20)))
    fall = (1.0 - FALL) * steps
    down = 1.0 - np.sqrt(np.clip((at - fall) / (steps - fall), 0.0, 1.0))
    expected = rate * np.clip(np.minimum((at + 1) / rise, down), LOWEST_RATE, 1.0)
    found = rates(Trapezoid(rate, steps, rise), at)
    np.testing.assert_allclose(found, expected, rtol=2e-2, atol=2e-3 * rate)


def test_the_trapezoid_is_constant_until_it_falls():
    schedule = optimiser(4e-3, 50000, "trapezoid")._learning_rate
    assert schedule.rise == TRAPEZOID_RISE
    rise = rates(schedule, range(0, TRAPEZOID_RISE, 100))
    np.testing.assert_allclose(rise[1:], 4e-3 * np.arange(101, 1000, 100) / 1000, 1e-5)
    assert rise[0] == pytest.approx(LOWEST_RATE * 4e-3)
    flat = rates(schedule, range(TRAPEZOID_RISE, 40001, 500))
    np.testing.assert_allclose(flat, 4e-3, rtol=1e-6)
    fall = rates(schedule, range(40000, 50001, 500))
    assert np.all(np.diff(fall[:-1]) < 0)
    assert fall[-1] == pytest.approx(LOWEST_RATE * 4e-3)


@pytest.mark.parametrize("steps", [20000, 30000, 10**6])
def test_until_it_falls_the_trapezoid_does_not_depend_on_the_steps(steps):
    one, two = (optimiser(4e-3, n, "trapezoid")._learning_rate for n in (15000, steps))
    before = [*range(1200), 5000, 12000]
    np.testing.assert_array_equal(rates(one, before), rates(two, before))
    assert float(one(14500)) < 0.6 * float(two(14500))


def test_a_short_trapezoid_rises_in_a_tenth_of_its_steps():
    assert optimiser(4e-3, 500, "trapezoid")._learning_rate.rise == 50
    assert optimiser(4e-3, 5, "trapezoid")._learning_rate.rise == 1


def test_a_trapezoid_is_restored_from_its_configuration():
    schedule = Trapezoid(3e-3, 777, 33)
    again = keras.optimizers.schedules.deserialize(
        keras.optimizers.schedules.serialize(schedule)
    )
    steps = range(0, 800, 37)
    np.testing.assert_array_equal(rates(again, steps), rates(schedule, steps))
