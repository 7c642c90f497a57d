"""How time and memory grow with the area of sky and the number of fields."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from superspire.benchmark.sky import CENTER
from superspire.instruments import BANDS, SPIRE
from superspire.io import Map, read_columns, read_map, write_map, write_table_parts
from superspire.seeds import stream
from superspire.sky.catalogue import simulate_parts
from superspire.sky.dust import load_library
from superspire.sky.maps import make_map

NOISE = 2.0
"""White noise of the mock fields [mJy/beam]."""


def make_mock(area, folder, seed=1):
    """Write the SPIRE maps of a mock field into a folder.

    Parameters
    ----------
    area : float
        Area [deg²].
    folder : path-like
    seed : int
    """
    folder = Path(folder)
    catalogue = folder / "catalogue.fits"
    parts = simulate_parts(
        area, seed, log_lir_min=9.5, center=CENTER, dust=load_library()
    )
    write_table_parts(catalogue, parts)
    for band in SPIRE:
        columns = read_columns(catalogue, "RA", "DEC", f"S{band}")
        map_ = make_map(*columns, band, CENTER, 3600.0 * area**0.5)
        white = stream(seed, "noise", band).normal(0.0, NOISE, map_.data.shape)
        noisy = Map(map_.data + white.astype("f4"), map_.wcs)
        write_map(folder / f"{band}.fits", noisy, BANDS[band].fwhm)


def deblend(folder, network, calibration, threads):
    """Super-resolve the maps of a folder and list their sources.

    Parameters
    ----------
    folder : path-like
        What `make_mock` wrote.
    network, calibration : path-like
        See `superspire.deblender.inference.load_deblender`.
    threads : int

    Returns
    -------
    seconds : float
        Time without the imports and the loading of the network [s].
    sources : int
        Number of sources.
    """
    from superspire.deblender.inference import deblend as find_sources
    from superspire.deblender.inference import load_deblender
    from superspire.maps.tiling import common_grid
    from superspire.storage import stored_in
    from superspire.training.backend import set_precision, set_threads

    set_threads(threads)
    set_precision("auto")
    files = {band: Path(folder) / f"{band}.fits" for band in SPIRE}
    deblender = load_deblender(network, calibration)
    start = time.perf_counter()
    maps = {band: read_map(path) for band, path in files.items()}
    wcs, shape = common_grid(maps, files)
    with tempfile.TemporaryDirectory(dir=folder) as images:
        sources = find_sources(deblender, maps, wcs, shape, make=stored_in(images))[-1]
    return time.perf_counter() - start, len(sources)


def planning_configuration(fields, cutouts, maps):
    """Make a configuration with so many fields and simulated cutouts."""
    return {
        "simulation": {"cutouts": cutouts, "fields": -(-cutouts // 900)},
        "fields": {f"field_{i}": {"maps": maps} for i in range(fields)},
    }


def plan_everything(snakefile, fields, cutouts):
    """Let Snakemake plan `all`, without running anything.

    Parameters
    ----------
    snakefile : path-like
    fields, cutouts : int
        Number of configured fields and of simulated cutouts.

    Returns
    -------
    seconds, cpu_seconds : float
        Wall-clock time and time on CPUs [s].
    """
    with tempfile.TemporaryDirectory() as folder:
        map_ = Path(folder) / "map.fits"
        map_.touch()
        maps = {str(band): str(map_) for band in SPIRE}
        path = Path(folder) / "many.yaml"
        path.write_text(yaml.safe_dump(planning_configuration(fields, cutouts, maps)))
        start, before = time.perf_counter(), os.times()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)),
                *("--directory", folder, "--configfile", str(path)),
                *("--dry-run", "--quiet", "all", "--cores", "1", "--", "all"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        used = os.times()
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    cpu = used.children_user - before.children_user
    cpu += used.children_system - before.children_system
    return time.perf_counter() - start, cpu
