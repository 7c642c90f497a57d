"""The rules keep the conventions, and the workflow serves as a module of another."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from helpers import snakemake

ROOT = Path(__file__).parents[2]
HEADER = re.compile(r"^ *(?:rule|checkpoint) (\w+):$", re.MULTILINE)


def rule_texts():
    """Text of every rule of the workflow, by name and file."""
    files = [ROOT / "workflow/Snakefile", *ROOT.glob("workflow/rules/*.smk")]
    for file in sorted(files):
        parts = HEADER.split(file.read_text(encoding="utf-8"))
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            yield pytest.param(name, text, id=f"{file.stem}-{name}")


RULES = list(rule_texts())
WORKING = [rule for rule in RULES if "script:" in rule.values[1]]


def test_help_needs_no_virtual_environment(tmp_path):
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    done = subprocess.run(
        ["make", "help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "make results" in done.stdout


MODULE = f"""
module superspire:
    snakefile: "{ROOT}/workflow/Snakefile"
    config: {{"simulation": {{"fields": 2}}, "fields": {{"mine": {{"maps": MAPS}}}}}}


use rule * from superspire as superspire_*
"""
PARENT = """
MAPS = {"250": "made/250.fits", "350": "made/350.fits", "500": "made/500.fits"}


rule make_map:
    output:
        "made/{band}.fits",
    shell:
        "touch {output}"


rule all_else:
    output:
        "results/fields/theirs/checks.json",
    shell:
        "touch {output}"
"""


def plan_module(folder, *targets):
    """Plan some targets of a workflow that has this one as a module."""
    (folder / "Snakefile").write_text(PARENT + MODULE)
    plan = snakemake.run(folder, "-n", *targets, snakefile=None, cores=None)
    assert plan.returncode == 0, plan.stderr
    return plan.stdout


def test_the_workflow_can_be_a_module_of_another(tmp_path):
    plan = plan_module(tmp_path, "results/fig2.pdf")
    assert "rule superspire_fig2:" in plan
    assert "results/skies/simulated_1/250.fits" in plan


def test_a_parent_workflow_makes_maps_and_has_fields_of_its_own(tmp_path):
    targets = [f"results/fields/{field}/checks.json" for field in ("mine", "theirs")]
    plan = plan_module(tmp_path, *targets)
    assert "rule superspire_check_field:" in plan
    assert plan.count("rule make_map:") == 3
    assert "rule all_else:" in plan


UNTRACKED = (".git", ".venv", ".snakemake", "results", "logs", "benchmarks", "data")
REMOTE = """
module superspire:
    snakefile: github("someone/superspire", path="workflow/Snakefile", branch="main")
    config: {"independent": {"area": 0.01}}


use rule * from superspire as superspire_*
"""


@pytest.mark.slow
def test_the_workflow_can_be_a_module_from_github(tmp_path):
    """Git takes a repository of this machine for the one on GitHub."""
    repository = tmp_path / "repository"
    shutil.copytree(ROOT, repository, ignore=shutil.ignore_patterns(*UNTRACKED))
    who = ["-c", "user.name=someone", "-c", "user.email=someone@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    subprocess.run(["git", *who, "commit", "-qm", "all"], cwd=repository, check=True)
    environment = {key: v for key, v in os.environ.items() if key != "GITHUB_TOKEN"}
    environment |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/someone/superspire",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    folder = tmp_path / "parent"
    folder.mkdir()
    (folder / "Snakefile").write_text(REMOTE)
    target = "results/skies/independent/catalogue.fits"
    done = snakemake.run(folder, target, snakefile=None, env=environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert (folder / target).exists()
    assert str(ROOT / "workflow") not in done.stdout + done.stderr


def test_the_workflow_catalogue_finds_what_it_needs():
    """What snakemake-workflow-catalog looks for, and the checks that it runs."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    assert (ROOT / "config/README.md").stat().st_size > 0
    settings = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())
    usage = settings["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    files = [ROOT / "workflow/Snakefile", *ROOT.glob("workflow/rules/*.smk")]
    for command in (
        [sys.executable, "-m", "snakemake", "--lint"],
        [Path(sys.executable).with_name("snakefmt"), "--check", "-v", *files],
    ):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize(("name", "text"), RULES)
def test_rules_say_what_they_do_in_a_sentence(name, text):
    said = re.search(r'^\s+"""(.+?)"""', text, re.DOTALL)[1]
    assert said.endswith(".")


@pytest.mark.parametrize(("name", "text"), WORKING)
def test_rules_with_a_script_log_in_an_environment(name, text):
    assert re.search(rf'log:\n\s+f?"logs/{name}(/|\.|_)', text)
    assert "conda:" in text


@pytest.mark.parametrize(("name", "text"), RULES)
def test_resources_are_asked_for_in_one_way(name, text):
    """What `memory` gives doubles with every attempt, as the profiles' default does."""
    assert not re.search(r"\bmem=", text)
    assert re.findall(r"mem_mb=(?!memory\(|training_memory\()", text) == []
    assert "threads: 1\n" not in text


@pytest.mark.parametrize("name", ["slurm", "generic"])
def test_default_memory_doubles_with_every_attempt(name):
    profile = (ROOT / f"profiles/{name}/profile.yaml").read_text()
    default = re.search(r"mem_mb: (.+?)  #", profile)[1]
    assert [eval(default, {"attempt": attempt}) for attempt in (1, 2, 3)] == [
        2000,
        4000,
        8000,
    ]


@pytest.mark.parametrize(("name", "text"), WORKING)
def test_rules_with_a_script_watch_its_code(name, text):
    if name in ("download", "download_file"):
        assert "localrule: True" in text
        return
    script = re.search(r'script:\n\s+"../scripts/(.+)"', text)[1]
    assert f'code_digest("{script}")' in text


def test_every_script_is_called_by_a_rule_or_by_make():
    callers = [ROOT / "Makefile", *ROOT.glob("workflow/rules/*.smk")]
    text = "".join(caller.read_text(encoding="utf-8") for caller in callers)
    called = set(re.findall(r"scripts/(\w+\.py)", text))
    assert called == {path.name for path in ROOT.glob("workflow/scripts/*.py")}
