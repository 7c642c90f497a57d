"""Fig. 4: flux in the super-resolved against flux in the target map."""

from superspire.evaluation.protocols import PAPER, read_protocol
from superspire.figures.fig4_fluxes import draw_fluxes, flux_bins
from superspire.figures.style import save, sky_titles
from superspire.job import run


def main(job):
    tables = {
        name: read_protocol(path, PAPER)
        for name, path in zip(job.params.datasets, job.input, strict=True)
    }
    bins = flux_bins(tables)
    bins.to_csv(job.output.csv, index=False, float_format="%.5g")
    figure = draw_fluxes(tables, bins, sky_titles(job.params.mocked))
    save(figure, job.output.pdf, job.output.png)


if __name__ == "__main__":
    run(main, snakemake)
