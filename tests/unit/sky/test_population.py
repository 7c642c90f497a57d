import numpy as np
import pytest
from scipy import stats

from superspire.sky import population as pop
from superspire.sky.galaxies import evaluate


def test_slices_of_the_paper():
    edges = pop.redshift_slices(0.1, 6.0)
    widths = np.diff(edges)
    assert len(widths) == 84
    assert edges[0] == 0.1
    assert edges[-1] == 6.0
    assert widths[0] == pytest.approx(0.005)
    np.testing.assert_allclose(widths[:-1], 0.05 * edges[:-2])


def test_slice_width_limits():
    edges = pop.redshift_slices(0.01, 15.0)
    assert np.diff(edges)[:-1].min() == pytest.approx(0.001)
    assert np.diff(edges).max() == pytest.approx(0.5)


def test_short_rest_joins_the_last_slice():
    np.testing.assert_allclose(pop.redshift_slices(0.1, 0.1055), [0.1, 0.1055])
    np.testing.assert_allclose(pop.redshift_slices(0.1, 0.107), [0.1, 0.105, 0.107])


def test_expected_number():
    population = pop.expected_population(1.0, 0.1, 6.0, 8.0)
    assert population.numbers.sum() == pytest.approx(1_077_659, abs=5)
    double = pop.expected_population(2.0, 0.1, 6.0, 8.0)
    np.testing.assert_allclose(double.numbers, 2.0 * population.numbers)


def test_poisson_numbers_on_request():
    population = pop.expected_population(0.01, 0.1, 6.0, 8.0)
    totals = [
        pop.slice_counts(population, np.random.default_rng(seed), True)[0].sum()
        for seed in range(400)
    ]
    mean = population.numbers.sum()
    assert np.mean(totals) == pytest.approx(mean, abs=4 * np.sqrt(mean / 400))
    assert np.var(totals) == pytest.approx(mean, rel=0.3)


def test_number_is_not_poissonian():
    population = pop.expected_population(1.0, 0.1, 6.0, 8.0)
    totals = [
        pop.slice_counts(population, np.random.default_rng(seed))[0].sum()
        for seed in range(5)
    ]
    np.testing.assert_allclose(totals, 1_077_659, atol=30)


@pytest.mark.parametrize(
    ("log_lir", "floors"),
    [
        (8.5, [8.48, 8.42, 8.40, 8.44, 8.67, 8.88, 8.76, 8.72]),
        (9.5, [9.40, 9.30, 9.22, 9.12, 9.15, 9.27, 9.14, 9.10]),
    ],
)
def test_mass_floor(log_lir, floors):
    z = np.array([0.1, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 6.0])
    floor = pop.mass_floor(z, log_lir + pop.FLOOR_MARGIN, 8.0)
    np.testing.assert_allclose(floor, floors, atol=0.012)
    log_lir_there = evaluate(z, floor, False).log_lir
    np.testing.assert_allclose(log_lir_there, log_lir, atol=0.012)


def test_mass_floor_is_capped():
    assert pop.mass_floor([0.1, 0.5], 12.5, 8.0).tolist() == [10.0, 10.0]
    assert pop.mass_floor([0.1], 12.5, 10.8).tolist() == [10.8]
    assert pop.mass_floor([2.0], 5.0, 8.0).tolist() == [8.0]


def test_piecewise_linear_draws():
    rng = np.random.default_rng(3)
    nodes, density = np.array([0.0, 1.0, 1.5, 4.0]), np.array([0.0, 2.0, 2.0, 1.0])
    draws = pop.sample_linear(nodes, density, 50_000, rng)
    x = np.linspace(0.0, 4.0, 40_001)
    pdf = np.interp(x, nodes, density)
    cdf = np.concatenate([[0.0], np.cumsum(0.5 * (pdf[1:] + pdf[:-1]))])
    test = stats.kstest(draws, lambda value: np.interp(value, x, cdf / cdf[-1]))
    assert test.pvalue > 0.01


def test_redshifts_follow_the_density_between_slice_centres():
    population = pop.expected_population(0.5, 1.0, 3.0, 10.0)
    rng = np.random.default_rng(4)
    z = np.concatenate([part[0] for part in pop.draw_slices(population, rng)])
    centres = pop.midpoints(population.edges)
    x = np.linspace(1.0, 3.0, 20_001)
    densities = population.numbers / np.diff(population.edges)
    pdf = sum(np.interp(x, centres, density) for density in densities)
    cdf = np.concatenate([[0.0], np.cumsum(0.5 * (pdf[1:] + pdf[:-1]))])
    test = stats.kstest(z, lambda value: np.interp(value, x, cdf / cdf[-1]))
    assert test.pvalue > 0.01


def test_masses_follow_the_mass_function():
    population = pop.expected_population(1.0, 1.0, 1.01, 9.0)
    rng = np.random.default_rng(5)
    mass = pop.sample_masses(population, 0, 0, 200_000, rng)
    found = np.histogram(mass, population.mass_edges)[0]
    expected = population.phi[0, 0] / population.phi[0, 0].sum() * 200_000
    common = expected > 100
    chi = (found - expected)[common] / np.sqrt(expected[common])
    assert np.mean(chi**2) < 2.0
    assert mass.min() >= 9.0
    assert mass.max() <= 12.0


def test_masses_stay_above_the_floor():
    population = pop.expected_population(1.0, 0.1, 6.0, 8.0, 10.0)
    rng = np.random.default_rng(6)
    for i in (10, 40, 60, 80):
        floor = population.floor[i]
        mass = pop.sample_masses(population, i, 0, 10_000, rng)
        assert floor <= mass.min() < floor + pop.MASS_STEP
