"""Fig. 1: schematic of the network."""

from superspire.figures.fig1_network import draw_schematic, network_blocks
from superspire.figures.style import save
from superspire.job import run
from superspire.unet.architecture import build_network


def main(job):
    network = job.params.network
    blocks = network_blocks(build_network(**network))
    blocks.to_csv(job.output.csv, index=False)
    save(draw_schematic(blocks), job.output.pdf, job.output.png)


if __name__ == "__main__":
    run(main, snakemake)
