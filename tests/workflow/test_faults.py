"""Runs that are killed, without room, without a tree to write to, or not alone."""

import contextlib
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from helpers import snakemake
from superspire.outputs import PARTIAL

ROOT = Path(__file__).parents[2]
CONFIG = {
    "seed": 11,
    "simulation": {"fields": 19, "field_area": 0.03},
    "observed": {"area": 0.06, "grid": 2},
    "independent": {"area": 0.05},
}
TARGETS = (
    "results/sources/observed.npz",
    "results/cutouts/observed/augmentation.csv",
    "results/cutouts/independent/index.csv",
)
KILLS = 6
MOMENTS = (0.2, 0.65)
"""When a run is killed, as a share of the time of one that is left alone."""

pytestmark = pytest.mark.slow


def command(folder, *arguments):
    """Give the command of a run in a folder."""
    return snakemake.command(folder, "--cores", 2, *arguments, config=CONFIG)


def run(folder, *arguments, root=ROOT, **options):
    """Run the workflow in a folder to its end."""
    options |= {"config": CONFIG, "cores": 2, "snakefile": root / "Snakefile"}
    return snakemake.run(folder, *arguments, **options)


def digests(folder):
    """Digest of every file of a folder but the unfinished ones."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(PARTIAL in part for part in path.parts)
    }


@contextlib.contextmanager
def mounted(folder, *arguments):
    """Mount something on a folder, or give False where that is not allowed."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", *arguments, str(folder)], capture_output=True, check=False
    )
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)


@contextlib.contextmanager
def read_only(source, folder):
    """Show a copy of the tree at a folder, read-only if mounting is allowed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("the source is no git repository")
    copy = folder.with_name("copy")
    for name in filter(None, listed.stdout.split("\0")):
        if (source / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, copy / name)
    with mounted(folder, "--bind", str(copy)) as bound:
        if not bound:
            yield copy
            return
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield folder


@dataclass(frozen=True)
class Whole:
    """A run that nothing happened to: its folder, digests and time [s]."""

    base: Path
    results: dict
    seconds: float


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Run without faults, from a read-only tree and with a scratch of its own."""
    base = tmp_path_factory.mktemp("faults")
    scratch = base / "scratch"
    scratch.mkdir()
    with read_only(ROOT, base / "tree") as tree:
        before, start = digests(tree), time.perf_counter()
        done = run(
            base / "whole",
            *TARGETS,
            root=tree,
            env={**os.environ, "TMPDIR": str(scratch)},
        )
        seconds = time.perf_counter() - start
        after = {n: d for n, d in digests(tree).items() if "__pycache__" not in n}
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert after == before
    return Whole(base, digests(base / "whole" / "results"), seconds)


def test_nothing_is_left_on_the_scratch(whole):
    assert not [p for p in (whole.base / "scratch").rglob("*") if p.is_file()]
    assert {f"results/{name}" for name in whole.results} >= set(TARGETS)


def test_killed_runs_end_with_the_same_bytes(whole, tmp_path):
    expected, folder = whole.results, tmp_path / "killed"
    moments = whole.seconds * np.random.default_rng(2102).uniform(*MOMENTS, KILLS)
    killed, seen = 0, set()
    for moment in moments:
        with subprocess.Popen(
            command(folder, "--nolock", *TARGETS),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,
        ) as process:
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                killed += 1
        found = digests(folder / "results")
        assert found.items() <= expected.items()
        seen.add(len(found))
        if found == expected:
            # Whatever the load of the machine, there is something left to be killed.
            shutil.rmtree(folder / "results")
    assert killed > 2
    assert len(seen) > 1
    done = run(folder, "--nolock", *TARGETS)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert digests(folder / "results") == expected
    assert not list((folder / "results").rglob(f"*{PARTIAL}*"))


@contextlib.contextmanager
def little_room(folder):
    """Make a folder with little room: on its disk or, where that fails, per file.

    Yields which of the two, and a function that takes the room [byte] and gives the
    options of a run that has so much.
    """

    def remount(size):
        option = f"remount,size={size}"
        subprocess.run(["mount", "-o", option, str(folder)], check=True)
        return {}

    def limit(size):
        return {
            "preexec_fn": lambda: resource.setrlimit(
                resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY)
            )
        }

    with mounted(folder, "-t", "tmpfs", "-o", "size=1m", "tmpfs") as small:
        yield ("disk", remount) if small else ("file", limit)


def test_a_full_disk_is_told_and_leaves_nothing_half_written(whole, tmp_path):
    expected = whole.results
    sizes = [(whole.base / "whole" / "results" / n).stat().st_size for n in expected]
    largest, room = max(sizes), sum(sizes)
    folder, told = tmp_path / "full", 0
    with little_room(folder) as (kind, with_room):
        fractions, unit = {
            "disk": ((0.02, 0.35, 0.75), room),
            "file": ((0.02, 0.5, 0.95), largest),
        }[kind]
        for fraction in fractions:
            done = run(folder, "--nolock", *TARGETS, **with_room(int(fraction * unit)))
            assert done.returncode != 0
            assert digests(folder / "results").items() <= expected.items()
            told += "expected room to write, found:" in done.stderr
        assert told > 0
        done = run(folder, "--nolock", *TARGETS, **with_room(4 * room))
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        assert digests(folder / "results") == expected


def test_two_runs_at_once_share_a_cache_of_catalogues(tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    environment = {**os.environ, "SNAKEMAKE_OUTPUT_CACHE": str(cache)}
    skies = ("simulated_0", "simulated_18", "observed")
    targets = [f"results/skies/{sky}/catalogue.fits" for sky in skies]
    folders = [tmp_path / name for name in ("one", "two")]
    both = [
        subprocess.Popen(
            command(folder, "--cache", "--", *targets),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=environment,
        )
        for folder in folders
    ]
    for process in both:
        said = process.communicate()[0]
        assert process.returncode == 0, said[-2000:]
    one, two = (digests(folder / "results") for folder in folders)
    assert one == two
    assert len(set(one.values())) == len(skies)
    assert len(list(cache.iterdir())) == len(skies)
    third = run(tmp_path / "three", "--cache", "--", *targets, env=environment)
    assert third.returncode == 0, third.stdout[-2000:] + third.stderr[-2000:]
    assert digests(tmp_path / "three" / "results") == one
    logs = list((tmp_path / "three" / "logs").rglob("*.log"))
    assert [log.stat().st_size for log in logs] == [0] * len(skies)
