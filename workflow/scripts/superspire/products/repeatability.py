"""Two observations of the same sky: which sources of one are found in the other."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from astropy.table import Table
from scipy.optimize import brentq

from superspire.errors import InputError
from superspire.evaluation.measures import binomial_interval
from superspire.io import Map
from superspire.maps.tiling import near_edge
from superspire.photometry.flags import on_mask
from superspire.photometry.matching import match, shifted_catalogues
from superspire.products.reference import on_map

RADIUS = 4.0
"""Maximum separation of the two detections of a source [arcsec]."""

OFFSET_RADIUS = 8.0
"""Maximum separation of pairs to which the offset of the looks is fitted [arcsec]."""

ROUNDS = 3
"""Fits of that offset, each from where the last one put the sources."""

PROBABILITIES = (1 / 3, 0.5, 0.7, 0.85, 0.95, 1.0)
FLUXES = (0.0, 5.0, 8.0, 12.0, 20.0, np.inf)
"""Edges of the bins in which sources are counted; fluxes in mJy."""


@dataclass(frozen=True)
class Look:
    """One observation of a field.

    Attributes
    ----------
    name : str
        Name of the field.
    table : astropy.table.Table
        Its catalogue.
    covered : ndarray of bool, shape (ny, nx)
        Its coverage.
    wcs : astropy.wcs.WCS
        Coordinates of that.
    extended : superspire.io.Map
        Mask of what point sources cannot explain.
    """

    name: str
    table: Table
    covered: np.ndarray
    wcs: object
    extended: Map

    def holds(self, ra, dec):
        """Whether positions [deg] are on clear sky, not near the edge."""
        x, y = self.wcs.all_world2pix(ra, dec, 0)
        ny, nx = self.covered.shape
        inside = (x > -0.5) & (x < nx - 0.5) & (y > -0.5) & (y < ny - 0.5)
        edge = np.ones(len(x), bool)
        edge[inside] = near_edge(self.covered, x[inside], y[inside])
        return ~edge & ~on_mask(self.extended, ra, dec)


def shared_sources(looks):
    """Take the sources of two looks that lie on clear sky of both.

    Parameters
    ----------
    looks : sequence of Look
        The first and the second look.

    Returns
    -------
    list of pandas.DataFrame
        The columns of `superspire.products.reference.on_map` on the grid of the first
        look, ``pos_err`` [arcsec] and ``probability`` (NaN where a catalogue has
        none).

    Raises
    ------
    InputError
        If either has no such source.
    """
    grid, result = looks[0], []
    for look in looks:
        ra, dec = (np.asarray(look.table[name], float) for name in ("RA", "DEC"))
        shared = np.all([each.holds(ra, dec) for each in looks], axis=0)
        if not shared.any():
            raise InputError(
                f"fields {looks[0].name} and {looks[1].name}: expected sources of both "
                f"on sky that both cover, found none of {look.name}"
            )
        sources = on_map(look.table[shared], grid.wcs)
        for name in ("POS_ERR", "PROBABILITY"):
            known = name in look.table.colnames
            values = np.asarray(look.table[name], float)[shared] if known else np.nan
            sources[name.lower()] = values
        result.append(sources)
    return result


def fit_offset(first, second):
    """Fit the offset of a look from another, by the mean of pairs of sources.

    Parameters
    ----------
    first, second : pandas.DataFrame
        See `shared_sources`.

    Returns
    -------
    offset, error : ndarray, shape (2,)
        Second minus first along x and y, and its standard error [pixel]; zero and NaN
        with fewer than three pairs.
    """
    offset = np.zeros(2)
    for _ in range(ROUNDS):
        moved = second.assign(x=second["x"] - offset[0], y=second["y"] - offset[1])
        pairs = paired(first, moved, OFFSET_RADIUS)
        if len(pairs) < 3:
            return np.zeros(2), np.full(2, np.nan)
        weights = (1.0 / pairs["pos_err"] ** 2).fillna(1.0)
        shift = [np.average(pairs[axis], weights=weights) for axis in ("dx", "dy")]
        offset = offset + shift
    spread = pairs[["dx", "dy"]].to_numpy() - shift
    part = (weights / weights.sum()).to_numpy()[:, None]
    return offset, np.sqrt((part**2 * spread**2).sum(axis=0))


def paired(first, second, radius=RADIUS):
    """Pair the sources of two looks, each once and the nearest first.

    Parameters
    ----------
    first, second : pandas.DataFrame
        See `shared_sources`.
    radius : float
        Maximum separation [pixel].

    Returns
    -------
    pandas.DataFrame
        ``dx``, ``dy``, ``separation`` of second from first [pixel], their joint
        ``pos_err``; both fluxes ``flux_1``, ``flux_2`` and their joint ``error`` [mJy];
        ``probability``, the lower of both.
    """
    partner, separation = match(first, second, radius, one_to_one=True)
    own = partner >= 0
    one = first[own].reset_index(drop=True)
    two = second.iloc[partner[own]].reset_index(drop=True)
    return pd.DataFrame(
        {
            "dx": two["x"] - one["x"],
            "dy": two["y"] - one["y"],
            "separation": separation[own],
            "pos_err": np.hypot(one["pos_err"], two["pos_err"]),
            "flux_1": one["flux"],
            "flux_2": two["flux"],
            "error": np.hypot(one["error"], two["error"]),
            "probability": np.minimum(one["probability"], two["probability"]),
        }
    )


def repeated_fractions(names, sources):
    """Measure which sources of each look are found in the other one.

    Parameters
    ----------
    names : sequence of str
        Names of the looks.
    sources : sequence of pandas.DataFrame
        Their sources (`shared_sources`), without an offset.

    Returns
    -------
    pandas.DataFrame
        For each look and for both together, in bins of a ``quantity`` (probability,
        flux): ``low_edge``, ``high_edge``, ``n`` sources, their mean ``stated``
        probability, the ``repeated`` fraction with its 68 % interval ``low``, ``high``,
        and ``chance``, the same for catalogues shifted by 30 arcsec.
    """
    judged = []
    for name, own, other in zip(names, sources, sources[::-1], strict=True):
        size = int(max(own[["x", "y"]].max().max(), 1)) + 1
        hit = match(own, other, RADIUS)[0] >= 0
        by_chance = [
            match(own, moved, RADIUS)[0] >= 0
            for moved in shifted_catalogues(other, size=size)
        ]
        judged.append(own.assign(of=name, hit=hit, chance=np.mean(by_chance, axis=0)))
    both = pd.concat(judged, ignore_index=True)
    rows = []
    for label, table in [*zip(names, judged, strict=True), ("both", both)]:
        for quantity, edges in (("probability", PROBABILITIES), ("flux", FLUXES)):
            for low, high in pairwise(edges):
                last = high == edges[-1]
                values = table[quantity]
                inside = (values >= low) & ((values <= high) if last else values < high)
                limits = {"of": label, "quantity": quantity}
                limits |= {"low_edge": low, "high_edge": high}
                rows.append(limits | repeated(table[inside]))
    return pd.DataFrame(rows)


def repeated(sources):
    """Count the sources that were found again; see `repeated_fractions`."""
    hits, n = sources["hit"].sum(), len(sources)
    low, high = binomial_interval(hits, n)
    return {
        "n": n,
        "stated": sources["probability"].mean(),
        "repeated": hits / n if n else np.nan,
        "low": low,
        "high": high,
        "chance": sources["chance"].mean(),
    }


def expected_within(ratio, pos_err, radius=RADIUS):
    """Compute which fraction of pairs right errors put within a separation.

    Parameters
    ----------
    ratio : float
        Separation over its error.
    pos_err : ndarray, shape (n,)
        Joint standard errors of the pairs along each axis [arcsec].
    radius : float
        Maximum separation [arcsec], where the Rayleigh distribution of each ends.

    Returns
    -------
    float
    """
    end = radius / pos_err
    within = np.expm1(-0.5 * np.minimum(ratio, end) ** 2)
    return float(np.mean(within / np.expm1(-0.5 * end**2)))


def expected_median(pos_err, radius=RADIUS):
    """Compute the median separation over its error that right errors give.

    Parameters
    ----------
    pos_err, radius
        See `expected_within`.

    Returns
    -------
    float
        1.177 for errors that are small against the radius; NaN without errors.
    """
    known = np.asarray(pos_err, float)
    known = known[np.isfinite(known)]
    if not len(known):
        return np.nan
    return float(brentq(lambda m: expected_within(m, known, radius) - 0.5, 0.0, 10.0))


def summarise_looks(looks):
    """Compare two looks at the same sky.

    Parameters
    ----------
    looks : sequence of Look
        The first and the second look.

    Returns
    -------
    fractions : pandas.DataFrame
        See `repeated_fractions`.
    pairs : pandas.DataFrame
        See `paired`, without the offset.
    summary : dict
        Number of ``sources`` of both, of ``pairs``; ``offset_arcsec`` to the east and
        north of the second look from the first, fitted and removed, with its error;
        median separation over the joint POS_ERR and what right errors give; 68 % of the
        flux differences over the joint S450_ERR, and the median flux ratio.
    """
    first, second = shared_sources(looks)
    offset, error = fit_offset(first, second)
    second = second.assign(x=second["x"] - offset[0], y=second["y"] - offset[1])
    fractions = repeated_fractions([look.name for look in looks], [first, second])
    pairs = paired(first, second)
    pull = (pairs["flux_2"] - pairs["flux_1"]) / pairs["error"]
    summary = {
        "sources": [len(first), len(second)],
        "pairs": len(pairs),
        "offset_arcsec": [float(-offset[0]), float(offset[1])],
        "offset_error_arcsec": error.tolist(),
        "median_separation_over_error": (
            pairs["separation"] / pairs["pos_err"]
        ).median(),
        "expected_median_separation_over_error": expected_median(pairs["pos_err"]),
        "flux_difference_over_error_68": pull.abs().quantile(0.68),
        "median_flux_ratio": (pairs["flux_2"] / pairs["flux_1"]).median(),
    }
    return fractions, pairs, summary
