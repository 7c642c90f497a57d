"""Counts and clustering of sources in cutouts whose counts and clustering are known."""

import numpy as np
import pandas as pd
import pytest

from superspire.evaluation import clustering
from superspire.figures.clustering import SAMPLES, draw_clustering_counts
from superspire.figures.style import plt
from superspire.instruments import CUTOUT

EDGES = np.array([5.0, 20.0, 60.0])


@pytest.fixture
def index():
    """Four by four cutouts side by side, not from the corner of their map on."""
    corners = [(55 + CUTOUT * i, 17 + CUTOUT * j) for j in range(4) for i in range(4)]
    table = pd.DataFrame(corners, columns=["x0", "y0"])
    return table.assign(cutout=np.arange(100, 116))


def sources(index, x, y, flux=8.0):
    """Put sources at positions on the map [pixel] into their cutouts."""
    column, row = ((a - a0) // CUTOUT for a, a0 in ((x, 55), (y, 17)))
    return pd.DataFrame(
        {
            "cutout": 100 + (4 * row + column).astype(int),
            "x": (x - 55) % CUTOUT,
            "y": (y - 17) % CUTOUT,
            "flux": flux,
        }
    )


def uniform(n, rng):
    return rng.uniform([[55], [17]], [[55 + 4 * CUTOUT], [17 + 4 * CUTOUT]], (2, n))


def test_window_is_what_is_left_without_the_borders(index):
    window = clustering.cutout_window(index)
    assert window.area == 16 * 403.0**2
    assert window.corners.min(axis=0).tolist() == [65.0, 27.0]
    x, y = uniform(2000, np.random.default_rng(1))
    kept = clustering.trim_edges(sources(index, x, y))
    positions = clustering.plane_positions(kept, index)
    assert np.all(window.squares_of(*positions) >= 0)
    assert len(kept) == np.sum(window.squares_of(x, y) >= 0)


def test_regions_are_blocks_of_neighbouring_cutouts(index):
    regions = clustering.jackknife_regions(index)
    assert regions.reshape(4, 4)[:, 0].tolist() == [0, 0, 1, 1]
    assert np.bincount(regions).tolist() == [4, 4, 4, 4]
    assert clustering.jackknife_regions(index[:1]).tolist() == [0]


def test_random_sources_are_not_correlated(index):
    rng = np.random.default_rng(2)
    values = [
        clustering.measure_clustering(
            {"a": sources(index, *uniform(1500, rng))}, index, [6.0], EDGES
        )["value"]
        for _ in range(20)
    ]
    error = np.std(values, axis=0) / np.sqrt(20)
    assert np.all(np.abs(np.mean(values, axis=0)) < 4.5 * error)
    assert error.max() < 0.02


def test_pairs_have_the_correlation_of_a_ring(index):
    """Each of n sources has one partner at 30 arcsec: w = A / n / (area of the bin)."""
    rng = np.random.default_rng(3)
    values = []
    for _ in range(10):
        x, y = uniform(400, rng)
        angle = rng.uniform(0, 2 * np.pi, 400)
        x = np.concatenate([x, (x + 30 * np.cos(angle) - 55) % (4 * CUTOUT) + 55])
        y = np.concatenate([y, (y + 30 * np.sin(angle) - 17) % (4 * CUTOUT) + 17])
        samples = {"a": sources(index, x, y)}
        found = clustering.measure_clustering(samples, index, [6.0], EDGES)
        values.append(found["value"])
    area = (4 * CUTOUT) ** 2
    expected = [0.0, area / 800 / (np.pi * (60.0**2 - 20.0**2))]
    error = np.std(values, axis=0) / np.sqrt(10)
    assert np.all(np.abs(np.mean(values, axis=0) - expected) < 4.5 * error)
    assert expected[1] > 15 * error[1]


def test_only_sources_above_the_limit_count(index):
    x, y = uniform(300, np.random.default_rng(4))
    bright, faint = sources(index, x, y), sources(index, x + 9, y, flux=5.9)
    both = pd.concat([bright, faint[faint["cutout"] < 116]])
    one, two = (
        clustering.measure_clustering({"a": s}, index, [6.0], EDGES)
        for s in (bright, both)
    )
    pd.testing.assert_frame_equal(one, two)


def test_counts_of_a_known_list(index):
    centre = np.full(6, 200.0)
    table = pd.DataFrame({"cutout": 100, "x": centre, "y": centre})
    table["flux"] = [3.5, 3.6, 5.5, 5.6, 5.7, 200.0]
    border = table.assign(x=5.0)
    found = clustering.measure_counts({"a": pd.concat([table, border])}, index)
    assert found["n"].tolist() == [2, 3]
    area = 16 * (403 / 3600) ** 2
    width = (found["high"] - found["low"]).to_numpy()
    np.testing.assert_allclose(found["low"], 10.0 ** np.array([0.5, 0.7]))
    np.testing.assert_allclose(width, found["low"] * (10**0.1 - 1))
    np.testing.assert_allclose(found["value"], [2, 3] / width / area)
    np.testing.assert_allclose(found["error"], np.sqrt([2, 3]) / width / area)


def test_samples_without_sources_are_left_out_and_still_drawn(index):
    empty = {name: sources(index, *np.empty((2, 0))) for name in SAMPLES}
    few = empty | {"injected": sources(index, *uniform(9, np.random))}
    for samples in (empty, few):
        counts = clustering.measure_counts(samples, index)
        found = clustering.measure_clustering(samples, index)
        assert len(found) == 0
        draw_clustering_counts(counts, found).canvas.draw()
        plt.close("all")


def test_every_number_is_in_the_figure(index):
    rng = np.random.default_rng(5)
    samples = {
        name: sources(index, *uniform(n, rng), flux=rng.uniform(6, 40, n))
        for name, n in zip(SAMPLES, (900, 700, 500), strict=True)
    }
    counts = clustering.measure_counts(samples, index)
    found = clustering.measure_clustering(samples, index)
    figure = draw_clustering_counts(counts, found)
    top, upper, bottom, lower = figure.axes
    for axes, limit in ((upper, 6), (lower, 10)):
        assert f"{limit} mJy" in axes.get_title()
        for drawn, name in zip(axes.containers, SAMPLES, strict=True):
            own = found[(found["limit"] == limit) & (found["sample"] == name)]
            np.testing.assert_allclose(drawn[0].get_ydata(orig=False), own["value"])
    ratio = bottom.containers[0][0].get_ydata(orig=False)
    np.testing.assert_allclose(ratio, 1.0)
    assert [text.get_text() for text in top.get_legend().get_texts()] == [
        style["label"] for style in SAMPLES.values()
    ]
