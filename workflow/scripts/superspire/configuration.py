"""The configuration, checked so that a mistake is answered in one sentence."""

import difflib

import yaml
from jsonschema import Draft202012Validator

from superspire.errors import InputError


def named_bands(config):
    """Turn the bands that name maps into strings, in place, as JSON schema needs.

    Parameters
    ----------
    config : dict
        The configuration; `observed` and each of `fields` may hold `maps`.
    """
    holders = [config.get("observed")]
    fields = config.get("fields")
    holders += fields.values() if isinstance(fields, dict) else []
    for holder in holders:
        for key in ("maps", "masks"):
            if isinstance(holder, dict) and isinstance(holder.get(key), dict):
                holder[key] = {str(k): v for k, v in holder[key].items()}
    if isinstance(fields, dict):
        config["fields"] = {str(name): field for name, field in fields.items()}


def order(section):
    """Sort the keys of a configuration, in place, at every depth.

    Snakemake compares the parameters of a rule by how they are written, so that the
    order of the keys in a file would decide what is run again.

    Parameters
    ----------
    section : dict
        The configuration or a part of it.
    """
    for key in sorted(section, key=str):
        value = section[key] = section.pop(key)
        if isinstance(value, dict):
            order(value)


def check(config, schema):
    """Check the configuration against its schema.

    Parameters
    ----------
    config : dict
        The configuration.
    schema : path-like
        The schema (YAML).

    Raises
    ------
    InputError
        If a key is unknown or a value is of a wrong type or out of range.
    """
    with open(schema) as file:
        validator = Draft202012Validator(yaml.safe_load(file))
    errors = sorted(validator.iter_errors(config), key=lambda e: list(map(str, e.path)))
    if errors:
        raise InputError("configuration: " + explain(errors[0]))


def explain(error):
    """Say in one sentence where the configuration is wrong, and what is expected.

    Parameters
    ----------
    error : jsonschema.ValidationError

    Returns
    -------
    str
    """
    place = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = next(key for key in error.instance if key not in known)
        close = difflib.get_close_matches(str(unknown), known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
        return f"unknown key {f'{place}.{unknown}'.lstrip('.')!r}; {hint}"
    expected = {
        "type": f"expected {error.validator_value}",
        "enum": f"expected one of {error.validator_value}",
        "minimum": f"expected at least {error.validator_value}",
        "maximum": f"expected at most {error.validator_value}",
        "exclusiveMinimum": f"expected more than {error.validator_value}",
        "exclusiveMaximum": f"expected less than {error.validator_value}",
        "required": error.message,
    }.get(error.validator, error.message)
    return f"{place}: {expected}, found {error.instance!r}"
