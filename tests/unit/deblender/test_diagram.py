"""Tests of the reliability diagrams against catalogues whose errors are known."""

import numpy as np
import pandas as pd
import pytest

from superspire.deblender.diagram import LEVELS, reliability_diagram

SHAPE = (3000, 3000)
NUMBER = 2500


def draw(seed, width=0.2, position=0.8, real=0.8):
    """Sources on a grid, whose true fluxes and positions scatter as prediction."""
    rng = np.random.default_rng(seed)
    x, y = (40.0 + 58.0 * axis.ravel() for axis in np.mgrid[:50, :50])
    true = rng.uniform(8.0, 30.0, NUMBER)
    deboosted = true * np.exp(-width * rng.standard_normal(NUMBER))
    sources = pd.DataFrame(
        {
            "cutout": 0,
            "x": x,
            "y": y,
            "flux": true,
            "deboosted": deboosted,
            "low": deboosted * np.exp(-0.2),
            "high": deboosted * np.exp(0.2),
            "pos_err": 0.8,
            "probability": 0.85,
        }
    )
    truth = pd.DataFrame(
        {
            "cutout": 0,
            "x": x + position * rng.standard_normal(NUMBER),
            "y": y + position * rng.standard_normal(NUMBER),
            "flux": true,
        }
    )
    return sources, truth[rng.random(NUMBER) < real]


def fractions(table, quantity):
    return table[table["quantity"] == quantity].set_index("stated")["fraction"]


def test_right_errors_lie_on_the_diagonal():
    table = reliability_diagram(*draw(1), SHAPE)
    for quantity in ("flux", "position"):
        own = fractions(table, quantity)
        error = np.sqrt(LEVELS * (1 - LEVELS) / (0.8 * NUMBER))
        assert np.all(np.abs(own.to_numpy() - LEVELS) < 4.5 * error)
    stated = table[table["quantity"] == "probability"]
    assert stated["stated"].tolist() == pytest.approx([0.85])
    assert stated["n"].tolist() == [NUMBER]
    assert stated["fraction"].item() == pytest.approx(0.8, abs=4.5 * 0.008)
    assert np.all(
        (table["low"] <= table["fraction"]) & (table["fraction"] <= table["high"])
    )


def test_errors_too_small_lie_below_the_diagonal():
    table = reliability_diagram(*draw(2, width=0.4, position=1.2), SHAPE)
    assert np.all(fractions(table, "flux").to_numpy() < LEVELS - 0.03)
    assert np.all(fractions(table, "position")[0.3:0.8] < LEVELS[4:15] - 0.1)


def test_sides_of_an_interval_are_told_apart():
    """A bias of the median is seen although the width is right."""
    sources, truth = draw(3)
    high = sources.assign(**{n: 1.3 * sources[n] for n in ("low", "deboosted", "high")})
    assert fractions(reliability_diagram(high, truth, SHAPE), "flux")[0.7] < 0.5


def test_a_wrong_flux_is_not_real():
    sources, truth = draw(4, real=1.0)
    table = reliability_diagram(
        sources.assign(deboosted=8.0 * sources["deboosted"]), truth, SHAPE
    )
    assert fractions(table, "probability").item() == 0.0


def test_a_source_counts_once():
    sources, truth = draw(6, position=0.5, real=1.0)
    again = pd.concat([sources, sources.assign(x=sources["x"] + 1.0)])
    table = reliability_diagram(again, truth, SHAPE)
    assert fractions(table, "probability").item() == pytest.approx(0.5, abs=0.002)


def test_no_source_gives_no_share():
    sources, truth = draw(5)
    table = reliability_diagram(sources[:0], truth, SHAPE)
    assert table["n"].sum() == 0
    assert table["fraction"].isna().all()
