"""Take the published sources of the observed field for its true ones."""

from pathlib import Path

from superspire.checksums import verify
from superspire.io import write_table
from superspire.job import announce, run
from superspire.products.reference import read_reference


def main(job, terminal=None):
    path = job.input.catalogue
    verify(path)
    options = {k: v for k, v in job.params.reference.items() if k != "file"}
    table = read_reference(path, **options, notify=announce(terminal))
    write_table(job.output[0], table, SOURCE=Path(path).name)
    print(f"{len(table)} sources")


if __name__ == "__main__":
    run(main, snakemake, progress=True)
