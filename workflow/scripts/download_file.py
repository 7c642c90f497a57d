"""Download a file of a public archive."""

from superspire.downloads import download


def main(job, terminal):
    source, path = job.params.source, job.output[0]
    digest = download(source["url"], path, source.get("sha256"), terminal=terminal)
    print(f"{digest}  {path}")


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake, stage=False) as terminal:
        main(snakemake, terminal)
