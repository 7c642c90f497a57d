"""The end of a failed run says what failed, why, and where the log is."""

from types import SimpleNamespace

import pytest

from superspire.failures import UNKNOWN, failed_jobs, reason, summary
from superspire.help import find_unknown, overview, requested, target

RUN = """[Sat Nov 21 10:34:31 2026]
Error in rule check_field:
    message: None
    jobid: 1
    input: unit250.fits
    output: results/fields/a/checks.json
    log: {log} (check log file(s) for error details)
[Sat Nov 21 10:34:32 2026]
Error in rule fig1:
    jobid: 2
    output: results/fig1.pdf
Shutting down, this might take some time.
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nError: map.fits: no WCS\n", "map.fits: no WCS"),
        ("Traceback ...\nKeyError: 'flux'\n", "KeyError: 'flux'"),
        ("numpy.linalg.LinAlgError: singular\n", "numpy.linalg.LinAlgError: singular"),
        ("MemoryError\n", "MemoryError"),
        ("Super-resolving: 10%\n", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_the_reason_is_the_last_error_of_the_log(tmp_path, text, expected):
    log = tmp_path / "a.log"
    if text is not None:
        log.write_text(text)
    assert reason(log) == expected


def test_every_failed_job_is_found():
    assert failed_jobs(RUN.format(log="logs/a.log")) == {
        "logs/a.log": "check_field",
        "fig1": "fig1",
    }


def test_a_summary_names_rule_reason_log_and_what_to_do(tmp_path):
    log, run = tmp_path / "a.log", tmp_path / "run.log"
    log.write_text("Error: map.fits: expected Jy/beam, found counts\n")
    run.write_text(RUN.format(log=log))
    lines = summary([run]).splitlines()
    assert "  check_field: map.fits: expected Jy/beam, found counts" in lines
    assert f"    log: {log}" in lines
    assert "call the same command again" in lines[-1]


def test_a_run_without_failed_jobs_has_no_summary(tmp_path):
    run = tmp_path / "run.log"
    run.write_text("WorkflowError: something else\n")
    assert summary([run]) == ""
    assert summary([]) == ""


class Rule:
    """What help asks of a rule of Snakemake."""

    snakefile = __file__
    docstring = "Do it."

    def __init__(self, name, *output):
        self.name, self.output = name, list(output)

    def is_producer(self, file):
        return file in self.output


RULES = [Rule("fig7", "results/fig7.pdf"), Rule("all")]


@pytest.mark.parametrize(
    ("arguments", "targets"),
    [
        (["--cores", "2", "results/fig8.pdf"], ["results/fig8.pdf"]),
        (["--configfile", "a.yaml", "--", "fig8", "b"], ["fig8", "b"]),
        (["--report", "results/report.html"], []),
        (["-n", "all"], []),
    ],
)
def test_only_what_is_certainly_a_target_is_judged(arguments, targets):
    assert requested(arguments) == targets


def test_an_unknown_target_is_named_with_its_likeliest_meaning():
    assert find_unknown(["results/fig7.pdf", "all", __file__], RULES) is None
    sentence = find_unknown(["all", "results/fig8.pdf"], RULES)
    assert sentence.startswith("results/fig8.pdf: expected a target, found no rule")
    assert "did you mean results/fig7.pdf?" in sentence
    assert "did you mean" not in find_unknown(["xyzzy"], RULES)


def test_wildcards_of_a_target_are_placeholders():
    rule = SimpleNamespace(name="a", output=[r"results/fields/{field,\d+}/{band}.fits"])
    assert target(rule) == "results/fields/NAME/BAND.fits"


def test_an_overview_names_every_rule():
    text = overview([*RULES, Rule("cut", "results/cutouts/{dataset}/index.csv")])
    first, steps = text.split("STEPS ON THE WAY")
    assert "results/fig7.pdf" in first
    assert "results/cutouts/DATASET/index.csv" in steps
