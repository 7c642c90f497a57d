"""Number counts against the power law that the sources were drawn from."""

import numpy as np
import pytest

from superspire.evaluation.counts import differential_counts, euclidean


def test_counts_of_a_power_law():
    rng = np.random.default_rng(2)
    n, area = 400_000, 2.0
    flux = (1.0 - rng.random(n)) ** (-1 / 1.5)
    table = differential_counts([flux[: n // 3], flux[n // 3 :]], area)
    edges = 10.0 ** np.arange(0.0, 2.5001, 0.1)
    mean = (edges[:-1] ** -1.5 - edges[1:] ** -1.5) / np.diff(edges) * n / area
    pulls = (table["dNdS"] - mean[: len(table)]) / table["error"]
    assert table["n"].sum() == (flux < edges[-1]).sum()
    assert np.abs(pulls).max() < 5
    flat = euclidean(table["S_mJy"], table["dNdS"])
    assert flat[:10] == pytest.approx(flat[0], rel=0.05)


def test_euclidean_unit():
    assert euclidean(1000.0, 1.0) == pytest.approx(1e3 * 3282.80635, rel=1e-6)
