"""Download a file of a public archive."""

from superspire.downloads import download
from superspire.job import run


def main(job, terminal):
    source, path = job.params.source, job.output[0]
    digest = download(source["url"], path, source.get("sha256"), terminal=terminal)
    print(f"{digest}  {path}")


if __name__ == "__main__":
    run(main, snakemake, progress=True, stage=False)
