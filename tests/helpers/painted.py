"""A super-resolved map of a few point sources with white noise, for the tests."""

import numpy as np

from superspire.instruments import BANDS

SHAPE = (300, 320)
SOURCES = [(60.3, 80.7, 20.0), (200.0, 150.5, 10.0), (305.0, 250.0, 40.0)]
"""Column, row and height [mJy/beam] of each."""


def paint(shape=SHAPE, sources=SOURCES, noise=0.1):
    image = np.random.default_rng(5).normal(scale=noise, size=shape)
    rows, columns = np.indices(shape)
    for x, y, flux in sources:
        square = (columns - x) ** 2 + (rows - y) ** 2
        image += flux * np.exp(-square / 2 / BANDS[450].sigma ** 2)
    return image.astype(np.float32)
