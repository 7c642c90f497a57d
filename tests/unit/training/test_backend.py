"""The backend's short cuts against what plain Keras and NumPy give."""

import keras
import numpy as np
import pytest
from keras import ops

from superspire.training import backend

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="short cuts of TensorFlow"
)


def features(seed=0, shape=(3, 7, 5, 4)):
    rng = np.random.default_rng(seed)
    return (2.0 + 3.0 * rng.standard_normal(shape)).astype(np.float32)


def both_normalisations(momentum=0.9):
    layers = [
        kind(momentum=momentum)
        for kind in (backend.BatchNormalization, keras.layers.BatchNormalization)
    ]
    for layer in layers:
        layer.build(features().shape)
        layer.gamma.assign([0.5, 1.0, 2.0, -1.0])
        layer.beta.assign([0.0, 1.0, -1.0, 0.5])
    return layers


def test_fused_normalisation_is_keras_in_training_and_after():
    fused, plain = both_normalisations()
    for seed in range(3):
        x, upstream = tf.Variable(features(seed)), features(seed + 10)
        found = []
        for layer in (fused, plain):
            with tf.GradientTape() as tape:
                y = layer(x, training=True)
            variables = [x, *(v.value for v in layer.trainable_variables)]
            gradients = tape.gradient(y, variables, output_gradients=upstream)
            found.append([y, *gradients, *layer.non_trainable_variables])
        for one, other in zip(*found, strict=True):
            np.testing.assert_allclose(
                ops.convert_to_numpy(one),
                ops.convert_to_numpy(other),
                rtol=2e-4,
                atol=2e-5,
            )
    np.testing.assert_allclose(fused(features(9)), plain(features(9)), rtol=1e-4)


def test_fused_normalisation_takes_bfloat16_and_keeps_its_statistics_single():
    layer = backend.BatchNormalization(dtype="mixed_bfloat16")
    x = features(shape=(8, 16, 16, 4))
    y = layer(ops.cast(x, "bfloat16"), training=True)
    assert y.dtype == tf.bfloat16
    assert layer.moving_variance.dtype == "float32"
    expected = 0.99 + 0.01 * x.var(axis=(0, 1, 2))
    np.testing.assert_allclose(layer.moving_variance.numpy(), expected, rtol=1e-2)


def test_normalisation_of_a_single_value_is_finite():
    layer = backend.BatchNormalization()
    layer(np.ones((1, 1, 1, 2), np.float32), training=True)
    assert all(np.isfinite(v.numpy()).all() for v in layer.variables)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fused_adam_is_keras_adam_step_by_step(dtype):
    rng = np.random.default_rng(1)
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 2, 0.5)
    values = []
    gradients = [rng.standard_normal((2, 6)).astype(np.float32) for _ in range(6)]
    for kind in (backend.Adam, keras.optimizers.Adam):
        optimiser = kind(schedule)
        variable = keras.Variable(np.linspace(-1, 1, 12).reshape(2, 6), dtype=dtype)
        optimiser.build([variable])
        apply = tf.function(optimiser.apply)
        for gradient in gradients:
            apply([tf.constant(gradient, dtype)])
        values.append([variable.numpy(), *(v.numpy() for v in optimiser.variables)])
    for one, other in zip(*values, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("inside", [False, True])
def test_sort_is_numpys(inside):
    values = features(shape=(3, 1000))
    function = tf.function(backend.sort) if inside else backend.sort
    np.testing.assert_array_equal(function(values), np.sort(values, axis=-1))


def test_what_is_called_outside_the_graph_passes_no_gradient():
    x = tf.Variable(features(shape=(2, 3)))
    with tf.GradientTape() as tape:
        y = backend.outside_graph(lambda a: 2.0 * a, x) + x
    np.testing.assert_array_equal(tape.gradient(y, x), np.ones((2, 3)))
