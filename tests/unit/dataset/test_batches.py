"""Batches of training images: normalised, flipped, with their sources and medians."""

import os

import numpy as np
import pandas as pd
import pytest

from superspire.dataset.augmentation import transform_image
from superspire.dataset.batches import Batches, SourceLists
from superspire.dataset.training_set import TrainingSet
from superspire.io import ImageStack

SIZE, NUMBER = 12, 5
NORMALISATION = {
    "scale": {"250": [-5, 50], "350": [-10, 40], "500": [0, 30], "450": [-1, 9]},
    "observed_factor": {"450": 0.5},
}


@pytest.fixture
def files(tmp_path):
    """A training set on disk; sources are the brightest pixel of each target."""
    rng = np.random.default_rng(1)
    paths = {}
    for kind in ("simulated", "observed"):
        images = rng.normal(10, 5, (NUMBER, SIZE, SIZE, 3)).astype(np.float32)
        targets = rng.uniform(-2, 10, (NUMBER, SIZE, SIZE)).astype(np.float32)
        y, x = np.unravel_index(targets.reshape(NUMBER, -1).argmax(1), (SIZE, SIZE))
        paths |= {
            kind: str(tmp_path / f"{kind}.npy"),
            f"{kind}_target": str(tmp_path / f"{kind}_target.npy"),
            f"{kind}_sources": str(tmp_path / f"{kind}.npz"),
        }
        np.save(paths[kind], images)
        np.save(paths[f"{kind}_target"], targets)
        np.savez(paths[f"{kind}_sources"], offsets=np.arange(NUMBER + 1), x=x, y=y)
    paths["simulated_index"] = str(tmp_path / "index.csv")
    splits = ["train", "train", "validation", "train", "test"]
    pd.DataFrame({"split": splits}).to_csv(paths["simulated_index"], index=False)
    paths["augmentation"] = str(tmp_path / "augmentation.csv")
    table = pd.DataFrame({"row": [0, 0, 4], "transform": [1, 6, 3]})
    table.to_csv(paths["augmentation"], index=False)
    return paths


def test_images_are_normalised_and_turned_with_their_targets(files):
    images = TrainingSet(files, 2, NORMALISATION)
    batches = images.batches("observed", images.items("observed"))
    raw, target = (np.load(files[f]) for f in ("observed", "observed_target"))
    low, high = np.array([NORMALISATION["scale"][b] for b in ("250", "350", "500")]).T
    made = [batches[0], batches[1]]
    assert len(batches) == 2
    got = np.concatenate([m[0] for m in made])
    truth = {k: np.concatenate([m[1][k] for m in made]) for k in made[0][1]}
    for i, (row, transform) in enumerate([(0, 1), (0, 6), (4, 3)]):
        expected = transform_image((raw[row] - low) / (high - low), transform)
        np.testing.assert_allclose(got[i], expected, rtol=1e-5, atol=1e-6)
        scaled = (0.5 * target[row] + 1) / 10
        turned = transform_image(scaled, transform)
        np.testing.assert_allclose(truth["target"][i, ..., 0], turned, atol=1e-6)
        assert truth["median"][i] == pytest.approx(np.median(scaled), abs=1e-6)
        brightest = turned == turned.max()
        np.testing.assert_array_equal(truth["sources"][i, ..., 0], brightest)


def test_noise_below_the_scale_is_kept_and_the_mean_with_it():
    """Cut at zero, half of the noise would raise the mean by rms / sqrt(2 pi)."""
    rms, size = 0.8, 200
    rng = np.random.default_rng(2)
    target = rng.normal(NORMALISATION["scale"]["450"][0], rms, (1, size, size))
    inputs = np.zeros((1, size, size, 3), np.float32)
    lists = SourceLists(np.array([0, 0]), np.empty(0, int), np.empty(0, int))
    items = np.array([[0, 0]])
    _, truth = Batches(inputs, target, lists, items, 1, NORMALISATION)[0]
    shown = 10.0 * truth["target"][0, ..., 0] - 1.0
    np.testing.assert_allclose(shown, target[0], atol=1e-5)
    assert (shown < -1.0).mean() == pytest.approx(0.5, abs=5 * 0.5 / size)


def test_what_the_sigmoid_cannot_reach_is_cut_at_one():
    target = np.full((1, SIZE, SIZE), 8.0)
    target[0, 2, 3] = 12.0
    inputs = np.zeros((1, SIZE, SIZE, 3), np.float32)
    lists = SourceLists(np.array([0, 1]), np.array([3]), np.array([2]))
    items = np.array([[0, 0]])
    _, truth = Batches(inputs, target, lists, items, 1, NORMALISATION)[0]
    assert truth["target"][0, 2, 3, 0] == truth["target"].max() == 1.0


def test_training_and_validation_images_are_apart(files):
    images = TrainingSet(files, 2, NORMALISATION)
    assert images.items("simulated").tolist() == [[0, 0], [1, 0], [3, 0]]
    assert images.items("simulated", "validation").tolist() == [[2, 0]]


def test_a_pass_draws_its_images_anew(files):
    images = TrainingSet(files, 2, NORMALISATION)
    every = images.shuffled("simulated")
    orders = [every(np.random.default_rng(s)).items[:, 0].tolist() for s in range(9)]
    assert all(sorted(order) == [0, 1, 3] for order in orders)
    assert len(set(map(tuple, orders))) > 1
    some = images.shuffled("simulated", 2)(np.random.default_rng(0))
    assert len(some.items) == 2


def test_flips_are_drawn_anew_and_cover_all_eight(files):
    images = TrainingSet(files, 2, NORMALISATION)
    plain = images.shuffled("simulated")(np.random.default_rng(0))
    assert not plain.items[:, 1].any()
    flipped = images.shuffled("simulated", flips=True)
    drawn = [flipped(np.random.default_rng(seed)).items for seed in range(40)]
    assert {int(t) for items in drawn for t in items[:, 1]} == set(range(8))
    assert all(sorted(items[:, 0]) == [0, 1, 3] for items in drawn)
    assert not images.items("simulated")[:, 1].any()


def test_a_stack_reads_what_numpy_reads_and_no_more(files):
    stack, array = ImageStack(files["simulated"]), np.load(files["simulated"])
    assert (stack.shape, len(stack), stack.dtype) == (array.shape, 5, array.dtype)
    for row in (4, 0, 2):
        np.testing.assert_array_equal(stack[row], array[row])
    for row in (-1, 5):
        with pytest.raises(IndexError):
            stack[row]


def test_a_stack_that_was_cut_off_is_noticed(files):
    stack = ImageStack(files["simulated"])
    os.truncate(files["simulated"], os.path.getsize(files["simulated"]) - 10)
    with pytest.raises(EOFError, match="ends within image 4"):
        stack[4]


def test_arrays_serve_as_well_as_files():
    images = np.ones((1, SIZE, SIZE, 3), np.float32)
    sources = SourceLists(np.array([0, 1]), np.array([3]), np.array([4]))
    items = np.array([[0, 0]])
    batches = Batches(images, images[..., 0], sources, items, 4, NORMALISATION)
    made, truth = batches[0]
    assert made.shape == (1, SIZE, SIZE, 3)
    assert truth["sources"][0, 4, 3, 0] == truth["sources"].sum() == 1
