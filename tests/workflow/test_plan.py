"""The plan is printed for the configuration at hand, with the rates of the machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from superspire.planning.scale import plan_everything

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def test_a_plan_is_printed_with_what_was_measured_here(tmp_path):
    (tmp_path / "benchmarks").mkdir()
    benchmark = "s\th:m:s\tmax_rss\n7200\t2:00:00\t5000\n"
    (tmp_path / "benchmarks/train_network.tsv").write_text(benchmark)
    config = {"simulation": {"fields": 2, "field_area": 3.0, "cutouts": 200}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"),
            *("--directory", tmp_path, "--configfile", tmp_path / "mine.yaml"),
            *("--cores", "1", "plan"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "AREA": "400"},
    )
    assert done.returncode == 0, done.stderr
    rows = {
        words[0]: words for words in map(str.split, done.stderr.splitlines()) if words
    }
    assert rows["simulate_catalogue"][1:3] == ["4", "8"]
    assert "2" in rows["train_network"]
    assert rows["400"][:4] == ["400", "deg2", "400", "3"]
    assert "measured on this machine: train_network;" in done.stderr
    assert (tmp_path / "logs/plan.log").read_text().strip() in done.stderr


def test_ten_thousand_cutouts_and_hundreds_of_fields_are_planned_in_seconds():
    _, few = plan_everything(ROOT / "Snakefile", 1, 10000)
    _, many = plan_everything(ROOT / "Snakefile", 400, 10000)
    assert few < 20
    assert many - few < 10
