"""The correlation function of points whose clustering is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superspire.errors import InputError
from superspire.photometry.correlation import (
    Window,
    angular_correlation,
    jackknife_correlation,
)

SIDE = 3000.0
SQUARE = Window.square(SIDE)
EDGES = np.array([10.0, 30.0, 60.0, 100.0, 300.0, 1000.0])
TILES = Window(np.array([[x, y] for x in (0.0, 260.0, 520.0) for y in (0, 310)]), 240.0)
"""Two rows of three squares with gaps between them."""


def in_disc(n, radius, rng):
    r, phi = radius * np.sqrt(rng.random(n)), rng.uniform(0, 2 * np.pi, n)
    return r * np.cos(phi), r * np.sin(phi)


def test_discs_in_the_centre_at_an_edge_and_in_a_corner():
    whole = np.pi * 0.2**2
    x, y = np.array([0.5, 0.0, 1.0]), np.array([0.5, 0.3, 1.0])
    found = Window.square(1.0).disc_share(x, y, 0.2)
    np.testing.assert_allclose(found, [whole, whole / 2, whole / 4])


@settings(deadline=None)
@given(
    x=st.floats(0.0, 2.0),
    y=st.floats(0.0, 2.0),
    radius=st.floats(0.05, 3.0),
)
def test_area_of_a_disc_is_the_integral_of_its_chords(x, y, radius):
    t = np.linspace(max(0.0, x - radius), min(2.0, x + radius), 20_001)
    half = np.sqrt(np.clip(radius**2 - (t - x) ** 2, 0.0, None))
    chord = np.minimum(y + half, 2.0) - np.maximum(y - half, 0.0)
    expected = np.trapezoid(chord, t) / 4.0
    found = Window.square(2.0).disc_share(np.array([x]), np.array([y]), radius)
    assert found[0] == pytest.approx(expected, abs=2e-5)


def test_pairs_in_a_square_follow_the_closed_form():
    """Philip 2007 (TRITA MAT 07 MA 10): pi u² - 8 u³ / 3 + u⁴ / 2 up to the side."""
    edges = np.array([0.01, 0.1, 0.3, 0.7, 1.0]) * 5.0
    u = edges / 5.0
    below = np.pi * u**2 - 8.0 / 3.0 * u**3 + 0.5 * u**4
    found = Window.square(5.0).pair_share(edges)
    np.testing.assert_allclose(found, np.diff(below), rtol=2e-5)


def test_squares_side_by_side_are_one_window():
    edges = np.array([1.0, 20.0, 150.0, 290.0])
    four = Window(np.array([[0, 0], [0, 150], [150, 0], [150, 150]], float), 150.0)
    whole = Window.square(300.0)
    assert (four.area, four.extent) == (whole.area, whole.extent)
    np.testing.assert_allclose(
        four.pair_share(edges), whole.pair_share(edges), rtol=1e-4
    )
    x, y = np.random.default_rng(1).uniform(0, 300, (2, 50))
    np.testing.assert_allclose(
        four.disc_share(x, y, 90.0), whole.disc_share(x, y, 90.0), rtol=1e-9
    )


def test_pairs_in_squares_with_gaps_are_the_mean_of_their_discs():
    edges = np.array([1.0, 30.0, 100.0, 400.0])
    rng = np.random.default_rng(2)
    corner = TILES.corners[rng.integers(len(TILES.corners), size=100_000)]
    x, y = (corner + rng.uniform(0, TILES.side, corner.shape)).T
    fractions = np.diff([TILES.disc_share(x, y, radius) for radius in edges], axis=0)
    error = fractions.std(axis=1) / np.sqrt(len(x))
    np.testing.assert_array_less(
        np.abs(TILES.pair_share(edges) - fractions.mean(axis=1)), 4.5 * error
    )


def test_every_position_has_its_square():
    x, y = TILES.corners.T + 120.0
    assert TILES.squares_of(x, y).tolist() == [0, 1, 2, 3, 4, 5]
    assert TILES.squares_of(np.array([250.0]), np.array([10.0])).tolist() == [-1]


def test_random_points_are_not_correlated_and_the_errors_are_right():
    rng = np.random.default_rng(2)
    pulls = []
    for _ in range(60):
        table = angular_correlation(*rng.uniform(0, SIDE, (2, 1500)), SQUARE, EDGES)
        pulls.append(table["w"] / table["error"])
    pulls = np.array(pulls)[:, :4]
    assert np.abs(pulls.mean(axis=0)).max() < 4.5 / np.sqrt(60)
    assert np.std(pulls) == pytest.approx(1.0, abs=4.5 / np.sqrt(2 * pulls.size))


def test_points_in_pairs():
    """Of n_h pairs per area in discs, w is half their separation density over n_h."""
    rng, pairs, radius = np.random.default_rng(3), 1500, 60.0
    total = 0.0
    for _ in range(20):
        centres = rng.uniform(0, SIDE, (2, pairs))
        points = [centres + in_disc(pairs, radius, rng) for _ in range(2)]
        x, y = np.concatenate(points, axis=1) % SIDE
        table = angular_correlation(x, y, SQUARE, EDGES)
        total = total + table["w"].to_numpy() / 20
    u = np.linspace(EDGES[:-1], EDGES[1:], 400) / (2 * radius)
    u, weight = np.clip(u, 0, 1), u
    density = 2 / np.pi * (np.arccos(u) - u * np.sqrt(1 - u**2)) / (np.pi * radius**2)
    expected = np.average(density, axis=0, weights=weight) / 2 * SIDE**2 / pairs
    error = 1.5 * table["error"] * np.sqrt(1 + expected) / np.sqrt(20)
    # A few per cent of the pairs are cut by the edges.
    assert np.all(np.abs(total - expected) < 4.5 * error + 0.03 * expected)
    assert expected[0] > 15 * error[0]


def test_random_points_in_squares_with_gaps_are_not_correlated():
    rng = np.random.default_rng(4)
    edges = np.array([5.0, 20.0, 60.0, 200.0])
    pulls = []
    for _ in range(60):
        corner = TILES.corners[rng.integers(len(TILES.corners), size=600)]
        x, y = (corner + rng.uniform(0, TILES.side, corner.shape)).T
        table = angular_correlation(x, y, TILES, edges)
        pulls.append(table["w"] / table["error"])
    assert np.abs(np.mean(pulls, axis=0)).max() < 4.5 / np.sqrt(60)


def clustered_points(rng, seeds, radius):
    """Five points around each of some seeds, in a window that wraps around."""
    centres = np.repeat(rng.uniform(0, SIDE, (2, seeds)), 5, axis=1)
    return (centres + in_disc(5 * seeds, radius, rng)) % SIDE


def test_jackknife_errors_are_the_scatter_between_skies():
    """The Poisson error of clustered points is too small, that of regions is not."""
    rng = np.random.default_rng(5)
    grid = SIDE / 4 * np.arange(4.0)
    window = Window(np.array([[x, y] for x in grid for y in grid]), SIDE / 4)
    edges = EDGES[:3]
    tables = [
        jackknife_correlation(
            *clustered_points(rng, 100, 60.0), window, edges, np.arange(16)
        )
        for _ in range(14)
    ]
    scatter = np.std([table["w"] for table in tables], axis=0, ddof=1)
    error = np.mean([table["error"] for table in tables], axis=0)
    np.testing.assert_allclose(error, scatter, rtol=4.5 / np.sqrt(2 * 13))
    x, y = clustered_points(rng, 100, 60.0)
    assert np.all(angular_correlation(x, y, window, edges)["error"] < 0.8 * error)


def test_one_region_has_no_jackknife_error():
    x, y = np.random.default_rng(6).uniform(0, SIDE, (2, 50))
    table = jackknife_correlation(x, y, SQUARE, EDGES, [0])
    assert table["error"].isna().all()
    assert table["w"].notna().all()


@pytest.mark.parametrize(
    ("x", "edges", "message"),
    [
        ([1.0], EDGES, "expected at least two sources, found 1"),
        ([1.0, 2.0], [0.0, 10.0], "expected increasing edges above 0"),
        ([1.0, 2.0], [1.0, SIDE + 1], "up to the side of 3000"),
        ([1.0, SIDE + 5], EDGES, r"in the window of 3000 arcsec, found \(3005, 3005\)"),
    ],
)
def test_bad_input(x, edges, message):
    with pytest.raises(InputError, match=message):
        angular_correlation(x, x, SQUARE, edges)
