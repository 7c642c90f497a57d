"""Bright sources, which the network sees faint: the maps divided by a number.

The model has few sources above a hundred mJy to learn from. A window around each is
shown to the network once more, with the signal divided so that the peak is that of a
usual source, and its answer is multiplied again. What is then fainter than the faintest
source of the training is lost beside a bright one.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import ndimage

from superspire.deblender.inputs import count_signals, make_input, spire_channels
from superspire.instruments import BANDS, SPIRE

BRIGHT = 80.0
"""Surface brightness from which on a source is shown again [mJy/beam]."""

USUAL = 30.0
"""What its peak is then [mJy/beam]."""

FAINTEST = 5.0
"""Surface brightness to which the beam of a bright source matters [mJy/beam]."""

WINDOW = 64
"""Side of the window around it [cell]."""

LEAST_NOISE = 1.0
LEAST_DEPTH = 0.004
"""Least noise of SPIRE [mJy/beam] and depth of other bands [mJy] of the training."""


class Peak(NamedTuple):
    """A bright source of the maps.

    Attributes
    ----------
    x, y : float
        Position on the grid of the field [pixel of 1 arcsec].
    factor : float
        What the signal is divided by.
    radius : float
        Where its beam ends [arcsec].
    """

    x: float
    y: float
    factor: float
    radius: float


def find_peaks(maps, wcs):
    """Find the bright sources of the SPIRE maps.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps [mJy/beam].
    wcs : astropy.wcs.WCS
        Grid of the field.

    Returns
    -------
    list of Peak
        The brightest first, none within the beam of a brighter one.
    """
    rows = []
    for band in SPIRE:
        data = np.nan_to_num(maps[band].data, nan=-np.inf)
        labels, number = ndimage.label(data > BRIGHT, np.ones((3, 3)))
        for row, column in ndimage.maximum_position(data, labels, range(1, number + 1)):
            sky = maps[band].wcs.celestial.all_pix2world(column, row, 0)
            x, y = (float(a) for a in wcs.all_world2pix(*sky, 0))
            peak = float(data[row, column])
            radius = 0.5 * BANDS[500].fwhm * np.sqrt(np.log2(peak / FAINTEST))
            rows.append(Peak(x, y, peak / USUAL, radius))
    peaks = []
    for one in sorted(rows, key=lambda peak: -peak.factor):
        if all(np.hypot(one.x - p.x, one.y - p.y) > p.radius for p in peaks):
            peaks.append(one)
    return peaks


def quieter(noise, factor, least):
    """Divide noise, though not below the least of the training."""
    return np.maximum(noise / factor, np.minimum(noise, least))


def divide(inputs, bands, factor):
    """Divide the signal of an input, and its noise as far as the training goes.

    Parameters
    ----------
    inputs : ndarray of float32, shape (n, m, channels)
        See `superspire.deblender.inputs`.
    bands : dict of int to int
        Pixels along the side of a cell by band.
    factor : float

    Returns
    -------
    ndarray of float32, shape (n, m, channels)
    """
    signals = count_signals(bands)
    least = np.where(spire_channels(bands), LEAST_NOISE, LEAST_DEPTH)
    told = quieter(inputs[..., signals:], factor, least)
    return make_input(inputs[..., :signals] / factor, told, bands)


def near(sources, peak):
    """Select the sources within the beam of a bright one, shape (n,) of bool."""
    x, y = (sources[name].to_numpy() for name in ("x", "y"))
    return np.hypot(x - peak.x, y - peak.y) < peak.radius


def multiply(sources, factor):
    """Multiply the fluxes of calibrated sources and their errors."""
    kept = ("flux", "error", "deboosted", "low", "high", "peak")
    scaled = [name for name in sources if name.split("_")[0] in kept]
    return sources.assign(**{name: sources[name] * factor for name in scaled})


def replace_near(found, peak, sources):
    """Put sources in the place of those within the beam of a bright one."""
    rest = found[~near(found, peak)]
    return pd.concat([rest, sources], ignore_index=True)
