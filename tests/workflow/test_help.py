"""Help lists every target, from the rules themselves, which keep the conventions."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEADER = re.compile(r"^ *(?:rule|checkpoint) (\w+):$", re.MULTILINE)
PRODUCTS = [
    *[f"results/fig{number}.pdf" for number in range(1, 8)],
    *[f"results/table{number}.csv" for number in range(1, 4)],
    "results/comparison.csv",
    "results/benchmark/presets.csv",
    "results/benchmark/methods.pdf",
    "results/benchmark/simulation.csv",
    "results/benchmark/training.csv",
    "results/fields/NAME/superresolved.fits",
    "results/fields/NAME/reference.csv",
    "results/validation/sky_model.pdf",
    "validation",
    "benchmark",
    "download",
    "data/FILE",
    "all",
    "help",
]


def rule_texts():
    """Text of every rule of the workflow, by name and file."""
    for file in sorted([ROOT / "Snakefile", *ROOT.glob("workflow/rules/*.smk")]):
        parts = HEADER.split(file.read_text(encoding="utf-8"))
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            yield pytest.param(name, text, id=f"{file.stem}-{name}")


RULES = list(rule_texts())
WORKING = [rule for rule in RULES if "script:" in rule.values[1]]


@pytest.fixture(scope="module")
def listed():
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "help"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def lines(text):
    """Targets and what is said of them."""
    rows = [line.split(None, 1) for line in text.splitlines() if line.startswith("  ")]
    return {row[0]: row[1] for row in rows}


def test_everything_that_users_ask_for_comes_first(listed):
    first = lines(listed.split("STEPS ON THE WAY")[0])
    missing = [product for product in PRODUCTS if product not in first]
    assert not missing


def test_every_rule_is_listed_with_what_it_says(listed):
    text = " ".join(listed.split())
    silent = [
        name
        for name, body in (rule.values for rule in RULES)
        if " ".join(re.search(r'"""(.+?)"""', body, re.DOTALL)[1].split()) not in text
        and name not in ("super_resolve_field", "check_observed")
    ]
    assert not silent


def test_help_needs_no_virtual_environment(tmp_path):
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    done = subprocess.run(
        ["make", "help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "make results" in done.stdout
    assert "lists every target" in done.stdout


def test_make_help_lists_the_same(listed, tmp_path):
    (tmp_path / ".venv/bin").mkdir(parents=True)
    program = tmp_path / ".venv/bin/snakemake"
    program.write_text(
        f'#!/bin/sh\ncd {ROOT}\nexec {sys.executable} -m snakemake "$@"\n'
    )
    program.chmod(0o755)
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    done = subprocess.run(
        ["make", "help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MAKEFLAGS": ""},
    )
    assert listed in done.stdout


def test_the_workflow_can_be_a_module_of_another(tmp_path):
    (tmp_path / "Snakefile").write_text(
        f"""
module superspire:
    snakefile: "{ROOT}/workflow/Snakefile"
    config: {{"simulation": {{"fields": 2}}}}


use rule * from superspire as superspire_*
"""
    )
    plan = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "results/fig2.pdf"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert plan.returncode == 0, plan.stderr
    assert "rule superspire_fig2:" in plan.stdout
    assert "results/skies/simulated_1/250.fits" in plan.stdout


@pytest.mark.parametrize(("name", "text"), RULES)
def test_rules_say_what_they_do_in_a_sentence(name, text):
    said = re.search(r'^\s+"""(.+?)"""', text, re.DOTALL)[1]
    assert said.endswith(".")


@pytest.mark.parametrize(("name", "text"), WORKING)
def test_rules_with_a_script_log_and_are_measured(name, text):
    assert re.search(rf'log:\n\s+f?"logs/{name}(/|\.|_)', text)
    measured = re.search(rf'benchmark:\n\s+f?"benchmarks/{name}(/|\.|_)', text)
    unmeasured = name.startswith("benchmark_") or "cache:" in text
    assert measured or unmeasured or "localrule: True" in text
    assert "conda:" in text


@pytest.mark.parametrize(("name", "text"), WORKING)
def test_rules_with_a_script_watch_its_code(name, text):
    if name == "download_file":
        assert "localrule: True" in text
        return
    script = re.search(r'script:\n\s+"../scripts/(.+)"', text)[1]
    assert f'code_digest("{script}")' in text
