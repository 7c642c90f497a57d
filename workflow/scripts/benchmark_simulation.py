"""Measure the speed and the memory of the sky model."""

import pandas as pd

from superspire.benchmark.sky import CASES, make_field
from superspire.benchmark.timing import measure
from superspire.job import run


def main(job):
    rows = []
    for case in CASES:
        used = measure(make_field, **case)
        rows.append(
            {
                "area_deg2": case["area"],
                "log_lir_min": case["log_lir_min"],
                "maps": 4 * case["maps"],
                "galaxies": used["result"],
                "wall_s": used["wall_s"],
                "cpu_s": used["cpu_s"],
                "cpu_s_per_deg2": used["cpu_s"] / case["area"],
                "peak_gb": used["peak_gb"],
            }
        )
        print(pd.DataFrame(rows[-1:]).to_string(index=False))
    table = pd.DataFrame(rows)
    table.to_csv(job.output[0], index=False, float_format="%.3g", na_rep="none")


if __name__ == "__main__":
    run(main, snakemake)
