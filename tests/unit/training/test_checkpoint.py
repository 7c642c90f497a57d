"""Trainings that are killed, backups that are damaged, disks that are full."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers.tiny_training import (
    QUICK,
    SETTINGS,
    SIZE,
    all_passes,
    make_rng,
    new_network,
)
from superspire.training import averaging
from superspire.training.averaging import MovingAverage
from superspire.training.checkpoint import Checkpoint, training_digest
from superspire.training.trainer import train
from superspire.unet.architecture import build_network

LONG = SETTINGS | {"epochs": 3}
TRAINING = """
import sys, time
from helpers.tiny_training import *
from superspire.training.checkpoint import Checkpoint
from superspire.training.trainer import train

def slow(epoch, number):
    if epoch == 3 and number == 2:
        time.sleep(600)
    return make_rng(epoch, number)

settings = SETTINGS | {"epochs": 3}
checkpoint = Checkpoint(sys.argv[1], "digest")
train(new_network(), all_passes(), QUICK, settings, slow, checkpoint=checkpoint)
"""


class InterruptedTrainingError(Exception):
    pass


@pytest.fixture(scope="module")
def uninterrupted():
    network = new_network()
    history = train(network, all_passes(), QUICK, LONG, make_rng)
    return network.get_weights(), history


def interrupted(epoch, number):
    if epoch == 3 and number == 1:
        raise InterruptedTrainingError
    return make_rng(epoch, number)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """Content of the backup of a training that was interrupted in its last epoch."""
    folder = tmp_path_factory.mktemp("begun")
    checkpoint = Checkpoint(folder, "digest")
    with pytest.raises(InterruptedTrainingError):
        train(
            new_network(),
            all_passes(),
            QUICK,
            LONG,
            interrupted,
            checkpoint=checkpoint,
        )
    assert [file.name for file in folder.iterdir()] == ["digest.npz"]
    return checkpoint.path.read_bytes()


@pytest.fixture
def checkpoint(begun, tmp_path):
    checkpoint = Checkpoint(tmp_path, "digest")
    checkpoint.path.write_bytes(begun)
    return checkpoint


def assert_goes_on_as_if_nothing_had_happened(checkpoint, uninterrupted):
    network = build_network(2, size=SIZE)
    history = train(network, all_passes(), QUICK, LONG, make_rng, checkpoint=checkpoint)
    for one, other in zip(network.get_weights(), uninterrupted[0], strict=True):
        np.testing.assert_array_equal(one, other)
    losses = [[row["loss"] for row in h] for h in (history, uninterrupted[1])]
    assert losses[0] == losses[1]


def test_a_resumed_training_equals_an_uninterrupted_one(
    checkpoint, uninterrupted, tmp_path
):
    assert_goes_on_as_if_nothing_had_happened(checkpoint, uninterrupted)
    checkpoint.remove()
    assert not list(tmp_path.iterdir())


AVERAGED = LONG | {"average": 0.97}


@pytest.fixture(scope="module")
def averaged(monkeypatch_module):
    """A training with a moving average that was not interrupted."""
    network = new_network(dropout=0.0)
    history = train(network, all_passes(), QUICK, AVERAGED, make_rng)
    return network.get_weights(), history


@pytest.fixture(scope="module")
def monkeypatch_module():
    """Update the average after every other batch: there are few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(averaging, "EVERY", 2)
        yield patch


def test_a_resumed_training_with_an_average_equals_an_uninterrupted_one(
    averaged, tmp_path
):
    checkpoint = Checkpoint(tmp_path, "digest")
    options = all_passes(), QUICK, AVERAGED
    with pytest.raises(InterruptedTrainingError):
        train(new_network(dropout=0.0), *options, interrupted, checkpoint=checkpoint)
    network = build_network(2, size=SIZE, dropout=0.0)
    history = train(network, *options, make_rng, checkpoint=checkpoint)
    for one, other in zip(network.get_weights(), averaged[0], strict=True):
        np.testing.assert_array_equal(one, other)
    losses = [[row["loss"] for row in h] for h in (history, averaged[1])]
    assert losses[0] == losses[1]
    plain = new_network(dropout=0.0)
    history = train(plain, all_passes(), QUICK, LONG, make_rng)
    assert [row["loss"] for row in history] == losses[0]
    assert any(
        not np.array_equal(one, other)
        for one, other in zip(network.get_weights(), plain.get_weights(), strict=True)
    )


def test_an_average_is_kept_and_given_back(tmp_path):
    network, adam = new_network(dropout=0.0), keras.optimizers.Adam()
    adam.build(network.trainable_variables)
    average = MovingAverage(network, 0.9)
    for batch in range(21):
        network.get_layer("conv1").kernel.assign_add(
            np.full(network.get_layer("conv1").kernel.shape, 0.01 * batch)
        )
        average.on_train_batch_end(batch)
    checkpoint = Checkpoint(tmp_path, "digest")
    best = [np.array(v) for v in network.variables]
    checkpoint.save(network, adam, [{"epoch": 1}], best, average.state())
    history, kept, state = checkpoint.restore(network, adam)
    assert history == [{"epoch": 1}]
    for found, expected in ((kept, best), (state, average.state())):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def same_threads():
    """Variables that give another process the threads, and so the sums, of this one."""
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    inherited = {k: v for k, v in os.environ.items() if k.startswith("OMP_")}
    return inherited | ({"TF_NUM_INTRAOP_THREADS": str(threads)} if threads else {})


def test_a_training_that_was_killed_goes_on(uninterrupted, tmp_path):
    path = [str(Path(__file__).parent), *sys.path]
    process = subprocess.Popen(
        [sys.executable, "-c", TRAINING, str(tmp_path)],
        env={"PYTHONPATH": ":".join(path), "TF_CPP_MIN_LOG_LEVEL": "3"}
        | same_threads(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    for line in process.stdout:
        if '"epoch": 2, "pass": 3' in line:
            break
    deadline = time.monotonic() + 60
    while not (tmp_path / "digest.npz").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert_goes_on_as_if_nothing_had_happened(
        Checkpoint(tmp_path, "digest"), uninterrupted
    )


def test_a_full_disk_leaves_the_last_backup_and_lets_training_go_on(
    checkpoint, uninterrupted, tmp_path, monkeypatch, capsys
):
    before = checkpoint.path.read_bytes()

    def full(file, **arrays):
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert_goes_on_as_if_nothing_had_happened(checkpoint, uninterrupted)
    assert "epoch 3 could not be backed up (No space left" in capsys.readouterr().out
    assert [file.name for file in tmp_path.iterdir()] == ["digest.npz"]
    assert checkpoint.path.read_bytes() == before


@pytest.mark.parametrize("damage", ["cut off", "flipped", "empty", "foreign"])
def test_a_damaged_backup_is_not_used(damage, checkpoint, capsys):
    content = bytearray(checkpoint.path.read_bytes())
    if damage == "cut off":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        content[len(content) // 2] ^= 0xFF
    elif damage == "empty":
        content = b""
    else:
        with checkpoint.path.open("wb") as file:
            np.savez(file, something=np.zeros(3))
        content = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(content)
    network = new_network()
    adam = keras.optimizers.Adam()
    adam.build(network.trainable_variables)
    before = network.get_weights()
    assert checkpoint.restore(network, adam) == ([], [], [])
    assert "training begins anew" in capsys.readouterr().out
    for one, other in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_backup_of_another_training_is_not_used(tmp_path):
    network = new_network()
    adam = keras.optimizers.Adam()
    adam.build(network.trainable_variables)
    Checkpoint(tmp_path, "one").save(network, adam, [{"epoch": 1}], [])
    assert Checkpoint(tmp_path, "other").restore(network, adam) == ([], [], [])


def test_a_training_is_named_by_its_settings_and_its_data(tmp_path):
    data = tmp_path / "images.npy"
    data.write_bytes(b"1234")
    first = training_digest(("code", 1, {"epochs": 3}), [data])
    assert training_digest(("code", 1, {"epochs": 3}), [str(data)]) == first
    assert training_digest(("code", 1, {"epochs": 4}), [data]) != first
    before = data.stat().st_mtime_ns
    data.write_bytes(b"4321")
    os.utime(data, ns=(before, before + 10**6))
    assert training_digest(("code", 1, {"epochs": 3}), [data]) != first
