"""Angular correlation function of sources in a square field."""

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from superspire.errors import InputError


def disc_share(x, y, side, radius):
    """Area of a disc that lies in a square which holds its centre.

    Each quarter of the disc is cut by the two edges of the square that it faces.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Centres of the discs, from 0 to `side`.
    side : float
        Side of the square.
    radius : float
        Radius of the discs.

    Returns
    -------
    ndarray, shape (n,)
        Areas in units of the square.
    """
    r2 = radius**2

    def below_circle(t):
        """Integrate the circle from 0 to t."""
        return 0.5 * (t * np.sqrt(r2 - t**2) + r2 * np.arcsin(t / radius))

    total = 0.0
    for width in (x, side - x):
        reach = np.minimum(width, radius)
        for height in (y, side - y):
            flat = np.minimum(np.sqrt(np.clip(r2 - height**2, 0.0, None)), reach)
            total = total + flat * height + below_circle(reach) - below_circle(flat)
    return total / side**2


def pair_share(side, radius):
    """Share of the pairs of random points in a square that are closer than a radius.

    Parameters
    ----------
    side : float
        Side of the square.
    radius : array_like
        Radius, at most `side`.

    Returns
    -------
    ndarray
        pi u² - 8 u³ / 3 + u⁴ / 2 with u = radius / side (Philip 2007, TRITA MAT 07 MA
        10).
    """
    u = np.asarray(radius, float) / side
    return np.pi * u**2 - 8.0 / 3.0 * u**3 + 0.5 * u**4


def angular_correlation(x, y, side, edges):
    """Measure w(theta) with the estimator of Landy & Szalay (1993).

    The pairs of the random catalogue are known in closed form in a square, and so are
    those with the data: w = (DD - 2 DR + RR) / RR without random noise.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Positions in the square, from 0 to `side` [arcsec].
    side : float
        Side of the square [arcsec].
    edges : array_like, shape (m + 1,)
        Edges of the bins of separation, above zero and at most `side` [arcsec].

    Returns
    -------
    pandas.DataFrame
        ``low``, ``high`` [arcsec], ``pairs`` (each counted once), ``w`` and its
        Poisson ``error``, which leaves out that pairs in groups are not independent.

    Raises
    ------
    InputError
        If there are less than two sources, the bins do not fit, or a source lies
        outside the square.
    """
    x, y, edges = (np.asarray(values, float) for values in (x, y, edges))
    n = len(x)
    if n < 2:
        raise InputError(f"correlation: expected at least two sources, found {n}")
    if not (np.all(np.diff(edges) > 0) and edges[0] > 0 and edges[-1] <= side):
        raise InputError(
            f"correlation: expected increasing edges above 0 and up to the side of "
            f"{side:g} arcsec, found {edges.tolist()}"
        )
    if min(x.min(), y.min()) < 0 or max(x.max(), y.max()) > side:
        raise InputError(
            f"correlation: expected positions from 0 to {side:g} arcsec, found "
            f"{min(x.min(), y.min()):g} to {max(x.max(), y.max()):g}"
        )
    tree = cKDTree(np.stack([x, y], axis=1))
    pairs = np.diff(tree.count_neighbors(tree, edges)) / 2.0
    number = n * (n - 1) / 2.0
    dd = pairs / number
    dr = np.diff([disc_share(x, y, side, radius).mean() for radius in edges])
    rr = np.diff(pair_share(side, edges))
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "pairs": pairs.astype(int),
            "w": (dd - 2.0 * dr + rr) / rr,
            "error": np.sqrt(np.maximum(pairs, 1.0)) / (rr * number),
        }
    )
