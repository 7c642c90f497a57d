"""Flips and rotations of images against those of positions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from superspire.dataset.augmentation import (
    TRANSFORMS,
    augmented,
    transform_image,
    transform_positions,
)
from superspire.dataset.batches import SourceLists


@given(
    st.integers(2, 30),
    st.integers(0, TRANSFORMS - 1),
    st.data(),
)
def test_a_marked_pixel_moves_with_its_position(size, transform, data):
    x, y = data.draw(st.tuples(*[st.integers(0, size - 1)] * 2))
    image = np.zeros((size, size))
    image[y, x] = 1
    u, v = transform_positions([x], [y], transform, size)
    assert transform_image(image, transform)[v[0], u[0]] == 1


def test_the_eight_transforms_differ():
    image = np.arange(9).reshape(3, 3)
    views = {transform_image(image, t).tobytes() for t in range(TRANSFORMS)}
    assert len(views) == TRANSFORMS


def test_training_set_of_the_paper():
    views = augmented(144)
    assert len(views) == 1008
    assert len(np.unique(views, axis=0)) == 1008
    assert 0 not in views[:, 1]


@pytest.mark.parametrize("transform", range(TRANSFORMS))
def test_source_lists_are_marked_where_the_image_shows_them(transform):
    rng = np.random.default_rng(0)
    x, y = rng.permutation(50)[:6], rng.permutation(50)[:6]
    image = np.zeros((50, 50), np.float32)
    image[y[2:], x[2:]] = 1
    lists = SourceLists(np.array([0, 2, 6]), x, y)
    marked = lists.image(1, transform, 50)
    assert np.array_equal(marked, transform_image(image, transform))
