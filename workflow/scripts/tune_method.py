"""Choose the signal-to-noise ratio from which a method's sources count."""

from astropy.io import fits
from astropy.wcs import WCS

from superspire.evaluation.methods import (
    TUNING_FLUX,
    best_threshold,
    field_catalogue,
    threshold_curve,
)
from superspire.instruments import SPIRE
from superspire.io import read_columns, read_json, write_json
from superspire.job import run
from superspire.methods.inputs import read_inputs, true_positions
from superspire.methods.methods import FLOOR, find_in_files


def main(job):
    files, params = job.input, job.params
    inputs = read_inputs(files, params, true_positions(files.truth))
    maps = {band: files[f"map_{band}"] for band in SPIRE}
    found = find_in_files(job.wildcards.method, maps, inputs, job.threads)
    record = read_json(files.statistics)
    x0, y0, x1, y1 = record["box"]
    wcs = WCS(fits.getheader(files.targets[params.skies.index(record["sky"])]))
    wcs.wcs.crpix = wcs.wcs.crpix - [x0, y0]
    curve = threshold_curve(
        field_catalogue(found["ra"], found["dec"], found["flux"], wcs),
        found["snr"],
        field_catalogue(*read_columns(files.truth, "RA", "DEC", "S450"), wcs),
        (y1 - y0, x1 - x0),
        params.strict_radius,
    )
    threshold = FLOOR if params.as_listed else best_threshold(curve)
    write_json(
        job.output[0],
        {
            "method": job.wildcards.method,
            "threshold": threshold,
            "rule": "all sources that its catalogues list"
            if params.as_listed
            else f"largest F1 of completeness above {TUNING_FLUX:g} mJy and purity "
            f"of all sources, both within {params.strict_radius:g} arcsec and a factor "
            "two in flux",
            "largest_f1_at": best_threshold(curve),
            "sky": record["sky"],
            "curve": curve.to_dict("list"),
        },
    )
    print(threshold)
    print(curve[curve["threshold"] == best_threshold(curve)].to_string(index=False))


if __name__ == "__main__":
    run(main, snakemake)
