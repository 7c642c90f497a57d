import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superspire import storage
from superspire.storage import Storage, stored_in, strips_of


@settings(max_examples=30, deadline=None)
@given(
    ny=st.integers(1, 9),
    nx=st.integers(1, 7),
    edges=st.lists(st.integers(-10, 10), min_size=2, max_size=8),
    dtype=st.sampled_from(["f4", "f8", "bool", "i2"]),
    seed=st.integers(0, 99),
)
def test_rows_are_those_of_an_array(tmp_path_factory, ny, nx, edges, dtype, seed):
    rng = np.random.default_rng(seed)
    image = Storage(tmp_path_factory.mktemp("s") / "image", (ny, nx), dtype)
    expected = np.zeros((ny, nx), dtype)
    for first, last in itertools.pairwise(edges):
        values = (10 * rng.normal(size=expected[first:last].shape)).astype(dtype)
        image[first:last], expected[first:last] = values, values
        assert np.array_equal(image[:], expected)
        assert np.array_equal(image[last:first], expected[last:first])
    assert image.shape == expected.shape
    assert len(image) == ny
    assert image[:].dtype == expected.dtype


def test_a_number_fills_rows(tmp_path):
    image = stored_in(tmp_path)((3, 2), np.float32)
    image[1:] = 4.0
    assert image[:].tolist() == [[0, 0], [4, 4], [4, 4]]


def test_only_neighbouring_rows_are_asked_for(tmp_path):
    image = stored_in(tmp_path)((3, 2), np.float32)
    with pytest.raises(IndexError, match="step of 2"):
        image[::2]


def test_images_of_a_folder_do_not_share_files(tmp_path):
    make = stored_in(tmp_path)
    one, two = (make((2, 2), np.float32) for _ in range(2))
    one[:] = 1.0
    assert not two[:].any()


@pytest.mark.parametrize("pixels", [1, 12, 30, 10**6])
def test_strips_cover_an_image_once(monkeypatch, pixels):
    monkeypatch.setattr(storage, "STRIP", pixels)
    strips = list(strips_of(np.zeros((7, 6))))
    rows = [row for strip in strips for row in range(7)[strip]]
    assert rows == list(range(7))
    assert all(len(range(7)[strip]) <= max(1, pixels // 6) for strip in strips)
