"""Angular correlation function of sources in a window of equal squares."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from superspire.errors import InputError

ANGLES = 0.5 * np.pi * (np.arange(90) + 0.5) / 90
"""Directions of a quarter over which pairs of random points are averaged [rad]."""

RADII = 24
"""Separations per bin at which pairs of random points are averaged."""


@dataclass(frozen=True)
class Window:
    """Where sources could be found: squares that do not overlap.

    Attributes
    ----------
    corners : ndarray, shape (t, 2)
        Lower corners of the squares [arcsec].
    side : float
        Side of every square [arcsec].
    """

    corners: np.ndarray
    side: float

    @classmethod
    def square(cls, side):
        """Make the window of a single square, from 0 to `side` [arcsec]."""
        return cls(np.zeros((1, 2)), float(side))

    @property
    def area(self):
        """Area [arcsec²]."""
        return len(self.corners) * self.side**2

    @property
    def extent(self):
        """Longer side of the smallest rectangle around the window [arcsec]."""
        return float(np.ptp(self.corners, axis=0).max() + self.side)

    def squares_of(self, x, y):
        """Find the square that each position lies in.

        Parameters
        ----------
        x, y : ndarray, shape (n,)
            Positions [arcsec].

        Returns
        -------
        ndarray of int, shape (n,)
            Row of `corners`, -1 outside the window.
        """
        found = np.full(len(x), -1)
        for square, corner in enumerate(self.corners):
            inside = (x >= corner[0]) & (x <= corner[0] + self.side)
            inside &= (y >= corner[1]) & (y <= corner[1] + self.side)
            found[inside] = square
        return found

    def disc_share(self, x, y, radius):
        """Give the fraction of the window that lies in a disc.

        Parameters
        ----------
        x, y : ndarray, shape (n,)
            Centres of the discs [arcsec].
        radius : float
            Radius of the discs [arcsec].

        Returns
        -------
        ndarray, shape (n,)
        """
        total = np.zeros(len(x))
        for left, low in self.corners:
            half = self.side / 2
            offset = np.maximum(np.abs(x - left - half), np.abs(y - low - half))
            whole = offset <= half - radius
            total[whole] += np.pi * radius**2
            cut = ~whole & (offset < half + radius)
            west, south = left - x[cut], low - y[cut]
            east, north = west + self.side, south + self.side
            total[cut] += (
                corner_area(east, north, radius)
                - corner_area(west, north, radius)
                - corner_area(east, south, radius)
                + corner_area(west, south, radius)
            )
        return total / self.area

    def pair_share(self, edges):
        """Give the fraction of the pairs of random points by their separation.

        Parameters
        ----------
        edges : ndarray, shape (m + 1,)
            Edges of the bins of separation [arcsec].

        Returns
        -------
        ndarray, shape (m,)
            The autocorrelation of the window, a sum of products of triangles,
            integrated over each annulus.
        """
        node, weight = np.polynomial.legendre.leggauss(RADII)
        low, half = edges[:-1, None], 0.5 * np.diff(edges)[:, None]
        radius = low + half * (1.0 + node)
        weight = weight * half * radius * 2.0 * np.pi / len(ANGLES)
        dx, dy = (radius[..., None] * f(ANGLES) for f in (np.cos, np.sin))
        offsets = (self.corners[:, None] - self.corners[None]).reshape(-1, 2)
        offsets, number = np.unique(np.round(offsets, 6), axis=0, return_counts=True)
        reached = np.all(
            (offsets > -self.side) & (offsets < self.side + edges[-1]), axis=1
        )
        fraction = np.zeros(radius.shape)
        for (x, y), n in zip(offsets[reached], number[reached], strict=True):
            across = np.clip(self.side - np.abs(dx - x), 0.0, None)
            along = np.clip(self.side - np.abs(dy - y), 0.0, None)
            fraction += n * np.einsum("ijk,ijk->ij", across, along)
        return np.sum(weight * fraction, axis=-1) / self.area**2


def corner_area(width, height, radius):
    """Area of a disc around the origin between the axes and two lines.

    Parameters
    ----------
    width, height : ndarray, shape (n,)
        Abscissa and ordinate of the lines; the area has the sign of their product.
    radius : float
        Radius of the disc.

    Returns
    -------
    ndarray, shape (n,)
    """
    sign = np.sign(width) * np.sign(height)
    height, r2 = np.abs(height), radius**2

    def below_circle(t):
        """Integrate the circle from 0 to t."""
        return 0.5 * (t * np.sqrt(r2 - t**2) + r2 * np.arcsin(t / radius))

    reach = np.minimum(np.abs(width), radius)
    flat = np.minimum(np.sqrt(np.clip(r2 - height**2, 0.0, None)), reach)
    return sign * (flat * height + below_circle(reach) - below_circle(flat))


def check_sample(x, y, window, edges):
    """Refuse what has no correlation function.

    Raises
    ------
    InputError
        See `angular_correlation`.
    """
    if len(x) < 2:
        raise InputError(f"correlation: expected at least two sources, found {len(x)}")
    limit = window.extent
    if not (np.all(np.diff(edges) > 0) and edges[0] > 0 and edges[-1] <= limit):
        raise InputError(
            f"correlation: expected increasing edges above 0 and up to the side of "
            f"{limit:g} arcsec, found {edges.tolist()}"
        )
    outside = np.flatnonzero(window.squares_of(x, y) < 0)
    if len(outside):
        position = f"({x[outside[0]]:g}, {y[outside[0]]:g})"
        raise InputError(
            f"correlation: expected positions in the window of {limit:g} arcsec, found "
            f"{position}"
        )


def angular_correlation(x, y, window, edges):
    """Measure w(theta) with the estimator of Landy & Szalay (1993).

    The pairs of a random catalogue are integrals over the window, and so are those
    with the data: w = (DD - 2 DR + RR) / RR without random noise.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Positions on a plane [arcsec].
    window : Window
        Where they could be.
    edges : array_like, shape (m + 1,)
        Edges of the bins of separation, above zero [arcsec].

    Returns
    -------
    pandas.DataFrame
        ``low``, ``high`` [arcsec], ``pairs`` (each counted once), ``w`` and its
        Poisson ``error``, which leaves out that pairs in groups are not independent.

    Raises
    ------
    InputError
        If there are less than two sources, the bins do not fit, or a source lies
        outside the window.
    """
    x, y, edges = (np.asarray(values, float) for values in (x, y, edges))
    check_sample(x, y, window, edges)
    tree = cKDTree(np.stack([x, y], axis=1))
    pairs = np.diff(tree.count_neighbors(tree, edges)) / 2.0
    number = len(x) * (len(x) - 1) / 2.0
    dd = pairs / number
    dr = np.diff([window.disc_share(x, y, radius).mean() for radius in edges])
    rr = window.pair_share(edges)
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "pairs": pairs.astype(int),
            "w": (dd - 2.0 * dr + rr) / rr,
            "error": np.sqrt(np.maximum(pairs, 1.0)) / (rr * number),
        }
    )


def jackknife_correlation(x, y, window, edges, regions):
    """Measure w(theta) with errors from leaving out one region after the other.

    Parameters
    ----------
    x, y, window, edges
        See `angular_correlation`.
    regions : array_like of int, shape (t,)
        Region of each square of the window.

    Returns
    -------
    pandas.DataFrame
        As from `angular_correlation`, with ``error`` = ((g - 1) / g sum (w_i -
        <w>)²)^0.5 for g regions (Norberg et al. 2009, equation 7), NaN for less than
        two regions or two sources outside any.

    Raises
    ------
    InputError
        See `angular_correlation`.
    """
    x, y, regions = np.asarray(x, float), np.asarray(y, float), np.asarray(regions)
    table = angular_correlation(x, y, window, edges)
    own, names = regions[window.squares_of(x, y)], np.unique(regions)
    if len(names) < 2 or min(np.sum(own != region) for region in names) < 2:
        return table.assign(error=np.nan)
    left = [
        angular_correlation(
            x[own != region],
            y[own != region],
            Window(window.corners[regions != region], window.side),
            edges,
        )["w"]
        for region in names
    ]
    return table.assign(error=np.std(left, axis=0) * np.sqrt(len(names) - 1.0))
