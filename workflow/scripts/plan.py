"""Print how long a configuration takes, with how much memory and disk."""

from pathlib import Path

import pandas as pd

from superspire.planning.rates import fit_rates, own_rates, read_rates
from superspire.planning.stages import (
    deblender_stages,
    field_stages,
    paper_stages,
    survey_stages,
)
from superspire.planning.table import plan_stages, plan_surveys, text


def areas_of(path, given):
    """Areas of the surveys of a table [deg²], or of one that is asked for."""
    if given:
        return {f"{float(given):g} deg2": float(given)}
    table = pd.read_csv(path, comment="#")
    return dict(zip(table["survey"], table["area_deg2"], strict=True))


def main(job, terminal):
    config = job.params.config
    fields = field_stages(config)
    stages = paper_stages(config) + deblender_stages(config) + fields
    folder, known = Path(job.params.benchmarks), fit_rates(read_rates(job.input.rates))
    rates, measured = own_rates(known, folder, stages)
    table = plan_stages(stages, rates)
    architecture = config["network"]["architecture"]
    areas = areas_of(job.input.surveys, job.params.area)
    surveys = plan_surveys(areas, rates, architecture)
    rules = {stage.rule for stage in survey_stages({}, architecture)}
    source = ", ".join(measured) or "none"
    lines = [
        "",
        text(table),
        f"{table['jobs'].sum()} jobs, {table['hours'].sum():.2f} hours one after the "
        f"other, {table['disk_gb'].sum():.1f} GB on disk",
        "",
        text(surveys),
        f"by jobs of {', '.join(sorted(rules))}, in pieces that fit in 8 GB",
        "",
        f"Rates measured on this machine: {source}; all others: {job.input.rates}",
    ]
    for file in (None, terminal):
        print("\n".join(lines), file=file)


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake) as terminal:
        main(snakemake, terminal)
