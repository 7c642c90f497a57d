"""The protocol of Koopmans et al. (2025) on lists whose score is known."""

import numpy as np
import pandas as pd
import pytest

from superspire.evaluation.koopmans import match_flux, measure_koopmans
from superspire.evaluation.measures import binomial_interval

SIZE = 1000


def table(x, flux, y=500.0):
    columns = {"cutout": 0, "x": x, "y": y, "flux": flux, "weight": 1.0}
    return pd.DataFrame(columns).astype({"x": float, "flux": float})


def test_of_several_the_closest_in_flux_matches():
    true = table([100, 200, 300], [10.0, 5.0, 5.0])
    found = table([100.5, 103.0, 203.9, 304.1], [2.0, 9.0, 50.0, 5.0])
    assert match_flux(true, found, 4.0).tolist() == [1, 2, -1]
    assert match_flux(found, true, 4.0).tolist() == [0, 0, 1, -1]


def test_a_list_in_closed_form():
    true = table([100, 200, 300, 400, 500, 3], [4.0, 7.0, 10.0, 20.0, 9.0, 99.0])
    found = table([101, 201, 302, 403, 700, 800], [3.5, 2.0, 10.4, 22.0, 6.5, 2.9])
    row = measure_koopmans(found, true, SIZE)
    assert row["koopmans_complete_above_3"] == pytest.approx(4 / 5)
    assert row["koopmans_complete_above_6"] == pytest.approx(3 / 4)
    assert row["koopmans_reliable_above_3"] == pytest.approx(3 / 4)
    assert row["koopmans_reliable_above_6"] == pytest.approx(2 / 3)
    low, high = binomial_interval(3, 4)
    assert row["koopmans_reliable_above_3_low"] == low
    assert row["koopmans_reliable_above_3_high"] == high
    assert row["koopmans_within_5_percent"] == pytest.approx(1 / 2)
    assert row["koopmans_ratio"] == pytest.approx(np.median([1.04, 1.1]))


def test_the_truth_itself_has_a_perfect_score():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, SIZE, (2, 300))
    true = table(x, rng.uniform(1, 30, 300), y)
    row = measure_koopmans(true, true, SIZE)
    ends = ("_3", "_6", "percent", "ratio")
    assert all(row[name] == 1.0 for name in row if name.endswith(ends))


def test_empty_lists():
    true = table([100, 200], [4.0, 10.0])
    row = measure_koopmans(true[:0], true, SIZE)
    assert row["koopmans_complete_above_3"] == 0.0
    assert np.isnan(row["koopmans_reliable_above_3"])
    assert np.isnan(row["koopmans_ratio"])
