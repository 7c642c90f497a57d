"""A list of sources of a 24 µm map, as the prior of fits to the SPIRE maps."""

from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.sparse import csc_array, diags_array, hstack
from scipy.sparse.linalg import LinearOperator, cg
from scipy.spatial import cKDTree

from superspire.maps.positions import pixel_size
from superspire.methods.beams import radial_table, response
from superspire.methods.forced import REACH
from superspire.methods.matched_filter import apply_filter, make_filter
from superspire.methods.observing import pixel_noise
from superspire.methods.peaks import local_maxima
from superspire.methods.spectra import noise_spectra

LEAST_SNR = 2.0
"""Minimum flux of a listed source [depth]. The SPIRE maps reject most spurious ones, so
that less than the usual 3 to 5 gives the largest F1 at 450 µm on simulated sky."""

CONFUSION = 2e-5
"""Power of faint sources for which the filter is made [mJy² arcsec⁻²]: more than there
is (1e-6), for a narrower filter that splits blends."""

ROUNDS = 2
"""Searches: of the map, then of what the fit leaves, which splits blends."""

STEPS = 1
"""Linear steps towards the best positions after each search."""

POSITION_SCATTER = 1.0
"""Standard deviation of positions before these steps, along each axis [arcsec]."""

MAX_STEP = 1.0
"""Longest step along each axis [arcsec]."""

NEAREST = 0.6
"""Minimum separation of a source of a later search from those found before [FWHM]."""

WAVENUMBERS = 400
"""Wavenumbers at which the filter is tabulated."""


@dataclass(frozen=True)
class List24:
    """Sources of a 24 µm map.

    Attributes
    ----------
    ra, dec : ndarray, shape (n,)
        Positions [deg].
    flux : ndarray, shape (n,)
        Fluxes at 24 µm, fitted together [mJy].
    """

    ra: np.ndarray
    dec: np.ndarray
    flux: np.ndarray

    def __len__(self):
        return len(self.ra)


def list_sources(map_, beam, depth, least_snr=LEAST_SNR, confusion=CONFUSION):
    """Find the sources of a 24 µm map and fit their fluxes together.

    Sources are the maxima of the map behind a matched filter, and then of the residuals
    of the fit of positions and fluxes; those that it gives less than `least_snr` times
    the depth are dropped.

    Parameters
    ----------
    map_ : superspire.io.Map
        Native map [mJy/beam].
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        Its beam.
    depth : float
        Standard error of the flux of an isolated source [mJy].
    least_snr : float
        Minimum flux [depth].
    confusion : float
        Power of the sources that are not found, which sharpens the filter
        [mJy² arcsec⁻²].

    Returns
    -------
    List24
    """
    pixel = pixel_size(map_)
    data = map_.data - np.float32(np.nanmedian(map_.data))
    seen = np.isfinite(data)
    data[~seen] = 0.0
    table = radial_table(beam, pixel, REACH * beam.fwhm)
    noise = pixel_noise(depth, beam, pixel)
    filter_ = filter_24(beam, pixel, noise, confusion)
    points, fluxes, rest = np.empty((0, 2)), np.empty(0), data
    for _ in range(ROUNDS):
        image, _ = apply_filter([padded(rest)], filter_, pixel)
        image = image[: rest.shape[0], : rest.shape[1]]
        x, y, _ = local_maxima(image, least_snr * depth, ~seen)
        found = np.column_stack([x, y]) * pixel
        if len(points):
            far = cKDTree(points).query(found)[0] > NEAREST * beam.fwhm
            found = found[far]
        points = np.vstack([points, found])
        for _ in range(STEPS):
            points = refine(points, data, pixel, table, noise)
        design, *_ = beams_at(points, data.shape, pixel, table)
        fluxes = fit_linear(design, data.ravel())
        bright = fluxes >= least_snr * depth
        points, fluxes = points[bright], fluxes[bright]
        design = design[:, np.flatnonzero(bright)]
        rest = data - (design @ fluxes).astype(np.float32).reshape(data.shape)
        rest[~seen] = 0.0
    ra, dec = map_.wcs.all_pix2world(*(points.T / pixel), 0)
    return List24(ra, dec, fluxes)


def filter_24(beam, pixel, noise, confusion):
    """Make the matched filter of a map of one band.

    Parameters
    ----------
    beam, confusion
        See `list_sources`.
    pixel : float
        Side of a pixel [arcsec].
    noise : float
        White noise per pixel [mJy/beam].

    Returns
    -------
    superspire.methods.matched_filter.Filter
    """
    k = np.linspace(0.0, 0.5 / pixel, WAVENUMBERS)
    signal = response(beam, pixel, k)[:, None]
    spectra = noise_spectra(signal, np.array([[confusion]]), [noise], [pixel])
    return make_filter(k, signal, spectra, [0.5 / pixel])


def padded(image):
    """Add zeros below and to the right, up to sides that are fast to transform."""
    sides = (fft.next_fast_len(n + 32, real=True) - n for n in image.shape)
    return np.pad(image, [(0, side) for side in sides])


def beams_at(points, shape, pixel, table):
    """Tabulate what sources add to a map: `design_matrix` without a tree of all pixels.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        Positions from the centre of the first pixel [arcsec].
    shape : (int, int)
        Shape of the map.
    pixel : float
        Side of a pixel [arcsec].
    table : (ndarray, ndarray)
        See `superspire.methods.forced.design_matrix`.

    Returns
    -------
    design, slope_x, slope_y : scipy.sparse.csc_array, shape (pixels, n)
        What 1 mJy of each source makes of each pixel [beam⁻¹], and its derivatives with
        the position of the source [beam⁻¹ arcsec⁻¹].
    """
    half = int(np.ceil(table[0][-1] / pixel))
    dy, dx = (d.ravel() for d in np.mgrid[-half : half + 1, -half : half + 1])
    column, row = (
        np.rint(points / pixel).astype(int).T[:, :, None] + np.stack([dx, dy])[:, None]
    )
    x, y = points.T[:, :, None]
    dx, dy = column * pixel - x, row * pixel - y
    radius = np.hypot(dx, dy)
    kept = (radius <= table[0][-1]) & (column >= 0) & (column < shape[1])
    kept &= (row >= 0) & (row < shape[0])
    where = row[kept] * shape[1] + column[kept]
    first = np.append(0, np.cumsum(kept.sum(axis=1)))
    radius = radius[kept]
    slope = -np.interp(radius, table[0], np.gradient(table[1], table[0]))
    slope /= np.maximum(radius, 1e-9)
    size = shape[0] * shape[1], len(points)
    return tuple(
        csc_array((value, where, first), size)
        for value in (np.interp(radius, *table), slope * dx[kept], slope * dy[kept])
    )


def refine(points, data, pixel, table, noise):
    """Move sources to where they fit the map best, all together (one linear step).

    Parameters
    ----------
    points, data, pixel, table
        See `beams_at`; the map [mJy/beam].
    noise : float
        White noise per pixel [mJy/beam].

    Returns
    -------
    ndarray, shape (n, 2)
        New positions, each at most `MAX_STEP` away [arcsec].
    """
    designs = beams_at(points, data.shape, pixel, table)
    fluxes = np.maximum(fit_linear(designs[0], data.ravel()), noise)
    for one in designs[1:]:
        one.data *= np.repeat(fluxes * POSITION_SCATTER, np.diff(one.indptr))
    rest = data.ravel() - designs[0] @ fluxes
    steps = fit_linear(hstack(designs, format="csc"), rest, noise**2, len(points))
    steps = POSITION_SCATTER * steps[len(points) :].reshape(2, -1).T
    return points + np.clip(steps, -MAX_STEP, MAX_STEP)


def fit_linear(design, values, ridge=0.0, free=None):
    """Fit parameters of any sign by least squares (conjugate gradients).

    Parameters
    ----------
    design : scipy.sparse.sparray, shape (m, n)
        See `beams_at`.
    values : ndarray, shape (m,)
        Pixels.
    ridge : float
        Added to the diagonal of the normal matrix, but for the first ones.
    free : int, optional
        How many these are, by default all.

    Returns
    -------
    ndarray, shape (n,)
    """
    normal = (design.T @ design).tocsr()
    if ridge:
        ridges = np.where(np.arange(normal.shape[0]) < free, 0.0, ridge)
        normal = (normal + diags_array(ridges)).tocsr()
    diagonal = normal.diagonal()
    inverse = 1.0 / np.maximum(diagonal, 1e-12)
    preconditioner = LinearOperator(normal.shape, lambda v: inverse * v)
    right = design.T @ values
    return cg(normal, right, rtol=1e-5, maxiter=500, M=preconditioner)[0]
