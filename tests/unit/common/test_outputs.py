"""Outputs appear whole, on the disk, or not at all."""

import errno
import os

import numpy as np
import pytest
from snakemake.iocontainers import OutputFiles

from superspire.io import new_array
from superspire.job import job
from superspire.outputs import whole


class Job:
    def __init__(self, output, log=()):
        self.output, self.log = output, list(log)


def outputs(**named):
    """Name files as Snakemake does."""
    files = OutputFiles([path for paths in named.values() for path in paths])
    for name, paths in named.items():
        first = list(files).index(paths[0])
        files._set_name(name, first, first + len(paths) if len(paths) > 1 else None)
    return files


@pytest.fixture
def output(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return outputs(map=["a/map.fits"], stacks=["a/1.npy", "b/2.npy"], text=["c.txt"])


def fill(paths, text):
    for path in paths:
        with open(path, "w") as file:
            file.write(text)


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_outputs_are_written_elsewhere_under_their_own_names(output, tmp_path):
    names = ["map.fits", "1.npy", "2.npy", "c.txt"]
    with whole(output):
        assert [os.path.basename(path) for path in output] == names
        assert output.map == output[0]
        assert list(output.stacks) == output[1:3]
        fill(output, "new")
        assert not (tmp_path / "a/map.fits").exists()
    assert files(tmp_path) == ["a/1.npy", "a/map.fits", "b/2.npy", "c.txt"]
    assert output.map == output[0] == "a/map.fits"
    assert list(output.stacks) == ["a/1.npy", "b/2.npy"]


def test_a_failure_leaves_what_was_there(output, tmp_path):
    (tmp_path / "a").mkdir()
    fill(["a/map.fits"], "old")
    with pytest.raises(IsADirectoryError), whole(output):
        fill([*output, "a"], "new")
    assert files(tmp_path) == ["a/map.fits"]
    assert (tmp_path / "a/map.fits").read_text() == "old"
    assert list(tmp_path.rglob(".*")) == []


def test_what_a_killed_attempt_left_is_cleared_away(output, tmp_path):
    attempt = whole(output)
    attempt.__enter__()
    fill(output, "half")
    left = set(output)
    again = outputs(map=["a/map.fits"], text=["c.txt"])
    with whole(again):
        assert not any(os.path.exists(path) for path in left if "b/" not in path)
        fill(again, "new")
    with pytest.raises(FileNotFoundError):
        fill([output.map], "by an attempt that nobody waits for")
    assert (tmp_path / "a/map.fits").read_text() == "new"


def test_bytes_are_on_the_disk_before_the_name_is(output, monkeypatch):
    done, fsync, replace = [], os.fsync, os.replace

    def follow(descriptor):
        done.append(("flush", os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    def move(source, target):
        done.append(("move", os.path.abspath(source)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", follow)
    monkeypatch.setattr(os, "replace", move)
    with whole(output):
        fill(output, "new")
        partial = [os.path.abspath(path) for path in output]
    flushed = [done.index(("flush", path)) for path in partial]
    moved = [done.index(("move", path)) for path in partial]
    assert max(flushed) < min(moved)
    folders = {path for what, path in done[max(moved) :] if what == "flush"}
    assert {os.path.abspath(folder) for folder in ("a", "b", ".")} <= folders


def test_a_job_writes_whole_outputs_unless_it_sees_to_that_itself(output):
    with job(Job(output)):
        assert output.map != "a/map.fits"
        fill(output, "new")
    with job(Job(output), stage=False):
        assert output.map == "a/map.fits"


def test_a_full_disk_is_told_in_a_sentence(output, tmp_path, capfd):
    with pytest.raises(SystemExit, match="1"), job(Job(output)):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    sentence = "Error: a/map.fits, a/1.npy, b/2.npy, c.txt: expected room to write"
    assert capfd.readouterr().err.startswith(sentence)
    assert files(tmp_path) == []


def test_an_array_takes_its_room_at_once(tmp_path):
    path = tmp_path / "images.npy"
    array = new_array(path, (64, 128, 128))
    array[3] = 2.0
    array.flush()
    assert path.stat().st_blocks * 512 >= array.nbytes
    again = np.load(path)
    assert again.dtype == np.float32
    assert again[3].min() == 2.0
    assert not again[4].any()
