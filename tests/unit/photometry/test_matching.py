import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from superspire.photometry.matching import find_pairs, match, shifted_catalogues


def random_catalogue(rng, n, cutouts=3):
    x, y = rng.uniform(-0.5, 423.5, (2, n))
    flux = rng.lognormal(2, 1, n)
    cutout = rng.integers(0, cutouts, n)
    return pd.DataFrame({"cutout": cutout, "x": x, "y": y, "flux": flux, "weight": 1.0})


@pytest.fixture
def catalogues():
    rng = np.random.default_rng(2)
    return random_catalogue(rng, 300), random_catalogue(rng, 400)


def brute_force(a, b, allowed):
    distance = cdist(a[["x", "y"]], b[["x", "y"]])
    allowed = allowed & (a["cutout"].to_numpy()[:, None] == b["cutout"].to_numpy())
    distance = np.where(allowed, distance, np.inf)
    best = distance.argmin(axis=1)
    near = distance[np.arange(len(a)), best]
    return np.where(near <= 20, best, -1), np.where(near <= 20, near, np.inf)


def test_nearest_equals_brute_force(catalogues):
    a, b = catalogues
    partner, distance = match(a, b, 20.0)
    expected, separation = brute_force(a, b, np.ones((len(a), len(b)), bool))
    assert np.array_equal(partner, expected)
    assert distance == pytest.approx(separation)


def test_flux_factor_equals_brute_force(catalogues):
    a, b = catalogues
    ratio = a["flux"].to_numpy()[:, None] / b["flux"].to_numpy()
    expected, _ = brute_force(a, b, (ratio <= 2) & (ratio >= 0.5))
    assert np.array_equal(match(a, b, 20.0, flux_factor=2.0)[0], expected)


def test_one_to_one_serves_each_source_once_nearest_first():
    a = pd.DataFrame({"cutout": 0, "x": [0.0, 3.0, 9.0], "y": 0.0})
    b = pd.DataFrame({"cutout": 0, "x": [2.0, 6.5], "y": 0.0})
    assert match(a, b, 5.0)[0].tolist() == [0, 0, 1]
    assert match(a, b, 5.0, one_to_one=True)[0].tolist() == [-1, 0, 1]


def test_same_place_matches_at_distance_zero(catalogues):
    a, _ = catalogues
    partner, distance = match(a, a, 1.0)
    assert np.array_equal(partner, np.arange(len(a)))
    assert np.all(distance == 0)


def test_empty_catalogues(catalogues):
    a, _ = catalogues
    assert np.all(match(a, a.iloc[:0], 5.0)[0] == -1)
    assert len(match(a.iloc[:0], a, 5.0)[0]) == 0
    assert all(len(part) == 0 for part in find_pairs(a, a.iloc[:0], 5.0))


def test_shifts_keep_every_source_in_its_cutout(catalogues):
    a, _ = catalogues
    for moved in shifted_catalogues(a):
        assert moved[["x", "y"]].to_numpy().min() >= -0.5
        assert moved[["x", "y"]].to_numpy().max() < 423.5
        apart = np.abs(moved[["x", "y"]].to_numpy() - a[["x", "y"]].to_numpy())
        apart = np.minimum(apart, 424 - apart)
        assert np.hypot(*apart.T) == pytest.approx(30.0)
