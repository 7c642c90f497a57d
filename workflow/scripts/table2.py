"""Table 2: the layers of the network, as built."""

from superspire.figures.fig1_network import network_blocks
from superspire.figures.tables import layer_table, write_latex
from superspire.job import run
from superspire.unet.architecture import build_network

PAPER_FILTERS = 64
NAMES = {
    "layer": "Layer",
    "operation": "Operation",
    "filters": "Filters",
    "output": "Output",
    "parameters": "Parameters",
    "filters_this_run": "Filters (this run)",
    "parameters_this_run": "Parameters (this run)",
}
CAPTION = (
    "The network with the 64 base filters of the paper, and as trained in this run."
)


def main(job):
    network = job.params.network
    paper = network_blocks(build_network(**network | {"base_filters": PAPER_FILTERS}))
    table = layer_table(paper, network_blocks(build_network(**network)))
    table.to_csv(job.output.csv, index=False)
    write_latex(job.output.tex, table.rename(columns=NAMES), CAPTION)


if __name__ == "__main__":
    run(main, snakemake)
