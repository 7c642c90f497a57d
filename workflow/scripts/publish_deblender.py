"""Publish the trained deblender: half precision, calibration and provenance."""

import shutil
import subprocess
from pathlib import Path

from superspire.deblender.inference import load_deblender, write_half
from superspire.io import read_json, write_json
from superspire.job import run


def commit():
    """Name the commit of the code, if it is under version control."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or None


def main(job):
    network = load_deblender(job.input.network, folded=False)
    write_half(network.model, job.output.weights)
    meta = read_json(job.input.network)
    write_json(
        job.output.network,
        {**meta, "commit": commit(), "configuration": dict(job.params.configuration)},
    )
    for name in ("calibration", "selection_function", "expected_sky"):
        shutil.copyfile(job.input[name], job.output[name])


if __name__ == "__main__":
    run(main, snakemake)
