"""The mistakes that new users make are answered as docs/troubleshooting.md says."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from helpers import snakemake

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
MAPS = {"250": "a.fits", "350": "b.fits", "500": "c.fits"}


def run_in(folder, *arguments, **options):
    """Run Snakemake in a folder of a user's, who says nothing of cores."""
    environment = {**os.environ, "PYTHONPATH": "", "XDG_CONFIG_HOME": str(folder)}
    return snakemake.run(folder, *arguments, cores=None, env=environment, **options)


def shown(message):
    """Whether the page shows a message, whatever stands for its names."""
    return message in PAGE


def answer(run):
    """What a failed run says, without the lines that every run says."""
    return run.stdout + run.stderr


FIELD = {"fields": {"mine": {"maps": MAPS}}}
MISTAKES = {
    "typo": ({"training": {"epoch": 3}}, "all", "did you mean 'epochs'?"),
    "negative area": (
        {"independent": {"area": -1}},
        "all",
        "independent.area: expected more than 0, found -1",
    ),
    "wrong type": (
        {"training": {"epochs": "many"}},
        "all",
        "training.epochs: expected integer, found 'many'",
    ),
    "no map": (
        FIELD,
        "results/fields/mine/superresolved.fits",
        "fields.mine.maps.250: expected a FITS file, found no file a.fits",
    ),
    "other field": (
        FIELD,
        "results/fields/yours/superresolved.fits",
        "there is no field 'yours' in the configuration; found: mine",
    ),
    "slash": (
        {"fields": {"a/b": {"maps": MAPS}}},
        "all",
        "fields: expected names of letters, digits, _, ., + and -, found 'a/b'",
    ),
    "bands": (
        {"fields": {"a": {"maps": {"psw": "a.fits"}}}},
        "all",
        "unknown key 'fields.a.maps.psw'; known: 250, 350, 500, 24, 100, 160, 850",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_end_in_the_sentence_that_the_page_explains(tmp_path, name):
    config, target, message = MISTAKES[name]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    run = run_in(tmp_path, "-n", "--configfile", "mine.yaml", "--", target)
    assert run.returncode == 1
    last = run.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert message in last
    assert "Traceback" not in answer(run)
    assert shown(message)


NATIVE = {
    "target": (["-n", "--", "results/fig8.pdf"], "No rule to produce results/fig8.pdf"),
    "broken YAML": (["-n", "--configfile", "b.yaml"], "Config file is not valid"),
    "empty file": (["-n", "--configfile", "c.yaml"], "with keys at top level"),
    "no profile": (["-n", "--profile", "cluster"], "profile directory given (cluster)"),
    "no file": (["-n", "--configfile", "d.yaml"], "No such file or directory"),
    "swallowed": (["-n", "--configfile", "a.yaml", "results/fig1.pdf"], "No such file"),
    "pair": (["-n", "--config", "seed=7", "all"], "(Unparsable value: 'all')"),
}


@pytest.mark.parametrize("name", NATIVE)
def test_what_snakemake_says_itself_is_explained(tmp_path, name):
    (tmp_path / "a.yaml").write_text("seed: 1\n")
    (tmp_path / "b.yaml").write_text("training:\n\tepochs: 3\n")
    (tmp_path / "c.yaml").write_text("")
    arguments, message = NATIVE[name]
    run = run_in(tmp_path, *arguments)
    assert run.returncode == 1
    assert message in answer(run)
    assert shown(message)


def test_a_folder_without_a_snakefile_is_named(tmp_path):
    run = run_in(tmp_path, "-n", snakefile=None)
    assert run.returncode == 1
    assert "No Snakefile found" in answer(run)
    assert shown("No Snakefile found")


def test_any_folder_can_hold_the_results(tmp_path):
    run = run_in(tmp_path, "-n", "results/fig7.pdf")
    assert run.returncode == 0, answer(run)
    assert "train_network" in run.stdout


def test_a_failed_job_ends_with_its_reason_and_log(tmp_path):
    for name in MAPS.values():
        (tmp_path / name).write_text("not a FITS file\n")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(FIELD))
    target = "results/fields/mine/checks.json"
    run = run_in(tmp_path, "-c1", "--configfile", "mine.yaml", "--", target)
    assert run.returncode == 1
    sentence = "Error: a.fits: expected a whole FITS file, found: No SIMPLE card found"
    assert sentence in run.stderr
    assert "logs/check_field/mine.log" in run.stderr
    assert "Traceback" not in answer(run)
    assert shown(sentence)


def make(folder, *arguments, **environment):
    """Run make in a folder without a virtual environment."""
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "envs").mkdir(exist_ok=True)
    (folder / "envs/requirements.lock").touch()
    return subprocess.run(
        ["make", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, **environment},
    )


def mock_program(path, text):
    """Write a shell script."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("version", ["3.8.10", "3.14.0"])
def test_another_python_is_refused_by_make(tmp_path, version):
    text = f'[ "$1" = --version ] && echo Python {version}'
    python = mock_program(tmp_path / "python", text)
    run = make(tmp_path, "results", f"PYTHON={python}")
    assert run.returncode == 2
    message = "Error: Python 3.11 to 3.13 is required, found Python "
    assert message + version in answer(run)
    assert shown(message)
    assert not (tmp_path / ".venv").exists()


def test_make_takes_the_newest_python_that_works(tmp_path):
    """A name of pyenv, say, can stand for a version that is not installed."""
    programs = tmp_path / "bin"
    mock_program(programs / "python3.13", "exit 127")
    mock_program(programs / "python3.12", "exit 0")
    path = f"{programs}:{os.environ['PATH']}"
    run = make(tmp_path, "--dry-run", "results", PATH=path)
    assert "python3.12 -m venv" in run.stdout
    mock_program(programs / "python3.13", "exit 0")
    run = make(tmp_path, "--dry-run", "results", PATH=path)
    assert "python3.13 -m venv" in run.stdout


def test_the_page_explains_twenty_mistakes():
    assert len(re.findall("^## ", PAGE, re.MULTILINE)) >= 20
