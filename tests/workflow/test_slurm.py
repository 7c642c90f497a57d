"""The workflow on a real Slurm: submission, killed jobs, memory, partitions."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml

from helpers import snakemake
from helpers.slurm_cluster import cluster, jobs, missing, wait_for

ROOT = Path(__file__).parents[2]
SMOKE = ROOT / "tests/smoke/config/config.yaml"
CUTOUTS = "results/cutouts/observed/index.csv"
AUGMENTATION = "results/cutouts/observed/augmentation.csv"
PARTITIONS = {"short": {"max_runtime": "2h"}, "long": {"max_gpu": 2}}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """
    Make cutouts, their augmentation and a table, against two obstacles.

    The first job of the sky is cancelled while it runs, that of table 2 gets too little
    memory. Both ask for a GPU, of which the default profile has one.
    """
    if reason := missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("slurm")
    partitions = folder / "partitions.yaml"
    partitions.write_text(yaml.safe_dump({"partitions": PARTITIONS}))
    command = snakemake.command(
        folder / "run",
        *("--workflow-profile", ROOT / "profiles/slurm"),
        *("--slurm-partition-config", partitions, "--slurm-status-command", "squeue"),
        *("--slurm-init-seconds-before-status-checks", "1", "--set-resources"),
        *("simulate_catalogue:gpu=1", "table2:gpu=1"),
        "table2:mem_mb=300*8**(attempt-1)",
        *("--", CUTOUTS, AUGMENTATION, "results/table2.csv"),
        config=SMOKE,
    )
    with cluster(folder / "cluster") as env:
        with (folder / "out").open("wb") as out:
            process = subprocess.Popen(
                command, stdout=out, stderr=out, cwd=ROOT, env=env
            )
        try:
            started = folder / "run/logs/simulate_catalogue/observed.log"
            wait_for(
                lambda: (len(jobs(env)) == 2 and started.exists()) or process.poll(),
                150,
                "the start of two jobs at a time",
            )
            for job in jobs(env):
                if "sky" in job["comment"]:
                    subprocess.run(["scancel", job["id"]], check=True, env=env)
            code = process.wait(400)
        finally:
            process.kill()
        queue = jobs(env)
    output = (folder / "out").read_text()
    assert code == 0, output[-5000:]
    return folder / "run", pd.DataFrame(queue), output


def attempts(queue, name):
    """Select the jobs of a rule or group, in order."""
    return queue[queue["comment"].str.contains(name)]


def test_the_products_are_there(run):
    folder, _, _ = run
    assert len(pd.read_csv(folder / CUTOUTS)) == 9
    assert len(pd.read_csv(folder / AUGMENTATION)) == 7 * 9
    assert (folder / "results/table2.tex").stat().st_size > 100


def test_a_cancelled_job_runs_again_with_twice_the_memory(run):
    sky = attempts(run[1], "sky")
    assert list(sky["state"]) == ["CANCELLED", "COMPLETED"]
    first, second = sky["mem"]
    assert second == pytest.approx(2 * first, rel=0.01)
    assert first > 1000


def test_a_job_out_of_memory_runs_again_with_more(run):
    folder, queue, _ = run
    table = attempts(queue, "table2")
    assert list(table["state"]) == ["FAILED", "COMPLETED"]
    assert list(table["mem"]) == [300, 2400]
    logs = folder / ".snakemake/slurm_logs/rule_table2"
    (log,) = logs.glob(f"{table['id'].iloc[0]}.log")
    assert "exceeded memory limit" in log.read_text()


def test_no_other_job_needs_more_than_it_asks_for(run):
    cut = attempts(run[1], "cut_cutouts")
    assert list(cut["state"]) == ["COMPLETED"]
    assert len(run[1]) == 5


def test_jobs_that_belong_together_are_one_and_light_ones_run_here(run):
    _, queue, output = run
    assert "localrule augment_cutouts:" in output
    assert not queue["comment"].str.contains("augment").any()
    assert queue["comment"].str.contains("make_maps_simulate_catalogue").sum() == 2


def test_jobs_with_a_gpu_go_where_there_is_one_and_side_by_side(run):
    queue = run[1]
    wants = queue["gpus"].str.contains("gpu")
    assert set(queue["partition"][wants]) == {"long"}
    assert set(queue["partition"][~wants]) == {"short"}
    assert wants.sum() == 4


def test_the_profile_is_found_by_its_name(tmp_path):
    options = ("--workflow-profile", "slurm", "-n", CUTOUTS)
    plan = snakemake.run(tmp_path, *options, config=SMOKE, cores=None)
    assert plan.returncode == 0, plan.stderr
    assert "Group job sky" in plan.stdout
