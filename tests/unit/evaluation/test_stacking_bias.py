"""Stacks of maps whose sources, levels and biases are known."""

import numpy as np
import pandas as pd
import pytest

from helpers.evaluation_skies import paint
from superspire.evaluation.stacking_bias import (
    BLOCKS,
    MARGIN,
    sample_maps,
    stacking_bias,
    weighted_median,
)
from superspire.instruments import BANDS, TARGET, beam_area

SIDE = 800
FWHM = BANDS[TARGET].fwhm


def lattice(rng, step=36, flux=(1.2, 4.0, 10.0)):
    """Sources further apart than beams reach, a third of each flux."""
    axis = np.arange(20.0, SIDE - 19.0, step)
    x, y = (a.ravel() for a in np.meshgrid(axis, axis))
    x, y = x + rng.uniform(-2, 2, len(x)), y + rng.uniform(-2, 2, len(y))
    table = {"x": x, "y": y, "flux": rng.permutation(np.resize(flux, len(x)))}
    return pd.DataFrame(table), paint(SIDE, x, y, table["flux"], FWHM)


def test_stacks_of_lone_sources_are_their_fluxes_above_the_mean_of_the_map():
    rng = np.random.default_rng(1)
    sources, true = lattice(rng)
    maps = {"superresolved": 0.4 * true + 3.0, "true": true - 1.0}
    table = sample_maps(maps, sources, rng, 200_000)
    found = stacking_bias(table, rng, edges=(1.0, 2.0, 8.0, 15.0), draws=30)
    mean = found[found["statistic"] == "mean"]
    level = sources["flux"].mean() * beam_area(FWHM) / 36.0**2
    assert mean["flux"].tolist() == pytest.approx([1.2, 4.0, 10.0])
    expected = mean["flux"].to_numpy() - level
    np.testing.assert_allclose(mean["true"], expected, atol=0.06)
    median = found[found["statistic"] == "median"]
    np.testing.assert_allclose(median["true"], median["flux"], rtol=0.02)
    assert found["ratio"].tolist() == pytest.approx([0.4] * 6, rel=1e-3)
    assert found["ratio_error"].max() < 1e-3
    judged = sources[["x", "y"]].sub(SIDE / 2 - 0.5).abs().max(axis=1)
    assert mean["n"].sum() == (judged <= SIDE / 2 - 0.5 - MARGIN).sum()


def test_errors_are_those_of_independent_noise():
    """Unit noise at every position, of which four in five are random ones."""
    rng = np.random.default_rng(2)
    number = 4000
    table = pd.DataFrame(
        {
            "flux": np.where(np.arange(5 * number) < number, 1.5, np.nan),
            "block": rng.integers(0, BLOCKS**2, 5 * number),
            "superresolved": rng.standard_normal(5 * number),
            "true": np.where(np.arange(5 * number) < number, 1.0, 0.0),
        }
    )
    found = stacking_bias(table, rng, edges=(1.0, 2.0), draws=400)
    error = np.sqrt(1.0 / number + 0.25 / number)
    expected = [error, error * np.sqrt(np.pi / 2.0)]
    np.testing.assert_allclose(found["superresolved_error"], expected, rtol=0.3)
    np.testing.assert_allclose(found["superresolved"], 0.0, atol=4.0 * error)


def test_unobserved_sky_and_the_border_are_left_out():
    rng = np.random.default_rng(3)
    image = np.ones((200, 300))
    image[:, :100] = np.nan
    sources = pd.DataFrame({"x": [60.0, 20.0, 200.0, 280.0], "y": [100.0] * 4})
    table = sample_maps(
        {"superresolved": image, "true": np.ones((200, 300))},
        sources.assign(flux=1.0),
        rng,
        1000,
    )
    assert table["flux"].notna().sum() == 1
    assert 0.55 < len(table) / 1000 < 0.85
    assert table["block"].max() == BLOCKS**2 - 1
    np.testing.assert_allclose(table["superresolved"], 1.0)


def test_a_bin_without_sources_is_empty():
    rng = np.random.default_rng(4)
    sources, true = lattice(rng)
    table = sample_maps({"superresolved": true, "true": true}, sources, rng, 100)
    found = stacking_bias(table, rng, edges=(20.0, 30.0, 40.0), draws=3)
    assert (found["n"] == 0).all()


def test_the_median_of_equal_weights_is_the_middle_value():
    values = np.array([5.0, 1.0, 9.0])
    assert weighted_median(values, np.ones(3)) == 5.0
    assert weighted_median(values, np.array([1.0, 0.0, 3.0])) == 9.0
