"""The cases that the speed of the sky model is measured on."""

import tempfile
from pathlib import Path

from superspire.instruments import BANDS, PAPER_BANDS
from superspire.io import read_columns, write_map, write_table_parts
from superspire.sky.catalogue import simulate_parts
from superspire.sky.dust import load_library
from superspire.sky.maps import make_map

CENTER = (150.12, 2.21)

CASES = (
    {"area": 1.0, "log_lir_min": None, "maps": False},
    {"area": 1.0, "log_lir_min": 9.5, "maps": False},
    {"area": 5.0, "log_lir_min": 9.5, "maps": True},
    {"area": 20.0, "log_lir_min": 9.5, "maps": True},
    {"area": 20.0, "log_lir_min": None, "maps": True},
)
"""Area [deg²], threshold [log10 Lsun] and whether four maps are made."""


def make_field(area, log_lir_min, maps, seed=1):
    """Simulate a field and write its catalogue, and perhaps its maps, to disk.

    Parameters
    ----------
    area : float
        Area [deg²].
    log_lir_min : float or None
        Threshold [log10 Lsun]; None for every galaxy above 1e8 Msun.
    maps : bool
        Whether the maps in the four bands are made as well.
    seed : int
        Seed of the field.

    Returns
    -------
    int
        Number of galaxies.
    """
    dust = load_library()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.fits"
        parts = simulate_parts(
            area, seed, log_lir_min=log_lir_min, center=CENTER, dust=dust
        )
        n = write_table_parts(path, parts)
        for band in PAPER_BANDS if maps else ():
            columns = read_columns(path, "RA", "DEC", f"S{band}")
            map_ = make_map(*columns, band, CENTER, 3600.0 * area**0.5)
            write_map(Path(folder) / f"{band}.fits", map_, BANDS[band].fwhm)
    return n
