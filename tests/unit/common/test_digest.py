"""The digest of a script follows what it computes and ignores its prose."""

from modulefinder import ModuleFinder
from pathlib import Path

import pytest

from superspire.digest import code_digest, imported_modules

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"

MODULE = '''"""A module."""

WIDTH = 7.9
"""Width of the beam [arcsec]."""


def area(width):
    """Area of a beam."""
    # Gaussian
    return 1.133 * width**2
'''
CHANGES = {
    "docstring of a function": ("Area of a beam.", "Solid angle of a Gaussian."),
    "docstring of the module": ('"""A module."""', '"""Another module."""'),
    "docstring of a constant": ("Width of the beam", "FWHM"),
    "docstring that goes": ('    """Area of a beam."""\n', ""),
    "comment": ("# Gaussian", "# 2 pi sigma²"),
    "blank lines": ("\n\n\n", "\n\n\n\n"),
}


@pytest.fixture
def scripts(tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").write_text("")
    (tmp_path / "package/beam.py").write_text(MODULE)
    (tmp_path / "package/other.py").write_text("LIMIT = 1\n")
    (tmp_path / "measure.py").write_text("from package.beam import area\n")
    return tmp_path


def digest_after(scripts, name, before, after):
    """Digest of the script once a module has been edited."""
    path = scripts / name
    text = path.read_text()
    assert before in text
    changed = scripts.parent / f"{scripts.name}_{abs(hash((name, after)))}"
    for file in scripts.rglob("*.py"):
        copy = changed / file.relative_to(scripts)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text())
    (changed / name).write_text(text.replace(before, after))
    return code_digest("measure.py", changed)


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=list(CHANGES))
def test_prose_leaves_the_digest_alone(scripts, before, after):
    digest = code_digest("measure.py", scripts)
    assert digest_after(scripts, "package/beam.py", before, after) == digest


@pytest.mark.parametrize(
    ("before", "after"),
    [("7.9", "8.0"), ("width**2", "width**3"), ('"""Area of a beam."""', "width += 1")],
)
def test_a_changed_computation_changes_the_digest(scripts, before, after):
    digest = code_digest("measure.py", scripts)
    assert digest_after(scripts, "package/beam.py", before, after) != digest


def test_modules_that_are_not_imported_do_not_count(scripts):
    digest = code_digest("measure.py", scripts)
    assert digest_after(scripts, "package/other.py", "1", "2") == digest
    assert digest_after(scripts, "measure.py", "area", "WIDTH") != digest


@pytest.mark.parametrize("script", ["super_resolve_field.py", "make_maps.py"])
def test_modules_are_those_that_modulefinder_finds(script):
    finder = ModuleFinder(path=[str(SCRIPTS)])
    finder.run_script(str(SCRIPTS / script))
    files = {name: module.__file__ for name, module in finder.modules.items()}
    expected = {name: Path(file) for name, file in files.items() if file}
    assert imported_modules(script, SCRIPTS) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "import package.other",
        "from package import other",
        "from package.other import *",
    ],
)
@pytest.mark.parametrize("where", ["{}", "def f():\n    {}", "if f:\n    {}"])
def test_imports_of_all_kinds_count(scripts, statement, where):
    (scripts / "other.py").write_text(where.format(statement) + "\n")
    names = {"__main__", "package", "package.other"}
    assert set(imported_modules("other.py", scripts)) == names
