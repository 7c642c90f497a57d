"""The sky of a field that point sources cannot explain, in any of its bands."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from scipy import ndimage

from superspire.checks.features import (
    EMISSION,
    GLITCH,
    STRIPE,
    find_broad,
    find_glitches,
)
from superspire.instruments import SPIRE
from superspire.io import Map, append_image, map_header
from superspire.maps.background import background
from superspire.maps.grid import coarse_grid
from superspire.maps.interpolation import pixel_positions

KINDS = {"extended emission": EMISSION, "stripes": STRIPE, "glitches": GLITCH}

STEP = 6.0
"""Pixel of the mask [arcsec]."""


@dataclass(frozen=True)
class Extended:
    """Sky that point sources cannot explain.

    Attributes
    ----------
    map : superspire.io.Map
        Bits of `KINDS` in any band, uint8, on a grid of the sky that all bands cover.
    fractions : dict of str to dict
        Fraction of the observed sky of each band, by the names of `KINDS`.
    excess : dict of str to float
        Level of all the sky of each band above that of its clear sky [mJy/beam].
    """

    map: Map
    fractions: dict
    excess: dict

    def record(self):
        """List what was found in each band, for JSON."""
        return {
            band: {"fractions": kinds, "excess_mjy_beam": self.excess[band]}
            for band, kinds in self.fractions.items()
        }

    def warnings(self):
        """Describe what was found, one sentence for each band and kind."""
        return [
            f"{band} µm: {kind} on {100.0 * fraction:.2g} % of the field, which point "
            "sources cannot explain; sources there are flagged EXTENDED and left out "
            "of the counts"
            for band, kinds in self.fractions.items()
            for kind, fraction in kinds.items()
            if fraction > 0
        ]


def find_extended(observations):
    """Find the sky of a field that point sources cannot explain.

    Parameters
    ----------
    observations : dict of int to superspire.maps.reader.Observation
        Maps of the SPIRE bands; other bands are not used.

    Returns
    -------
    Extended

    Raises
    ------
    InputError
        If no sky is covered by all bands.
    """
    wcs, shape = coarse_grid({band: observations[band].map for band in SPIRE}, STEP)
    mask, fractions, excess = np.zeros(shape, np.uint8), {}, {}
    for band in SPIRE:
        map_, fwhm = (
            observations[band].map,
            observations[band].record["beam_fwhm_arcsec"],
        )
        seen = Map(np.isfinite(map_.data).astype(np.uint8), map_.wcs)
        seen = on_grid(seen, wcs, shape) > 0
        found = on_grid(find_broad(map_, fwhm), wcs, shape)
        found |= on_grid(
            find_glitches(map_, fwhm, observations[band].error), wcs, shape
        )
        fractions[str(band)] = {
            kind: float(((found & bit) > 0)[seen].mean()) if seen.any() else 0.0
            for kind, bit in KINDS.items()
        }
        excess[str(band)] = level_excess(map_, Map(found, wcs))
        mask |= np.where(seen, found, 0)
    return Extended(Map(mask, wcs), fractions, excess)


def level_excess(map_, mask):
    """Measure by how much what a mask holds raises the level of a map [mJy/beam]."""
    if not mask.data.any():
        return 0.0
    seen = np.isfinite(map_.data)
    clear = seen & (on_grid(mask, map_.wcs, map_.data.shape) == 0)
    if not clear.any():
        return 0.0
    return background(map_.data[seen])[0] - background(map_.data[clear])[0]


def on_grid(mask, wcs, shape):
    """Take the nearest pixels of a mask on another grid.

    Parameters
    ----------
    mask : superspire.io.Map
        Bits.
    wcs : astropy.wcs.WCS
        The grid.
    shape : (int, int)
        Its shape (ny, nx).

    Returns
    -------
    ndarray, shape `shape`
        Of the mask's type; zero outside of it.
    """
    x, y = (np.nan_to_num(a, nan=-9.0) for a in pixel_positions(mask.wcs, wcs, shape))
    return ndimage.map_coordinates(mask.data, [y, x], order=0, cval=0)


def write_extended(path, map_):
    """Write the mask of a field as a FITS image.

    Parameters
    ----------
    path : str or path-like
        File to write.
    map_ : superspire.io.Map
        Bits of `KINDS`.
    """
    meanings = {
        f"MBIT{bit}": (kind, f"meaning of {bit}") for kind, bit in KINDS.items()
    }
    header = map_header(map_.wcs, 1.0, {"EXTNAME": "EXTENDED"} | meanings)
    for key in ("BUNIT", "BMAJ", "BMIN", "BPA"):
        del header[key]
    Path(path).unlink(missing_ok=True)
    append_image(path, header, "u1", map_.data)


def read_extended(path):
    """Read a mask that `write_extended` wrote, an uint8 `superspire.io.Map`."""
    with fits.open(path) as hdus:
        return Map(np.array(hdus[0].data), WCS(hdus[0].header))
