"""All environments have the versions of the lock file."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ENVS = ROOT / "envs"
FILES = sorted(path.name for path in ENVS.glob("*.yaml"))
PIP_NAMES = {
    "matplotlib-base": "matplotlib",
    "snakemake-minimal": "snakemake",
    "tensorflow": "tensorflow-cpu",
}
"""Packages that are called otherwise on conda-forge than in the lock file."""

WHOLE = ["cpu.yaml", "gpu.yaml"]
NOT_IN_JOBS = {"snakemake"}


@pytest.fixture(scope="module")
def locked():
    text = (ENVS / "requirements.lock").read_text()
    return dict(re.findall(r"^([a-z0-9_.-]+)==(\S+)", text, re.M))


def pins(file):
    """Give the packages of an environment and their versions, by their pip names."""
    found = {}
    for line in yaml.safe_load((ENVS / file).read_text())["dependencies"]:
        name, version = line.split("=")[:2]
        found[PIP_NAMES.get(name, name)] = version
    return found


@pytest.mark.parametrize("file", FILES)
def test_versions_are_those_of_the_lock_file(file, locked):
    found = pins(file)
    assert found.pop("python") == "3.11"
    assert found == {name: locked.get(name) for name in found}


@pytest.mark.parametrize("file", FILES)
def test_packages_come_from_named_channels_alone(file):
    channels = yaml.safe_load((ENVS / file).read_text())["channels"]
    assert channels[0] == "conda-forge"
    assert channels[-1] == "nodefaults"


@pytest.mark.parametrize("file", WHOLE)
def test_whole_environments_have_what_the_workflow_needs(file):
    wanted = {
        re.split(r"[<>=]", line)[0]
        for line in (ENVS / "requirements.in")
        .read_text()
        .split("# tests")[0]
        .split("\n")
        if line and not line.startswith("#")
    }
    assert set(pins(file)) - {"python"} == wanted


@pytest.mark.parametrize("file", [file for file in FILES if file not in WHOLE])
def test_environments_of_jobs_are_parts_of_the_whole(file):
    whole = set(pins("cpu.yaml"))
    assert set(pins(file)) < whole
    assert not set(pins(file)) & NOT_IN_JOBS


def test_the_network_runs_where_the_package_is_declared_to():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[<>=]", name)[0] for name in project["dependencies"]}
    assert declared <= set(pins("tensorflow.yaml"))


def test_the_supported_versions_of_python_are_one_range():
    makefile = (ROOT / "Makefile").read_text()
    newest, *_, oldest = re.search(r"^PYTHONS := (.+)$", makefile, re.M)[1].split()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    major, minor = newest.split(".")
    wanted = f">={oldest},<{major}.{int(minor) + 1}"
    assert project["project"]["requires-python"] == wanted
    assert project["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert f"Requires Python {oldest}-{newest}," in (ROOT / "README.md").read_text()


def test_the_lock_file_names_no_index_and_a_hash_of_every_package(locked):
    text = (ENVS / "requirements.lock").read_text()
    assert "://" not in text
    parts = re.split(r"^(?=[a-z])", text, flags=re.M)[1:]
    assert len(parts) == len(locked)
    assert all("--hash=sha256:" in part for part in parts)


def test_every_rule_names_an_environment_that_is_there():
    named = set()
    for rules in (ROOT / "workflow/rules").glob("*.smk"):
        named |= set(re.findall(r'"\.\./\.\./envs/([\w.]+)"', rules.read_text()))
    assert named == set(FILES) - set(WHOLE)


def test_the_container_is_made_from_the_lock_file(locked):
    recipe = (ENVS / "Dockerfile").read_text()
    base = re.search(r"^FROM python:(\S+?)-", recipe, re.M)[1]
    assert base == pins("cpu.yaml")["python"]
    assert "--require-hashes" in recipe
    assert "tensorflow-cpu" in locked
    for name in re.findall(r"^COPY (\S+)", recipe, re.M):
        assert (ROOT / name).exists()
