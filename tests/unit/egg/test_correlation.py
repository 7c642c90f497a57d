"""The correlation function of points whose clustering is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superspire.egg.correlation import (
    angular_correlation,
    disc_share,
    pair_share,
)
from superspire.errors import InputError

SIDE = 3000.0
EDGES = np.array([10.0, 30.0, 60.0, 100.0, 300.0, 1000.0])


def in_disc(n, radius, rng):
    r, phi = radius * np.sqrt(rng.random(n)), rng.uniform(0, 2 * np.pi, n)
    return r * np.cos(phi), r * np.sin(phi)


def test_discs_in_the_centre_at_an_edge_and_in_a_corner():
    whole = np.pi * 0.2**2
    found = disc_share(np.array([0.5, 0.0, 1.0]), np.array([0.5, 0.3, 1.0]), 1.0, 0.2)
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
    found = disc_share(np.array([x]), np.array([y]), 2.0, radius)
    assert found[0] == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("radius", [0.1, 0.5, 1.0])
def test_share_of_pairs_is_the_mean_share_of_a_disc(radius):
    x, y = np.random.default_rng(1).random((2, 200_000))
    shares = disc_share(x, y, 1.0, radius)
    error = shares.std() / np.sqrt(len(x))
    assert pair_share(1.0, radius) == pytest.approx(shares.mean(), abs=4 * error)


def test_random_points_are_not_correlated_and_the_errors_are_right():
    rng = np.random.default_rng(2)
    pulls = []
    for _ in range(60):
        table = angular_correlation(*rng.uniform(0, SIDE, (2, 1500)), SIDE, EDGES)
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
        table = angular_correlation(x, y, SIDE, EDGES)
        total = total + table["w"].to_numpy() / 20
    u = np.linspace(EDGES[:-1], EDGES[1:], 400) / (2 * radius)
    u, weight = np.clip(u, 0, 1), u
    density = 2 / np.pi * (np.arccos(u) - u * np.sqrt(1 - u**2)) / (np.pi * radius**2)
    expected = np.average(density, axis=0, weights=weight) / 2 * SIDE**2 / pairs
    error = 1.5 * table["error"] * np.sqrt(1 + expected) / np.sqrt(20)
    # A few per cent of the pairs are cut by the edges.
    assert np.all(np.abs(total - expected) < 4.5 * error + 0.03 * expected)
    assert expected[0] > 15 * error[0]


@pytest.mark.parametrize(
    ("x", "edges", "message"),
    [
        ([1.0], EDGES, "expected at least two sources, found 1"),
        ([1.0, 2.0], [0.0, 10.0], "expected increasing edges above 0"),
        ([1.0, 2.0], [1.0, SIDE + 1], "up to the side of 3000"),
        ([1.0, SIDE + 5], EDGES, "expected positions from 0 to 3000 arcsec, found 1"),
    ],
)
def test_bad_input(x, edges, message):
    with pytest.raises(InputError, match=message):
        angular_correlation(x, x, SIDE, edges)
