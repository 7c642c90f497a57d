"""Sampling errors of what is measured on random draws."""

import numpy as np

MIN_BEYOND = 10
"""Minimum number of draws beyond a percentile whose error can be estimated."""

REACH = 4.0
"""Distance over which a density is measured [errors of the cumulative share]."""


def mean_error(sample):
    """Estimate the standard error of the mean of a sample.

    Parameters
    ----------
    sample : ndarray, shape (n,)
        Independent draws.

    Returns
    -------
    float
        s / n^0.5.
    """
    return float(np.std(sample) / np.sqrt(len(sample)))


def std_error(sample):
    """Estimate the standard error of the standard deviation of a sample.

    Parameters
    ----------
    sample : ndarray, shape (n,)
        Independent draws from any distribution with a fourth moment.

    Returns
    -------
    float
        ((m4 - s⁴) / n)^0.5 / (2 s) (Kendall & Stuart, The Advanced Theory of
        Statistics, volume 1, chapter 10), zero if all draws are equal.
    """
    squares = (sample - np.mean(sample)) ** 2
    variance = squares.mean()
    if variance == 0.0:
        return 0.0
    return float(np.std(squares) / np.sqrt(len(sample)) / (2.0 * np.sqrt(variance)))


def percentile_errors(sample, percents):
    """Estimate the standard errors of the percentiles of a sample.

    Parameters
    ----------
    sample : ndarray, shape (n,)
        Independent draws.
    percents : array_like, shape (m,)
        Percentages.

    Returns
    -------
    ndarray, shape (m,)
        (p (1 - p) / n)^0.5 / f (Kendall & Stuart, chapter 10), with the density f
        from the percentiles on both sides; zero where many draws are equal, and NaN if
        less than `MIN_BEYOND` are beyond.
    """
    fraction = np.asarray(percents, float) / 100.0
    few = len(sample) * np.minimum(fraction, 1.0 - fraction) < MIN_BEYOND - 1e-6
    error = np.sqrt(fraction * (1.0 - fraction) / len(sample))
    low = np.clip(fraction - REACH * error, 0.0, 1.0)
    high = np.clip(fraction + REACH * error, 0.0, 1.0)
    slope = (np.quantile(sample, high) - np.quantile(sample, low)) / (high - low)
    return np.where(few, np.nan, error * slope)
