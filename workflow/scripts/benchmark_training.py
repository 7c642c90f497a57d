"""Measure the speed of a training step, from the plain one to the fastest."""

import pandas as pd

from superspire.benchmark.timing import measure
from superspire.benchmark.training import LEVERS, flop_per_image, time_step
from superspire.job import run

IMAGES = 2560
"""Images of a case, over its base filters: some ten seconds of training."""


def name(case):
    keras = "keras" if case["plain"] else "fused"
    return f"{case['finding']}, {keras}"


def rows_of(filters, threads):
    flop = measure(flop_per_image, filters)["result"]
    plain = None
    for number, case in enumerate(LEVERS, start=1):
        steps = IMAGES // filters // case["batch"]
        options = {"base_filters": filters, **case, "threads": threads, "steps": steps}
        used = measure(time_step, **options)
        rate = used["result"]
        plain = plain or rate
        row = {
            "case": name(case),
            "base_filters": filters,
            "precision": case["precision"],
            "batch": case["batch"],
            "images_per_second": rate,
            "ratio_to_plain": rate / plain,
            "gflop_per_second": rate * flop / 1e9,
            "peak_gb": used["peak_gb"],
        }
        if number == len(LEVERS):
            for part in ("no loss", "reading"):
                other = measure(time_step, **options, part=part)["result"]
                if part == "reading":
                    row["reading_share"] = 1.0 - other / rate
                else:
                    row["loss_share"] = 1.0 - rate / other
        yield row


def main(job):
    rows = []
    for filters in job.params.base_filters:
        for row in rows_of(filters, job.threads):
            rows.append(row)
            print(pd.DataFrame([row]).to_string(index=False), flush=True)
    table = pd.DataFrame(rows)
    table.to_csv(job.output[0], index=False, float_format="%.3g")


if __name__ == "__main__":
    run(main, snakemake)
