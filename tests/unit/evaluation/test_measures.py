import numpy as np
import pandas as pd
import pytest
from astropy.stats import binom_conf_interval
from scipy.stats import binom

from superspire.evaluation.astrometry import offsets, weighted_quantile
from superspire.evaluation.measures import (
    binomial_interval,
    recovered_fraction,
    source_offsets,
)


def catalogue(x, y, flux, cutout=0):
    columns = {"cutout": cutout, "x": x, "y": y, "flux": flux, "weight": 1.0}
    return pd.DataFrame(columns)


@pytest.mark.parametrize(("hits", "trials"), [(0, 5), (3, 9), (40, 50), (7, 7)])
def test_interval_equals_astropy(hits, trials):
    expected = binom_conf_interval(hits, trials, 0.6827, "jeffreys")
    assert binomial_interval(hits, trials) == pytest.approx(expected)


@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.87])
def test_interval_covers_the_truth_as_often_as_it_says(fraction):
    trials = 100
    hits = np.arange(trials + 1)
    inside = [
        low <= fraction <= high
        for low, high in (binomial_interval(k, trials) for k in hits)
    ]
    coverage = binom.pmf(hits, trials, fraction)[inside].sum()
    assert coverage == pytest.approx(0.6827, abs=0.06)


def test_fractional_trials_lie_between_whole_ones():
    low, high = binomial_interval(4.5, 9.0)
    assert low < 0.5 < high
    assert high - low < np.diff(binomial_interval(4, 8))[0]
    assert np.isnan(binomial_interval(0, 0)).all()


def test_chance_level_is_the_area_of_the_circle():
    """For few sources per circle, 1 - exp(-pi r² n) is close to pi r² n."""
    rng = np.random.default_rng(3)
    n, cutouts, radius = 4000, 8, 4.0
    truth, found = (
        catalogue(*rng.uniform(-0.5, 423.5, (2, n)), 10.0, rng.integers(0, cutouts, n))
        for _ in range(2)
    )
    row = recovered_fraction(truth, found, radius).query("flux_min < 10 < flux_max")
    per_circle = np.pi * radius**2 * n / cutouts / 424**2
    assert row["chance"].iloc[0] == pytest.approx(per_circle, rel=0.12)
    assert row["fraction"].iloc[0] == pytest.approx(per_circle, rel=0.25)


def test_fractions_count_what_is_near_and_alike():
    x = np.arange(20.0, 400.0, 40.0)
    truth = catalogue(x, 100.0, 10.0)
    found = catalogue(x[:6] + 3.0, 100.0, [10, 10, 10, 30, 30, 4.9])

    def ten(*args, **options):
        return recovered_fraction(*args, **options).query("flux_min < 10 < flux_max")

    assert ten(truth, found, 4.0)["fraction"].iloc[0] == pytest.approx(0.6)
    assert ten(truth, found, 2.0)["fraction"].iloc[0] == 0.0
    assert ten(truth, found, 4.0, flux_factor=2.0)["fraction"].iloc[0] == 0.3
    assert ten(truth, found, 4.0)["n"].iloc[0] == len(x)
    deep = recovered_fraction(found, truth, 4.0, depth=7.0)
    assert deep["measurable"].tolist() == [low >= 7.0 for low in deep["flux_min"]]


def test_weights_count_each_piece_of_sky_once():
    once = catalogue([100.0, 200.0], 100.0, 10.0)
    found = catalogue([100.0], 100.0, 10.0)
    again = pd.concat([once, once[:1].assign(cutout=1)]).assign(weight=[0.5, 1, 0.5])
    row = recovered_fraction(
        again.reset_index(drop=True), pd.concat([found, found.assign(cutout=1)]), 4.0
    ).query("flux_min < 10 < flux_max")
    assert (row["n"].iloc[0], row["n_distinct"].iloc[0]) == (3, 2.0)
    assert row["fraction"].iloc[0] == 0.5


@pytest.mark.parametrize(
    ("dx", "dy", "angle"),
    [(1, 0, 0), (0, 1, 90), (-1, 0, 180), (0, -1, 270), (1, 1, 45)],
)
def test_angle_is_anticlockwise_from_west(dx, dy, angle):
    """West is to the right and North up in an image whose RA grows to the left."""
    separation, found = offsets(np.array([dx]), np.array([dy]))
    assert found[0] == pytest.approx(angle)
    assert separation[0] == pytest.approx(np.hypot(dx, dy))


def test_offsets_start_from_the_selected_catalogue():
    """Every super-resolved source counts, however far its nearest true one is."""
    truth = catalogue([100.0, 200.0, 300.0], 100.0, [20.0, 20.0, 5.0])
    found = catalogue([100.0, 300.0, 50.0], [103.0, 97.0, 150.0], 20.0)
    table = source_offsets(found, truth, "super-resolved")
    expected = [3.0, 3.0, np.hypot(50, 50)]
    assert table["separation"].tolist() == pytest.approx(expected)
    assert table["angle"].tolist() == pytest.approx([90.0, 270.0, 135.0])
    back = source_offsets(found, truth, "true", flux_limit=10.0)
    assert back["x"].tolist() == [100.0, 200.0]
    assert back["separation"].iloc[1] == pytest.approx(np.hypot(100, 3))
    assert back["angle"].iloc[0] == pytest.approx(90.0)
    assert set(back["selection"]) == {"true"}


def test_a_cutout_without_true_sources_has_no_offsets():
    found = catalogue([100.0, 100.0], 100.0, 20.0, cutout=[0, 1])
    table = source_offsets(found, catalogue([110.0], 100.0, 9.0), "super-resolved")
    assert table["separation"].tolist() == pytest.approx([10.0, np.nan], nan_ok=True)
    empty = source_offsets(found, found[:0], "super-resolved")
    assert empty["separation"].isna().all()
    assert (empty["chance"] == 0).all()


def test_chance_offsets_are_the_area_of_the_circle():
    rng = np.random.default_rng(5)
    n, cutouts = 400, 4
    truth, found = (
        catalogue(*rng.uniform(-0.5, 423.5, (2, n)), 10.0, rng.integers(0, cutouts, n))
        for _ in range(2)
    )
    chance = source_offsets(found, truth, "super-resolved")["chance"].mean()
    per_circle = np.pi * 15.0**2 * n / cutouts / 424**2
    assert chance == pytest.approx(1.0 - np.exp(-per_circle), rel=0.1)


def test_radii_of_a_rayleigh_distribution():
    rng = np.random.default_rng(4)
    separation, _ = offsets(*rng.normal(0, 2.0, (2, 100000)))
    levels = np.array([0.68, 0.95, 0.99])
    radii = weighted_quantile(separation, np.ones(100000), levels)
    assert radii == pytest.approx(2.0 * np.sqrt(-2 * np.log(1 - levels)), rel=0.03)
    doubled = weighted_quantile([1, 1, 2, 3], [0.5, 0.5, 1, 1], [0.5])
    assert doubled == pytest.approx(2.0)
