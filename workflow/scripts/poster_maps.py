"""Poster: the SPIRE maps, the 450 µm map, and its sources on the 500 µm map."""

from astropy import units
from astropy.coordinates import SkyCoord

from superspire.figures.poster import (
    draw_inputs,
    draw_sources,
    draw_target,
    middle_of,
)
from superspire.figures.style import save
from superspire.instruments import PAPER_BANDS, TARGET
from superspire.io import read_map
from superspire.job import run
from superspire.products.catalogue import extract_map


def main(job):
    files, output = job.input, job.output
    maps = {band: read_map(files[f"map_{band}"]) for band in PAPER_BANDS}
    target = maps[TARGET]
    found = extract_map(target.data, job.params.threshold)
    ra, dec = target.wcs.all_pix2world(found["x"].value, found["y"].value, 0)
    sources = SkyCoord(ra, dec, unit=units.deg)
    centre = middle_of(target)
    print(f"{len(sources)} sources of the 450 µm map; panels around {centre}")
    mocked = job.params.mocked
    save(draw_inputs(maps, centre, mocked), output.bands, output.bands_png)
    save(draw_target(maps, centre, mocked), output.target, output.target_png)
    figure = draw_sources(maps, centre, mocked, sources)
    save(figure, output.sources, output.sources_png)


if __name__ == "__main__":
    run(main, snakemake)
