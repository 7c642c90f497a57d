"""The page of the sky model shows what the tables hold."""

import numpy as np
import pandas as pd
import pytest

from helpers.egg_tables import REFERENCE, draws_like_egg, fields_like_egg, read_all
from superspire.egg.agreement import combine_fields, compare
from superspire.egg.egg_reference import reference_table
from superspire.egg.grid_comparison import compare_grid
from superspire.figures.sky_validation import draw_sky_validation
from superspire.figures.style import plt
from superspire.instruments import PAPER_BANDS


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def summary():
    ours = combine_fields(fields_like_egg(np.random.default_rng(1)))
    return compare(reference_table(read_all()), ours, 20.0, 5)


@pytest.fixture(scope="module")
def draws():
    return draws_like_egg(np.random.default_rng(2))


def points_of(axes):
    return [bars.lines[0].get_xydata() for bars in axes.containers]


def test_counts_are_drawn_band_by_band(summary, draws):
    figure = draw_sky_validation(summary, draws)
    for axes, band in zip(figure.axes[:4], PAPER_BANDS, strict=True):
        rows = (summary["group"] == "counts") & (summary["band_um"] == band)
        (points,) = points_of(axes)
        np.testing.assert_allclose(points[:, 1], summary.loc[rows, "percent"])
        assert f"{band}" in axes.get_xlabel()


def test_background_is_at_the_top_of_its_panel(summary, draws):
    figure = draw_sky_validation(summary, draws)
    axes = figure.axes[4]
    assert axes.get_yticklabels()[0].get_text() == "background"
    tops = [points[0] for points in points_of(axes)]
    rows = summary["quantity"] == "background in MJy/sr"
    np.testing.assert_allclose(
        [x for x, _ in tops], summary.loc[rows, "percent"].to_numpy()
    )
    assert all(abs(y) < 0.5 for _, y in tops)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [f"{band} µm" for band in PAPER_BANDS]


def test_correlation_and_redshifts(summary, draws):
    figure = draw_sky_validation(summary, draws)
    redshifts, correlation = figure.axes[5], figure.axes[6]
    medians = summary["quantity"].str.match(r"S450 > \d+ mJy: p50$")
    lines = [line.get_ydata() for line in redshifts.lines]
    egg = summary.loc[medians, "egg"].to_numpy()
    assert any(len(y) == 5 and np.allclose(y, egg) for y in lines)
    w = summary[summary["group"] == "correlation"]
    eggs, ours = points_of(correlation)
    np.testing.assert_allclose(eggs[:, 1], w["egg"])
    np.testing.assert_allclose(ours[:, 1], w["ours"])
    assert np.all(ours[:, 0] > w["low"])
    assert np.all(ours[:, 0] < w["high"])


def test_grid_is_drawn_if_there_is_one(summary, draws):
    points = pd.read_csv(REFERENCE / "egg_deterministic_grid.csv", comment="#")
    ours = points.assign(S500_mJy=1.002 * points["S500_mJy"])
    figure = draw_sky_validation(summary, draws, compare_grid(ours, points))
    lines = [line.get_ydata() for line in figure.axes[9].lines]
    np.testing.assert_allclose(lines[list(PAPER_BANDS).index(500)], 0.2)
    assert not draw_sky_validation(summary, draws).axes[9].axison
