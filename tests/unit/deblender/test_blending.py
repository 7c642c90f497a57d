"""Errors against blend fraction, of pairs and lone sources whose errors are known."""

import numpy as np
import pandas as pd
import pytest

from superspire.deblender.blending import blend_errors
from superspire.deblender.inputs import FLUX_BANDS
from superspire.instruments import BANDS

SIDE, STEP, APART = 6000, 150.0, 12.0
LONE, PAIRED = 0.2, 0.4
"""Standard deviations of the logarithm of the true fluxes."""

BIAS = 0.9


def draw(seed, wrong=0.0):
    """Lone sources and equal pairs, these with a bias and twice the scatter."""
    rng = np.random.default_rng(seed)
    x, y = (75.0 + STEP * axis.ravel() for axis in np.mgrid[:40, :40])
    pair = np.arange(len(x)) % 2 == 0
    x = np.concatenate([x, x[pair] + APART])
    y = np.concatenate([y, y[pair]])
    pair = np.concatenate([pair, np.ones(pair.sum(), bool)])
    sources = pd.DataFrame({"cutout": 0, "x": x, "y": y})
    truth = sources.copy()
    width, bias = np.where(pair, PAIRED, LONE), np.where(pair, BIAS, 1.0)
    for band in FLUX_BANDS:
        true = 10.0 * np.exp(width * rng.standard_normal(len(x)))
        truth[f"flux_{band}"] = true
        sources[f"deboosted_{band}"] = 10.0
        sources[f"low_{band}"], sources[f"high_{band}"] = 10.0 * np.exp([-LONE, LONE])
        sources[f"flux_{band}"] = 10.0 * bias
        sources[f"error_{band}"] = 10.0 * bias * width
    truth["flux"], sources["flux"] = truth["flux_450"], sources["flux_450"]
    return sources, truth[rng.random(len(truth)) >= wrong], pair


def test_pairs_and_lone_sources_have_their_own_bias_scatter_and_coverage():
    sources, truth, pair = draw(1)
    table = blend_errors(sources, truth, (SIDE, SIDE), limit=0.1)
    for band in FLUX_BANDS:
        rows = table[table["band"] == band].set_index("blend_min")
        beam = 0.5 ** ((2.0 * APART / BANDS[band].fwhm) ** 2)
        low = max(e for e in (0.0, 0.2, 0.4) if e <= beam / (1.0 + beam))
        assert low == {250: 0.2, 350: 0.2, 450: 0.0, 500: 0.4}[band]
        empty = set(rows.index) - {0.0, low}
        assert (rows.loc[list(empty), ["n", "n_listed"]] == 0).to_numpy().all()
        if low == 0.0:
            assert rows.loc[0.0, "n"] == len(sources)
            continue
        for edge, number, width, ratio, held in (
            (0.0, (~pair).sum(), LONE, 1.0, 0.6827),
            (low, pair.sum(), PAIRED, BIAS, 0.3829),
        ):
            row = rows.loc[edge]
            assert row[["n", "n_listed"]].tolist() == [number, number]
            error = width / np.sqrt(number)
            assert np.log(row["ratio"] / ratio) == pytest.approx(0.0, abs=5.0 * error)
            assert row["scatter"] == pytest.approx(width, abs=5.0 * error)
            assert row["stated"] == pytest.approx(width)
            assert row["coverage"] == pytest.approx(held, abs=2.5 / np.sqrt(number))
            assert row["real"] == 1.0


def test_sources_without_a_true_one_count_as_listed_alone():
    sources, truth, _ = draw(2, wrong=0.25)
    table = blend_errors(sources, truth, (SIDE, SIDE), limit=0.1)
    rows = table[(table["band"] == 450) & (table["blend_min"] == 0.0)].iloc[0]
    assert rows["n"] == len(truth)
    assert rows["n_listed"] == len(sources)
    assert rows["real"] == pytest.approx(len(truth) / len(sources))


def test_fluxes_below_the_limit_are_left_out():
    sources, truth, _ = draw(3)
    table = blend_errors(sources, truth, (SIDE, SIDE), limit=11.0)
    assert (table["n_listed"] == 0).all()
    numbers = table.groupby("band")["n"].sum()
    for band in FLUX_BANDS:
        assert numbers[band] == (truth[f"flux_{band}"] >= 11.0).sum()
