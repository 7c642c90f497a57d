"""Compare a super-resolved field with a published catalogue."""

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from superspire.checksums import verify
from superspire.evaluation.protocols import PAPER, STRICT
from superspire.figures.reference import draw_reference
from superspire.figures.style import save
from superspire.io import read_table
from superspire.job import announce, run
from superspire.products.reference import (
    compare_with_reference,
    read_reference,
    summarise_pairs,
)


def main(job, terminal=None):
    verify(job.input.reference)
    options = {k: v for k, v in job.params.reference.items() if k != "file"}
    reference = read_reference(
        job.input.reference, **options, notify=announce(terminal)
    )
    with fits.open(job.input.image) as hdus:
        covered = hdus["COVERAGE"].data > 0
        wcs = WCS(hdus[0].header)
    catalogue = read_table(job.input.catalogue)
    radii = {PAPER: job.params.radius, STRICT: job.params.strict_radius}
    measures, pairs = compare_with_reference(
        catalogue, reference, covered, wcs, *radii.values()
    )
    ratios = summarise_pairs(pairs, radii)
    measures.to_csv(job.output.measures, index=False, float_format="%.5g")
    ratios.to_csv(job.output.ratios, index=False, float_format="%.5g")
    figure = draw_reference(measures, pairs, ratios, radii)
    save(figure, job.output.pdf, job.output.png)
    area = np.count_nonzero(covered) / 3600**2
    print(f"{len(reference)} published sources, field of {area:.3f} deg²")
    print(ratios.to_string(index=False, float_format=lambda v: f"{v:.3g}"))


if __name__ == "__main__":
    run(main, snakemake, progress=True)
