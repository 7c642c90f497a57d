"""Skies of Gaussian sources for the tests of the evaluation."""

import numpy as np

from superspire.instruments import FWHM_PER_SIGMA

FLUX = np.array([0.3, 1, 2, 5, 10, 20, 50, 150])
COUNT = np.array([60000, 30850, 16850, 4850, 1086, 153, 7.0, 0.3])


def draw_sources(rng, size, count=COUNT):
    """Positions and fluxes [mJy] that follow EGG's 450 µm counts [deg⁻²]."""
    n = rng.poisson(count[0] * (size / 3600) ** 2)
    below = np.maximum(rng.uniform(size=n) * count[0], count[-1])
    flux = np.exp(np.interp(np.log(below), np.log(count[::-1]), np.log(FLUX[::-1])))
    x, y = rng.uniform(-0.5, size - 0.5, (2, n))
    return x, y, flux


def paint(size, x, y, flux, fwhm=7.9):
    """Sum of Gaussians of unit peak times flux."""
    sigma = fwhm / FWHM_PER_SIGMA
    image = np.zeros((size, size))
    reach = int(6 * sigma)
    for cx, cy, s in zip(x, y, flux, strict=True):
        x0, x1 = max(int(cx) - reach, 0), min(int(cx) + reach + 1, size)
        y0, y1 = max(int(cy) - reach, 0), min(int(cy) + reach + 1, size)
        gx = np.exp(-0.5 * ((np.arange(x0, x1) - cx) / sigma) ** 2)
        gy = np.exp(-0.5 * ((np.arange(y0, y1) - cy) / sigma) ** 2)
        image[y0:y1, x0:x1] += s * gy[:, None] * gx
    return image
