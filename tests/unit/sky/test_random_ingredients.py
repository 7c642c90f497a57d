"""Every random ingredient of the sky: its law, its seed, and independence of fields."""

import numpy as np
import pytest
from scipy import stats

from superspire.seeds import stream
from superspire.sky import lensing, lines
from superspire.sky.clustering import RADIUS, clustered_positions, disc_offsets
from superspire.sky.galaxies import STARBURST_FRACTION, Scatter, draw_scatter
from superspire.sky.population import (
    expected_population,
    sample_linear,
    sample_masses,
    slice_counts,
)

N = 50_000
POPULATION = expected_population(1.0, 0.5, 1.5, 9.0)
SLICE = 7
Z = np.full(N, 2.5)


def galaxy(name):
    return lambda rng: getattr(draw_scatter(N, rng), name)


def line(name):
    return lambda rng: getattr(lines.draw_scatter(N, rng), name)


def weak(rng):
    width = lensing.weak_width(2.5)
    log = np.log(lensing.draw_magnification(Z, rng, strong=False).astype(float))
    return (log + 0.5 * width**2) / width


def strong_law(mu):
    top = (lensing.STRONG / lensing.STRONGEST) ** 2
    return (1 - (lensing.STRONG / mu) ** 2) / (1 - top)


def mass_law(mass):
    """Integrate the density of masses that is linear between the bin centres."""
    edges, phi = POPULATION.mass_edges, POPULATION.phi[0, SLICE]
    fine = np.linspace(edges[0], edges[-1], 100_001)
    centres = 0.5 * (edges[1:] + edges[:-1])
    below = np.cumsum(np.interp(fine, centres, phi))
    return np.interp(mass, fine, below / below[-1])


INGREDIENTS = {
    **{name: (galaxy(name), stats.norm.cdf) for name in ("sfr", "irx", "tdust", "ir8")},
    **{f"line_{n}": (line(n), stats.norm.cdf) for n in lines.LineScatter._fields},
    "redshift": (
        lambda rng: sample_linear(np.array([1.0, 3.0]), np.array([0.0, 2.0]), N, rng),
        lambda z: (z - 1.0) ** 2 / 4.0,
    ),
    "mass": (lambda rng: sample_masses(POPULATION, SLICE, 0, N, rng), mass_law),
    "disc": (
        lambda rng: np.sum(disc_offsets(N, RADIUS, rng) ** 2, axis=1) / RADIUS**2,
        stats.uniform.cdf,
    ),
    "angle": (
        lambda rng: np.arctan2(*disc_offsets(N, RADIUS, rng).T) / (2 * np.pi) + 0.5,
        stats.uniform.cdf,
    ),
    "weak_lensing": (weak, stats.norm.cdf),
    "strong_lensing": (lambda rng: lensing.draw_strong(N, rng), strong_law),
}


@pytest.mark.parametrize("name", INGREDIENTS)
def test_law_seed_and_independence(name):
    draw, law = INGREDIENTS[name]
    first, again, elsewhere, reseeded = (
        np.asarray(draw(stream(seed, "catalogue", sky)), dtype=float)
        for seed, sky in (
            (4, "simulated_0"),
            (4, "simulated_0"),
            (4, "simulated_1"),
            (5, "simulated_0"),
        )
    )
    assert np.array_equal(first, again)
    for other in (elsewhere, reseeded):
        assert not np.array_equal(first, other)
        assert abs(stats.spearmanr(first, other)[0]) < 4.5 / np.sqrt(N)
    assert stats.kstest(first, law).pvalue > 1e-4


@pytest.mark.parametrize("one", Scatter._fields)
def test_the_deviates_of_a_galaxy_are_independent(one):
    scatter = draw_scatter(N, stream(6, "catalogue", "simulated_0"))
    for other in Scatter._fields:
        if other != one:
            pair = getattr(scatter, one), getattr(scatter, other)
            assert abs(stats.pearsonr(*pair)[0]) < 4.5 / np.sqrt(N)


def test_starbursts_are_binomial():
    n = [
        draw_scatter(N, stream(seed, "catalogue")).starburst.sum() for seed in range(40)
    ]
    expected = STARBURST_FRACTION * N
    chi2 = np.sum((np.array(n) - expected) ** 2) / (expected * (1 - STARBURST_FRACTION))
    assert 1e-4 < stats.chi2.sf(chi2, len(n)) < 1 - 1e-4


@pytest.mark.parametrize("poisson", [False, True])
def test_numbers_of_galaxies(poisson):
    """Poisson numbers scatter as such; EGG's by the Bernoulli draw of each slice."""
    expected = POPULATION.numbers.sum()
    totals = np.array(
        [
            slice_counts(POPULATION, stream(s, "catalogue"), poisson)[0].sum()
            for s in range(60)
        ]
    )
    part = POPULATION.numbers % 1.0
    variance = expected if poisson else np.sum(part * (1.0 - part))
    assert abs(totals.mean() - expected) < 4.5 * np.sqrt(variance / len(totals))
    chi2 = np.sum((totals - expected) ** 2) / variance
    assert 1e-4 < stats.chi2.sf(chi2, len(totals)) < 1 - 1e-4


def test_clustered_positions_of_two_fields_do_not_know_of_each_other():
    """Pairs between two fields are those of independent uniform positions."""
    side, scale = 1.0, 0.02
    first, second = (
        clustered_positions(4000, 4000, side, stream(7, "catalogue", sky))
        for sky in ("simulated_0", "simulated_1")
    )
    edges = np.arange(0.0, side + scale, scale)
    cells = [
        np.histogram2d(*points.T, bins=(edges, edges))[0].ravel()
        for points in (first, second)
    ]
    assert abs(stats.pearsonr(*cells)[0]) < 4.5 / np.sqrt(len(cells[0]) / 10)
    assert cells[0].var() > 1.5 * cells[0].mean()
