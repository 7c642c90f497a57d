"""Tests of corrected number counts against draws whose losses are known."""

import numpy as np
import pandas as pd
import pytest

from superspire.products.counts import MAX_FACTOR, corrected_counts

EDGES = np.array([4.0, 8.0, 16.0, 32.0])


def factors(values, n=400, quantity="counts_450"):
    return pd.DataFrame(
        {
            "quantity": quantity,
            "flux_min": EDGES[:-1],
            "flux_max": EDGES[1:],
            "value": values,
            "n": n,
        }
    )


def test_counts_by_hand():
    table = corrected_counts(np.array([4.0, 5.0, 8.0, 40.0, 1.0]), factors(2.0), 0.5)
    assert table["n"].tolist() == [2, 1, 0]
    width = np.diff(EDGES)
    assert table["uncorrected"].tolist() == pytest.approx([2, 1, 0] / (0.5 * width))
    assert table["dNdS"].tolist() == pytest.approx([4, 2, 0] / (0.5 * width))
    relative = np.sqrt(1 / np.array([2, 1, 1]) + 1 / 400)
    expected = 2 * np.array([2, 1, 1]) * relative / (0.5 * width)
    assert table["error"].tolist() == pytest.approx(expected)


def test_what_is_lost_comes_back():
    """A third of the sources are lost, on mock and on other sky alike."""
    rng = np.random.default_rng(7)
    true = 4.0 * rng.pareto(1.5, 20000) + 4.0
    found = true[rng.random(len(true)) < 2.0 / 3.0]
    numbers = np.histogram(true, EDGES)[0]
    table = corrected_counts(found, factors(1.5, n=numbers), 2.0)
    expected = numbers / (2.0 * np.diff(EDGES))
    assert np.all(np.abs(table["dNdS"] - expected) < 4.5 * table["error"])
    assert np.all(table["error"] < 0.06 * expected)


def test_hopeless_bins_are_left_out():
    table = corrected_counts(np.ones(0), factors([1.01 * MAX_FACTOR, 1.0, 0.2]), 1)
    assert table["flux_min"].tolist() == [8.0]


def test_other_quantities_are_no_factors():
    both = pd.concat([factors(2.0), factors(0.5, quantity="purity")])
    assert corrected_counts(np.array([5.0]), both, 1.0)["factor"].tolist() == [2.0] * 3
