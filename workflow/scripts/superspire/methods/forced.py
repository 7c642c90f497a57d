"""Forced photometry: non-negative fluxes at given positions (the idea of XID+).

Every band is a sum of beams at the positions and a constant (Hurley et al. 2017, MNRAS
464, 885; without their priors). Sources see each other within two beams, so the
field is solved in tiles with a border whose sources are solved along and thrown away.
"""

from itertools import product

import numpy as np
from astropy.table import Table
from scipy.optimize import nnls
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from superspire.instruments import SPIRE
from superspire.maps.positions import convert, pixel_size
from superspire.maps.tiling import tangent_wcs
from superspire.methods.beams import radial_table, square_profile
from superspire.methods.spectra import white_noise

TILE = 180.0
"""Side of a tile [arcsec]."""

BORDER = 1.6
"""Border of a tile [FWHM]."""

REACH = 1.5
"""Radius at which a beam ends [FWHM]: 0.2 % of its peak."""

RIDGE = 1e-6
"""Added to the normal matrix, in units of its largest element: sources at the same
position share their flux."""


def design_matrix(sources, pixels, table):
    """Tabulate what a source of 1 mJy adds to each pixel.

    Parameters
    ----------
    sources, pixels : ndarray, shape (n, 2) and (m, 2)
        Positions on a plane [arcsec].
    table : (ndarray, ndarray)
        Radii, up to where the beam ends [arcsec], and profile [beam⁻¹].

    Returns
    -------
    scipy.sparse.csr_array, shape (m, n)
        [beam⁻¹].
    """
    shape = (len(pixels), len(sources))
    if 0 in shape:
        return csr_array(shape)
    near = cKDTree(pixels).sparse_distance_matrix(
        cKDTree(sources), table[0][-1], output_type="ndarray"
    )
    return csr_array((np.interp(near["v"], *table), (near["i"], near["j"])), shape)


def fit_fluxes(design, values):
    """Fit non-negative fluxes and a constant of any sign.

    Parameters
    ----------
    design : scipy.sparse.csr_array, shape (m, n)
        See `design_matrix`.
    values : ndarray, shape (m,)
        Pixels [mJy/beam].

    Returns
    -------
    ndarray, shape (n,)
        Fluxes [mJy].
    """
    n = design.shape[1]
    if design.nnz == 0:
        return np.zeros(n)
    level = np.asarray(design.sum(axis=0)).ravel()
    normal = np.empty((n + 2, n + 2))
    normal[:n, :n] = (design.T @ design).toarray()
    normal[:n, n], normal[:n, n + 1] = level, -level
    normal[n:, :n] = normal[:n, n:].T
    normal[n:, n:] = len(values) * np.array([[1.0, -1.0], [-1.0, 1.0]])
    right = np.concatenate([design.T @ values, [values.sum(), -values.sum()]])
    normal[np.diag_indices(n + 2)] += RIDGE * normal.max()
    lower = np.linalg.cholesky(normal)
    return nnls(lower.T, np.linalg.solve(lower, right), maxiter=30 * (n + 2))[0][:n]


def force_band(map_, beam, wcs, sources):
    """Fit the fluxes of all sources in one band, tile by tile.

    Parameters
    ----------
    map_ : superspire.io.Map
        Native map [mJy/beam].
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        Its beam.
    wcs : astropy.wcs.WCS
        Plane with pixels of 1 arcsec.
    sources : ndarray, shape (n, 2)
        Positions on that plane [arcsec].

    Returns
    -------
    ndarray, shape (n,)
        Fluxes [mJy]; zero where nothing was observed.
    """
    rows, columns = np.nonzero(np.isfinite(map_.data))
    pixels = np.column_stack(convert(wcs, map_.wcs, columns, rows))
    values = map_.data[rows, columns].astype(float)
    table = radial_table(beam, pixel_size(map_), REACH * beam.fwhm)
    border = BORDER * beam.fwhm
    fluxes = np.zeros(len(sources))
    if len(sources) == 0:
        return fluxes
    low = sources.min(axis=0)
    counts = ((np.ptp(sources, axis=0) + 1e-6) // TILE).astype(int) + 1
    for position in product(*map(range, counts)):
        corner = low + TILE * np.array(position)
        own = within(sources, corner, corner + TILE)
        if not own.any():
            continue
        box = (corner - border, corner + TILE + border)
        near, seen = within(sources, *box), within(pixels, *box)
        design = design_matrix(sources[near], pixels[seen], table)
        fluxes[own] = fit_fluxes(design, values[seen])[own[near]]
    return fluxes


def within(points, low, high):
    """Find which points lie in a box, its lower edges included."""
    x, y = points.T
    return (x >= low[0]) & (x < high[0]) & (y >= low[1]) & (y < high[1])


def lone_error(map_, beam, pixel):
    """Give the error of the flux of a lone source in white noise.

    Parameters
    ----------
    map_ : superspire.io.Map
        Native map [mJy/beam].
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        Its beam.
    pixel : float
        Side of a pixel [arcsec].

    Returns
    -------
    float
        sigma / (sum of b²)^0.5 [mJy].
    """
    spread = square_profile(beam, pixel, pixel, REACH * beam.fwhm)
    square = np.sum(spread**2)
    return white_noise(map_.data) / float(np.sqrt(square))


def force(maps, beams, statistics, ra, dec):
    """Measure the fluxes of sources at known positions in all bands.

    The 450 µm flux is the mean of the three fluxes, each scaled by the mean colour.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps [mJy/beam].
    beams : dict of int to superspire.sky.beams.GaussianBeam or ImageBeam
        Their beams.
    statistics : dict
        See `superspire.methods.statistics.source_statistics`.
    ra, dec : ndarray, shape (n,)
        Positions [deg].

    Returns
    -------
    astropy.table.Table
        ``ra``, ``dec`` [deg], ``flux`` at 450 µm [mJy], ``snr`` (over the error of a
        lone source), ``S250``, ``S350``, ``S500`` [mJy]; without the sources that
        have no flux in any band.
    """
    centre = next(iter(maps.values())).wcs
    wcs = plane(centre)
    sources = np.column_stack(wcs.all_world2pix(ra, dec, 0)).reshape(-1, 2)
    fluxes, variance, total = {}, 0.0, np.zeros(len(ra))
    for band in SPIRE:
        colour, pixel = statistics["colours"][str(band)], pixel_size(maps[band])
        fluxes[f"S{band}"] = force_band(maps[band], beams[band], wcs, sources)
        total += fluxes[f"S{band}"] / colour / len(SPIRE)
        error = lone_error(maps[band], beams[band], pixel) / colour / len(SPIRE)
        variance += error**2
    table = {"ra": ra, "dec": dec, "flux": total, "snr": total / variance**0.5}
    table = Table(table | fluxes)
    return table[total > 0]


def plane(wcs):
    """Make the plane of 1 arcsec that touches the sky where a map's WCS does."""
    return tangent_wcs(wcs.pixel_to_world(*(wcs.wcs.crpix - 1.0)).icrs)
