"""One linear scale per band, and the renormalisation of the observed maps."""

import numpy as np
from astropy.stats import sigma_clipped_stats

from superspire.instruments import PAPER_BANDS, SPIRE, TARGET

CLIP = (0.1, 99.9)


def band_scale(cutouts):
    """Find the linear scale that takes a band to between zero and unity.

    The paper normalises "to pixel values between zero and unity"; per image this
    would destroy the flux scale, so it is one scale for the whole training set.

    Parameters
    ----------
    cutouts : ndarray
        Training cutouts of one band [mJy/beam].

    Returns
    -------
    (float, float)
        Fluxes that become 0 and 1 [mJy/beam].
    """
    return float(np.nanmin(cutouts)), float(np.nanmax(cutouts))


def signal_width(cutouts):
    """Measure the dispersion of the sky in a map, free of white noise.

    The root of the covariance of neighbouring pixels, after clipping both tails at a
    thousandth of the pixels.

    Parameters
    ----------
    cutouts : ndarray, shape (..., ny, nx)
        Images [mJy/beam].

    Returns
    -------
    float
        [mJy/beam].
    """
    low, high = np.nanpercentile(cutouts, CLIP)
    clipped = np.clip(cutouts, low, high)
    clipped = clipped - np.nanmean(clipped)
    rows = np.nanmean(clipped[..., 1:, :] * clipped[..., :-1, :])
    columns = np.nanmean(clipped[..., :, 1:] * clipped[..., :, :-1])
    return float(np.sqrt(max(0.0, (rows + columns) / 2)))


def renormalisation(simulated, observed):
    """Find the factors that bring the observed bands to the simulations' scale.

    Parameters
    ----------
    simulated, observed : dict of int to ndarray
        Cutouts of every band [mJy/beam].

    Returns
    -------
    dict of int to float
        Factor by which each observed band is multiplied (section 2.2).
    """
    return {
        b: signal_width(simulated[b]) / signal_width(observed[b]) for b in PAPER_BANDS
    }


def sky_level(cutouts):
    """Sigma-clipped median of the training sky [mJy/beam]."""
    finite = cutouts[np.isfinite(cutouts)]
    return float(sigma_clipped_stats(finite, sigma=3.0, maxiters=10)[1])


def input_scale(record):
    """Take the scales of the three input bands out of a normalisation record.

    Parameters
    ----------
    record : dict
        What normalisation.json holds.

    Returns
    -------
    low, high : ndarray of float32, shape (3,)
        Fluxes that become 0 and 1 [mJy/beam].
    """
    scales = np.array([record["scale"][str(b)] for b in SPIRE], np.float32)
    return scales[:, 0], scales[:, 1]


def target_scale(record):
    """Take the scale of the 450 µm band out of a normalisation record."""
    return tuple(np.float32(value) for value in record["scale"][str(TARGET)])
