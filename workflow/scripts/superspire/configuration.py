"""The configuration, checked so that a mistake is answered in one sentence."""

import difflib

import yaml
from jsonschema import Draft202012Validator

from superspire.errors import InputError

SECTIONS_WITH_BANDS = ("simulation", "observed", "independent", "realism", "deblender")
KEYS_BY_BAND = (
    "maps",
    "masks",
    "errors",
    "reading",
    "hdu",
    "filter_curves",
    "columns",
    "spire_beams",
    "depth",
    "bands",
)

RENAMED = {
    "simulation.response": "simulation.filter_curves",
    "simulation.image_maker": "simulation.renderer",
    "loss.rounding": "loss.logcosh_width",
    "loss.finding": "loss.detection",
    "deblender.unlike": "deblender.perturbed_fraction",
    "deblender.departure": "deblender.perturbation",
    "deblender.vary": "deblender.noise_augmentation",
    "deblender.faintest": "deblender.min_flux",
    "deblender.rounding": "deblender.logcosh_width",
    "deblender.weights.place": "deblender.weights.position",
    "extraction.minimum_flux": "extraction.min_flux",
}
"""Keys of version 0.1 and their present names."""

RENAMED_VALUES = {
    ("loss.preset", "literal"): "unit_weights",
    ("loss.preset", "completeness"): "balanced",
    ("simulation.catalogue", "two_modes"): "2sfm",
    ("observed.catalogue", "two_modes"): "2sfm",
    ("independent.catalogue", "two_modes"): "2sfm",
}
"""Values of version 0.1 and their present names."""


def named_bands(config):
    """Turn the bands that name maps into strings, in place, as JSON schema needs.

    Parameters
    ----------
    config : dict
        The configuration.
    """
    holders = [config.get(name) for name in SECTIONS_WITH_BANDS]
    fields = config.get("fields")
    holders += fields.values() if isinstance(fields, dict) else []
    holders = [holder for holder in holders if isinstance(holder, dict)]
    holders += [h["catalogue"] for h in holders if isinstance(h.get("catalogue"), dict)]
    for holder in holders:
        for key in KEYS_BY_BAND:
            if isinstance(holder.get(key), dict):
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
    old = find_renamed(config)
    if old:
        raise InputError(f"configuration: {old}")
    errors = sorted(validator.iter_errors(config), key=lambda e: list(map(str, e.path)))
    if errors:
        raise InputError("configuration: " + explain(errors[0]))
    conflict = find_conflict(config)
    if conflict:
        raise InputError(f"configuration: {conflict}")


def find_renamed(section, prefix=""):
    """Find a key or a value that has another name since version 0.1.

    Parameters
    ----------
    section : dict
        The configuration or a part of it.
    prefix : str
        Name of the part, with a dot at its end.

    Returns
    -------
    str or None
        A sentence with the new name.
    """
    for key, value in section.items():
        name = f"{prefix}{key}"
        if name in RENAMED:
            return f"{name!r} is now called {RENAMED[name]!r}"
        if isinstance(value, str) and (name, value) in RENAMED_VALUES:
            return f"{name}: {value!r} is now called {RENAMED_VALUES[name, value]!r}"
        found = find_renamed(value, f"{name}.") if isinstance(value, dict) else None
        if found:
            return found
    return None


def find_conflict(config):
    """State what keys that are right by themselves contradict each other.

    Parameters
    ----------
    config : dict
        The configuration, perhaps only a part of it.

    Returns
    -------
    str or None
    """
    simulation = config.get("simulation", {})
    z_min, z_max = simulation.get("z_min", 0.1), simulation.get("z_max", 6.0)
    if z_min >= z_max:
        return (
            f"simulation.z_max: expected more than z_min = {z_min:g}, found {z_max:g}"
        )
    several = simulation.get("fields", 1) > 1
    file = simulation.get("catalogue")
    if several and isinstance(file, dict) and "{field}" not in file["file"]:
        return (
            "simulation.catalogue.file: expected {field} in the name, for each of the "
            f"{simulation['fields']} fields, found {file['file']!r}"
        )
    return None


def description(schema):
    """Word what a part of the schema says about its values for a sentence."""
    text = schema.get("description", "something else").rstrip(".")
    return text[:1].lower() + text[1:]


def explain(error):
    """Say in one sentence where the configuration is wrong, and what is expected.

    Parameters
    ----------
    error : jsonschema.ValidationError

    Returns
    -------
    str
    """
    position = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "anyOf" and isinstance(error.instance, dict):
        deeper = [e for e in error.context if e.validator not in ("enum", "type")]
        if deeper:
            return explain(deeper[0])
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = next(key for key in error.instance if key not in known)
        close = difflib.get_close_matches(str(unknown), known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
        return f"unknown key {f'{position}.{unknown}'.lstrip('.')!r}; {hint}"
    expected = {
        "type": f"expected {error.validator_value}",
        "enum": f"expected one of {error.validator_value}",
        "minimum": f"expected at least {error.validator_value}",
        "maximum": f"expected at most {error.validator_value}",
        "exclusiveMinimum": f"expected more than {error.validator_value}",
        "exclusiveMaximum": f"expected less than {error.validator_value}",
        "required": error.message,
        "anyOf": f"expected {description(error.schema)}",
        "pattern": f"expected {description(error.schema)}",
    }.get(error.validator, error.message)
    return f"{position}: {expected}, found {error.instance!r}"
