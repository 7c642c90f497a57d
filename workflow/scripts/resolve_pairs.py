"""Measure which separations of equal pairs a method resolves."""

import numpy as np
import pandas as pd
from astropy.io import fits

from superspire.evaluation.catalogues import TRUTH_LIMIT
from superspire.evaluation.measures import binomial_interval
from superspire.instruments import PAPER_BANDS, SPIRE, TARGET
from superspire.io import read_columns, read_json
from superspire.job import run
from superspire.methods.inputs import read_inputs
from superspire.methods.methods import find
from superspire.methods.pairs import (
    FLUX,
    SEPARATIONS,
    draw_background,
    field_side,
    observe_pairs,
    place_pairs,
    resolved,
    to_sky,
)
from superspire.sky.beams import beam_of


def main(job):
    files, params = job.input, job.params
    statistics = read_json(files.statistics)
    columns = read_columns(files.catalogue, *(f"S{band}" for band in PAPER_BANDS))
    area = fits.getheader(files.catalogue, 1)["AREA"]
    catalogue = dict(zip(PAPER_BANDS, columns, strict=True))
    side = field_side()
    background = draw_background(catalogue, area, side, params.seed)
    beams = {band: beam_of(band, params.realism) for band in SPIRE}
    known = background[0][background[1][TARGET] >= TRUTH_LIMIT]
    threshold = read_json(files.threshold)["threshold"]
    rows = []
    for separation in SEPARATIONS:
        pairs = place_pairs(separation, params.seed)
        maps = observe_pairs(
            pairs, background, statistics["colours"], beams, params.noise, params.seed
        )
        positions = to_sky(np.concatenate([known, pairs.reshape(-1, 2)]), side)
        inputs = read_inputs(files, params, tuple(positions))
        found = find(job.wildcards.method, maps, inputs)
        found = found[np.asarray(found["snr"]) >= threshold]
        hits = resolved(found, pairs, separation)
        low, high = binomial_interval(hits.sum(), len(hits))
        rows.append((separation, FLUX, len(hits), hits.mean(), low, high))
        print(f"{separation:g} arcsec: {hits.mean():.3f}")
    names = ["separation", "flux", "n", "fraction", "low", "high"]
    table = pd.DataFrame(rows, columns=names)
    table.to_csv(job.output[0], index=False, float_format="%.4g")


if __name__ == "__main__":
    run(main, snakemake)
