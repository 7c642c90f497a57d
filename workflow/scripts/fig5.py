"""Fig. 5: offset against position angle."""

from superspire.evaluation.protocols import PAPER, read_protocol
from superspire.figures.fig5_offsets import draw_offsets, offset_contours
from superspire.figures.style import save


def main(snakemake):
    tables = {
        name: read_protocol(path, PAPER).dropna(subset="separation")
        for name, path in zip(snakemake.params.datasets, snakemake.input, strict=True)
    }
    contours = offset_contours(tables)
    contours.to_csv(snakemake.output.csv, index=False, float_format="%.5g")
    save(draw_offsets(tables, contours), snakemake.output.pdf, snakemake.output.png)


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake):
        main(snakemake)
