"""Bounds that hold for every method on the independent sky."""

from superspire.evaluation.methods import BRIGHT
from superspire.instruments import SPIRE
from superspire.io import read_columns, read_json, read_map
from superspire.job import run
from superspire.methods.cramer_rao import cramer_rao
from superspire.sky.beams import beam_of


def main(job):
    files = job.input
    maps = {band: read_map(files[f"map_{band}"]) for band in SPIRE}
    beams = {band: beam_of(band, job.params.realism) for band in SPIRE}
    (flux,) = read_columns(files.catalogue, "S450")
    bright = flux[flux >= BRIGHT]
    table = cramer_rao(maps, beams, read_json(files.statistics), bright)
    table["n"] = len(bright)
    table.to_csv(job.output[0], index=False, float_format="%.4g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    run(main, snakemake)
