"""The reference of the configuration, written from its schema."""

import json
import re
from pathlib import Path

import yaml

BEGIN = "<!-- written by `make docs` from workflow/schemas/config.schema.yaml -->"
END = "<!-- end of what `make docs` writes -->"
HEADER = (
    "| key | value | unit | default | meaning | moves |\n|---|---|---|---|---|---|\n"
)
UNIT = re.compile(r"\s*\[([^\[\]]+)\](?=[.;,]|$)")
NUMERIC = {"integer": "integer", "number": "number"}
BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "multipleOf": "multiple of {}",
}
PLACES = {"downloads": "FILE", "fields": "NAME"}


def load_schema(file):
    """Read the schema of the configuration.

    Parameters
    ----------
    file : path-like
        The schema (YAML).

    Returns
    -------
    dict
    """
    return yaml.safe_load(Path(file).read_text(encoding="utf-8"))


def resolve(part, schema):
    """Put a part of the schema that is defined elsewhere in its place.

    Parameters
    ----------
    part : dict
        Schema of a value, perhaps with ``$ref``.
    schema : dict
        The whole schema.

    Returns
    -------
    dict
        The part with what it refers to; what it says itself wins. ``name`` is the
        name of the definition, if there is one.
    """
    if "$ref" not in part:
        return part
    name = part["$ref"].removeprefix("#/$defs/")
    rest = {key: value for key, value in part.items() if key != "$ref"}
    return resolve(schema["$defs"][name], schema) | {"name": name} | rest


def code(value):
    """Write a value of the configuration as in a YAML file."""
    text = json.dumps(value, ensure_ascii=False).replace('"', "")
    return f"`{text}`"


def by_band(part):
    """Whether the keys of a section are bands."""
    return bool(part.get("properties")) and all(map(str.isdigit, part["properties"]))


def bounded(kind, part):
    """Name a kind of number with its range."""
    low, high = part.get("minimum"), part.get("maximum")
    if low is not None and high is not None:
        return f"{kind} ({low:g} to {high:g})"
    bounds = [BOUNDS[key].format(f"{part[key]:g}") for key in BOUNDS if key in part]
    return f"{kind} ({', '.join(bounds)})" if bounds else kind


def values(part, schema):
    """State which values a key takes.

    Parameters
    ----------
    part : dict
        Schema of the value.
    schema : dict
        The whole schema.

    Returns
    -------
    str
    """
    part = resolve(part, schema)
    if "enum" in part:
        return ", ".join(code(value) for value in part["enum"])
    if "anyOf" in part:
        return " or ".join(values(one, schema) for one in part["anyOf"])
    types = part.get("type", [])
    types = [types] if isinstance(types, str) else types
    words = []
    for kind in types:
        if kind in NUMERIC:
            words.append(bounded(NUMERIC[kind], part))
        elif kind == "array":
            words.append(listed(part, schema))
        elif kind == "object":
            words.append(section(part))
        elif kind == "string":
            words.append("file" if part.get("name") == "map" else "text")
        else:
            words.append({"boolean": "`true`, `false`", "null": "`null`"}[kind])
    return " or ".join(words)


def listed(part, schema):
    """State what a list holds."""
    content = values(part["items"], schema)
    if part.get("minItems") == part.get("maxItems") is not None:
        return f"list of {part['minItems']}: {content}"
    return f"list of {content}"


def section(part):
    """State what keys a section has."""
    if not part.get("properties"):
        return "section by name"
    names = ", ".join(f"`{name}`" for name in part["properties"])
    return f"section by band: {names}" if by_band(part) else f"section: {names}"


def nested(part, schema):
    """Sections that a key's value can be, with the placeholder of their name.

    Parameters
    ----------
    part : dict
        Schema of the value, resolved.
    schema : dict
        The whole schema.

    Returns
    -------
    list of (str, dict)
        What follows the key, ``""`` or ``".BAND"``, and the schema of the section.
    """
    options = [resolve(one, schema) for one in part.get("anyOf", [])]
    found = []
    for one in [part, *options]:
        if by_band(one):
            first = resolve(next(iter(one["properties"].values())), schema)
            found += [(".BAND", first)] if first.get("properties") else []
        elif one.get("properties"):
            found.append(("", one))
    return found


def rows(key, part, schema, seen, needed=""):
    """Describe a key and the keys below it.

    Parameters
    ----------
    key : str
        Its name, with dots.
    part : dict
        Schema of its value.
    schema : dict
        The whole schema.
    seen : dict
        Definitions that were described, with the key where; changed in place.
    needed : str
        What stands in the place of a default: ``required``, or nothing.

    Yields
    ------
    dict
        ``key``, ``value``, ``unit``, ``default``, ``meaning`` and ``moves``.
    """
    part = resolve(part, schema)
    text, unit = part.get("description", "").rstrip("."), ""
    kinds = values(part, schema)
    if re.search("integer|number", kinds) and UNIT.search(text):
        unit = UNIT.search(text)[1]
        text = UNIT.sub("", text, count=1)
    name = part.get("name")
    known = name in seen and nested(part, schema)
    yield {
        "key": key,
        "value": f"as `{seen[name]}`" if known else kinds,
        "unit": unit,
        "default": code(part["default"]) if "default" in part else needed,
        "meaning": text,
        "moves": part.get("x-moves", ""),
    }
    if known:
        return
    if name and nested(part, schema):
        seen[name] = key
    sections = nested(part, schema)
    if isinstance(part.get("additionalProperties"), dict):
        sections.append((f".{PLACES[key]}", part["additionalProperties"]))
    for suffix, below in sections:
        for child, content in below["properties"].items():
            needed = "required" if child in below.get("required", []) else ""
            yield from rows(f"{key}{suffix}.{child}", content, schema, seen, needed)


def table(lines):
    """Write rows as a table of Markdown."""
    body = []
    for line in lines:
        cells = [f"`{line['key']}`", *list(line.values())[1:]]
        body.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |\n")
    return HEADER + "".join(body)


def configuration_reference(schema):
    """Describe every key of the configuration in Markdown.

    Parameters
    ----------
    schema : dict
        The schema.

    Returns
    -------
    str
        A heading and a table for each section.
    """
    seen, parts, single = {}, [], []
    for key, part in schema["properties"].items():
        first, *others = rows(key, part, schema, seen)
        if not others:
            single.append(first)
            continue
        parts.append(f"### `{key}`\n\n{first['meaning']}.\n\n{table(others)}")
    parts.insert(0, table(single))
    return "\n".join(parts)


def replace_block(text, block, begin=BEGIN, end=END):
    """Replace what stands between the two marks of a page.

    Parameters
    ----------
    text, block : str
        The page, and what stands between its marks from now on.
    begin, end : str
        The marks.

    Returns
    -------
    str
    """
    head, rest = text.split(begin)
    return f"{head}{begin}\n\n{block}\n{end}{rest.split(end)[1]}"
