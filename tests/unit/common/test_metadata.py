"""What archives, the workflow catalogue and pre-commit read is in order."""

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

import superspire
from superspire.metadata import codemeta
from whitespace import faults

ROOT = Path(__file__).parents[3]
TEXT = {"type": "string", "minLength": 1}
PERSON = {
    "type": "object",
    "additionalProperties": False,
    "anyOf": [{"required": ["name"]}, {"required": ["family-names"]}],
    "properties": {
        **dict.fromkeys(("name", "family-names", "given-names", "affiliation"), TEXT),
        "orcid": {"pattern": r"^https://orcid\.org/(\d{4}-){3}\d{3}[\dX]$"},
    },
}
AUTHORS = {"type": "array", "minItems": 1, "items": PERSON, "uniqueItems": True}
IDENTIFIER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "value"],
    "properties": {
        "type": {"enum": ["doi", "url", "swh", "other"]},
        "value": TEXT,
        "description": TEXT,
    },
}
SHARED = {
    "title": TEXT,
    "authors": AUTHORS,
    "doi": {"pattern": r"^10\.\d{4,9}(\.\d+)?/.+$"},
    "identifiers": {"type": "array", "minItems": 1, "items": IDENTIFIER},
    "url": {"pattern": "^(https?|s?ftp)://"},
}
REFERENCE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["authors", "title", "type"],
    "properties": {
        **SHARED,
        "type": {"enum": ["article", "software", "data"]},
        "journal": TEXT,
        "year": {"type": ["integer", "string"]},
        "volume": {"type": ["integer", "string"]},
        "start": {"type": ["integer", "string"]},
    },
}
CITATION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["authors", "cff-version", "message", "title"],
    "properties": {
        **SHARED,
        "cff-version": {"const": "1.2.0"},
        "message": TEXT,
        "abstract": TEXT,
        "type": {"enum": ["software"]},
        "license": {"const": "MIT"},
        "version": TEXT,
        "date-released": {"type": "string", "format": "date"},
        "repository-code": SHARED["url"],
        "keywords": {"type": "array", "minItems": 1, "items": TEXT},
        "preferred-citation": REFERENCE,
        "references": {"type": "array", "minItems": 1, "items": REFERENCE},
    },
}
"""The part of the Citation File Format 1.2.0 that this file may use."""


@pytest.fixture(scope="module")
def citation():
    return yaml.safe_load((ROOT / "CITATION.cff").read_text())


def test_citation_file_is_valid(citation):
    assert not list(Draft202012Validator(CITATION).iter_errors(citation))


def test_citation_validator_notices_mistakes(citation):
    valid = Draft202012Validator(CITATION).is_valid
    assert not valid({**citation, "author": []})
    assert not valid({**citation, "authors": [{"given-names": "Lynge"}]})
    assert not valid({**citation, "doi": "https://doi.org/10.5281/zenodo.1"})


@pytest.mark.skipif(not shutil.which("cffconvert"), reason="no cffconvert on the PATH")
def test_citation_file_passes_cffconvert():
    done = subprocess.run(["cffconvert", "--validate"], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_the_version_is_the_same_everywhere(citation):
    assert citation["version"] == superspire.__version__
    assert f"## {superspire.__version__}" in (ROOT / "CHANGELOG.md").read_text()
    metadata = json.loads((ROOT / "codemeta.json").read_text())
    assert metadata["version"] == superspire.__version__


def test_an_archived_release_is_in_the_metadata(citation):
    released = {
        **citation,
        "doi": "10.5281/zenodo.1",
        "date-released": "2026-01-31",
        "repository-code": "https://example.org/superspire",
    }
    assert Draft202012Validator(CITATION).is_valid(released)
    project = {"requires-python": ">=3.11", "dependencies": ["numpy"]}
    metadata = codemeta(released, project)
    assert metadata["identifier"] == "10.5281/zenodo.1"
    assert metadata["datePublished"] == "2026-01-31"
    assert metadata["codeRepository"] == "https://example.org/superspire"
    paper = metadata["referencePublication"][0]
    assert paper["author"][0]["familyName"] == "Lauritsen"
    assert paper["identifier"] == ["arXiv:2102.06222"]


def test_the_catalogue_finds_what_it_asks_for():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())
    assert set(usage["usage"]) == {
        "mandatory-flags",
        "software-stack-deployment",
        "report",
    }
    deployment = usage["usage"]["software-stack-deployment"]
    assert set(deployment) <= {"conda", "apptainer", "apptainer+conda"}
    assert deployment["conda"] == bool(list(ROOT.glob("envs/*.yaml")))
    for file in ("workflow/Snakefile", "config/README.md", "LICENSE", "CITATION.cff"):
        assert (ROOT / file).exists()
    assert any(ROOT.glob("workflow/rules/*.smk"))
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme


def hooks():
    """Every hook of pre-commit."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    return [hook for repo in config["repos"] for hook in repo["hooks"]]


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
def test_hooks_call_what_is_there_and_need_no_network(hook):
    assert hook["language"] == "system"
    for word in shlex.split(hook["entry"]):
        if word.endswith(".py"):
            assert (ROOT / word).exists()
    assert not {"http", "pip"} & set(hook["entry"].split())


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", []),
        ("a\nb\n", []),
        ("a \nb\n", ["1: trailing whitespace"]),
        ("a\nb", ["2: expected one newline at the end"]),
        ("a\n\n", ["3: expected one newline at the end"]),
    ],
)
def test_whitespace_is_checked(text, wrong):
    assert faults(text) == wrong
