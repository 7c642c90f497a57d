"""Bias of stacks on the super-resolved map at the positions of known sources.

A stack at true positions holds the flux of the sources and that of their neighbours,
which cluster with them. The same stack on the noiseless true map holds both as well, so
that the ratio of the two is what the network leaves of the flux.
"""

import itertools

import numpy as np
import pandas as pd
from scipy.ndimage import map_coordinates

FLUX_EDGES = (0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 15.0)
"""Edges of the bins of true flux [mJy]."""

MARGIN = 40
"""Border of a map in which no position is used [pixel]."""

RANDOM = 100_000
"""Random positions on a map."""

BLOCKS = 6
"""Parts along each side of a map that are drawn for the errors."""

DRAWS = 200
"""Bootstrap draws."""

MAPS = ("superresolved", "true")


def sample_maps(maps, sources, rng, number=RANDOM):
    """Read maps at the positions of sources and at random positions.

    Parameters
    ----------
    maps : dict of str to ndarray, shape (ny, nx)
        `MAPS` on the same grid [mJy/beam]; NaN where nothing was observed.
    sources : mapping
        ``x``, ``y`` [pixel] and ``flux`` [mJy].
    rng : numpy.random.Generator
        Source of the random positions.
    number : int
        How many of them.

    Returns
    -------
    pandas.DataFrame
        ``flux`` [mJy], NaN at random positions; ``block``, the part of the map that the
        position lies in; and the value of every map there, interpolated by cubic
        splines. Positions in the border are left out.
    """
    ny, nx = next(iter(maps.values())).shape
    low, high = MARGIN, np.array([nx, ny]) - 1.0 - MARGIN
    x, y, flux = (np.asarray(sources[name], float) for name in ("x", "y", "flux"))
    random = rng.uniform(low, high, (number, 2))
    place = np.vstack([np.column_stack([x, y]), random])
    flux = np.append(flux, np.full(number, np.nan))
    inside = np.all((place >= low) & (place <= high), axis=1)
    place, flux = place[inside], flux[inside]
    column, row = np.minimum(BLOCKS * (place - low) / (high - low), BLOCKS - 1).T
    table = {"flux": flux, "block": row.astype(int) * BLOCKS + column.astype(int)}
    for name, image in maps.items():
        known = np.nan_to_num(image, nan=np.nanmean(image))
        values = map_coordinates(known, place.T[::-1], mode="nearest")
        nearest = tuple(np.round(place.T[::-1]).astype(int))
        table[name] = np.where(np.isfinite(image[nearest]), values, np.nan)
    return pd.DataFrame(table).dropna(subset=list(maps)).reset_index(drop=True)


def weighted_median(values, weights):
    """Find the value that half of the weight lies below."""
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    return values[order[np.searchsorted(below, 0.5 * below[-1])]]


def weighted_mean(values, weights):
    """Average values."""
    return np.average(values, weights=weights)


STATISTICS = {"mean": weighted_mean, "median": weighted_median}


def stacking_bias(table, rng, edges=FLUX_EDGES, draws=DRAWS):
    """Measure stacks of the super-resolved and the true map in bins of true flux.

    Parameters
    ----------
    table : pandas.DataFrame
        From `sample_maps`; ``block`` may number the parts of several maps.
    rng : numpy.random.Generator
        Source of the bootstrap, which draws parts of the maps, since sources cluster
        and share beams.
    edges : array_like
        Edges of the bins [mJy].
    draws : int
        Number of draws.

    Returns
    -------
    pandas.DataFrame
        One row for each statistic (mean and median) and bin: ``flux_min``, ``flux_max``
        [mJy], ``n`` sources, their mean or median ``flux`` [mJy]; ``superresolved`` and
        ``true``, the mean or median of each map at them minus that at random positions
        [mJy/beam]; ``ratio`` of the two; and the standard errors of the three.
    """
    block = np.unique(table["block"], return_inverse=True)[1]
    number = block.max() + 1
    counts = rng.multinomial(number, np.full(number, 1.0 / number), size=draws)
    counts = np.vstack([np.ones(number), counts])
    background = table["flux"].isna().to_numpy()
    rows = []
    for name, statistic in STATISTICS.items():

        def measured(rows, column, statistic=statistic):
            values, own = table[column].to_numpy()[rows], block[rows]
            weights = (count[own] for count in counts)
            return np.array(
                [statistic(values, w) if w.any() else np.nan for w in weights]
            )

        levels = {column: measured(background, column) for column in MAPS}
        for low, high in itertools.pairwise(edges):
            own = table["flux"].between(low, high, inclusive="left").to_numpy()
            row = {"statistic": name, "flux_min": low, "flux_max": high, "n": own.sum()}
            if own.any():
                found = {c: measured(own, c) - levels[c] for c in MAPS}
                found["ratio"] = found["superresolved"] / found["true"]
                row["flux"] = measured(own, "flux")[0]
                row |= {key: values[0] for key, values in found.items()}
                row |= {
                    f"{key}_error": np.nanstd(values[1:])
                    for key, values in found.items()
                }
            rows.append(row)
    return pd.DataFrame(rows)
