"""Download files of public archives, or check those that are there."""

from superspire.downloads import download
from superspire.job import run


def main(job, terminal):
    files = [*job.input, *job.output]
    for path, source in zip(files, job.params.sources, strict=True):
        digest = download(source["url"], path, source.get("sha256"), terminal=terminal)
        print(f"{digest}  {path}")


if __name__ == "__main__":
    run(main, snakemake, progress=True, stage=False)
