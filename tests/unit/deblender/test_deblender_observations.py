"""How images of the training are observed: noise, what is told of it, and gaps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from superspire.deblender.observations import (
    EDGE_FRACTION,
    SLOPE_SCATTER,
    SOME_BANDS,
    STEP_SCATTER,
    Observation,
    distance_to_line,
    draw_observation,
    draw_observed,
    draw_variation,
)
from superspire.instruments import SPIRE

PLAIN = {
    "noise": [1.0, 15.0],
    "band_noise": 0.0,
    "stated": 0.0,
    "calibration": 0.0,
    "varying": 0.0,
    "gaps": 0.0,
    "depth": {},
    "absent": {},
}


def draw(number, n=6, bands=3, seed=0, **changes):
    rng = np.random.default_rng(seed)
    if isinstance(bands, int):
        bands = dict.fromkeys(SPIRE[:bands], 1)
    drawn = [draw_observation(PLAIN | changes, n, bands, rng) for _ in range(number)]
    return (
        np.array([getattr(one, name) for one in drawn], float)
        for name in ("scale", "level", "stated")
    )


def test_the_usual_observation():
    levels = [2.5, 1.5, 0.0, 2.0]
    usual = Observation.usual(levels, 7)
    np.testing.assert_array_equal(usual.scale, np.ones(4))
    np.testing.assert_array_equal(usual.level, np.tile(levels, (7, 7, 1)))
    np.testing.assert_array_equal(usual.stated, usual.level)


@settings(max_examples=30, deadline=None)
@given(
    low=st.floats(0.1, 5.0),
    width=st.floats(1.0, 20.0),
    seed=st.integers(0, 10**6),
    bands=st.integers(1, 3),
)
def test_drawn_noise_is_within_its_range(low, width, seed, bands):
    noise = [low, low * width]
    scale, level, stated = draw(10, 4, bands, seed, noise=noise)
    assert scale.shape == (10, bands)
    assert level.shape == stated.shape == (10, 4, 4, bands)
    assert level.min() >= low * (1 - 1e-6)
    assert level.max() <= low * width * (1 + 1e-6)
    assert np.ptp(level, axis=(1, 2, 3)).max() == 0.0
    np.testing.assert_array_equal(stated, level)
    assert np.all(scale == 1.0)


def test_noise_is_uniform_in_its_logarithm():
    _, level, _ = draw(5000)
    low, high = np.log(PLAIN["noise"])
    rescaled = (np.log(level[:, 0, 0, 0]) - low) / (high - low)
    assert stats.kstest(rescaled, "uniform").pvalue > 1e-5


@pytest.mark.parametrize("name", ["band_noise", "stated", "calibration"])
def test_scatters_are_those_wanted_and_independent(name):
    scale, level, stated = draw(8000, 2, noise=[2.0, 2.0], **{name: 0.2})
    values = {
        "band_noise": np.log(level[:, 0, 0] / 2.0),
        "stated": np.log(stated / level)[:, 0, 0],
        "calibration": np.log(scale),
    }
    pull = values.pop(name) / 0.2
    for band in range(3):
        assert stats.kstest(pull[:, band], "norm").pvalue > 1e-5
    assert np.abs(np.corrcoef(pull.T) - np.eye(3)).max() < 5 / np.sqrt(8000)
    for other in values.values():
        assert np.abs(other).max() < 1e-6


def test_scatters_do_not_depend_on_each_other():
    scatters = {"band_noise": 0.2, "stated": 0.1, "calibration": 0.05}
    scale, level, stated = draw(8000, 2, noise=[2.0, 2.0], **scatters)
    values = np.log([scale, level[:, 0, 0], (stated / level)[:, 0, 0]])
    values = np.moveaxis(values, 1, -1).reshape(9, -1)
    correlation = np.corrcoef(values) - np.eye(9)
    assert np.abs(correlation).max() < 5 / np.sqrt(8000)


def test_the_noise_that_is_told_is_wrong_by_one_factor_for_each_band():
    _, level, stated = draw(50, 8, varying=1.0, stated=0.3)
    ratio = stated / level
    np.testing.assert_allclose(ratio, ratio[:, :1, :1] + 0 * ratio, rtol=1e-5)
    assert np.abs(np.log(ratio)).max() > 0.3


def test_the_fraction_of_images_whose_noise_varies():
    _, level, _ = draw(3000, varying=0.3)
    varies = np.ptp(level[..., 0], axis=(1, 2)) > 1e-3
    assert stats.binomtest(int(varies.sum()), 3000, 0.3).pvalue > 1e-5
    relative = level / level[:, :1, :1]
    np.testing.assert_allclose(relative, relative[..., :1] + 0 * relative, rtol=1e-5)


def test_gaps_are_zero_in_what_is_told_and_not_in_the_noise():
    _, level, stated = draw(2000, 24, gaps=0.4, varying=0.5)
    assert level.min() > 0
    lost = stated == 0
    np.testing.assert_allclose(stated[~lost], level[~lost], rtol=1e-6)
    gap = lost.any(axis=(1, 2, 3)).mean()
    assert 0.25 < gap <= 0.4 + 5 * np.sqrt(0.24 / 2000)
    assert 0.01 < lost[lost.any(axis=(1, 2, 3))].mean() < 0.7
    _, _, stated = draw(200, 24, varying=0.5)
    assert stated.min() > 0


def test_the_distance_to_a_line_is_a_plane_of_slope_one():
    rng = np.random.default_rng(0)
    angles, offsets = [], []
    for _ in range(2000):
        distance = distance_to_line(9, rng)
        dy, dx = np.gradient(distance)
        np.testing.assert_allclose(np.hypot(dx, dy), 1.0)
        assert np.ptp(dx) < 1e-9
        angles.append(np.arctan2(dy[0, 0], dx[0, 0]) / (2 * np.pi) + 0.5)
        offsets.append(distance[4, 4] / 9 + 0.5)
    for drawn in (angles, offsets):
        assert stats.kstest(drawn, "uniform").pvalue > 1e-5


def test_noise_varies_by_a_step_and_a_slope():
    """The plane through the image without its step has the scatter of the slope."""
    rng = np.random.default_rng(1)
    steps, slopes = [], []
    for _ in range(4000):
        factor = np.log(draw_variation(8, rng))
        second = np.abs(factor[2:, 2:] - 2 * factor[1:-1, 1:-1] + factor[:-2, :-2])
        dy, dx = (np.diff(factor, axis=axis) for axis in (0, 1))
        slopes.append(np.hypot(np.median(dy), np.median(dx)) * 4.0)
        steps.append(second.max())
    slopes = np.array(slopes)
    expected = stats.halfnorm(scale=SLOPE_SCATTER)
    assert np.median(slopes) == pytest.approx(expected.median(), rel=0.1)
    assert np.quantile(slopes, 0.95) == pytest.approx(expected.ppf(0.95), rel=0.1)
    steps = np.array(steps)
    seen = steps > 1e-9
    assert 0.7 < seen.mean() < 1.0
    expected = stats.halfnorm(scale=STEP_SCATTER)
    assert np.median(steps[seen]) == pytest.approx(expected.median(), rel=0.1)


def test_gaps_are_edges_or_holes_of_all_bands_or_of_some():
    rng = np.random.default_rng(2)
    n, number = 48, 1500
    observed = np.array([draw_observed(n, 3, rng) for _ in range(number)])
    assert observed.dtype == bool
    assert observed.shape == (number, n, n, 3)
    complete = observed.all(axis=(1, 2))
    some = (complete.any(axis=1) & ~complete.all(axis=1)).mean()
    # One of the eight choices leaves the gap in all bands, one in none of them.
    assert some == pytest.approx(SOME_BANDS * 6 / 8, abs=0.06)
    assert complete.all(axis=1).mean() < 0.15
    border = np.ones((n, n), bool)
    border[1:-1, 1:-1] = False
    lost = ~observed[..., 0]
    beyond = lost & border
    edges = lost.any(axis=(1, 2)) & (beyond.sum(axis=(1, 2)) > n - 1)
    assert edges.sum() / lost.any(axis=(1, 2)).sum() == pytest.approx(
        EDGE_FRACTION, abs=0.12
    )


def test_edges_of_the_bands_are_near_each_other():
    """Bands lose what the others lose, but for a few cells beside it."""
    rng = np.random.default_rng(3)
    widths = []
    for _ in range(600):
        observed = draw_observed(64, 2, rng)
        if observed.all(axis=(0, 1)).any():
            continue
        differ = (observed[..., 0] != observed[..., 1]).sum()
        outline = (observed[:, 1:, 0] != observed[:, :-1, 0]).sum()
        outline += (observed[1:, :, 0] != observed[:-1, :, 0]).sum()
        widths.append(differ / max(outline, 1))
    # |difference of two normal numbers of sigma 1.5| over the projection of a line.
    assert 0.5 < np.median(widths) < 2.0


def test_other_bands_have_a_depth_of_their_own_or_are_absent():
    bands = {24: 2, 250: 1, 850: 1}
    depth = {"24": [0.004, 0.08], "850": [1.0, 1.0]}
    _, level, stated = draw(4000, 2, bands, depth=depth, absent={"24": 0.4})
    np.testing.assert_array_equal(level, stated)
    mid, _, submillimetre = level[:, 0, 0].T
    assert np.all(submillimetre == 1.0)
    assert stats.binomtest(int((mid == 0).sum()), 4000, 0.4).pvalue > 1e-5
    low, high = np.log([0.004, 0.08])
    rescaled = (np.log(mid[mid > 0]) - low) / (high - low)
    assert stats.kstest(rescaled, "uniform").pvalue > 1e-5
