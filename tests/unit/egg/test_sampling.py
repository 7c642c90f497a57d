"""Sampling errors against repeated draws and closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from superspire.egg.sampling import mean_error, percentile_errors, std_error

PERCENTS = np.array([1.0, 16.0, 50.0, 84.0, 99.9])


def test_percentiles_of_a_normal():
    sample = np.random.default_rng(1).normal(size=400_000)
    fraction = PERCENTS / 100
    exact = np.sqrt(fraction * (1 - fraction) / len(sample)) / stats.norm.pdf(
        stats.norm.ppf(fraction)
    )
    # The density comes from some hundred draws on each side in the far tail.
    np.testing.assert_allclose(percentile_errors(sample, PERCENTS), exact, rtol=0.15)


@pytest.mark.parametrize("distribution", [stats.norm, stats.expon, stats.uniform])
def test_errors_are_the_scatter_of_repeated_draws(distribution):
    rng, n, times = np.random.default_rng(2), 3000, 500
    samples = distribution.rvs(size=(times, n), random_state=rng)
    tolerance = 4.5 / np.sqrt(2 * times)
    found = np.mean([mean_error(s) for s in samples[:50]])
    assert found == pytest.approx(samples.mean(axis=1).std(), rel=tolerance)
    found = np.mean([std_error(s) for s in samples[:50]])
    assert found == pytest.approx(samples.std(axis=1).std(), rel=tolerance)
    scatter = np.percentile(samples, [16, 50, 84], axis=1).std(axis=1)
    found = np.mean([percentile_errors(s, [16, 50, 84]) for s in samples[:50]], axis=0)
    np.testing.assert_allclose(found, scatter, rtol=tolerance + 0.03)


@given(
    scale=st.floats(0.01, 100.0),
    shift=st.floats(-100.0, 100.0),
    seed=st.integers(0, 100),
)
def test_errors_scale_with_the_unit(scale, shift, seed):
    sample = np.random.default_rng(seed).exponential(size=300)
    for error in (mean_error, std_error, lambda s: percentile_errors(s, [10, 50, 90])):
        np.testing.assert_allclose(
            error(scale * sample + shift), scale * error(sample), rtol=1e-6
        )


def test_equal_draws_have_no_error():
    sample = np.full(100, 1.5)
    assert mean_error(sample) == 0
    assert std_error(sample) == 0
    assert percentile_errors(sample, [10.0, 50.0, 90.0]).tolist() == [0.0] * 3


def test_percentiles_with_few_draws_beyond_have_no_error():
    sample = np.random.default_rng(3).normal(size=1000)
    errors = percentile_errors(sample, [0.9, 1.0, 99.0, 99.1])
    assert np.isnan(errors).tolist() == [True, False, False, True]
