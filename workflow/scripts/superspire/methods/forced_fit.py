"""Fluxes and errors at given positions, in confusion: a linear fit with weak priors.

A band is a sum of beams at the positions, a constant, the power P of the faint sources
that nobody listed, and white noise. The fluxes f of a class of sources (those of the
list, and companions that are not on it) scatter around their mean by tau, and all of
this is measured on the map: P, the means and tau have the largest likelihood. Given
them, the fit is linear with the covariance of noise and confusion. Each source is then
freed from its own prior, as if that were flat, and keeps the priors of its neighbours:
the flux of a source is not pulled towards the mean, but blends do not ring.

The map is solved in square windows whose border is thrown away, on the eigenvectors of
their covariance, which is the same for all windows without gaps. The white noise of a
window is its rms there.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from astropy.coordinates import SkyCoord
from scipy.linalg import cho_factor, cho_solve, eigh
from scipy.optimize import minimize
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from superspire.instruments import SPIRE
from superspire.maps.positions import celestial_frame, pixel_size, pixels_of
from superspire.maps.tiling import observed_at
from superspire.methods.beams import radial_table
from superspire.methods.forced import REACH, design_matrix
from superspire.methods.spectra import white_noise
from superspire.photometry.flags import blend_fraction
from superspire.sky.beams import GaussianBeam

SAME = 1.0
"""Maximum separation at which entries of a list share one flux [arcsec]."""

CORE = 5.0
"""Side of the part of a window whose sources are kept [FWHM]."""

BORDER = 2.0
"""Border of a window [FWHM]."""

SAMPLE = 1000
"""Sources that the priors are measured on, in whole windows."""

PASSES = 2
"""Fits, after each of which more sources turn out to be bright."""

FIRST = {"power": 0.1, "tau": 5.0}
"""First guesses of the power of unlisted sources [mJy² per beam area] and of the
standard deviation of fluxes [mJy]."""

LOOSE = 1.5
"""Standard deviation of their logarithms before the map is seen."""

MEAN = 10.0
"""Standard deviation of the mean of a class before the map is seen [mJy]."""

FAINT_MODE = 1e-4
"""Eigenvectors with less than so much of the largest eigenvalue hold little of a beam
and are left out."""

BRIGHT = 5.0
"""Sources further from the mean of their class than so many standard deviations get a
prior as wide as their distance."""

FLAT = 1e-6
"""Minimum precision of a flux [mJy⁻²]."""

FAINTEST = 1e-6
"""Minimum flux of a source that shares a beam with others [mJy]."""

CACHE = 2048
"""Maximum number of windows that are kept from one fit to the next."""


@dataclass(frozen=True)
class Prior:
    """What is assumed of the sources of a band.

    Attributes
    ----------
    power : float
        Of the unlisted sources [mJy² arcsec⁻²].
    tau : ndarray, shape (2,)
        Standard deviation of the fluxes of the list and of the companions [mJy].
    mean : ndarray, shape (2,)
        Their means [mJy].
    """

    power: float
    tau: np.ndarray
    mean: np.ndarray


class Windows:
    """The windows of a band.

    Parameters
    ----------
    map_ : superspire.io.Map
        Native map [mJy/beam].
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        Its beam.
    noise : float or ndarray, shape (ny, nx)
        White noise of the pixels [mJy/beam].
    x, y : ndarray, shape (n,)
        Sources [pixel].
    """

    def __init__(self, map_, beam, noise, x, y):
        self.data, self.pixel = map_.data, pixel_size(map_)
        self.noise = np.broadcast_to(noise, map_.data.shape)
        self.sources = np.column_stack([x, y])
        self.tree = cKDTree(self.sources)
        self.reach = REACH * beam.fwhm
        self.table = radial_table(beam, self.pixel, self.reach)
        self.core, self.border = (
            int(np.ceil(part * beam.fwhm / self.pixel)) for part in (CORE, BORDER)
        )
        self.side = self.core + 2 * self.border
        rows, columns = np.divmod(np.arange(self.side**2), self.side)
        self.grid = np.column_stack([columns, rows]) * self.pixel
        lag = np.hypot(*np.indices((self.side, self.side))) * self.pixel
        lag = np.interp(lag, *radial_table(beam, self.pixel, lag.max(), power=2))
        apart = (np.abs(axis[:, None] - axis) for axis in (rows, columns))
        self.covariance = lag[tuple(apart)]
        self.turned = lru_cache(32)(self.turn)
        self.cut = lru_cache(CACHE)(self.cut_out)
        self.cells = np.floor(self.sources / self.core + 1e-9).astype(int)

    def corners(self):
        """List the cells that hold sources, columns and rows."""
        return [tuple(cell) for cell in np.unique(self.cells, axis=0).tolist()]

    def turn(self, seen):
        """Find the eigenvectors of the covariance of observed pixels.

        Parameters
        ----------
        seen : bytes
            Booleans, whether each pixel of a window was observed.

        Returns
        -------
        modes : ndarray, shape (m,)
            Eigenvalues that are not too small.
        vectors : ndarray, shape (m, pixels)
            Their eigenvectors, zero where nothing was observed.
        """
        seen = np.frombuffer(seen, bool)
        own = self.covariance[np.ix_(seen, seen)]
        modes, found = eigh(own, overwrite_a=True, driver="evd")
        passed = modes > FAINT_MODE * modes[-1]
        vectors = np.zeros((passed.sum(), len(seen)))
        vectors[:, seen] = found.T[passed]
        return modes[passed], vectors

    def cut_out(self, cell):
        """Cut a window out, turned onto the eigenvectors of its covariance.

        Parameters
        ----------
        cell : (int, int)
            Its column and row.

        Returns
        -------
        near : ndarray of int, shape (n,)
            Sources that are seen in it.
        own : ndarray of bool, shape (n,)
            Which of them are in its core.
        values : ndarray, shape (m,)
            The map [mJy/beam].
        design : ndarray, shape (m, n + 1)
            What 1 mJy of each source, and of the constant, makes of it.
        modes : ndarray, shape (m,)
            Eigenvalues of the covariance.
        noise : float
            White noise of the observed pixels, rms [mJy/beam].
        """
        corner = np.array(cell) * self.core - self.border
        half = 0.5 * (self.side - 1)
        reach = half + self.reach / self.pixel
        near = self.tree.query_ball_point(corner + half, reach, np.inf)
        near = np.sort(np.array(near, int))
        offset = (self.sources[near] - corner) * self.pixel
        own = np.all(self.cells[near] == cell, axis=1)
        rows, columns = (
            np.arange(start, start + self.side) for start in reversed(corner)
        )
        inside = np.ix_(
            (rows >= 0) & (rows < self.data.shape[0]),
            (columns >= 0) & (columns < self.data.shape[1]),
        )
        part, level = np.full((2, self.side, self.side), np.nan)
        window = (
            slice(max(rows[0], 0), max(rows[-1] + 1, 0)),
            slice(max(columns[0], 0), max(columns[-1] + 1, 0)),
        )
        part[inside], level[inside] = self.data[window], self.noise[window]
        seen = np.isfinite(part.ravel())
        if not seen.any():
            none = np.zeros((0, len(near) + 1))
            return near, own, none[:, 0], none, none[:, 0], 0.0
        noise = float(np.sqrt(np.mean(level.ravel()[seen] ** 2)))
        modes, vectors = self.turned(seen.tobytes())
        design = design_matrix(offset, self.grid, self.table)
        design = np.vstack([design.T @ vectors.T, vectors @ seen]).T
        values = vectors @ np.where(seen, part.ravel(), 0.0)
        return near, own, values, design, modes, noise


def solve(values, design, variance, tau, group):
    """Fit a window with priors of zero mean, and say how it depends on the means.

    Parameters
    ----------
    values, design
        See `Windows.cut`.
    variance : ndarray, shape (m,)
        Of noise and unlisted sources.
    tau : ndarray, shape (n,)
        Standard deviations of the fluxes [mJy].
    group : ndarray of int, shape (n,)
        Class of each source: 0 or 1.

    Returns
    -------
    factor : tuple
        Cholesky factor of the normal matrix, n sources first.
    flux : ndarray, shape (n, 3)
        Fluxes for means of zero, and what each mJy of the two means adds to them.
    form : ndarray, shape (3, 3)
        Quadratic form of (1, -mean) that is chi².
    logdet : float
        Logarithm of the determinant of the covariance of the map.
    """
    n = len(tau)
    member = group[:, None] == np.arange(2)
    columns = np.column_stack([values, design[:, :n] @ member])
    weighted = design / variance[:, None]
    normal = design.T @ weighted
    precision = np.append(tau**-2.0, FLAT)
    normal[np.diag_indices(len(normal))] += precision
    factor = cho_factor(normal, lower=True)
    right = weighted.T @ columns
    solved = cho_solve(factor, right)
    form = columns.T @ (columns / variance[:, None]) - right.T @ solved
    flux = np.column_stack([solved[:n, 0], member - solved[:n, 1:]])
    logdet = 2.0 * np.sum(np.log(np.diag(factor[0])))
    logdet += np.sum(np.log(variance)) + 2.0 * np.sum(np.log(tau))
    return factor, flux, form, logdet


def measure_prior(windows, area, group, wide, start=None):
    """Find the prior under which the map is most likely.

    Parameters
    ----------
    windows : Windows
        The map.
    area : float
        Area of the beam [arcsec²].
    group : ndarray of int, shape (n,)
        Class of each source.
    wide : ndarray, shape (n,)
        Standard deviations of bright sources, zero of those that are as their class
        [mJy].
    start : Prior, optional
        Where to begin.

    Returns
    -------
    Prior
    """
    cut, number = [], 0
    # In an order that has nothing to do with how crowded they are.
    for cell in np.random.default_rng(0).permutation(windows.corners()).tolist():
        cut.append(windows.cut(tuple(cell)))
        number += len(cut[-1][0])
        if number > SAMPLE:
            break
    first = np.log([FIRST["power"] / area, FIRST["tau"], FIRST["tau"]])

    def totals(parameters):
        power, *tau = np.exp(parameters)
        form, logdet = np.zeros((3, 3)), 0.0
        for near, _, values, design, modes, noise in cut:
            widths = np.maximum(np.array(tau)[group[near]], wide[near])
            variance = noise**2 + power * modes
            _, _, part, more = solve(values, design, variance, widths, group[near])
            form, logdet = form + part, logdet + more
        matrix = form[1:, 1:] + np.eye(2) / MEAN**2
        mean = np.linalg.solve(matrix, form[1:, 0])
        chi2 = form[0, 0] - form[1:, 0] @ mean
        penalty = np.sum(((parameters - first) / LOOSE) ** 2)
        return chi2 + logdet + np.log(np.linalg.det(matrix)) + penalty, mean

    begin, step, most = first, 1.0, 60
    if start is not None:
        begin, step, most = np.log([start.power, *start.tau]), 0.3, 25
    options = {
        "initial_simplex": begin + step * np.vstack([np.zeros(3), np.eye(3)]),
        "maxfev": most,
        "xatol": 0.03,
        "fatol": 0.1,
    }
    best = minimize(
        lambda p: totals(p)[0], begin, method="Nelder-Mead", options=options
    ).x
    power, *tau = np.exp(best)
    return Prior(power, np.array(tau), totals(best)[1])


def fit_windows(windows, prior, group, wide):
    """Fit all sources, each freed from its own prior.

    Parameters
    ----------
    windows, group, wide
        See `measure_prior`.
    prior : Prior
        The prior.

    Returns
    -------
    flux, error : ndarray, shape (n,)
        Unbiased fluxes and their standard errors [mJy].
    posterior : ndarray, shape (n,)
        Fluxes with the prior [mJy].
    """
    flux, error, posterior = np.full((3, len(group)), np.nan)
    for cell in windows.corners():
        near, own, values, design, modes, noise = windows.cut(cell)
        variance = noise**2 + prior.power * modes
        tau = np.maximum(prior.tau[group[near]], wide[near])
        factor, found, _, _ = solve(values, design, variance, tau, group[near])
        found = (found @ np.append(1.0, prior.mean))[own]
        columns = np.eye(len(factor[0]))[:, np.flatnonzero(own)]
        spread = np.sum(cho_solve(factor, columns) * columns, axis=0)
        mean, own_prior = prior.mean[group[near][own]], tau[own] ** -2.0
        precision = np.maximum(1.0 / spread - own_prior, FLAT)
        flux[near[own]] = (found / spread - mean * own_prior) / precision
        error[near[own]] = precision**-0.5
        posterior[near[own]] = found
    return flux, error, posterior


def fit_band(map_, beam, noise, x, y, group):
    """Fit the fluxes of the sources of a band.

    Parameters
    ----------
    map_ : superspire.io.Map
        Native map [mJy/beam].
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        Its beam.
    noise : float or ndarray, shape (ny, nx)
        White noise of its pixels [mJy/beam].
    x, y : ndarray, shape (n,)
        Positions on its pixels, all of them observed.
    group : ndarray of int, shape (n,)
        0 for sources of the list, 1 for companions.

    Returns
    -------
    flux, error : ndarray, shape (n,)
        Unbiased fluxes and their standard errors, with confusion [mJy].
    posterior : ndarray, shape (n,)
        Fluxes with the prior [mJy].
    prior : Prior or None
        What was assumed.
    """
    if len(x) == 0:
        return *np.zeros((3, 0)), None
    windows = Windows(map_, beam, noise, x, y)
    wide, prior = np.zeros(len(x)), None
    for number in range(PASSES):
        prior = measure_prior(windows, beam.area, group, wide, prior)
        flux, error, posterior = fit_windows(windows, prior, group, wide)
        if number < PASSES - 1:
            wide = find_bright(windows, beam.fwhm, flux, error, prior, group, wide)
    return flux, error, posterior, prior


def find_bright(windows, radius, flux, error, prior, group, wide):
    """Find sources that their class does not explain.

    Of those within a beam the most significant one comes first: what it leaves to the
    others is seen in the next fit.

    Parameters
    ----------
    windows : Windows
        The sources.
    radius : float
        Radius of the neighbourhood [arcsec].
    flux, error, prior, group
        See `fit_windows`.
    wide : ndarray, shape (n,)
        Standard deviations of those that were found before [mJy].

    Returns
    -------
    ndarray, shape (n,)
        Standard deviations with the new ones [mJy].
    """
    excess = (flux - prior.mean[group]) ** 2 - error**2
    bright = (excess > (BRIGHT * prior.tau[group]) ** 2) & (flux > prior.mean[group])
    rank = np.where(bright & (wide == 0.0), flux / error, 0.0)
    rows = np.flatnonzero(rank)
    new = np.zeros(len(flux), bool)
    if len(rows):
        tree = cKDTree(windows.sources[rows] * windows.pixel)
        near = tree.query_ball_point(tree.data, radius)
        top = [rank[rows[others]].max() for others in near]
        new[rows] = rank[rows] >= top
    kept = (new | (wide > 0.0)) & bright
    return np.where(kept, np.sqrt(np.maximum(excess, 0.0)), 0.0)


def pixels_on(map_, ra, dec):
    """Find the observed pixels of a map at some positions.

    Parameters
    ----------
    map_ : superspire.io.Map
        A map of any frame and projection.
    ra, dec : ndarray, shape (n,)
        Positions (ICRS) [deg].

    Returns
    -------
    x, y : ndarray, shape (n,)
        [pixel].
    observed : ndarray of bool, shape (n,)
        Whether the nearest pixel was observed.
    """
    if len(ra) == 0:
        return np.zeros(0), np.zeros(0), np.zeros(0, bool)
    wcs = map_.wcs.celestial
    sky = SkyCoord(ra, dec, unit="deg").transform_to(celestial_frame(wcs)).spherical
    x, y = np.nan_to_num(pixels_of(wcs, sky.lon.deg, sky.lat.deg), nan=-9.0)
    return x, y, observed_at(map_.data, x, y)


def group_close(x, y, radius):
    """Group points that are closer than a radius, or linked by such points.

    Returns
    -------
    label : ndarray of int, shape (n,)
        Group of each point, from zero on.
    """
    if len(x) == 0:
        return np.zeros(0, int)
    pairs = cKDTree(np.column_stack([x, y])).query_pairs(radius, output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), pairs.T), (len(x), len(x)))
    return connected_components(links, directed=False)[1]


@dataclass(frozen=True)
class Forced:
    """Fluxes of a list in one band.

    Attributes
    ----------
    flux, error : ndarray, shape (n,)
        Fluxes and their standard errors [mJy]; NaN where nothing was observed.
    blend : ndarray, shape (n,)
        Fraction of the flux under the beam that belongs to other sources.
    mean : float
        Mean flux of the list, bright sources aside [mJy].
    """

    flux: np.ndarray
    error: np.ndarray
    blend: np.ndarray
    mean: float


def force_list(map_, beam, listed, companions, noise=None):
    """Measure the fluxes of a list in one band.

    Parameters
    ----------
    map_ : superspire.io.Map
        Native map [mJy/beam].
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        Its beam.
    listed, companions : (ndarray, ndarray)
        Right ascensions and declinations of the list, and of sources that are not on
        it [deg].
    noise : float or ndarray, shape (ny, nx), optional
        White noise of the pixels, by default measured on the map [mJy/beam].

    Returns
    -------
    Forced
        Entries within `SAME` of each other share a flux equally; their errors are those
        of shares of which nothing is known (a Dirichlet distribution).
    """
    count = len(listed[0])
    flux, error, blend = np.full((3, count), np.nan)
    x, y, seen = pixels_on(map_, *listed)
    others = pixels_on(map_, *companions)
    rows, pixel = np.flatnonzero(seen), pixel_size(map_)
    if len(rows) == 0:
        return Forced(flux, error, blend, 0.0)
    label = group_close(x[rows], y[rows], SAME / pixel)
    size = np.bincount(label)
    places = [
        np.append(np.bincount(label, axis[rows]) / size, other[others[2]])
        for axis, other in ((x, others[0]), (y, others[1]))
    ]
    group = (np.arange(len(places[0])) >= len(size)).astype(int)
    noise = white_noise(map_.data) if noise is None else noise
    found, spread, posterior, prior = fit_band(map_, beam, noise, *places, group)
    n, found, spread = size[label], found[label], spread[label]
    share = (n - 1) / (n**2 * (n + 1.0))
    flux[rows], error[rows] = found / n, np.hypot(spread / n, found * share**0.5)
    entries = np.append(label, np.arange(len(size), len(group)))
    east, north = (np.asarray(axis)[entries] * pixel for axis in places)
    each = np.maximum(posterior, FAINTEST)[entries]
    each[: len(rows)] /= n
    blend[rows] = blend_fraction(east, north, each, beam.fwhm)[: len(rows)]
    return Forced(flux, error, blend, prior.mean[0])


def force_bands(maps, fwhm, listed, companions, noise=None):
    """Measure the fluxes of a list in all bands; see `force_list`.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps [mJy/beam].
    fwhm : dict of int to float
        Widths of their beams [arcsec].
    listed, companions
        See `force_list`.
    noise : dict of int to float or ndarray, optional
        Noise of those bands of which it is known [mJy/beam].

    Returns
    -------
    dict of int to Forced
    """
    noise = noise or {}
    beams = {band: GaussianBeam(((width, 1.0),), width) for band, width in fwhm.items()}
    return {
        band: force_list(maps[band], beams[band], listed, companions, noise.get(band))
        for band in SPIRE
    }
