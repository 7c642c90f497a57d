"""Find the sources of the independent sky by one method, and time it."""

import numpy as np
from astropy import units

from superspire.benchmark.timing import measure
from superspire.evaluation.catalogues import round_columns
from superspire.instruments import SPIRE
from superspire.io import read_json, read_map, write_json, write_table
from superspire.job import run
from superspire.maps.positions import pixel_size
from superspire.methods.inputs import read_inputs, true_positions
from superspire.methods.methods import find_in_files

UNITS = {"ra": units.deg, "dec": units.deg}


def main(job):
    files, params = job.input, job.params
    method = job.wildcards.method
    given = "truth" in files.keys()  # noqa: SIM118
    positions = true_positions(files.truth) if given else None
    inputs = read_inputs(files, params, positions)
    maps = {band: str(files[f"map_{band}"]) for band in SPIRE}
    used = measure(find_in_files, method, maps, inputs, job.threads)
    found = used.pop("result")
    threshold = read_json(files.threshold)["threshold"]
    found = found[np.asarray(found["snr"]) >= threshold]
    found = found[np.argsort(-np.asarray(found["flux"]), kind="stable")]
    for name in found.colnames:
        if name != "snr":
            found[name].unit = UNITS.get(name, units.mJy)
    cards = {"METHOD": method, "LEASTSNR": threshold, "SEED": params.seed}
    write_table(job.output.catalogue, round_columns(found), **cards)
    image = read_map(maps[250])
    area = float(np.isfinite(image.data).sum() * (pixel_size(image) / 3600.0) ** 2)
    record = {
        **used,
        "area_deg2": area,
        "wall_s_per_deg2": used["wall_s"] / area,
        "cpu_s_per_deg2": used["cpu_s"] / area,
        "threads": job.threads,
        "sources": len(found),
    }
    write_json(job.output.timing, {"method": method, **record})
    print(record)


if __name__ == "__main__":
    run(main, snakemake)
