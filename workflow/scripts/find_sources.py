"""Find the target sources of every cutout of a dataset."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tqdm import tqdm

from superspire.job import run
from superspire.photometry.sources import TARGET_SNR, find_target_sources


def main(job, terminal):
    targets = np.load(job.input.targets, mmap_mode="r")

    def find(image):
        return find_target_sources(np.nan_to_num(image), TARGET_SNR)

    with ThreadPoolExecutor(job.threads) as pool:
        found = list(
            tqdm(
                pool.map(find, targets),
                total=len(targets),
                desc=f"sources of the {job.wildcards.dataset} set",
                unit="cutout",
                file=terminal,
            )
        )
    counts = [len(x) for x, _, _ in found]
    x, y, snr = (np.concatenate(column) for column in zip(*found, strict=True))
    np.savez(
        job.output[0],
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        x=x.astype(np.int16),
        y=y.astype(np.int16),
        snr=snr.astype(np.float32),
    )
    print(f"{sum(counts)} sources in {len(counts)} cutouts")


if __name__ == "__main__":
    run(main, snakemake, progress=True)
