"""Blind extraction on a native map: what a user does today."""

import numpy as np
from astropy.table import Table

from superspire.maps.background import background
from superspire.maps.positions import pixel_size
from superspire.methods.beams import profile
from superspire.methods.peaks import local_maxima


def find_blindly(map_, beam, colour, least_snr):
    """Find the local maxima of a native map.

    Parameters
    ----------
    map_ : superspire.io.Map
        The map [mJy/beam].
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        Its beam.
    colour : float
        Mean flux of the sources in this band over that at 450 µm.
    least_snr : float
        Minimum ratio of a maximum above the median and the clipped scatter of the
        pixels.

    Returns
    -------
    astropy.table.Table
        ``ra``, ``dec`` [deg], ``flux`` at 450 µm [mJy], ``snr``.
    """
    level, noise = background(map_.data)
    observed = np.isfinite(map_.data)
    image = np.where(observed, map_.data - level, 0.0)
    x, y, height = local_maxima(image, least_snr * noise, ~observed)
    ra, dec = map_.wcs.all_pix2world(x, y, 0) if len(x) else (x, y)
    peak = float(profile(beam, pixel_size(map_), np.zeros(1))[0])
    return Table(
        {"ra": ra, "dec": dec, "flux": height / peak / colour, "snr": height / noise}
    )
