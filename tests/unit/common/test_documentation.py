"""The reference says what the schema says, and links lead somewhere."""

import re

import numpy as np
import pandas as pd
import pytest
import yaml
from astropy.wcs import WCS

from superspire.configuration import check, named_bands
from superspire.documentation import (
    configuration_reference,
    load_schema,
    resolve,
    values,
)
from superspire.evaluation.selection_function import COLUMNS as EXPECTED
from superspire.instruments import PAPER_BANDS
from superspire.products import catalogue as unet_products
from superspire.products import deblended_catalogue as deblender_products
from write_documentation import REFERENCE, ROOT, SCHEMA, documents

PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("config/*.md"),
    *ROOT.glob("profiles/*.md"),
]


@pytest.fixture(scope="module")
def schema():
    return load_schema(SCHEMA)


@pytest.mark.parametrize("name", sorted(p.name for p in documents()))
def test_pages_are_what_make_docs_writes(name):
    file, text = next((f, t) for f, t in documents().items() if f.name == name)
    assert file.read_text(encoding="utf-8") == text, "run `make docs` and commit"


def properties(part, schema, path=""):
    """Every property of the schema, wherever it stands."""
    part = resolve(part, schema)
    extra = part.get("additionalProperties")
    for child in [
        *part.get("anyOf", []),
        *([extra] if isinstance(extra, dict) else []),
    ]:
        yield from properties(child, schema, path)
    for key, child in part.get("properties", {}).items():
        yield f"{path}.{key}".lstrip("."), resolve(child, schema)
        yield from properties(child, schema, f"{path}.{key}")


def test_every_key_is_described(schema):
    keys = dict(properties(schema, schema))
    assert len(keys) > 150
    bands = {key for key in keys if key.rpartition(".")[2].isdigit()}
    unclear = [k for k in set(keys) - bands if not keys[k].get("description")]
    assert not unclear


def test_every_key_has_a_row_with_its_default_and_choices(schema):
    text = configuration_reference(schema)
    lines = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    found = {line[0][3:-1]: line for line in lines}
    sections = set(re.findall("^### `(.+)`$", text, re.MULTILINE))
    for key, part in properties(schema, schema):
        if key in sections or "default" not in part:
            continue
        key = key.replace("fields.", "fields.NAME.", 1) if key not in found else key
        shown = found[key][3].strip("`")
        default = str(part["default"]).lower().replace("none", "null")
        assert default.replace("'", "") == shown.lower().replace("'", "")
        for choice in part.get("enum", []):
            assert f"`{choice}`" in found[key][1]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 5}, "integer (1 to 5)"),
        (
            {"type": ["number", "null"], "exclusiveMinimum": 0},
            "number (above 0) or `null`",
        ),
        ({"enum": ["best", "last"]}, "`best`, `last`"),
        ({"$ref": "#/$defs/map"}, "file"),
        (
            {"anyOf": [{"enum": ["all"]}, {"type": "boolean"}]},
            "`all` or `true`, `false`",
        ),
    ],
)
def test_values_are_put_into_words(part, expected, schema):
    assert values(part, schema) == expected


def anchors(file):
    """Anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


def test_reference_is_where_the_readme_says():
    assert REFERENCE == ROOT / "config/README.md"
    assert "config/README.md" in (ROOT / "README.md").read_text(encoding="utf-8")


def documented_columns(network):
    """Columns of the catalogue of a network and their units in docs/fields.md."""
    text = (ROOT / "docs/fields.md").read_text(encoding="utf-8")
    rows = text.split("### Columns of the catalogue")[1].splitlines()
    cells = [[c.strip() for c in row.split("|")] for row in rows if row.count("|") > 4]
    return {
        name: row[2]
        for row in cells
        if row[3] in (network, "both")
        for name in re.findall("`([A-Z0-9_]+)`", row[1])
    }


def units_of(table):
    return {name: str(table[name].unit or "") for name in table.colnames}


def test_columns_of_catalogues_are_documented_with_their_units():
    covered, wcs = np.ones((64, 64), bool), WCS(naxis=2)
    values = ("flux", "error", "deboosted", "low", "high")
    by_band = [f"{name}_{band}" for name in values for band in PAPER_BANDS]
    fit = ("chi2_250", "chi2_350", "chi2_500", "poor_fit")
    names = ("x", "y", "pos_err", "probability", "ultra_red", "noise", "depth", *fit)
    sources = pd.DataFrame({n: [] for n in (*names, *values, *by_band)}, dtype=float)
    nothing = pd.DataFrame(columns=[*EXPECTED, "noise", "depth"], dtype=float)
    listed = deblender_products.build_catalogue(sources, covered, wcs, [], nothing)
    assert documented_columns("deblender") == units_of(listed)
    image = np.random.default_rng(1).normal(0, 0.1, covered.shape).astype("f4")
    found = unet_products.build_catalogue(image, covered, wcs, threshold=50.0)
    assert documented_columns("unet") == units_of(found)


def examples():
    """Every configuration that a page shows."""
    keys = set(load_schema(SCHEMA)["properties"])
    for page in PAGES:
        blocks = re.findall(r"```yaml\n(.+?)```", page.read_text("utf-8"), re.DOTALL)
        for number, block in enumerate(blocks):
            shown = yaml.safe_load(block)
            if isinstance(shown, dict) and keys & set(shown):
                yield pytest.param(shown, id=f"{page.relative_to(ROOT)}-{number}")


@pytest.mark.parametrize("shown", list(examples()))
def test_examples_are_valid_configurations(shown):
    named_bands(shown)
    check(shown, SCHEMA)
