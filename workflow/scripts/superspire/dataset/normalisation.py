"""One linear scale per band, and the renormalisation of the observed maps."""

import numpy as np
from astropy.stats import sigma_clipped_stats

from superspire.instruments import SPIRE, TARGET
from superspire.maps.interpolation import interpolate

CLIP = (0.1, 99.9)
"""Percentiles at which maps are clipped before their dispersion is measured."""

PARTNER = 350
"""SPIRE band that the 450 µm maps are compared with to find their scale."""


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


def centred(values):
    """Clip values at `CLIP` and subtract their mean."""
    clipped = np.clip(values, *np.nanpercentile(values, CLIP))
    return clipped - np.nanmean(clipped)


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
    clipped = centred(cutouts)
    rows = np.nanmean(clipped[..., 1:, :] * clipped[..., :-1, :])
    columns = np.nanmean(clipped[..., :, 1:] * clipped[..., :, :-1])
    return float(np.sqrt(max(0.0, (rows + columns) / 2)))


def paired_pixels(target, partner):
    """Sample a 450 µm map at the pixels of a SPIRE map of the same sky.

    Parameters
    ----------
    target, partner : superspire.io.Map
        The maps [mJy/beam].

    Returns
    -------
    ndarray, shape (2, n)
        450 µm and SPIRE map where both are observed [mJy/beam].
    """
    pixels = interpolate(target, partner.wcs, partner.data.shape)
    pairs = np.stack([pixels, partner.data])
    return pairs[:, np.isfinite(pairs).all(axis=0)]


def renormalisation(simulated, observed, simulated_pairs, observed_pairs):
    """Find the factors that bring the observed bands to the simulations' scale.

    SPIRE's noise is white, so that the covariance of neighbouring pixels is that of the
    sky. The noise of a 450 µm map is correlated over its beam; its scale comes from
    the covariance with a SPIRE band, which shares the sky but no noise.

    Parameters
    ----------
    simulated, observed : dict of int to ndarray
        Cutouts of every SPIRE band [mJy/beam].
    simulated_pairs, observed_pairs : ndarray, shape (2, n)
        See `paired_pixels`; the SPIRE band is `PARTNER`.

    Returns
    -------
    dict of int to float
        Factor by which each observed band is multiplied (section 2.2).
    """
    factors = {b: signal_width(simulated[b]) / signal_width(observed[b]) for b in SPIRE}
    shared, found = (
        float(np.mean(centred(pairs[0]) * centred(pairs[1])))
        for pairs in (simulated_pairs, observed_pairs)
    )
    return {**factors, TARGET: shared / found / factors[PARTNER]}


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
