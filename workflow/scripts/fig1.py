"""Fig. 1: schematic of the network."""

from superspire.figures.fig1_network import draw_schematic, network_blocks
from superspire.figures.style import save
from superspire.unet.architecture import build_network


def main(snakemake):
    network = snakemake.params.network
    blocks = network_blocks(build_network(**network))
    blocks.to_csv(snakemake.output.csv, index=False)
    save(draw_schematic(blocks), snakemake.output.pdf, snakemake.output.png)


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake):
        main(snakemake)
