"""All methods on the same sky: figure and table."""

import pandas as pd

from superspire.figures.methods import draw_methods, gather, method_table
from superspire.figures.style import save
from superspire.figures.tables import write_latex
from superspire.job import run

CAPTION = (
    "Classical methods and networks on the independent sky: sources above 10 mJy, "
    "unless said."
)


def main(job):
    files, titles = job.input, job.params.titles
    names = ("fractions", "fluxes", "counts", "pairs")
    tables = [pd.read_csv(files[name]) for name in names]
    save(draw_methods(*tables, titles), job.output.pdf, job.output.png)
    gather(*tables).to_csv(job.output.csv, index=False, float_format="%.5g")
    summary = pd.read_csv(files.summary)
    summary.insert(1, "title", summary["method"].map(titles))
    summary.to_csv(job.output.table, index=False, float_format="%.4g")
    table, formats = method_table(summary, titles)
    write_latex(job.output.tex, table, CAPTION, formats)
    print(table.to_string(index=False))


if __name__ == "__main__":
    run(main, snakemake)
