"""The moving average of the weights against its closed form."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superspire.training.averaging import EVERY, MovingAverage


def small_network():
    network = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(2),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(1),
        ]
    )
    return network


def drawn(network, rng):
    return [rng.standard_normal(v.shape).astype("f4") for v in network.variables]


def assign(network, values):
    for variable, value in zip(network.variables, values, strict=True):
        variable.assign(value)


def follow(average, network, history, first=0):
    """End batches with the network at the values of each."""
    for batch, values in enumerate(history, first):
        assign(network, values)
        average.on_train_batch_end(batch)


def weights_of(updates, momentum):
    """Weights of the first values and of those at each update, from their product."""
    kept = np.array([min(momentum**EVERY, (1 + t) / (10 + t)) for t in range(updates)])
    return np.append(1.0, 1.0 - kept) * np.append(np.cumprod(kept[::-1])[::-1], 1.0)


@settings(max_examples=15, deadline=None)
@given(
    momentum=st.floats(0.5, 0.9999),
    batches=st.integers(0, 65),
    seed=st.integers(0, 10**6),
)
def test_the_average_is_a_weighted_mean(momentum, batches, seed):
    network, rng = small_network(), np.random.default_rng(seed)
    assign(network, drawn(network, rng))
    first = [np.array(v) for v in network.variables]
    average = MovingAverage(network, momentum)
    history = [drawn(network, rng) for _ in range(batches)]
    follow(average, network, history)
    taken = [first, *history[EVERY - 1 :: EVERY]]
    weights = weights_of(batches // EVERY, momentum)
    assert len(weights) == len(taken)
    assert weights.sum() == pytest.approx(1.0)
    for i, value in enumerate(average.values):
        expected = np.tensordot(weights, np.stack([v[i] for v in taken]), axes=1)
        np.testing.assert_allclose(value, expected, atol=1e-5)


def test_a_long_average_forgets_exponentially():
    """Long after the beginning the mean age is that of the momentum."""
    network = small_network()
    average = MovingAverage(network, 0.99)
    shapes = [v.shape for v in network.variables]
    follow(average, network, ([np.full(s, b) for s in shapes] for b in range(3000)))
    kept = 0.99**EVERY
    expected = 2999 - EVERY * kept / (1 - kept)
    for value in average.values:
        np.testing.assert_allclose(value, expected, rtol=1e-4)


def test_running_statistics_are_averaged_as_well():
    network = small_network()
    average = MovingAverage(network, 0.9)
    paths = [v.path for v in network.variables]
    assert sum("moving" in path for path in paths) == 2
    assert len(average.values) == len(paths)


@pytest.mark.parametrize("split", [0, 7, 10, 23, 40])
def test_a_restored_average_goes_on_as_if_nothing_had_happened(split):
    network, rng = small_network(), np.random.default_rng(1)
    history = [drawn(network, rng) for _ in range(45)]
    start = drawn(network, rng)
    assign(network, start)
    whole = MovingAverage(network, 0.98)
    follow(whole, network, history)
    assign(network, start)
    begun = MovingAverage(network, 0.98)
    follow(begun, network, history[:split])
    state = [value.copy() for value in begun.state()]
    follow(begun, network, history[split:])
    assign(network, drawn(network, rng))
    resumed = MovingAverage(network, 0.98)
    resumed.restore(state)
    follow(resumed, network, history[split:], split)
    for one, two, three in zip(
        whole.state(), begun.state(), resumed.state(), strict=True
    ):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)


def test_restoring_does_not_share_memory():
    network = small_network()
    average = MovingAverage(network, 0.5)
    state = [np.array(value) for value in average.state()]
    before = [value.copy() for value in state]
    average.restore(state)
    follow(average, network, [drawn(network, np.random.default_rng(0))] * 20)
    for one, two in zip(state, before, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("fails", [False, True])
def test_the_average_is_applied_for_a_while(fails):
    network, rng = small_network(), np.random.default_rng(2)
    average = MovingAverage(network, 0.9)
    follow(average, network, [drawn(network, rng) for _ in range(30)])
    own = [np.array(v) for v in network.variables]
    expected = [value.copy() for value in average.values]
    try:
        with average.applied():
            for variable, value in zip(network.variables, expected, strict=True):
                np.testing.assert_allclose(np.array(variable), value, rtol=1e-6)
            if fails:
                raise ArithmeticError
    except ArithmeticError:
        assert fails
    for variable, value in zip(network.variables, own, strict=True):
        np.testing.assert_array_equal(np.array(variable), value)
    for one, two in zip(average.values, expected, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any(
        not np.array_equal(one, two) for one, two in zip(own, expected, strict=True)
    )
