"""Fig. 5: offset against position angle."""

from superspire.evaluation.measures import SUPER_RESOLVED
from superspire.evaluation.protocols import PAPER, read_protocol
from superspire.figures.fig5_offsets import draw_offsets, offset_contours
from superspire.figures.style import save, sky_titles
from superspire.job import run


def main(job):
    tables = {
        name: read_protocol(path, PAPER, selection=SUPER_RESOLVED)
        for name, path in zip(job.params.datasets, job.input, strict=True)
    }
    tables = {name: table.dropna(subset="angle") for name, table in tables.items()}
    offset_contours(tables).to_csv(job.output.csv, index=False, float_format="%.5g")
    figure = draw_offsets(tables, sky_titles(job.params.mocked))
    save(figure, job.output.pdf, job.output.png)


if __name__ == "__main__":
    run(main, snakemake)
