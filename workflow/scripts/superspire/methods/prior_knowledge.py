"""What fits at 24 µm positions know of galaxies, measured on simulated sky."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls
from scipy.spatial import cKDTree

from superspire.evaluation.measures import FLUX_FACTOR, trim_edges
from superspire.evaluation.methods import field_catalogue
from superspire.instruments import SPIRE, TARGET
from superspire.methods.conditions import MIPS
from superspire.methods.forced import plane
from superspire.methods.prior_fit import fit_map, fit_nnls, search_residuals
from superspire.methods.statistics import COLOUR_FLUX, source_statistics
from superspire.photometry.matching import match

BANDS_FITTED = (*SPIRE, TARGET)
"""Bands of a prior; the last one follows from the others and has no map."""

IDENTIFIED = 3.0
"""Maximum distance of a listed source from its galaxy [arcsec]."""

PER_BIN = 400
"""Galaxies in each bin of 24 µm flux in which the prior is measured."""

MIN_SCATTER = 0.02
"""Added in quadrature to the standard deviations of a prior, so that its covariance
can be inverted."""

MIN_FLUX = 1e-3
"""Flux to which fainter ones are raised in a prior [mJy]."""

UNLISTED_FLUX = 3.0
"""Faintest galaxy at 450 µm from which the prior of unlisted sources comes [mJy]."""

SNRS = (2.0, 2.5, 3.0, 3.5)
"""Thresholds of the search of residuals that are tried."""

TUNING_FLUX = 3.0
"""Faintest source that counts in the choice among them [mJy]."""

MATCH_RADIUS = 4.0
"""Radius of a match in this choice [arcsec]."""

TINY = 1e-12
"""Smallest number that is divided by."""


@dataclass(frozen=True)
class Prior:
    """Normal distribution of ln S of 250, 350, 500 and 450 µm, given ln S24.

    Attributes
    ----------
    log_24 : ndarray, shape (m,)
        Median ln S24 of each bin, increasing; S24 in mJy.
    mean : ndarray, shape (m, 4)
        Means of ln S, between which is interpolated; S in mJy.
    covariance : ndarray, shape (m, 4, 4)
        Covariances; those of the nearest bin hold.
    """

    log_24: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray

    def at(self, flux_24):
        """Give mean and covariance of each source.

        Parameters
        ----------
        flux_24 : ndarray, shape (n,)
            Fluxes at 24 µm [mJy].

        Returns
        -------
        mean : ndarray, shape (n, 4)
        covariance : ndarray, shape (n, 4, 4)
        """
        log = np.log(flux_24)
        mean = [np.interp(log, self.log_24, column) for column in self.mean.T]
        edges = 0.5 * (self.log_24[1:] + self.log_24[:-1])
        return np.stack(mean, axis=1), self.covariance[np.searchsorted(edges, log)]


@dataclass(frozen=True)
class Knowledge:
    """What the methods know of galaxies.

    Attributes
    ----------
    prior : Prior
        Of listed sources.
    unlisted : Prior
        Of those found in the residuals, the same for every S24.
    statistics : dict
        Colours and confusion of galaxies that are not listed, see
        `superspire.methods.statistics.source_statistics`.
    weights : ndarray, shape (3,)
        S450 per flux of each SPIRE band that `superspire.methods.prior_fit.fit_nnls`
        gives.
    least_snr : float
        Minimum signal-to-noise ratio of sources in the residuals.
    """

    prior: Prior
    unlisted: Prior
    statistics: dict
    weights: np.ndarray
    least_snr: float = SNRS[-1]


def measure_prior(flux_24, fluxes, per_bin=PER_BIN):
    """Measure the prior.

    Parameters
    ----------
    flux_24 : ndarray, shape (n,)
        Measured fluxes of a list at 24 µm [mJy].
    fluxes : ndarray, shape (n, 4)
        True fluxes of the same sources in `BANDS_FITTED` [mJy].
    per_bin : int
        Minimum number of sources in a bin.

    Returns
    -------
    Prior
    """
    order = np.argsort(flux_24)
    log_24 = np.log(flux_24[order])
    log = np.log(np.maximum(fluxes[order], MIN_FLUX))
    bins = np.array_split(np.arange(len(order)), max(1, len(order) // per_bin))
    covariance = []
    for rows in bins:
        step = log_24[rows] - log_24[rows].mean()
        rest = log[rows] - log[rows].mean(axis=0)
        rest -= np.outer(step, step @ rest / max(step @ step, TINY))
        scatter = rest.T @ rest / max(len(rows) - 2, 1)
        covariance.append(scatter + MIN_SCATTER**2 * np.eye(log.shape[1]))
    return Prior(
        np.array([np.median(log_24[rows]) for rows in bins]),
        np.array([log[rows].mean(axis=0) for rows in bins]),
        np.array(covariance),
    )


def identify(listed, galaxies, wcs):
    """Find the galaxy that is the brightest at 24 µm at each listed source.

    Parameters
    ----------
    listed : superspire.methods.list_24.List24
        The list.
    galaxies : mapping
        ``RA``, ``DEC`` [deg], ``S24`` [mJy].
    wcs : astropy.wcs.WCS
        Plane with pixels of 1 arcsec.

    Returns
    -------
    ndarray of int, shape (n,)
        Row of the galaxy, -1 for none within `IDENTIFIED`.
    """
    ra, dec = np.asarray(galaxies["RA"]), np.asarray(galaxies["DEC"])
    true = np.column_stack(wcs.all_world2pix(ra, dec, 0))
    own = np.column_stack(wcs.all_world2pix(listed.ra, listed.dec, 0))
    pairs = cKDTree(own).sparse_distance_matrix(
        cKDTree(true), IDENTIFIED, output_type="ndarray"
    )
    order = np.argsort(np.asarray(galaxies[f"S{MIPS}"])[pairs["j"]], kind="stable")
    partner = np.full(len(listed), -1)
    partner[pairs["i"][order]] = pairs["j"][order]
    return partner


def f1_score(found, truth, size):
    """Give F1 of a list above `TUNING_FLUX`, of matches within a factor two in flux.

    Parameters
    ----------
    found, truth : pandas.DataFrame
        See `superspire.evaluation.methods.field_catalogue`.
    size : int
        Side of the field [pixel].

    Returns
    -------
    float
    """
    fractions = []
    for one, other in ((truth, found), (found, truth)):
        own = trim_edges(one, size)
        own = own[own["flux"] >= TUNING_FLUX]
        hit = match(own, other, MATCH_RADIUS, FLUX_FACTOR)[0] >= 0
        fractions.append(np.mean(hit) if len(own) else 0.0)
    return 2.0 * np.prod(fractions) / max(np.sum(fractions), TINY)


def tune_search(maps, beams, listed, knowledge, truth, size, wcs):
    """Choose the threshold of the search of the residuals of the largest F1.

    Parameters
    ----------
    maps, beams, listed
        See `superspire.methods.prior_fit.fit_nnls`; of simulated sky.
    knowledge : Knowledge
        See `learn`.
    truth, size, wcs
        See `superspire.methods.observing.truth_of`.

    Returns
    -------
    Knowledge
        With that threshold.
    """
    first = fit_map(maps, beams, listed, knowledge)
    found = search_residuals(maps, beams, first, knowledge.statistics, SNRS[0])
    scores = []
    for snr in SNRS:
        added = found[found["snr"] >= snr]
        table = fit_map(maps, beams, listed, knowledge, added)
        columns = (table[name] for name in ("ra", "dec", "flux"))
        scores.append(f1_score(field_catalogue(*columns, wcs), truth, size))
    print("F1 of the search:", dict(zip(SNRS, np.round(scores, 4), strict=True)))
    return replace(knowledge, least_snr=SNRS[int(np.argmax(scores))])


def learn(maps, beams, listed, galaxies, area):
    """Measure all that the methods know, on simulated sky, but `tune_search`.

    Parameters
    ----------
    maps, beams, listed
        See `superspire.methods.prior_fit.fit_nnls`.
    galaxies : mapping
        True galaxies: ``RA``, ``DEC`` [deg], ``S24``, ``S250`` ... [mJy].
    area : float
        Area of the sky [deg²].

    Returns
    -------
    Knowledge
    """
    wcs = plane(maps[SPIRE[0]].wcs)
    partner = identify(listed, galaxies, wcs)
    fluxes = np.stack(
        [np.asarray(galaxies[f"S{band}"], float) for band in BANDS_FITTED], axis=1
    )
    real = partner >= 0
    prior = measure_prior(listed.flux[real], fluxes[partner[real]])
    others = np.ones(len(fluxes), bool)
    others[partner[real]] = False
    columns = dict(zip(BANDS_FITTED, fluxes[others].T, strict=True))
    statistics = source_statistics([columns], area)
    bright = fluxes[others & (fluxes[:, 3] >= UNLISTED_FLUX)]
    unlisted = measure_prior(np.ones(len(bright)), bright, len(bright))
    nothing = np.zeros(len(SPIRE))
    fitted = fit_nnls(maps, beams, listed, nothing)
    bands = np.stack([np.asarray(fitted[f"S{band}"]) for band in SPIRE], axis=1)
    weights = nnls(bands[real], fluxes[partner[real], 3])[0]
    bright = fluxes[partner[real], 3] >= COLOUR_FLUX
    ratio = bands[real][bright] @ weights / fluxes[partner[real], 3][bright]
    weights /= np.median(ratio)
    return Knowledge(prior, unlisted, statistics, weights)
