"""The sky of a field that counts: observed in every band, without extended emission."""

import numpy as np
from astropy import units
from mocpy import MOC
from scipy.ndimage import binary_erosion

from superspire.checks.extended import on_grid
from superspire.instruments import PIXEL
from superspire.maps.tiling import shift_wcs

ORDER = 16
"""HEALPix order of the coverage: cells of 3.2 arcsec."""

SAMPLE = 2
"""Step at which the inner coverage is sampled [pixel]: no cell is without a sample."""

BORDER = np.linspace(-1.0, 1.0, 5)
"""Where pixels along the border are sampled, along each axis from their centre [pixel]:
a source in such a pixel can be in a cell of which only a corner is in the pixel."""

PIECE = 2**21
"""Pixels that are handled at a time; their positions take 100 MB."""

PIXEL_AREA = (PIXEL / 3600.0) ** 2
"""Solid angle of a pixel [deg²]."""


class Footprint:
    """Sky of a field, of any size.

    Parameters
    ----------
    covered : array of bool, shape (ny, nx)
        Where all bands were observed; perhaps of `superspire.storage`.
    wcs : astropy.wcs.WCS
        Its celestial coordinates.
    extended : superspire.io.Map
        What point sources cannot explain (`superspire.checks.extended`).

    Attributes
    ----------
    covered_area : float
        Area that all bands cover [deg²].
    clear_area : float
        Area of that without what point sources cannot explain [deg²].
    """

    def __init__(self, covered, wcs, extended):
        self.covered, self.wcs, self.extended = covered, wcs, extended
        pixels = np.zeros(2, int)
        for rows in self.strips():
            pixels += [covered[rows].sum(), self.clear(rows).sum()]
        self.covered_area, self.clear_area = (float(n * PIXEL_AREA) for n in pixels)

    def strips(self):
        """Cut the field into slices of neighbouring rows."""
        ny, nx = self.covered.shape
        step = max(1, PIECE // nx)
        return [slice(first, min(first + step, ny)) for first in range(0, ny, step)]

    def clear(self, rows):
        """Find the pixels of some rows that count, an array of bool."""
        own = self.covered[rows]
        wcs = shift_wcs(self.wcs, 0, rows.start)
        return own & (on_grid(self.extended, wcs, own.shape) == 0)

    def moc(self):
        """Make the multi-order coverage map of the sky that counts (IVOA MOC 2.0).

        Returns
        -------
        mocpy.MOC
            Every cell of 3.2 arcsec that holds a part of a pixel of it, and some that
            are within 1 arcsec of its centre.
        """
        parts = [MOC.new_empty(ORDER)]
        for rows in self.strips():
            x, y = samples(self.clear(rows))
            if len(x):
                ra, dec = self.wcs.all_pix2world(x, y + rows.start, 0)
                parts.append(
                    MOC.from_lonlat(ra * units.deg, dec * units.deg, max_norder=ORDER)
                )
        return parts[0].union(*parts[1:]) if len(parts) > 1 else parts[0]


def samples(clear):
    """Choose positions x, y [pixel]: every second pixel, and all over the border."""
    inner = np.zeros_like(clear)
    inner[::SAMPLE, ::SAMPLE] = clear[::SAMPLE, ::SAMPLE]
    y, x = np.nonzero(inner)
    row, column = np.nonzero(clear & ~binary_erosion(clear))
    up, right = np.meshgrid(BORDER, BORDER)
    x = np.append(x, np.add.outer(column, right))
    return x, np.append(y, np.add.outer(row, up))
