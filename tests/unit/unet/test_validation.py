"""Completeness, purity and loss on the validation cutouts."""

import numpy as np
import pytest

from helpers.tiny_training import (
    OPTIONS,
    QUICK,
    SETTINGS,
    all_batches,
    all_passes,
    make_rng,
    new_network,
)
from superspire.errors import InputError
from superspire.training.trainer import best_epoch, train
from superspire.unet.validation import Validation

ITEMS = np.stack([np.arange(4), np.zeros(4, int)], axis=1)


class Answer:
    """A network that gives one image after the other."""

    def __init__(self, images):
        self.images, self.given = images, 0

    def __call__(self, inputs):
        part = self.images[self.given : self.given + len(inputs)]
        self.given += len(inputs)
        return part


@pytest.fixture(scope="module")
def validation():
    return Validation(all_batches()(ITEMS), OPTIONS, 4.0, 5.0, 3.5)


@pytest.fixture
def targets(validation):
    return np.concatenate([truth["target"] for truth in validation.truth])


def test_the_target_itself_scores_one(validation, targets):
    measured = validation.measure(Answer(targets))
    assert len(validation.sources) >= 12
    assert [measured[k] for k in ("completeness", "purity", "score")] == [1, 1, 1]
    assert measured["loss"] == pytest.approx(0, abs=1e-6)


def test_half_of_the_images_are_half_as_complete_and_as_pure(validation, targets):
    missing = targets.copy()
    missing[::2] = 1.0 / 31.0
    measured = validation.measure(Answer(missing))
    own = validation.sources["cutout"] % 2 == 1
    bright = validation.sources["flux"] >= 6.0
    assert measured["completeness"] == pytest.approx(
        (own & bright).sum() / bright.sum()
    )
    assert measured["purity"] == 1.0
    moved = measured["completeness"]
    assert measured["score"] == pytest.approx(2 * moved / (1 + moved))


def test_sources_elsewhere_are_not_pure(validation, targets):
    moved = np.roll(targets, 1, axis=0)
    assert validation.measure(Answer(moved))["purity"] < 0.3


@pytest.mark.parametrize("value", [0.0, 0.4, np.nan])
def test_a_collapsed_network_stops_with_advice(validation, targets, value):
    with pytest.raises(InputError, match=r"collapsed.*lower training\.learning_rate"):
        validation.measure(Answer(np.full_like(targets, value)))


def test_the_best_epoch_is_kept(validation):
    class Falling:
        """A validation whose score falls after the first epoch."""

        def measure(self, network):
            self.seen = [*getattr(self, "seen", []), network.get_weights()]
            return {"loss": 1.0, "score": 1.0 / len(self.seen)}

    falling, network = Falling(), new_network()
    history = train(network, all_passes()[:1], QUICK, SETTINGS, make_rng, falling)
    assert best_epoch(history, "best") == 1
    for one, other in zip(network.get_weights(), falling.seen[0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert best_epoch(history, "last") == 2


def test_history_holds_the_validation_of_every_epoch(validation):
    network = new_network()
    history = train(network, all_passes()[:1], QUICK, SETTINGS, make_rng, validation)
    validated = [row for row in history if row["kind"] == "validation"]
    assert [row["epoch"] for row in validated] == [1, 2]
    names = {"loss", "aperture", "pixel", "mean", "median", "score", "purity"}
    assert names <= set(validated[0])
