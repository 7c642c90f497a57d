"""Match the sources of two catalogues by position, cutout by cutout."""

import numpy as np
from scipy.spatial import cKDTree

from superspire.instruments import CUTOUT

SHIFT = 30.0
"""Shift of the catalogue whose matches give the chance level [pixel]."""

DIRECTIONS = 8


def coordinates(catalogue, radius):
    """Lift the cutouts of a catalogue so far apart that none matches another.

    Parameters
    ----------
    catalogue : mapping
        Columns ``cutout``, ``x`` and ``y`` [pixel].
    radius : float
        Maximum separation of a match [pixel].

    Returns
    -------
    ndarray, shape (n, 3)
    """
    columns = (np.asarray(catalogue[name], dtype=float) for name in ("x", "y"))
    lift = np.asarray(catalogue["cutout"], dtype=float) * 10.0 * max(radius, 1.0)
    return np.column_stack([*columns, lift])


def find_pairs(first, second, radius):
    """List the pairs of sources of two catalogues that are near each other.

    Parameters
    ----------
    first, second : mapping
        Columns ``cutout``, ``x`` and ``y`` [pixel].
    radius : float
        Maximum separation [pixel].

    Returns
    -------
    i, j : ndarray of int, shape (n,)
        Rows of `first` and `second`, nearest pair first.
    distance : ndarray, shape (n,)
        Separations [pixel].
    """
    a, b = coordinates(first, radius), coordinates(second, radius)
    if len(a) == 0 or len(b) == 0:
        return np.empty(0, int), np.empty(0, int), np.empty(0)
    pairs = cKDTree(a).sparse_distance_matrix(cKDTree(b), radius, output_type="ndarray")
    order = np.lexsort((pairs["j"], pairs["i"], pairs["v"]))
    return pairs["i"][order], pairs["j"][order], pairs["v"][order]


def choose(pairs, n, one_to_one=False):
    """Give each source its nearest partner.

    Parameters
    ----------
    pairs : tuple of ndarray
        Rows and separations, nearest pair first, as from `find_pairs`.
    n : int
        Number of sources in the first catalogue.
    one_to_one : bool
        Let each source of the second catalogue serve once only, the nearest first;
        otherwise any number of times.

    Returns
    -------
    partner : ndarray of int, shape (n,)
        Row in the second catalogue, -1 for none.
    distance : ndarray, shape (n,)
        Separation, infinite for none.
    """
    i, j, separation = pairs
    partner, distance = np.full(n, -1), np.full(n, np.inf)
    if one_to_one:
        taken = set()
        for a, b, d in zip(i, j, separation, strict=True):
            if partner[a] < 0 and b not in taken:
                partner[a], distance[a] = b, d
                taken.add(b)
    else:
        rows, first = np.unique(i, return_index=True)
        partner[rows], distance[rows] = j[first], separation[first]
    return partner, distance


def match(first, second, radius, flux_factor=None, one_to_one=False):
    """Match each source to the nearest one of another catalogue.

    Parameters
    ----------
    first, second : mapping
        Columns ``cutout``, ``x``, ``y`` [pixel] and, for `flux_factor`, ``flux``.
    radius : float
        Maximum separation [pixel].
    flux_factor : float, optional
        Maximum ratio of the two fluxes, either way round.
    one_to_one : bool
        See `choose`.

    Returns
    -------
    partner : ndarray of int, shape (n,)
        Row of `second`, -1 for none.
    distance : ndarray, shape (n,)
        Separation [pixel], infinite for none.
    """
    i, j, distance = find_pairs(first, second, radius)
    if flux_factor is not None:
        a, b = (np.asarray(c["flux"], dtype=float) for c in (first, second))
        alike = (a[i] <= flux_factor * b[j]) & (b[j] <= flux_factor * a[i])
        i, j, distance = i[alike], j[alike], distance[alike]
    return choose((i, j, distance), len(first["x"]), one_to_one)


def shift_catalogue(catalogue, angle, shift=SHIFT, size=CUTOUT):
    """Shift the sources within their cutouts, in at one side what goes out at another.

    Parameters
    ----------
    catalogue : pandas.DataFrame
        Columns ``x`` and ``y`` [pixel].
    angle : float
        Direction of the shift [rad].
    shift : float
        Length of the shift [pixel].
    size : int
        Side of a cutout [pixel].

    Returns
    -------
    pandas.DataFrame
    """
    x = (catalogue["x"] + shift * np.cos(angle) + 0.5) % size - 0.5
    y = (catalogue["y"] + shift * np.sin(angle) + 0.5) % size - 0.5
    return catalogue.assign(x=x, y=y)


def shifted_catalogues(catalogue, shift=SHIFT, size=CUTOUT):
    """Yield the catalogue shifted in eight directions (see `shift_catalogue`)."""
    for angle in 2.0 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS:
        yield shift_catalogue(catalogue, angle, shift, size)
