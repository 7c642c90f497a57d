"""Expected statistics of random fields, from the sum over their modes."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import fft


def covariance(power, n, cell, white=0.0):
    """Covariance at every lag of a periodic grid of n x n cells."""
    k = np.hypot(fft.fftfreq(n, cell)[:, None], fft.fftfreq(n, cell))
    k[0, 0] = 1.0
    modes = power(k)
    modes[0, 0] = 0.0
    result = fft.ifft2(modes).real / cell**2
    result[0, 0] += white
    return result


def expected_periodogram(covariances, window):
    """Expectation of |FFT of window times field|², on a grid of half the size."""
    padded = np.pad(window, (0, len(covariances) - len(window)))
    overlap = fft.ifft2(np.abs(fft.fft2(padded)) ** 2).real
    return fft.fft2(overlap * covariances).real[::2, ::2]


def check_periodogram(maps, covariances, sigmas=5.0):
    """Compare the mean periodogram of windowed maps, ring by ring."""
    n = maps.shape[-1]
    taper = np.hanning(n + 2)[1:-1]
    window = np.outer(taper, taper)
    measured = np.abs(fft.fft2(maps * window)) ** 2
    expected = expected_periodogram(covariances, window)
    k = np.hypot(fft.fftfreq(n)[:, None], fft.fftfreq(n)) * n
    for low, high in pairwise([0.5, 1.5, 2.5, 4.5, 8.5, 14.5, n / 2 - 0.5]):
        ring = (k >= low) & (k < high)
        powers = measured[:, ring].mean(axis=1) / expected[ring].mean()
        error = powers.std() / np.sqrt(len(powers))
        assert error < 0.1
        assert powers.mean() == pytest.approx(1.0, abs=sigmas * error)
