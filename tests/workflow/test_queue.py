"""The profile for other queues, on commands that answer as those of PBS do."""

import os
import re
from pathlib import Path

import pytest

from helpers import snakemake

ROOT = Path(__file__).parents[2]
TARGET = "results/skies/independent/catalogue.fits"
QSUB = """#!/bin/sh
number=$(($(ls "$QUEUE" | grep -c command) + 1))
echo "$*" > "$QUEUE/$number.command"
for script; do :; done
if [ $number = 1 ]; then
    echo 271 > "$QUEUE/$number.status"
else
    (sh "$script" > "$QUEUE/$number.log" 2>&1; echo $? > "$QUEUE/$number.status") &
fi > /dev/null
echo $number.server
"""
QSTAT = """#!/bin/sh
for job; do :; done
echo "Job Id: $job"
if status=$(cat "$QUEUE/${job%.server}.status" 2> /dev/null); then
    echo "    job_state = F"
    echo "    Exit_status = $status"
else
    echo "    job_state = R"
fi
"""


@pytest.mark.slow
def test_a_job_that_the_queue_killed_is_submitted_again(tmp_path):
    queue = tmp_path / "queue"
    queue.mkdir()
    for name, text in (("qsub", QSUB), ("qstat", QSTAT)):
        command = tmp_path / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(text)
        command.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "QUEUE": str(queue),
    }
    done = snakemake.run(
        tmp_path / "run",
        *("--workflow-profile", "generic", TARGET),
        config=ROOT / "tests/smoke/config/config.yaml",
        cores=None,
        env=environment,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert (tmp_path / "run" / TARGET).exists()
    commands = [path.read_text() for path in sorted(queue.glob("*.command"))]
    first, second = (int(re.search(r"mem=(\d+)mb", c)[1]) for c in commands)
    assert second == pytest.approx(2 * first, abs=2)
    assert "ncpus=1" in commands[0]
    assert "ngpus=0" in commands[0]
    assert "walltime=1800" in commands[0]
