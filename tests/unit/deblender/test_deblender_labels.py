"""Labels of the fine cells against plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superspire.deblender.labels import CARE, LABELS, REACH, SMEAR, source_labels

TRUNCATED = np.exp(-0.5 * (11.0 / SMEAR) ** 2)
"""Height of the smearing at the nearest cell that is left out."""


COLOURS = np.array([3.0, 0.5, 1.0])
"""Fluxes of each source in three bands over that in the last, unless drawn."""


def by_hand(x, y, flux, size, lead):
    labels = np.zeros((size, size, len(LABELS) + flux.shape[1]))
    for row, column in np.ndindex(size, size):
        dx, dy = x - (2 * column + 0.5), y - (2 * row + 0.5)
        distance = np.hypot(dx, dy)
        smeared = np.exp(-0.5 * (distance / SMEAR) ** 2)
        labels[row, column, 0] = smeared.max(initial=0.0)
        near = np.flatnonzero(distance < REACH)
        if len(near):
            best = near[np.argmax(smeared[near] * flux[near, lead])]
            care = np.exp(-0.5 * (distance[best] / CARE) ** 2)
            labels[row, column, 1:4] = dx[best], dy[best], care
            labels[row, column, 4:] = np.log(flux[best])
    return labels


def sources(seed, number, low, high, bands=4):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(low, high, (2, number))
    return x, y, rng.pareto(1.5, (number, bands)) + 1.0


def check(labels, expected):
    assert labels.dtype == np.float32
    assert labels.shape == expected.shape
    np.testing.assert_allclose(labels[..., 0], expected[..., 0], atol=TRUNCATED)
    assert np.array_equal(labels[..., 3] > 0, expected[..., 3] > 0)
    np.testing.assert_allclose(labels[..., 1:], expected[..., 1:], atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    number=st.integers(0, 30),
    size=st.sampled_from([1, 12]),
    bands=st.integers(1, 4),
    data=st.data(),
)
def test_labels_are_those_of_plain_loops(seed, number, size, bands, data):
    drawn = sources(seed, number, -15.0, 2 * size + 15.0, bands)
    lead = data.draw(st.integers(0, bands - 1))
    check(source_labels(*drawn, size, lead), by_hand(*drawn, size, lead))


def label(x, y, flux, size):
    """Label sources of known colours whose lead is the last band."""
    flux = np.outer(flux, COLOURS)
    return source_labels(np.array(x), np.array(y), flux, size, 2)


def test_a_single_source():
    labels = label([9.7], [14.2], [np.e], 16)
    position = labels[7, 5]
    assert position[1] == pytest.approx(9.7 - 10.5, abs=1e-6)
    assert position[2] == pytest.approx(14.2 - 14.5, abs=1e-6)
    assert position[4:] == pytest.approx(1.0 + np.log(COLOURS))
    distance = np.hypot(position[1], position[2])
    assert position[0] == pytest.approx(np.exp(-0.5 * (distance / 3.4) ** 2))
    assert position[3] == pytest.approx(np.exp(-0.5 * (distance / 2.5) ** 2))
    assert np.unravel_index(labels[..., 0].argmax(), (16, 16)) == (7, 5)


def test_no_sources_no_labels():
    labels = source_labels(*np.zeros((2, 0)), np.zeros((0, 4)), 8)
    assert labels.shape == (8, 8, 8)
    assert not labels.any()


def test_sources_far_outside_leave_no_trace():
    assert not label([-12.0, 8.0, 28.0], [8.0, -12.0, 28.0], np.full(3, 2.0), 8).any()


def test_a_source_outside_is_asked_about_inside():
    labels = label([-2.0], [4.5], [3.0], 8)
    assert labels[2, 0, 1] == pytest.approx(-2.5)
    assert labels[2, 0, 0] == pytest.approx(np.exp(-0.5 * (2.5 / SMEAR) ** 2))
    assert not labels[:, 4:, 3].any()


def test_the_source_of_most_light_wins_whatever_the_order():
    """Of two sources 3 arcsec apart the bright one has the faint one's cell too."""
    x, y, flux = np.array([8.5, 11.5]), np.array([8.5, 8.5]), np.array([2.0, 20.0])
    for order in ([0, 1], [1, 0]):
        labels = label(x[order], y[order], flux[order], 10)
        assert labels[4, 4, 4:] == pytest.approx(np.log(20.0 * COLOURS))
        assert labels[4, 4, 1] == pytest.approx(3.0)
        assert labels[4, 4, 0] == pytest.approx(1.0)
    labels = label(x, y, np.array([2.0, 2.2]), 10)
    assert labels[4, 4, 4:] == pytest.approx(np.log(2.0 * COLOURS))
    assert labels[4, 6, 4:] == pytest.approx(np.log(2.2 * COLOURS))


@pytest.mark.parametrize("lead", [0, 1])
def test_most_light_is_that_of_the_leading_band(lead):
    """Of two sources in one cell each is the brighter one in one of the bands."""
    x, y, flux = np.full(2, 8.5), np.full(2, 8.5), np.array([[9.0, 2.0], [4.0, 7.0]])
    labels = source_labels(x, y, flux, 10, lead)
    assert labels[4, 4, 4:] == pytest.approx(np.log(flux[lead]))


def test_nothing_is_asked_beyond_the_reach():
    labels = label([16.5], [16.5], [5.0], 17)
    y, x = np.indices((17, 17)) * 2.0 - 16.0
    assert np.array_equal(labels[..., 3] > 0, np.hypot(x, y) < REACH)


@pytest.mark.parametrize("seed", range(5))
def test_fluxes_matter_only_by_their_ratios(seed):
    x, y, flux = sources(seed, 25, 0.0, 24.0)
    one, two = (source_labels(x, y, factor * flux, 12) for factor in (1.0, 4.0))
    asked = one[..., 3] > 0
    np.testing.assert_allclose(
        two[asked][:, 4:] - one[asked][:, 4:], np.log(4), rtol=1e-4
    )
    np.testing.assert_array_equal(two[..., :4], one[..., :4])
