"""CITATION.cff is valid and names the version of the package."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from superspire import __version__

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "tests/data/cff-1.2.0.schema.json"
"""Schema of the Citation File Format (CC-BY-4.0), the one cffconvert validates with.

cffconvert itself needs jsonschema 3, Snakemake needs 4.
"""


@pytest.fixture
def citation():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    return json.loads(json.dumps(yaml.safe_load(text), default=str))


def validate(citation):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(citation)


def test_the_citation_file_is_valid(citation):
    assert citation["cff-version"] == "1.2.0"
    validate(citation)


@pytest.mark.parametrize(
    "mistake", [{"licence": "MIT"}, {"license": "none"}, {"authors": []}]
)
def test_mistakes_in_the_citation_file_are_found(citation, mistake):
    with pytest.raises(jsonschema.ValidationError):
        validate(citation | mistake)


def test_the_citation_file_names_the_version(citation):
    assert citation["version"] == __version__
