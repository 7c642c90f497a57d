"""Table 3: pulls of the fluxes of Fig. 4."""

import pandas as pd

from superspire.figures.tables import pull_table, write_latex
from superspire.job import run

NAMES = {
    "dataset": "Sky",
    "flux_min_mJy": "From [mJy]",
    "flux_max_mJy": "To [mJy]",
    "flux_mJy": "Centre [mJy]",
    "mean_mJy": "Mean [mJy]",
    "std_mJy": "Std. [mJy]",
    "n": "Sources",
    "n_unique": "Distinct",
    "pull": "Pull",
}
CAPTION = (
    r"Pulls $|x-\mathrm{mean}|/\mathrm{std}$ of the super-resolved flux in the bins of "
    "target flux of Fig. 4."
)


def main(job):
    table = pull_table(pd.read_csv(job.input[0]))
    table.to_csv(job.output.csv, index=False)
    formats = dict.fromkeys([NAMES[name] for name in NAMES if "_mJy" in name], ".1f")
    formats |= {"Distinct": ".0f", "Pull": ".2f"}
    write_latex(job.output.tex, table.rename(columns=NAMES), CAPTION, formats)


if __name__ == "__main__":
    run(main, snakemake)
