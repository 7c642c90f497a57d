"""Table 3: pulls of the fluxes of Fig. 4."""

import pandas as pd

from superspire.figures.style import sky_titles
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
    "n_distinct": "Distinct",
    "pull": "Pull",
    "pull_error": "Error",
}
CAPTION = (
    r"Pulls $|x-\mathrm{mean}|/\mathrm{std}$ of the super-resolved flux, and their "
    "standard errors, in the bins of target flux of Fig. 4. Sources are selected in "
    "the super-resolved map, above ten times its background rms, so that the faintest "
    "bins show Eddington bias."
)


def main(job):
    table = pull_table(pd.read_csv(job.input[0]))
    table.to_csv(job.output.csv, index=False)
    formats = dict.fromkeys([NAMES[name] for name in NAMES if "_mJy" in name], ".1f")
    formats |= {"Distinct": ".0f", "Pull": ".2f", "Error": ".2f"}
    table["dataset"] = table["dataset"].map(sky_titles(job.params.mocked))
    write_latex(job.output.tex, table.rename(columns=NAMES), CAPTION, formats)


if __name__ == "__main__":
    run(main, snakemake)
