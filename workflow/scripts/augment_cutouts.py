"""List the flips and rotations of the observed training set."""

import pandas as pd

from superspire.dataset.augmentation import augmented
from superspire.job import run


def main(job):
    positions = len(pd.read_csv(job.input.index))
    views = pd.DataFrame(augmented(positions), columns=["cutout", "transform"])
    views.to_csv(job.output[0], index=False)
    print(f"{positions} positions, {len(views)} training images")


if __name__ == "__main__":
    run(main, snakemake)
