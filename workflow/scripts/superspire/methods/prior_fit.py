"""SPIRE fluxes of the sources of a 24 µm list, without and with a prior from S24.

`fit_nnls` is least squares at the listed positions, with fluxes that are not negative
and no other prior, band by band, as XID+ without its priors (Hurley et al. 2017, MNRAS
464, 885). `fit_map` gives the maximum a posteriori of all bands together: the
logarithms of a source's fluxes have a normal prior, whose mean and covariance depend on
its 24 µm flux, and the maps, sums of beams and a constant, have white noise and the
confusion of unlisted sources, whitened in Fourier space. `fit_map_search` then looks
for sources that the 24 µm list does not have. All that they know of galaxies is
measured on simulated sky (`superspire.methods.prior_knowledge`).
"""

import numpy as np
from astropy.table import Table
from scipy import fft
from scipy.optimize import minimize
from scipy.spatial import cKDTree
from scipy.special import j0

from superspire.instruments import SPIRE
from superspire.io import Map
from superspire.maps.positions import convert, pixel_size
from superspire.methods.beams import SAMPLES, radial_table, response
from superspire.methods.conditions import MIPS
from superspire.methods.forced import design_matrix, force_band, plane
from superspire.methods.matched_filter import find_filtered
from superspire.methods.spectra import wavenumbers, white_noise

REACH = 1.8
"""Radius at which a whitened beam ends [FWHM]."""

PAD = 64
"""Zeros around a map that is whitened [pixel]."""

ITERATIONS = 300
"""Maximum number of iterations of `fit_map`."""

SEPARATION = 5.0
"""Minimum distance of a source of the residuals from the list [arcsec]."""

MAX_LOG = 12.0
"""Largest ln S that is tried; S in mJy."""


def fit_nnls(maps, beams, listed, weights):
    """Fit fluxes that are not negative at the positions of a list, band by band.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps of SPIRE [mJy/beam].
    beams : dict of int to superspire.sky.beams.GaussianBeam or ImageBeam
        Their beams.
    listed : superspire.methods.list_24.List24
        The list.
    weights : ndarray, shape (3,)
        S450 per fitted flux of each band.

    Returns
    -------
    astropy.table.Table
        ``ra``, ``dec`` [deg], ``flux`` at 450 µm, ``S24``, ``S250``, ``S350``, ``S500``
        [mJy].
    """
    wcs = plane(maps[SPIRE[0]].wcs)
    sources = np.column_stack(wcs.all_world2pix(listed.ra, listed.dec, 0))
    fluxes = {f"S{b}": force_band(maps[b], beams[b], wcs, sources) for b in SPIRE}
    flux = np.stack(list(fluxes.values()), axis=1) @ weights
    positions = {"ra": listed.ra, "dec": listed.dec}
    return Table(positions | {"flux": flux, f"S{MIPS}": listed.flux} | fluxes)


def whiten(map_, beam, power):
    """Whiten noise and confusion of a map, and give what that makes of the beam.

    Parameters
    ----------
    map_ : superspire.io.Map
        Native map [mJy/beam].
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        Its beam.
    power : float
        Poisson power of the confusion [mJy² arcsec⁻²].

    Returns
    -------
    image : ndarray, shape (ny, nx)
        The map with a covariance of one, zero where nothing was observed.
    table : (ndarray, ndarray)
        Radii [arcsec] and profile of the whitened beam [mJy⁻¹].
    level : float
        What the constant 1 mJy/beam becomes.
    """
    pixel, noise = pixel_size(map_), white_noise(map_.data)

    def weight(k):
        return (noise**2 + power * (response(beam, pixel, k) / pixel) ** 2) ** -0.5

    k = (np.arange(SAMPLES) + 0.5) / SAMPLES / pixel
    passed = response(beam, pixel, k) * weight(k)
    radius = np.linspace(0.0, REACH * beam.fwhm, SAMPLES)
    kernel = j0(2.0 * np.pi * np.outer(radius, k))
    profile = kernel @ (passed * 2.0 * np.pi * k / (SAMPLES * pixel))
    seen = np.isfinite(map_.data)
    data = np.where(seen, map_.data - np.median(map_.data[seen]), 0.0)
    shape = [fft.next_fast_len(n + PAD, real=True) for n in data.shape]
    waves = wavenumbers(shape, pixel)
    grid = np.linspace(0.0, float(waves.max()), SAMPLES)
    image = fft.irfft2(
        fft.rfft2(data, shape) * np.interp(waves, grid, weight(grid)), shape
    )
    image = np.where(seen, image[: data.shape[0], : data.shape[1]], 0.0)
    return image, (radius, profile), float(weight(np.zeros(1))[0])


def whitened_system(maps, beams, confusion, ra, dec):
    """Set up the whitened maps as a linear function of the fluxes.

    Parameters
    ----------
    maps, beams
        See `fit_nnls`.
    confusion : ndarray, shape (3, 3)
        Poisson power between the bands [mJy² arcsec⁻²].
    ra, dec : ndarray, shape (n,)
        Positions [deg].

    Returns
    -------
    list of (scipy.sparse.csr_array, ndarray, float)
        For each band what 1 mJy of each source makes of each pixel, the pixels, and
        what 1 mJy/beam of a constant makes of them.
    """
    wcs = plane(maps[SPIRE[0]].wcs)
    sources = np.column_stack(wcs.all_world2pix(ra, dec, 0)).reshape(-1, 2)
    system = []
    for i, band in enumerate(SPIRE):
        map_ = maps[band]
        image, table, level = whiten(map_, beams[band], confusion[i][i])
        rows, columns = np.nonzero(np.isfinite(map_.data))
        pixels = np.column_stack(convert(wcs, map_.wcs, columns, rows))
        design = design_matrix(sources, pixels, table)
        system.append((design, image[rows, columns], level))
    return system


def solve_map(system, mean, covariance):
    """Find the fluxes of maximum posterior probability.

    In z, with ln S = mean + L z and the Cholesky factor L of the covariance, the prior
    is |z|² / 2, which makes the problem well scaled.

    Parameters
    ----------
    system : list
        See `whitened_system`.
    mean : ndarray, shape (n, 3)
        Of ln S.
    covariance : ndarray, shape (n, 3, 3)
        Of ln S.

    Returns
    -------
    ndarray, shape (n, 3)
        ln S.
    """
    lower = np.linalg.cholesky(covariance)
    n = len(mean)

    def logs(z):
        return mean + np.einsum("nij,nj->ni", lower, z)

    def cost(parameters):
        z, constants = parameters[: 3 * n].reshape(n, 3), parameters[3 * n :]
        flux = np.exp(np.minimum(logs(z), MAX_LOG))
        total, slope, slopes = 0.5 * np.sum(z**2), np.empty((n, 3)), np.empty(3)
        for i, (design, values, level) in enumerate(system):
            rest = design @ flux[:, i] + level * constants[i] - values
            total += 0.5 * rest @ rest
            slope[:, i] = (design.T @ rest) * flux[:, i]
            slopes[i] = level * np.sum(rest)
        slope = z + np.einsum("nji,nj->ni", lower, slope)
        return total, np.append(slope.ravel(), slopes)

    start = np.zeros(3 * n + 3)
    flux = np.exp(mean)
    for i, (design, values, level) in enumerate(system):
        start[3 * n + i] = np.mean(values - design @ flux[:, i]) / level
    options = {"maxiter": ITERATIONS, "maxcor": 20, "ftol": 1e-8, "gtol": 1e-3}
    best = minimize(cost, start, jac=True, method="L-BFGS-B", options=options)
    return logs(best.x[: 3 * n].reshape(n, 3))


def fit_map(maps, beams, listed, knowledge, added=None):
    """Fit all bands with the prior.

    Parameters
    ----------
    maps, beams, listed
        See `fit_nnls`.
    knowledge : superspire.methods.prior_knowledge.Knowledge
        Prior and confusion.
    added : mapping, optional
        ``ra``, ``dec`` [deg] of sources that are not listed.

    Returns
    -------
    astropy.table.Table
        See `fit_nnls`; ``S24`` is NaN for the added sources, which come last.
    """
    mean, covariance = knowledge.prior.at(listed.flux)
    ra, dec, flux_24 = listed.ra, listed.dec, listed.flux
    if added is not None:
        more = knowledge.unlisted.at(np.ones(len(added["ra"])))
        mean, covariance = np.vstack([mean, more[0]]), np.vstack([covariance, more[1]])
        ra, dec = np.append(ra, added["ra"]), np.append(dec, added["dec"])
        flux_24 = np.append(flux_24, np.full(len(added["ra"]), np.nan))
    system = whitened_system(maps, beams, knowledge.statistics["confusion"], ra, dec)
    log = solve_map(system, mean[:, :3], covariance[:, :3, :3])
    gain = np.linalg.solve(covariance[:, :3, :3], covariance[:, :3, 3:])[..., 0]
    target = mean[:, 3] + np.sum(gain * (log - mean[:, :3]), axis=1)
    fluxes = {f"S{band}": np.exp(log[:, i]) for i, band in enumerate(SPIRE)}
    table = {"ra": ra, "dec": dec, "flux": np.exp(target), f"S{MIPS}": flux_24}
    return Table(table | fluxes)


def subtract(maps, beams, table):
    """Subtract fitted sources from the maps.

    Parameters
    ----------
    maps, beams
        See `fit_nnls`.
    table : astropy.table.Table
        See `fit_nnls`.

    Returns
    -------
    dict of int to superspire.io.Map
        Residuals [mJy/beam].
    """
    wcs = plane(maps[SPIRE[0]].wcs)
    sources = np.column_stack(wcs.all_world2pix(table["ra"], table["dec"], 0))
    rest = {}
    for band in SPIRE:
        map_ = maps[band]
        rows, columns = np.nonzero(np.isfinite(map_.data))
        pixels = np.column_stack(convert(wcs, map_.wcs, columns, rows))
        beam = beams[band]
        profile = radial_table(beam, pixel_size(map_), REACH * beam.fwhm)
        model = design_matrix(sources, pixels, profile) @ np.asarray(table[f"S{band}"])
        data = np.array(map_.data, float)
        data[rows, columns] -= model
        data -= np.nanmedian(data)
        rest[band] = Map(data.astype(np.float32), map_.wcs)
    return rest


def search_residuals(maps, beams, table, statistics, least_snr):
    """Find sources in what a fit leaves of the maps.

    Parameters
    ----------
    maps, beams, table
        See `subtract`.
    statistics : dict
        Colours and confusion of galaxies that are not listed, see
        `superspire.methods.statistics.source_statistics`.
    least_snr : float
        Minimum signal-to-noise ratio, confusion included.

    Returns
    -------
    astropy.table.Table
        ``ra``, ``dec`` [deg], ``snr``, of sources at least `SEPARATION` from the fitted
        ones.
    """
    rest = subtract(maps, beams, table)
    found = find_filtered(rest, beams, statistics, SPIRE, least_snr)
    found = found["ra", "dec", "snr"]
    if len(found) == 0 or len(table) == 0:
        return found
    wcs = plane(maps[SPIRE[0]].wcs)
    listed, own = (
        np.column_stack(wcs.all_world2pix(one["ra"], one["dec"], 0))
        for one in (table, found)
    )
    return found[cKDTree(listed).query(own)[0] > SEPARATION]


def fit_map_search(maps, beams, listed, knowledge):
    """Fit with the prior, add the sources of the residuals and fit all again.

    Parameters
    ----------
    maps, beams, listed, knowledge
        See `fit_map`.

    Returns
    -------
    astropy.table.Table
        See `fit_map`.
    """
    first = fit_map(maps, beams, listed, knowledge)
    statistics, least_snr = knowledge.statistics, knowledge.least_snr
    added = search_residuals(maps, beams, first, statistics, least_snr)
    return fit_map(maps, beams, listed, knowledge, added)
