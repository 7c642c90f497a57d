"""Compare two observations of the same sky."""

from astropy.io import fits
from astropy.wcs import WCS

from superspire.checks.extended import read_extended
from superspire.figures.repeatability import draw_repeatability
from superspire.figures.style import save
from superspire.io import read_table, write_json
from superspire.job import run
from superspire.products.repeatability import Look, summarise_looks


def read_look(name, image, catalogue, extended):
    """Read what one observation gave."""
    with fits.open(image) as hdus:
        covered = hdus["COVERAGE"].data > 0
        wcs = WCS(hdus[0].header)
    return Look(name, read_table(catalogue), covered, wcs, read_extended(extended))


def main(job):
    names = [job.wildcards.field, job.wildcards.other]
    files = zip(job.input.images, job.input.catalogues, job.input.masks, strict=True)
    looks = [read_look(name, *own) for name, own in zip(names, files, strict=True)]
    fractions, pairs, summary = summarise_looks(looks)
    fractions.to_csv(job.output.fractions, index=False, float_format="%.4g")
    pairs.to_csv(job.output.pairs, index=False, float_format="%.4g")
    write_json(job.output.summary, summary)
    figure = draw_repeatability(fractions, pairs, names)
    save(figure, job.output.pdf, job.output.png)
    print(fractions.to_string(index=False, float_format=lambda v: f"{v:.3g}"))
    for key, value in summary.items():
        print(f"{key}: {value}")


if __name__ == "__main__":
    run(main, snakemake)
