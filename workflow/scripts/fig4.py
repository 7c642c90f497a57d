"""Fig. 4: flux in the super-resolved against flux in the target map."""

from superspire.evaluation.protocols import PAPER, read_protocol
from superspire.figures.fig4_fluxes import draw_fluxes, flux_bins
from superspire.figures.style import save


def main(snakemake):
    tables = {
        name: read_protocol(path, PAPER)
        for name, path in zip(snakemake.params.datasets, snakemake.input, strict=True)
    }
    bins = flux_bins(tables)
    bins.to_csv(snakemake.output.csv, index=False, float_format="%.5g")
    save(draw_fluxes(tables, bins), snakemake.output.pdf, snakemake.output.png)


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake):
        main(snakemake)
