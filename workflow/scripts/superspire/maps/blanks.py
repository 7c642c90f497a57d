"""Values that stand for unobserved pixels, where a map has something else than NaN.

Pixels of real sky do not repeat a value; what fills the pixels that were not observed
does, and the sky ends with a step there.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

KNOWN = (-99.0, -999.0, -9999.0, -99999.0, -32768.0, -2147483648.0)
"""Values that other programs write into pixels that were not observed."""

HUGE = 1e15
"""What no surface brightness is in any unit, as 1e30 or HEALPix's -1.6375e30."""

FAR = 20.0
"""Distance of such values from the sky, in robust standard deviations of the sky."""

FEW = 20
"""Pixels of the sky below which nothing is known of it."""

EXCESS = 20.0
"""How many times as often as a value of the sky a fill occurs."""

ZEROS = 3
"""Pixels of zero that are a fill where no other value is repeated."""

DISTINCT = 0.1
"""Share of the pixels that have a value of their own on a sky that is not quantised."""

STEP = 0.1
"""Minimum step from the sky to a fill, in robust standard deviations of the sky."""

CLIPPED = 0.005
"""Fraction of the sky within that step of a value at which the map is clipped."""

BLOCK = 5
"""Side of the squares of one value that no sky has, however coarsely it is quantised
[pixel]."""

EIGHT = np.ones((3, 3), bool)

SAMPLE = 1_000_000
"""Pixels in which frequent values are looked for."""

CANDIDATES = 8
"""Most frequent values that are looked at."""


@dataclass(frozen=True)
class Blank:
    """A value that stands for pixels that were not observed.

    Attributes
    ----------
    value : float
        It, in the unit of the file.
    pixels : ndarray of bool, shape (ny, nx)
        Where it does.
    """

    value: float
    pixels: np.ndarray

    def __str__(self):
        fraction = 100.0 * self.pixels.mean()
        return (
            f"{self.pixels.sum()} pixels ({fraction:.2g} %) are exactly "
            f"{self.value:.7g} and count as unobserved; set blank: none if they are sky"
        )


def find_blanks(data, wanted="auto"):
    """Find the pixels of a map that hold a value in place of an observation.

    Parameters
    ----------
    data : ndarray of float32, shape (ny, nx)
        Map as the file has it; NaN is ignored.
    wanted : "auto", "none" or float
        What the user says: find out, there is none, or the value.

    Returns
    -------
    list of Blank
    """
    if wanted == "none":
        return []
    if wanted != "auto":
        return kept([Blank(float(wanted), equal(data, wanted))])
    finite = np.isfinite(data)
    marked = {float(value): equal(data, value) for value in KNOWN}
    huge = finite & (np.abs(data) > HUGE)
    if huge.any():
        marked[float(data[huge][0])] = huge
    repeated = repeated_regions(data, finite & ~huge)
    sky = finite.copy()
    for pixels in (*marked.values(), *repeated.values()):
        sky &= ~pixels
    if sky.sum() < FEW:
        return []
    values = data[sky]
    centre = float(np.median(values))
    scatter = 1.4826 * float(np.median(np.abs(values - centre)))
    far = {v: p for v, p in marked.items() if abs(v - centre) > FAR * scatter > 0}
    fills = {
        v: p
        for v, p in repeated.items()
        if v not in far and is_fill(data, p, sky, v, scatter)
    }
    return kept(Blank(value, pixels) for value, pixels in (far | fills).items())


def kept(blanks):
    """List the blanks that stand for any pixel."""
    return [blank for blank in blanks if blank.pixels.any()]


def equal(data, value):
    """Find the pixels of a value."""
    return data == data.dtype.type(value)


def repeated_regions(data, finite):
    """Find the pixels of values that occur more often than those of any sky.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
        Map.
    finite : ndarray of bool, shape (ny, nx)
        Pixels to look at.

    Returns
    -------
    dict of float to ndarray of bool
        All pixels of each such value; where the values of the map are quantised, those
        of its squares of one value.
    """
    values = data[finite]
    sample = values[:: max(1, len(values) // SAMPLE)]
    if not len(sample):
        return {}
    numbers, counts = np.unique(sample, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rest = counts[order[CANDIDATES:]]
    continuous = len(rest) > max(FEW, DISTINCT * rest.sum())
    usual = max(rest, default=1)
    regions = {}
    for value in dict.fromkeys([0.0, *map(float, numbers[order[:CANDIDATES]])]):
        pixels = finite & equal(data, value)
        count = pixels.sum() * len(sample) / len(values)
        least = ZEROS if value == 0 and usual == 1 else EXCESS * usual
        often = continuous and count >= least
        if not often and count >= BLOCK**2:
            pixels, often = flat_regions(pixels, finite)
        if often:
            regions[value] = pixels
    return regions


def flat_regions(pixels, finite):
    """Find the regions of a value that hold more squares of it than chance makes.

    Parameters
    ----------
    pixels, finite : ndarray of bool, shape (ny, nx)
        Where the map has the value, and where it has any.

    Returns
    -------
    regions : ndarray of bool, shape (ny, nx)
        Unions of squares of three pixels a side that are connected with a square of
        BLOCK, and the pixels of the value beside them.
    found : bool
        Whether there are any.
    """
    block = np.ones((BLOCK, BLOCK), bool)
    core = ndimage.binary_erosion(pixels, block)
    elsewhere = finite & ~ndimage.binary_dilation(core, block)
    share = (pixels & elsewhere).sum() / max(elsewhere.sum(), 1)
    if core.sum() < FEW * (1.0 + share**block.size * finite.sum()):
        return np.zeros_like(pixels), False
    squares = ndimage.binary_opening(pixels, EIGHT)
    labels, _ = ndimage.label(squares, EIGHT)
    regions = np.isin(labels, np.unique(labels[core])) & squares
    return pixels & ndimage.binary_dilation(regions, EIGHT), True


def is_fill(data, pixels, sky, value, scatter):
    """Decide whether a region of one value is a fill: the sky ends with a step there.

    A map without noise goes to zero continuously. Nor is it a fill where a map was
    clipped, whose sky has values close to it on one side alone.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
        Map.
    pixels, sky : ndarray of bool, shape (ny, nx)
        The region, and the pixels that certainly are sky.
    value, scatter : float
        The value, and the robust standard deviation of the sky.

    Returns
    -------
    bool
    """
    if scatter == 0:
        return False
    values = data[sky]
    if np.all(values > value) or np.all(values < value):
        near = np.abs(values - value) <= STEP * scatter
        return bool(near.mean() < CLIPPED)
    edge = ndimage.binary_dilation(pixels, EIGHT) & sky
    steps = np.abs(data[edge] - value)
    return not len(steps) or bool(np.median(steps) > STEP * scatter)
