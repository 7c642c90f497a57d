"""Put every statistic of the simulated sky beside EGG's."""

import pandas as pd

from superspire.egg.agreement import combine_fields, compare
from superspire.egg.agreement_summary import (
    name_disagreeing,
    name_disagreeing_draws,
    summarise_draws,
    summarise_groups,
    verdict,
)
from superspire.egg.egg_reference import read_reference, reference_table
from superspire.egg.grid_comparison import (
    name_disagreeing_points,
    summarise_grid,
)
from superspire.job import run


def read_fields(paths):
    """Read the measurements of the fields and the comments that say what they are."""
    comments, fields = [], []
    for path in paths:
        with open(path) as file:
            comments.append(file.readline())
            fields.append(pd.read_csv(file).astype({"band_um": "Int64"}))
    return comments, fields


def write(path, table, comments):
    """Write a table below the comments that say what it is made of."""
    with open(path, "w") as file:
        file.writelines(comments)
        table.to_csv(file, index=False, float_format="%.6g")


def main(job):
    reference = {
        name: read_reference(path, name)
        for name, path in zip(job.params.reference, job.input.reference, strict=True)
    }
    comments, fields = read_fields(job.input.fields)
    ours, number = combine_fields(fields), len(fields)
    area = job.params.area * number
    table = compare(reference_table(reference), ours, area, number)
    draws = pd.read_csv(job.input.draws, comment="#")
    groups = [*summarise_groups(table), *summarise_draws(draws)]
    disagreeing = name_disagreeing(table) + name_disagreeing_draws(draws)
    for path in job.input.grid:
        grid = pd.read_csv(path)
        groups += summarise_grid(grid)
        disagreeing += name_disagreeing_points(grid)
    write(job.output.summary, table, comments)
    groups = pd.DataFrame(groups)
    write(job.output.agreement, groups, comments)
    joined = groups.astype(object).where(groups.notna(), "")
    print(joined.to_string(index=False, float_format=lambda x: f"{x:.3g}"))
    print(verdict(groups, disagreeing))


if __name__ == "__main__":
    run(main, snakemake)
