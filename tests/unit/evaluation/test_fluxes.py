import numpy as np
import pandas as pd
import pytest
from matplotlib.scale import SymmetricalLogTransform

from superspire.evaluation.fluxes import (
    MIN_IN_BIN,
    bin_center,
    equal_count_bins,
    pair_fluxes,
    stretch,
)


def catalogue(x, aperture, peak, cutout=0, weight=1.0):
    columns = {"cutout": cutout, "x": x, "y": 100.0, "weight": weight}
    return pd.DataFrame({**columns, "aperture": aperture, "peak": peak})


TRUTH = catalogue([100.0, 103.0, 200.0], [2.0, 9.0, 6.0], [2.5, 8.0, 6.5])
FOUND = catalogue([101.0, 300.0], [10.0, 7.0], [11.0, 7.5])


def fluxes(table, measure):
    own = table[table["measure"] == measure]
    return own[["flux", "flux_sr"]].to_numpy().tolist()


def test_super_resolved_sources_are_paired_with_the_nearest_true_one():
    table = pair_fluxes(FOUND, TRUTH, 4.0, "super-resolved")
    assert fluxes(table, "aperture") == [[2.0, 10.0]]
    assert fluxes(table, "peak") == [[2.5, 11.0]]
    assert table["x"].tolist() == [101.0, 101.0]


def test_or_with_the_brightest():
    table = pair_fluxes(FOUND, TRUTH, 4.0, "super-resolved", brightest=True)
    assert fluxes(table, "peak") == [[8.0, 11.0]]


def test_true_sources_are_paired_with_the_nearest_super_resolved_one():
    table = pair_fluxes(FOUND, TRUTH, 4.0, "true")
    assert fluxes(table, "aperture") == [[2.0, 10.0], [9.0, 10.0]]
    assert table["x"].tolist()[:2] == [100.0, 103.0]


def test_axes_are_linear_below_1_mjy_and_logarithmic_above():
    flux = np.array([-20.0, -1.0, -0.3, 0.0, 0.5, 1.0, 7.0, 300.0])
    symlog = SymmetricalLogTransform(np.e, 1.0, 1.0 - np.exp(-1.0))
    assert np.diff(stretch(flux)[2:6]) == pytest.approx(np.diff(flux[2:6]))
    assert stretch(flux[5:]) == pytest.approx(1.0 + np.log(flux[5:]))
    assert np.sign(stretch(flux)).tolist() == np.sign(symlog.transform(flux)).tolist()


@pytest.mark.parametrize(
    ("low", "high", "center"),
    [(4.0, 9.0, 6.0), (1.0, 100.0, 10.0), (-0.4, 0.8, 0.2), (0.0, np.e, 1.0)],
)
def test_centers_are_logarithmic_above_1_mjy(low, high, center):
    assert bin_center(low, high) == pytest.approx(center)


def test_pulls_of_known_scatter():
    rng = np.random.default_rng(6)
    flux = rng.uniform(9, 24, 100000)
    found = flux + 1.0 + rng.normal(0, 2.0, 100000)
    bins = equal_count_bins(flux, found, np.ones(100000))
    assert bins["n"].tolist() == [6250] * 16
    assert bins["std"].to_numpy() == pytest.approx(np.full(16, 2.02), rel=0.05)
    assert bins["pull"].to_numpy() == pytest.approx(np.full(16, 0.5), abs=0.05)


def test_error_of_a_pull_is_its_scatter_between_samples():
    rng = np.random.default_rng(7)
    samples = [
        equal_count_bins(np.full(80, 10.0), rng.normal(12, 2, 80), np.ones(80), 1)
        for _ in range(400)
    ]
    table = pd.concat(samples)
    assert table["pull"].mean() == pytest.approx(1.0, abs=0.03)
    assert table["pull"].std() == pytest.approx(table["pull_error"].mean(), rel=0.12)


def test_bins_hold_five_distinct_sources_or_are_fewer():
    """Eight galaxies, each in many overlapping cutouts, make one bin, not eight."""
    rng = np.random.default_rng(8)
    views = rng.integers(20, 140, 47)
    flux = np.repeat(np.sort(rng.uniform(4, 30, 47)), views)
    weight = np.repeat(1.0 / views, views)
    bins = equal_count_bins(flux, flux, weight)
    assert bins["n_distinct"].min() >= MIN_IN_BIN - 1e-9
    assert bins["n_distinct"].sum() == pytest.approx(47.0)
    assert 7 <= len(bins) <= 9
    few = weight[flux <= np.unique(flux)[7]]
    assert len(equal_count_bins(flux[: len(few)], flux[: len(few)], few)) == 1


def test_no_sources_make_no_bins():
    assert len(equal_count_bins([], [], [])) == 0
