"""The same training under JAX, and on several devices."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.tiny_training import QUICK, history_of_an_epoch, new_network

TRAINING = """
import json, sys
from dataclasses import replace
import keras
from helpers.tiny_training import OPTIONS, history_of_an_epoch
from superspire.training.backend import on_devices

devices, weights, detection = int(sys.argv[1]), sys.argv[2], sys.argv[3]
if keras.backend.backend() == "tensorflow" and devices > 1:
    import tensorflow as tf
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * devices,
    )
with on_devices(devices):
    history = history_of_an_epoch(weights, replace(OPTIONS, detection=detection))
print(keras.backend.backend(), devices)
print(json.dumps(history))
"""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    values = new_network(dropout=0.0).get_weights()
    np.savez(path, **{f"w{i}": value for i, value in enumerate(values)})
    return path


def history_of(weights, backend, devices=1, detection="graph"):
    path = [str(Path(__file__).parent), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", TRAINING, str(devices), str(weights), detection],
        env={
            **os.environ,
            "PYTHONPATH": ":".join(path),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "KERAS_BACKEND": backend,
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    used, history = done.stdout.splitlines()[-2:]
    assert used == f"{backend} {devices}"
    return json.loads(history)


@pytest.fixture(scope="module")
def reference(weights):
    """History under the backend and the devices of these tests."""
    return history_of_an_epoch(weights, QUICK)


def assert_alike(history, reference, first, later):
    """Equal in the first pass, and near each other as logcosh_width errors grow."""
    assert [row["kind"] for row in history] == [row["kind"] for row in reference]
    for number, (one, other) in enumerate(zip(history, reference, strict=True)):
        for name in ("loss", "aperture", "pixel", "mean"):
            tolerance = later if number else first
            assert one[name] == pytest.approx(other[name], rel=tolerance), name


needs_jax = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="jax is not installed"
)


@needs_jax
@pytest.mark.parametrize("detection", ["graph", "photutils"])
def test_training_under_jax_gives_the_same_losses(weights, reference, detection):
    history = history_of(weights, "jax", detection=detection)
    assert_alike(history, reference, first=1e-3, later=0.02)


@needs_jax
def test_two_devices_under_jax_give_the_losses_of_one(weights, reference):
    history = history_of(weights, "jax", devices=2)
    assert_alike(history, reference, first=1e-3, later=0.02)


def test_two_devices_under_tensorflow_train_as_one_does(weights, reference):
    """Each device normalises its own images, so that losses differ a little."""
    history = history_of(weights, "tensorflow", devices=2)
    assert_alike(history, reference, first=0.05, later=0.2)


def test_too_many_devices_are_refused():
    from superspire.errors import InputError
    from superspire.training.backend import chosen

    with pytest.raises(InputError, match=r"devices: expected 3 devices, found 1"):
        chosen(["cpu:0"], 3)
    assert chosen(["cpu:0", "cpu:1"], "all") == ["cpu:0", "cpu:1"]
