"""Tests of the bounds against closed forms."""

import numpy as np
import pytest

from superspire.instruments import BANDS, SPIRE
from superspire.methods.cramer_rao import least_errors
from superspire.methods.matched_filter import make_filter
from superspire.sky.beams import beam_of

NOISE, PIXEL = 2.0, 6.0
K = np.linspace(0.0, 0.5 / 6.0, 4000)


def filter_for(bands, noise=NOISE):
    signal = np.stack([beam_of(b).transfer(K, np.zeros(1))[:, 0] for b in bands], 1)
    spectra = np.tile(np.eye(len(bands)) * (noise * PIXEL) ** 2, (len(K), 1, 1))
    return make_filter(K, signal, spectra, [1.0] * len(bands))


@pytest.mark.parametrize("band", SPIRE)
def test_one_gaussian_beam_in_white_noise(band):
    """sigma_S = sigma a / (pi^0.5 s), sigma_x S = 2^0.5 s sigma_S (Condon 1997)."""
    width = BANDS[band].fwhm / np.sqrt(8.0 * np.log(2.0))
    flux, position = least_errors(filter_for((band,)))
    assert flux == pytest.approx(NOISE * PIXEL / (np.sqrt(np.pi) * width), rel=5e-3)
    assert position == pytest.approx(np.sqrt(2.0) * width * flux, rel=2e-2)


def test_information_of_bands_adds():
    lone = np.array([least_errors(filter_for((band,))) for band in SPIRE])
    expected = np.sum(lone**-2.0, axis=0) ** -0.5
    assert least_errors(filter_for(SPIRE)) == pytest.approx(tuple(expected))
    assert least_errors(filter_for(SPIRE, 4.0)) == pytest.approx(tuple(2 * expected))
