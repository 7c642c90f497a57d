"""Table 3: pulls of the fluxes of Fig. 4."""

import pandas as pd

from superspire.figures.tables import pull_table, write_latex

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


def main(snakemake):
    table = pull_table(pd.read_csv(snakemake.input[0]))
    table.to_csv(snakemake.output.csv, index=False)
    formats = dict.fromkeys([NAMES[name] for name in NAMES if "_mJy" in name], ".1f")
    formats |= {"Distinct": ".0f", "Pull": ".2f"}
    write_latex(snakemake.output.tex, table.rename(columns=NAMES), CAPTION, formats)


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake):
        main(snakemake)
