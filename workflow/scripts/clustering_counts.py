"""Measure and draw number counts and clustering on independent sky (section 5)."""

import pandas as pd

from superspire.evaluation.clustering import measure_clustering, measure_counts
from superspire.evaluation.protocols import with_flux
from superspire.figures.clustering import draw_clustering_counts
from superspire.figures.style import save
from superspire.io import read_table
from superspire.job import run


def main(job):
    files, output = job.input, job.output
    index = pd.read_csv(files.evaluated)
    samples = {
        name: with_flux(read_table(path), "flux")
        for name, path in (
            ("injected", files.injected),
            ("target", files.target),
            ("superresolved", files.sr),
        )
    }
    counts = measure_counts(samples, index)
    clustering = measure_clustering(samples, index)
    tables = {"counts": counts, "correlation": clustering}
    joined = pd.concat(tables, names=["measure"]).reset_index("measure")
    joined.to_csv(output.csv, index=False, float_format="%.5g")
    save(draw_clustering_counts(counts, clustering), output.pdf, output.png)


if __name__ == "__main__":
    run(main, snakemake)
