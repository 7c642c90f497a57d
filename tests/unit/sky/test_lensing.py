"""Magnifications against the closed forms of their distributions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from superspire.seeds import stream
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.lensing import (
    STRONG,
    STRONGEST,
    draw_magnification,
    draw_strong,
    strong_mean,
    strong_probability,
    weak_width,
)

N = 400_000


def test_weak_magnification_is_log_normal_with_mean_one():
    z = np.full(N, 2.0)
    mu = draw_magnification(z, stream(1, "lensing"), strong=False).astype(float)
    width = weak_width(2.0)
    assert width == pytest.approx(0.123, abs=0.001)
    assert mu.mean() == pytest.approx(1.0, abs=5 * width / np.sqrt(N))
    log = (np.log(mu) + 0.5 * width**2) / width
    assert stats.kstest(log, "norm").pvalue > 1e-4


def test_strong_magnifications_follow_an_isothermal_sphere():
    mu = draw_strong(N, stream(2, "lensing"))
    assert mu.min() >= STRONG
    assert mu.max() <= STRONGEST
    top = (STRONG / STRONGEST) ** 2
    law = stats.kstest(mu, lambda m: (1 - (STRONG / m) ** 2) / (1 - top))
    assert law.pvalue > 1e-4
    assert mu.mean() == pytest.approx(strong_mean(), abs=5 * mu.std() / np.sqrt(N))


def test_share_of_strong_lenses():
    """About one galaxy in two thousand at z = 2, more the farther away."""
    fraction = strong_probability([0.0, 1.0, 2.0, 4.0])
    assert fraction[0] == 0.0
    assert np.all(np.diff(fraction) > 0.0)
    assert fraction[2] == pytest.approx(5.8e-4, rel=0.03)
    z = np.full(4 * N, 4.0)
    mu = draw_magnification(z, stream(3, "lensing"), weak=False)
    n = np.sum(mu >= STRONG)
    expected = fraction[3] * len(z)
    assert abs(n - expected) < 4.5 * np.sqrt(expected)


@given(z=st.floats(0.05, 8.0), weak=st.booleans(), seed=st.integers(0, 2**31))
def test_flux_is_conserved_at_every_redshift(z, weak, seed):
    """Within six standard errors and one strong lens: at low redshift they are rare."""
    mu = draw_magnification(np.full(50_000, z), np.random.default_rng(seed), weak)
    variance = weak_width(z) ** 2 * weak + strong_probability(z) * 25.0
    tolerance = 6 * np.sqrt(variance / len(mu)) + STRONGEST / len(mu)
    assert mu.mean() == pytest.approx(1.0, abs=tolerance)
    assert mu.min() > 0.0


def test_the_same_stream_gives_the_same_and_another_one_independent_factors():
    z = np.full(50_000, 3.0)
    first, again, other = (
        np.log(draw_magnification(z, stream(seed, "lensing", "a"), strong=False))
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert abs(stats.pearsonr(first, other)[0]) < 5 / np.sqrt(len(z))


def test_lensing_multiplies_the_fluxes_of_the_same_galaxies(compact):
    options = {"log_lir_min": 10.5, "dust": compact}
    plain = simulate_catalogue(0.5, 3, **options)
    realism = {"weak_lensing": True, "strong_lensing": True}
    lensed = simulate_catalogue(0.5, 3, realism=realism, **options)
    for name in ("RA", "DEC", "Z", "LOGLIR"):
        assert np.array_equal(plain[name], lensed[name])
    for band in (250, 350, 450, 500):
        name = f"S{band}"
        assert np.allclose(lensed[name], plain[name] * lensed["MU"], rtol=1e-5)
    assert lensed.meta["EFFECTS"] == "weak_lensing, strong_lensing"
    assert "MU" not in plain.colnames
