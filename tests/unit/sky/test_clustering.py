import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import cKDTree

from superspire.sky import clustering as cl

ARCSEC = 1.0 / 3600.0


def disc_separations(theta, radius):
    """Density of the separation vector of two points in one disc [deg^-2]."""
    u = np.clip(theta / (2.0 * radius), 0.0, 1.0)
    overlap = 2.0 / np.pi * (np.arccos(u) - u * np.sqrt(1.0 - u**2))
    return overlap / (np.pi * radius**2)


def cross_separations(edges, rng, n=2_000_000):
    """The same for points in different inner discs, by Monte Carlo in rings."""
    inner = cl.RADIUS / cl.SHRINK
    a, b = (
        cl.disc_offsets(n, cl.RADIUS, rng) + cl.disc_offsets(n, inner, rng)
        for _ in range(2)
    )
    counts = np.histogram(np.hypot(*(a - b).T), edges)[0]
    return counts / n / (np.pi * np.diff(edges**2))


def pair_excess(points, side, edges, border=0.13):
    """Measure w(theta) around the points away from the edges."""
    interior = ((points > border) & (points < side - border)).all(axis=1)
    n = interior.sum()
    density = n / (side - 2 * border) ** 2
    pairs = cKDTree(points[interior]).count_neighbors(cKDTree(points), edges)
    return np.diff(pairs) / (n * density * np.pi * np.diff(edges**2)) - 1.0


def test_slices():
    edges = cl.clustering_slices(6.0)
    np.testing.assert_allclose(edges[:11], np.arange(11) * 0.1, atol=1e-9)
    np.testing.assert_allclose(
        edges[11:16], [1.1, 1.21, 1.331, 1.464, 1.611], atol=1e-3
    )
    np.testing.assert_allclose(edges[27:31], [5.054, 5.554, 6.054, 6.554], atol=2e-3)
    assert edges[-1] >= 10.0
    assert cl.clustering_slices(12.0)[-1] >= 12.0


def test_probability():
    z = np.array([2.0, 2.0, 2.0, 0.75, 0.4, 1.0])
    mass = np.array([10.6, 10.5, 7.9, 11.0, 11.0, 11.0])
    np.testing.assert_allclose(
        cl.clustered_probability(z, mass), [0.4, 0.2, 0.0, 0.2, 0.0, 0.4]
    )


def test_clustered_fraction(field):
    p = cl.clustered_probability(np.array(field["Z"]), np.array(field["LOGM"]))
    assert p.mean() == pytest.approx(0.190, abs=0.002)


@pytest.mark.parametrize("n", [100, 3_000, 20_000, 54_000, 60_000, 400_000])
def test_seeds_per_square_degree(n):
    seeds, depth = cl.tree_shape(n, 1.0)
    points = 1.5 * max(n, 1000)
    assert seeds == np.ceil(points / cl.ETA**depth)
    assert 25 <= seeds <= 128
    assert points <= seeds * cl.ETA**depth < points + cl.ETA**depth


def test_wide_empty_field_has_one_level():
    seeds, depth = cl.tree_shape(10, 50.0)
    assert (seeds, depth) == (300, 1)
    points = cl.clustered_positions(40, 10, np.sqrt(50.0), np.random.default_rng(0))
    assert points.shape == (40, 2)
    assert points.min() >= 0.0
    assert points.max() <= np.sqrt(50.0)


def test_correlation_function():
    side, n_reference = 2.0, 200_000
    seeds, depth = cl.tree_shape(n_reference, side**2)
    assert depth == 4
    edges = np.array([2, 10, 20, 30, 45, 60, 90, 130, 180, 250, 330]) * ARCSEC
    rng = np.random.default_rng(11)
    fields = [cl.clustered_positions(20_000, n_reference, side, rng) for _ in range(6)]
    measured = [pair_excess(points, side, edges) for points in fields]
    within = [
        np.average(disc_separations(x, cl.RADIUS / cl.SHRINK), weights=x)
        for x in np.linspace(edges[:-1], edges[1:], 50).T
    ]
    expected = np.array(within) / cl.ETA
    expected += (1.0 - 1.0 / cl.ETA) * cross_separations(edges, rng)
    expected /= seeds / side**2
    error = np.std(measured, axis=0) / np.sqrt(len(fields))
    difference = np.mean(measured, axis=0) - expected
    assert np.all(np.abs(difference) < 0.06 * expected + 4.0 * error)
    assert np.all(error < 0.1 * expected + 0.02)


def test_correlation_does_not_depend_on_the_cut():
    rng = np.random.default_rng(12)
    edges = np.array([5.0, 30.0]) * ARCSEC
    few, many = (
        np.mean(
            [
                pair_excess(cl.clustered_positions(n, 50_000, 1.0, rng), 1.0, edges)
                for _ in range(5)
            ]
        )
        for n in (2_000, 20_000)
    )
    assert few == pytest.approx(many, rel=0.15)


def test_filling_factor():
    centres = np.array([[0.5, 0.5], [0.0, 0.5], [1.0, 1.0], [-0.2, 0.5]])
    fill = cl.filling_factor(centres, 0.1, 1.0, np.random.default_rng(1))
    np.testing.assert_allclose(fill, [1.0, 0.5, 0.25, 0.0], atol=0.12)
    assert fill[0] == 1.0
    assert fill[3] == 0.0


@settings(max_examples=50, deadline=None)
@given(
    fill=arrays(float, (6, 5), elements=st.floats(0.0, 1.0).map(lambda x: round(x, 3))),
    points=st.integers(1, 3125),
)
def test_shares_of_a_family(fill, points):
    counts = cl.share_points(fill, points, np.random.default_rng(2))
    total = fill.sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(
        counts.sum(axis=1), np.where(total[:, 0] > 0.0, 5 * points, 0)
    )
    fraction = 5 * points * fill / np.where(total > 0.0, total, 1.0)
    assert np.all(np.abs(counts - fraction) < 1.0 + 1e-6)


def test_density_up_to_the_edge():
    rng = np.random.default_rng(3)
    points = np.concatenate(
        [cl.clustered_positions(5_000, 30_000, 1.0, rng) for _ in range(60)]
    )
    assert points.min() >= 0.0
    assert points.max() <= 1.0
    border = np.minimum(points, 1.0 - points).min(axis=1) < 0.02
    assert border.mean() == pytest.approx(1.0 - 0.96**2, rel=0.15)


def test_small_field_is_not_clustered():
    z, mass = np.full(1000, 2.0), np.full(1000, 11.0)

    def expected(edges):
        raise AssertionError("no tree in a field this small")

    points = cl.positions(z, mass, 0.035, expected, np.random.default_rng(4))
    assert points.shape == (1000, 2)
    assert points.max() <= 0.035


def test_every_slice_gets_its_galaxies():
    rng = np.random.default_rng(5)
    z = rng.uniform(0.1, 6.0, 30_000).astype(np.float32)
    mass = np.full(30_000, 11.0, dtype=np.float32)
    points = cl.positions(z, mass, 1.0, lambda edges: 40_000 * np.array(edges), rng)
    assert np.isfinite(points).all()
    edges = np.array([3.0, 40.0]) * ARCSEC
    low, high = z < 0.5, (z > 2.144) & (z < 2.358)
    # Forty per cent are clustered: 0.16 of the 4.8 of fully clustered points.
    assert 0.4 < pair_excess(points[high], 1.0, edges)[0] < 1.2
    assert abs(pair_excess(points[low], 1.0, edges)[0]) < 0.2


@pytest.mark.parametrize("density", [40.0, 160.0])
def test_amplitude_follows_a_given_density_of_seeds(density):
    rng = np.random.default_rng(21)
    edges = np.array([5.0, 30.0]) * ARCSEC
    measured = [
        pair_excess(
            cl.clustered_positions(12_000, 50_000, 1.0, rng, density), 1.0, edges
        )
        for _ in range(8)
    ]
    theta = np.linspace(*edges, 50)
    within = disc_separations(theta, cl.RADIUS / cl.SHRINK)
    same = np.average(within, weights=theta) / cl.ETA
    expected = (same + (1 - 1 / cl.ETA) * cross_separations(edges, rng)) / density
    assert np.mean(measured) == pytest.approx(expected[0], rel=0.12)


def test_eggs_own_amplitude_jumps_with_the_number_of_galaxies_kept():
    z, mass = np.full(2_500, 1.95), np.full(2_500, 11.0)
    edges = np.array([5.0, 30.0]) * ARCSEC

    def excess(n, expected):
        rng = np.random.default_rng(22)
        fields = [cl.positions(z[:n], mass[:n], 1.0, expected, rng) for _ in range(40)]
        return np.mean([pair_excess(field, 1.0, edges) for field in fields])

    def many(edges):
        return 60_000.0 * np.asarray(edges)

    assert [cl.tree_shape(n, 1.0)[0] for n in (2_000, 2_500)] == [120, 30]
    assert excess(2_500, None) / excess(2_000, None) == pytest.approx(4.0, rel=0.25)
    assert excess(2_500, many) == pytest.approx(excess(2_000, many), rel=0.25)
