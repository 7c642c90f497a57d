"""Measure how time and memory grow with the sky and the number of fields."""

import tempfile

import pandas as pd

from superspire.benchmark.scale import deblend, make_mock, plan_everything
from superspire.benchmark.sky import make_field
from superspire.benchmark.timing import measure
from superspire.job import run


def simulations(areas):
    for area in areas:
        used = measure(make_field, area, 9.5, True)
        yield "simulation", area, "deg2", used["wall_s"], used["cpu_s"], used["peak_gb"]


def deblendings(areas, job):
    network = job.input.network, job.input.calibration
    for area in areas:
        with tempfile.TemporaryDirectory(dir=job.resources.tmpdir) as folder:
            measure(make_mock, area, folder)
            used = measure(deblend, folder, *network, job.threads)
        seconds = used["result"][0]
        yield "deblending", area, "deg2", seconds, used["cpu_s"], used["peak_gb"]


def plans(numbers, job):
    for fields, cutouts in numbers:
        seconds, cpu = plan_everything(job.params.snakefile, fields, cutouts)
        yield f"plan, {cutouts} cutouts", fields, "fields", seconds, cpu, None


def main(job):
    params, rows = job.params, []
    names = ["what", "size", "unit", "wall_s", "cpu_s", "peak_gb"]
    for part in (
        simulations(params.simulated),
        deblendings(params.deblended, job),
        plans(params.planned, job),
    ):
        for row in part:
            rows.append(dict(zip(names, row, strict=True)))
            if row[2] == "deg2":
                rows[-1]["in_10_core_min"] = 600.0 * row[1] / row[4]
            print(pd.DataFrame(rows[-1:]).to_string(index=False), flush=True)
    table = pd.DataFrame(rows)
    table.to_csv(job.output[0], index=False, float_format="%.3g", na_rep="none")


if __name__ == "__main__":
    run(main, snakemake)
