"""The folders of the package import one another in one direction only."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "workflow/scripts/superspire"
ORDER = (
    {"maps"},
    {"sky", "photometry"},
    {"dataset", "evaluation", "training"},
    {"unet", "deblender"},
    {"checks"},
    {"products"},
    {"methods", "egg"},
    {"figures", "benchmark"},
)
"""Groups of folders: each may import itself and what stands before it."""

LEVEL = {folder: level for level, group in enumerate(ORDER) for folder in group}
MODULES = sorted(PACKAGE.rglob("*.py"))


def folder(path):
    """Folder of a module of the package, or an empty string at its top."""
    return path.parent.name if path.parent != PACKAGE else ""


def imported(path):
    """Folders of the package that a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        parts = node.module.split(".")
        if parts[0] == "superspire":
            names = parts[1:] or [alias.name for alias in node.names]
            yield names[0] if (PACKAGE / names[0]).is_dir() else ""


def test_every_folder_has_its_place():
    assert set(LEVEL) == {folder(path) for path in MODULES} - {""}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_downwards(path):
    own = folder(path)
    for other in set(imported(path)) - {own}:
        if own == "":
            assert other == ""
        elif other:
            assert LEVEL[other] < LEVEL[own], f"{own} imports {other}"
