"""Level and scatter of a map without its sources."""

import numpy as np
from astropy.stats import sigma_clipped_stats

CLIP_SIGMA = 3.0
CLIP_ITERATIONS = 10


def background(image):
    """Measure the level and the scatter of a map without its sources.

    Parameters
    ----------
    image : array_like, shape (ny, nx)
        Map [mJy/beam]; NaN is ignored.

    Returns
    -------
    median, rms : float
        Median and standard deviation after clipping at 3 sigma about the median, at
        most ten times [mJy/beam].
    """
    _, median, rms = sigma_clipped_stats(
        image, mask=~np.isfinite(image), sigma=CLIP_SIGMA, maxiters=CLIP_ITERATIONS
    )
    return float(median), float(rms)
