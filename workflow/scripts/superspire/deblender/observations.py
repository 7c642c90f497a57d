"""How the images of the training are observed: flux scale, noise, gaps and edges."""

from dataclasses import dataclass

import numpy as np

from superspire.deblender.inputs import noise_levels, spire_channels

STEP_SCATTER = 0.35
SLOPE_SCATTER = 0.3
"""Scatter of the logarithm of the noise across an edge between two depths, and from the
centre of an image to its border, where the noise varies."""

EDGE_FRACTION = 0.5
"""Fraction of the gaps that are the edge of the map, and not holes in it."""

MAX_HOLES = 4
HOLE_RADIUS = (1.5, 12.0)
"""Number and radii of the holes [cell]."""

BAND_SHIFT = 1.5
"""Scatter of the position of an edge from band to band [cell]."""

SOME_BANDS = 0.3
"""Fraction of the gaps that only some of the bands have."""


@dataclass(frozen=True)
class Observation:
    """How an image is observed.

    Attributes
    ----------
    scale : ndarray of float32, shape (bands,)
        Factor on the signal of each band.
    level : ndarray of float32, shape (n, n, bands)
        Noise of each band, see `superspire.deblender.inputs`.
    stated : ndarray of float32, shape (n, n, bands)
        The noise that the network is told, zero where nothing was observed.
    """

    scale: np.ndarray
    level: np.ndarray
    stated: np.ndarray

    @classmethod
    def usual(cls, levels, n):
        """Observe without gaps and with the same, known noise everywhere."""
        level = np.tile(np.asarray(levels, np.float32), (n, n, 1))
        return cls(np.ones(len(levels), np.float32), level, level)


def draw_observation(augmentation, n, bands, rng):
    """Draw how an image is observed.

    Parameters
    ----------
    augmentation : dict
        ``noise``, the range of the noise of SPIRE, uniform in its logarithm [mJy/beam];
        ``band_noise``, its scatter from band to band, ``stated``, that of the noise
        that the network is told about the true one, ``calibration``, that of the flux
        scale of each band, all of the logarithm; ``varying`` and ``gaps``, the
        fractions of the images in which the noise varies and in which there are gaps;
        by each other band ``depth``, the range of its depth, uniform in the logarithm
        [mJy], and ``absent``, the fraction of the images that lack it.
    n : int
        Side of the image [cell].
    bands : dict of int to int
        See `superspire.deblender.inputs`.
    rng : numpy.random.Generator

    Returns
    -------
    Observation
    """
    number, spire = len(bands), spire_channels(bands)
    common = np.exp(rng.uniform(*np.log(augmentation["noise"])))
    depth = {
        band: np.exp(rng.uniform(*np.log(limits)))
        for band, limits in augmentation["depth"].items()
        if rng.random() >= augmentation["absent"].get(band, 0.0)
    }
    scatter = rng.normal(0.0, augmentation["band_noise"], number)
    level = noise_levels(bands, common, depth) * np.exp(np.where(spire, scatter, 0.0))
    scale = np.exp(rng.normal(0.0, augmentation["calibration"], number))
    error = rng.normal(0.0, augmentation["stated"], number)
    level = np.broadcast_to(level, (n, n, number))
    if rng.random() < augmentation["varying"]:
        level = level * draw_variation(n, rng)[..., None]
    stated = level * np.exp(error)
    if rng.random() < augmentation["gaps"]:
        stated = stated * draw_observed(n, number, rng)
    return Observation(*(a.astype(np.float32) for a in (scale, level, stated)))


def distance_to_line(n, rng):
    """Distance of the cells from a line through an image, in a random direction."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    offset = np.arange(n) - 0.5 * (n - 1)
    along = np.cos(angle) * offset + np.sin(angle) * offset[:, None]
    return along - rng.uniform(-0.5, 0.5) * n


def draw_variation(n, rng):
    """Draw how the noise varies: across an edge between two depths, and smoothly.

    Returns
    -------
    ndarray, shape (n, n)
        Factor on the noise.
    """
    step = rng.normal(0.0, STEP_SCATTER) * (distance_to_line(n, rng) > 0)
    slope = rng.normal(0.0, SLOPE_SCATTER) * distance_to_line(n, rng) / (0.5 * n)
    return np.exp(step + slope)


def draw_observed(n, bands, rng):
    """Draw where the bands observed: not beyond an edge, or not in a few holes.

    Returns
    -------
    ndarray of bool, shape (n, n, bands)
    """
    if rng.random() < EDGE_FRACTION:
        distance = distance_to_line(n, rng)
    else:
        number = rng.integers(1, MAX_HOLES + 1)
        y, x, radius = (
            rng.uniform(*limits, (number, 1, 1))
            for limits in ((0, n), (0, n), HOLE_RADIUS)
        )
        cells = np.arange(n)
        distance = np.hypot(cells - x, cells[:, None] - y) - radius
        distance = distance.min(axis=0)
    observed = distance[..., None] > rng.normal(0.0, BAND_SHIFT, bands)
    if rng.random() < SOME_BANDS:
        observed |= rng.random(bands) < 0.5
    return observed
