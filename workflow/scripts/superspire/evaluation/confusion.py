"""Confusion noise of maps, beside that of the paper's Table 1."""

import numpy as np

PAPER_CONFUSION = {
    250: (5.8, 0.3),
    350: (6.3, 0.4),
    450: (1.0, np.nan),
    500: (6.8, 0.4),
}
"""Confusion noise of each band and its error [mJy/beam] (Table 1 of the paper; SPIRE's
after Nguyen et al. 2010)."""

BLOCKS = 4
"""Parts along each side of a map whose scatter gives the error."""


def confusion_noise(image, noise, blocks=BLOCKS):
    """Measure the scatter of a map that sources alone give.

    As Nguyen et al. (2010) define it: the standard deviation of all pixels, sources
    included, in the limit of an infinite integration, (std² - noise²)^0.5.

    Parameters
    ----------
    image : array_like, shape (ny, nx)
        Map in native pixels [mJy/beam]; NaN where nothing was observed.
    noise : float
        Standard deviation of the instrument noise of a pixel [mJy/beam].
    blocks : int
        The map is divided into `blocks` x `blocks` parts.

    Returns
    -------
    value, error : float
        Confusion noise and its error, the jackknife over the parts [mJy/beam].
    """
    n, mean, square = np.array(
        [
            (part.size, part.mean(), np.mean(part**2)) if part.size else (0, 0, 0)
            for part in observed_parts(image, blocks)
        ]
    ).T

    def scatter(weight):
        total = weight.sum()
        level = np.sum(weight * mean) / total
        variance = np.sum(weight * square) / total - level**2 - noise**2
        return np.sqrt(max(variance, 0.0))

    used = np.flatnonzero(n)
    without = [scatter(np.where(np.arange(len(n)) == i, 0.0, n)) for i in used]
    error = np.sqrt((len(used) - 1) * np.var(without)) if len(used) > 1 else np.nan
    return float(scatter(n)), float(error)


def observed_parts(image, blocks):
    """Yield the observed pixels of each part of a map [mJy/beam]."""
    for strip in np.array_split(image, blocks):
        for part in np.array_split(strip, blocks, axis=1):
            pixels = np.asarray(part, dtype=float)
            yield pixels[np.isfinite(pixels)]
