"""A mistake in the configuration is answered in one sentence; defaults agree."""

from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from superspire import configuration
from superspire.configuration import check, named_bands, order
from superspire.errors import InputError

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"


def load(name):
    return yaml.safe_load((ROOT / name).read_text())


def defaults(schema):
    if "properties" in schema and schema.get("default", {}) == {}:
        return {
            key: defaults(value)
            for key, value in schema["properties"].items()
            if "default" in value or "properties" in value
        }
    return schema["default"]


def test_schema_is_valid_and_its_defaults_are_the_default_configuration():
    schema = load("workflow/schemas/config.schema.yaml")
    Draft202012Validator.check_schema(schema)
    found = defaults(schema)
    assert found == load("config/config.yaml")


@pytest.mark.parametrize("name", ["config", "paper"])
def test_shipped_configurations_are_valid(name):
    check(load(f"config/{name}.yaml"), SCHEMA)


def keys(section, prefix=""):
    """Keys at every depth; a section by band is documented as a whole."""
    for key, value in section.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict) and not all(map(str.isdigit, value)):
            yield from keys(value, f"{prefix}{key}.")


def test_every_key_is_documented():
    text = (ROOT / "config/README.md").read_text()
    missing = [k for k in keys(load("config/config.yaml")) if f"`{k}`" not in text]
    assert not missing


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"sead": 1}, "unknown key 'sead'; did you mean 'seed'?"),
        ({"training": {"epoch": 3}}, "'training.epoch'; did you mean 'epochs'?"),
        ({"training": {"epochs": "many"}}, "training.epochs: expected integer"),
        ({"training": {"epochs": 0}}, "training.epochs: expected at least 1, found 0"),
        ({"loss": {"preset": "best"}}, "expected one of"),
        ({"simulation": {"test_fraction": 1.5}}, "test_fraction: expected less than 1"),
        ({"fields": {"a": {"maps": {250: "x", 350: "y"}}}}, "'500' is a required"),
        ({"fields": {"a": {"maps": {250: "x", 450: "y"}}}}, "'fields.a.maps.450'"),
        ({"observed": {"maps": {250: "x"}}}, "observed.maps"),
        ({"simulation": None}, "simulation: expected object, found None"),
        ({"simulation": {"z_min": 3, "z_max": 2}}, "z_max: expected more than z_min"),
        ({"simulation": {"cluster_seeds": "many"}}, "expected seeds of the clustering"),
        ({"simulation": {"catalogue": {"fil": "a"}}}, "did you mean 'file'?"),
        ({"simulation": {"catalogue": {}}}, "'file' is a required"),
        (
            {"simulation": {"fields": 2, "catalogue": {"file": "a.fits"}}},
            "expected {field} in the name",
        ),
        ({"realism": {"spire_beams": {250: "a"}}}, "is a required"),
        ({"realism": {"scuba2_filter": 3}}, "scuba2_filter: expected at least 20"),
        ({"realism": {"depth": {850: "a"}}}, "'realism.depth.850'"),
        ({"fields": {"a/b": {}}}, "expected names of letters, digits, _, ., + and -"),
        ({"downloads": {"../a": {"url": "http://b"}}}, "expected names of files below"),
        (
            {"downloads": {"a": {"url": "b"}}},
            "url: expected address of the file, found",
        ),
    ],
)
def test_mistakes_are_named(config, message):
    named_bands(config)
    with pytest.raises(InputError) as caught:
        check(config, SCHEMA)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_order_of_keys_does_not_matter():
    first, second = {"b": {"d": 1, "c": [2, 1]}, "a": 0}, {"a": 0, "b": {"c": [2, 1]}}
    second["b"]["d"] = 1
    order(first)
    order(second)
    assert repr(first) == repr(second) == "{'a': 0, 'b': {'c': [2, 1], 'd': 1}}"


@pytest.mark.parametrize(("old", "new"), configuration.RENAMED.items())
def test_old_keys_are_answered_with_the_new_name(old, new):
    config = 1.0
    for key in reversed(old.split(".")):
        config = {key: config}
    with pytest.raises(InputError, match=f"'{old}' is now called '{new}'"):
        check(config, SCHEMA)


@pytest.mark.parametrize(("old", "new"), configuration.RENAMED_VALUES.items())
def test_old_values_are_answered_with_the_new_name(old, new):
    section, key = old[0].split(".")
    with pytest.raises(InputError, match=f"'{old[1]}' is now called '{new}'"):
        check({section: {key: old[1]}}, SCHEMA)
