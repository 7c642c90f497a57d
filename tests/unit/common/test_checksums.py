"""A file that changed since its first download is refused."""

import hashlib

import pytest

from superspire.checksums import record_sum, verify
from superspire.errors import InputError

FIRST, SECOND = b"SIMPLE  = first", b"SIMPLE  = second"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "map.fits"
    path.write_bytes(FIRST)
    return path


def sha(content):
    return hashlib.sha256(content).hexdigest()


def sum_of(path):
    return path.with_name(f"{path.name}.sha256")


def test_without_a_sum_every_file_serves(path):
    assert verify(path) == sha(FIRST)
    assert not sum_of(path).exists()


def test_a_file_is_held_to_its_recorded_sum(path):
    record_sum(path, verify(path))
    path.write_bytes(SECOND)
    expected = f"{sha(FIRST)} of the first download, found {sha(SECOND)}; .* delete"
    with pytest.raises(InputError, match=expected):
        verify(path)
    assert path.read_bytes() == SECOND
    sum_of(path).unlink()
    assert verify(path) == sha(SECOND)


def test_a_configured_sum_comes_before_the_recorded_one(path):
    record_sum(path, sha(SECOND))
    assert verify(path, sha(FIRST).upper()) == sha(FIRST)
    with pytest.raises(InputError, match=f"{sha(SECOND)} configured in downloads"):
        verify(path, sha(SECOND))


def test_bytes_are_checked_before_they_get_their_name(path, tmp_path):
    record_sum(path, sha(SECOND))
    other = tmp_path / "unnamed"
    other.write_bytes(SECOND)
    assert verify(path, file=other) == sha(SECOND)


def test_a_sum_that_is_none_is_refused(path):
    sum_of(path).write_text("not a sum\n")
    with pytest.raises(InputError, match="as of sha256sum, found 'not a sum"):
        verify(path)
