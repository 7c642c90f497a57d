"""Measure every method on the whole independent sky."""

import numpy as np
import pandas as pd
from astropy.wcs import WCS

from superspire.evaluation.catalogues import TRUTH_LIMIT
from superspire.evaluation.methods import (
    field_catalogue,
    field_fractions,
    flux_ratios,
    recovered_counts,
    summarise,
)
from superspire.io import read_columns, read_json, read_map, read_table
from superspire.job import run
from superspire.products.catalogue import extract_map

PAIRS = (12.0, 15.0, 18.0)


def main(job):
    files, params = job.input, job.params
    target_map = read_map(files.target)
    wcs, size = WCS(target_map.wcs.to_header()), min(target_map.data.shape)
    target = extract_map(target_map.data, params.target_threshold)
    ra, dec, flux = read_columns(files.injected, "RA", "DEC", "S450")
    true = flux >= TRUTH_LIMIT
    injected = field_catalogue(ra[true], dec[true], flux[true], wcs)
    radii = params.match_radius, params.strict_radius
    parts, rows = {"fractions": [], "fluxes": [], "counts": [], "pairs": []}, []
    for number, method in enumerate(params.methods):
        table = read_table(files.catalogues[number])
        found = field_catalogue(table["ra"], table["dec"], table["flux"], wcs)
        measured = {
            "fractions": field_fractions(found, target, injected, *radii, size),
            "fluxes": flux_ratios(found, injected, params.strict_radius, size),
            "counts": recovered_counts(found, injected, size),
            "pairs": pd.read_csv(files.pairs[number]),
        }
        for name, part in measured.items():
            part.insert(0, "method", method)
            parts[name].append(part)
        timing = read_json(files.timings[number])
        pairs = measured["pairs"].set_index("separation")["fraction"]
        rows.append(
            {
                "method": method,
                "threshold": read_json(files.thresholds[number])["threshold"],
                **summarise(found, injected, *radii, size),
                **{f"pairs_{at:g}": pairs.get(at, np.nan) for at in PAIRS},
                "wall_s_per_deg2": timing["wall_s_per_deg2"],
                "cpu_s_per_deg2": timing["cpu_s_per_deg2"],
                "threads": timing["threads"],
                "peak_gb": timing["peak_gb"],
            }
        )
        print(pd.Series(rows[-1]).to_string())
    for name, tables in parts.items():
        joined = pd.concat(tables, ignore_index=True)
        joined.to_csv(job.output[name], index=False, float_format="%.5g")
    summary = pd.DataFrame(rows)
    summary.to_csv(job.output.summary, index=False, float_format="%.5g")


if __name__ == "__main__":
    run(main, snakemake)
