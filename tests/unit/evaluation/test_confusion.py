import numpy as np
import pytest

from helpers.evaluation_skies import paint
from superspire.evaluation.confusion import confusion_noise
from superspire.instruments import beam_area


def poisson_sky(rng, side=400, density=0.002, flux=3.0, fwhm=18.0):
    n = rng.poisson(density * side**2)
    x, y = rng.uniform(-0.5, side - 0.5, (2, n))
    return paint(side, x, y, np.full(n, flux), fwhm)


def test_confusion_of_equal_sources_is_that_of_campbells_theorem():
    """Variance = density x flux² x area of the squared beam, half the beam's own."""
    rng = np.random.default_rng(1)
    image = poisson_sky(rng) + rng.normal(0, 2.0, (400, 400))
    value, error = confusion_noise(image, 2.0)
    expected = np.sqrt(0.002 * 3.0**2 * beam_area(18.0) / 2.0)
    assert 0 < error < 0.2 * expected
    assert value == pytest.approx(expected, abs=3 * error)


def test_error_is_the_scatter_between_skies():
    rng = np.random.default_rng(2)
    values, errors = np.transpose(
        [confusion_noise(poisson_sky(rng, 200), 0.0) for _ in range(24)]
    )
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.5)


def test_what_was_not_observed_does_not_count():
    image = np.random.default_rng(3).normal(0, 5.0, (80, 80))
    masked = np.vstack([image, np.full((80, 80), np.nan)])
    assert confusion_noise(masked, 3.0)[0] == pytest.approx(
        confusion_noise(image, 3.0)[0]
    )
    assert confusion_noise(image, 9.0)[0] == 0.0
