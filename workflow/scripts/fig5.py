"""Fig. 5: offset against position angle."""

from superspire.evaluation.protocols import PAPER, read_protocol
from superspire.figures.fig5_offsets import draw_offsets, offset_contours
from superspire.figures.style import save
from superspire.job import run


def main(job):
    tables = {
        name: read_protocol(path, PAPER).dropna(subset="separation")
        for name, path in zip(job.params.datasets, job.input, strict=True)
    }
    contours = offset_contours(tables)
    contours.to_csv(job.output.csv, index=False, float_format="%.5g")
    save(draw_offsets(tables, contours), job.output.pdf, job.output.png)


if __name__ == "__main__":
    run(main, snakemake)
