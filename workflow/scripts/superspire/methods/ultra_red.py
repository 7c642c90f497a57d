"""How well sources with S500 > S350 > S250 are found (section 5).

Such sources are candidates for dusty galaxies at high redshift (Dowell et al. 2014,
ApJ 780, 75). They are selected by their SPIRE fluxes at listed positions: the value of
each map there (``peak``), and the fluxes of all listed sources fitted together
(``forced``).
"""

import numpy as np
import pandas as pd
from scipy.ndimage import map_coordinates

from superspire.evaluation.measures import binomial_interval, trim_edges
from superspire.instruments import CUTOUT, PIXEL, SPIRE
from superspire.maps.background import background
from superspire.maps.positions import pixel_size
from superspire.methods.beams import profile
from superspire.methods.forced import force_band, plane
from superspire.photometry.correlation import Window
from superspire.photometry.matching import match, shifted_catalogues

LIMITS = (3.0, 5.0, 10.0)
"""Minimum fluxes at 500 µm of a sample [mJy]."""

ALLOWANCE = 0.5
"""Part of the limit that the true flux of a real candidate must reach."""


def is_ultra_red(fluxes, limit=0.0):
    """Select the sources that rise from 250 to 500 µm.

    Parameters
    ----------
    fluxes : mapping
        Columns ``S250``, ``S350`` and ``S500`` [mJy].
    limit : float
        Minimum flux at 500 µm [mJy].

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    s250, s350, s500 = (np.asarray(fluxes[f"S{band}"], float) for band in SPIRE)
    return (s500 > s350) & (s350 > s250) & (s500 >= limit)


def peak_fluxes(maps, beams, ra, dec):
    """Read the SPIRE maps at positions, above their levels.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps [mJy/beam].
    beams : dict of int to superspire.sky.beams.GaussianBeam or ImageBeam
        Their beams.
    ra, dec : ndarray, shape (n,)
        Positions [deg].

    Returns
    -------
    dict of str to ndarray
        ``S250``, ``S350``, ``S500`` [mJy]: cubic splines, over the peak that the
        pixels leave of a beam.
    """
    fluxes = {}
    for band, map_ in maps.items():
        x, y = map_.wcs.all_world2pix(ra, dec, 0)
        data = np.nan_to_num(map_.data.astype(float) - background(map_.data)[0])
        height = profile(beams[band], pixel_size(map_), 0.0)
        fluxes[f"S{band}"] = map_coordinates(data, [y, x], mode="nearest") / height
    return fluxes


def deblended_fluxes(maps, beams, ra, dec):
    """Fit the SPIRE fluxes of sources at known positions together.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps [mJy/beam].
    beams : dict of int to superspire.sky.beams.GaussianBeam or ImageBeam
        Their beams.
    ra, dec : ndarray, shape (n,)
        Positions [deg].

    Returns
    -------
    dict of str to ndarray
        ``S250``, ``S350``, ``S500`` [mJy], see `superspire.methods.forced.force_band`.
    """
    wcs = plane(maps[SPIRE[0]].wcs)
    sources = np.column_stack(wcs.all_world2pix(ra, dec, 0)).reshape(-1, 2)
    return {
        f"S{band}": force_band(maps[band], beams[band], wcs, sources) for band in maps
    }


def in_cutouts(catalogue, index, wcs):
    """List the galaxies of a sky that lie in its cutouts.

    Parameters
    ----------
    catalogue : pandas.DataFrame
        ``RA``, ``DEC`` [deg] and further columns.
    index : pandas.DataFrame
        Cutouts of that sky that do not overlap: ``cutout``, ``x0``, ``y0`` [pixel].
    wcs : astropy.wcs.WCS
        Coordinates of the sky's 450 µm map.

    Returns
    -------
    pandas.DataFrame
        The rows in a cutout, with ``cutout`` and ``x``, ``y`` in it [pixel].
    """
    x, y = wcs.all_world2pix(catalogue["RA"], catalogue["DEC"], 0)
    corners = index[["x0", "y0"]].to_numpy(float)
    row = Window((corners - 0.5) * PIXEL, CUTOUT * PIXEL).squares_of(x, y)
    kept, row = row >= 0, row[row >= 0]
    return catalogue[kept].assign(
        cutout=index["cutout"].to_numpy()[row],
        x=x[kept] - corners[row, 0],
        y=y[kept] - corners[row, 1],
    )


def matched_fraction(name, catalogue, others, radius):
    """Measure which fraction of a catalogue has a partner in another one.

    Parameters
    ----------
    name : str
        Name of the measure.
    catalogue, others : pandas.DataFrame
        ``cutout``, ``x``, ``y`` [pixel].
    radius : float
        Maximum separation [pixel].

    Returns
    -------
    dict
        ``name`` itself, with the suffixes ``_low`` and ``_high`` its 68 % interval and
        with ``_chance`` the same against `others` shifted by 30 arcsec.
    """
    catalogue = trim_edges(catalogue)
    hit, *shifted = (
        np.mean(match(catalogue, other, radius)[0] >= 0) if len(catalogue) else np.nan
        for other in (others, *shifted_catalogues(others))
    )
    low, high = binomial_interval(len(catalogue) * hit, len(catalogue))
    values = {"": hit, "_low": low, "_high": high, "_chance": np.mean(shifted)}
    return {f"{name}{suffix}": value for suffix, value in values.items()}


def measure_ultra_red(listed, truth, radius, limits=LIMITS):
    """Measure completeness and purity of ultra-red sources.

    Parameters
    ----------
    listed : pandas.DataFrame
        ``cutout``, ``x``, ``y`` [pixel] and measured ``S250``, ``S350``, ``S500``
        [mJy] of all sources of a list.
    truth : pandas.DataFrame
        The same of all galaxies, with true fluxes.
    radius : float
        Radius of a match [pixel].
    limits : sequence of float
        Minimum fluxes at 500 µm [mJy].

    Returns
    -------
    pandas.DataFrame
        By ``limit``: the number ``true`` of ultra-red galaxies above it, how many of
        them are ``listed`` whatever their colour, ``completeness`` and the number of
        ``candidates``, and their ``purity``: how many have an ultra-red galaxy of half
        the limit or more within the radius. See `matched_fraction` for the suffixes.
    """
    rows = []
    for limit in limits:
        candidates = listed[is_ultra_red(listed, limit)]
        wanted = truth[is_ultra_red(truth, limit)]
        real = truth[is_ultra_red(truth, ALLOWANCE * limit)]
        rows.append(
            {"limit": limit, "true": len(trim_edges(wanted))}
            | matched_fraction("listed", wanted, listed, radius)
            | matched_fraction("completeness", wanted, candidates, radius)
            | {"candidates": len(trim_edges(candidates))}
            | matched_fraction("purity", candidates, real, radius)
        )
    return pd.DataFrame(rows)
