"""Methods with 24 µm: the row of a list whose worth is known."""

import numpy as np
import pandas as pd
import pytest

from superspire.evaluation.prior_methods import compare_with_24, log_scatter

SIZE = 2000


def sky(n=2000, seed=0):
    """Sources on a lattice, of which every third is faint at 24 µm."""
    rng = np.random.default_rng(seed)
    x, y = (c.ravel()[:n] for c in np.meshgrid(*2 * [np.arange(20.0, 1980.0, 40.0)]))
    columns = {"cutout": 0, "x": x, "y": y, "weight": 1.0}
    table = pd.DataFrame(columns).assign(flux=rng.uniform(2, 30, len(x)))
    return table.assign(flux_24=np.where(np.arange(len(x)) % 3, 0.2, 0.02))


def test_the_truth_itself_has_a_perfect_score():
    truth = sky()
    listed = truth[truth["flux_24"] > 0.1]
    row = compare_with_24(truth, truth, listed, 10.0, 4.0, SIZE)
    for name in ("complete_3_5", "complete_above_10", "pure_above_3", "recovered"):
        assert row[name] == 1.0
        assert row[f"{name}_low"] < 1.0
    assert row["faint_24_complete"] == row["faint_24_pure"] == 1.0
    counted = truth["flux"].between(5, 8, inclusive="left") & (truth["flux_24"] < 0.1)
    assert row["n_faint_24_complete"] == row["n_faint_24_pure"] == counted.sum()
    assert row["n_complete_above_10"] == (truth["flux"] >= 10).sum()
    assert row["ratio"] == 1.0
    assert row["offset"] == row["ln_scatter_6_8"] == 0.0


def test_a_list_of_24_sources_alone_misses_the_others():
    truth = sky()
    listed = truth[truth["flux_24"] > 0.1].reset_index(drop=True)
    row = compare_with_24(listed, truth, listed, 10.0, 4.0, SIZE)
    assert row["complete_above_6"] == pytest.approx(2 / 3, abs=0.05)
    assert row["faint_24_complete"] == 0.0
    assert row["n_faint_24_pure"] == 0
    assert np.isnan(row["faint_24_pure"])
    assert row["pure_above_3"] == 1.0


def test_sources_below_the_limit_of_a_list_do_not_count():
    truth = sky()
    dark = truth.assign(flux=0.1)
    row = compare_with_24(dark, truth, truth, 10.0, 4.0, SIZE)
    assert row["complete_above_6"] == 0.0


def test_the_scatter_of_logarithms():
    truth = sky()
    error = 0.3 * np.random.default_rng(1).standard_normal(len(truth))
    found = truth.assign(flux=truth["flux"] * np.exp(error))
    row = log_scatter(found, truth, 4.0, SIZE)
    bound = 3 * row["ln_scatter_above_10_error"]
    assert row["ln_scatter_above_10"] == pytest.approx(0.3, abs=bound)
