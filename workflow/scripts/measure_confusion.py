"""Measure the confusion noise of the simulated maps (Table 1)."""

import pandas as pd
from astropy.io import fits

from superspire.evaluation.confusion import confusion_noise
from superspire.job import run


def main(job):
    rows = []
    for band, path in zip(job.params.bands, job.input, strict=True):
        with fits.open(path) as hdus:
            noise = hdus[0].header["NOISE"]
            value, error = confusion_noise(1e3 * hdus[0].data, noise)
        rows.append({"wavelength_um": band, "confusion": value, "error": error})
    table = pd.DataFrame(rows)
    table.to_csv(job.output[0], index=False, float_format="%.4g")
    print(table.to_string())


if __name__ == "__main__":
    run(main, snakemake)
