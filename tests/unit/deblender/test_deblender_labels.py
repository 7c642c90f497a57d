"""Labels of the fine cells against plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superspire.deblender.labels import CARE, LABELS, REACH, SMEAR, source_labels

TRUNCATED = np.exp(-0.5 * (11.0 / SMEAR) ** 2)
"""Height of the smearing at the nearest cell that is left out."""


def by_hand(x, y, flux, size):
    labels = np.zeros((size, size, len(LABELS)))
    for row, column in np.ndindex(size, size):
        dx, dy = x - (2 * column + 0.5), y - (2 * row + 0.5)
        distance = np.hypot(dx, dy)
        smeared = np.exp(-0.5 * (distance / SMEAR) ** 2)
        labels[row, column, 0] = smeared.max(initial=0.0)
        near = np.flatnonzero(distance < REACH)
        if len(near):
            best = near[np.argmax(smeared[near] * flux[near])]
            care = np.exp(-0.5 * (distance[best] / CARE) ** 2)
            labels[row, column, 1:] = np.log(flux[best]), dx[best], dy[best], care
    return labels


def sources(seed, number, low, high):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(low, high, (2, number))
    return x, y, rng.pareto(1.5, number) + 1.0


def check(labels, expected):
    assert labels.dtype == np.float32
    np.testing.assert_allclose(labels[..., 0], expected[..., 0], atol=TRUNCATED)
    assert np.array_equal(labels[..., 4] > 0, expected[..., 4] > 0)
    np.testing.assert_allclose(labels[..., 1:], expected[..., 1:], atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6), number=st.integers(0, 30), size=st.sampled_from([1, 12])
)
def test_labels_are_those_of_plain_loops(seed, number, size):
    drawn = sources(seed, number, -15.0, 2 * size + 15.0)
    check(source_labels(*drawn, size), by_hand(*drawn, size))


def test_a_single_source():
    labels = source_labels(np.array([9.7]), np.array([14.2]), np.array([np.e]), 16)
    position = labels[7, 5]
    assert position[1] == pytest.approx(1.0)
    assert position[2] == pytest.approx(9.7 - 10.5, abs=1e-6)
    assert position[3] == pytest.approx(14.2 - 14.5, abs=1e-6)
    distance = np.hypot(position[2], position[3])
    assert position[0] == pytest.approx(np.exp(-0.5 * (distance / 3.4) ** 2))
    assert np.unravel_index(labels[..., 0].argmax(), (16, 16)) == (7, 5)


def test_no_sources_no_labels():
    assert not source_labels(*np.zeros((3, 0)), 8).any()


def test_sources_far_outside_leave_no_trace():
    far = np.array([-12.0, 8.0, 28.0]), np.array([8.0, -12.0, 28.0]), np.ones(3)
    assert not source_labels(*far, 8).any()


def test_a_source_outside_is_asked_about_inside():
    labels = source_labels(np.array([-2.0]), np.array([4.5]), np.array([3.0]), 8)
    assert labels[2, 0, 2] == pytest.approx(-2.5)
    assert labels[2, 0, 0] == pytest.approx(np.exp(-0.5 * (2.5 / SMEAR) ** 2))
    assert not labels[:, 4:, 4].any()


def test_the_source_of_most_light_wins_whatever_the_order():
    """Of two sources 3 arcsec apart the bright one has the faint one's cell too."""
    x, y, flux = np.array([8.5, 11.5]), np.array([8.5, 8.5]), np.array([2.0, 20.0])
    for order in ([0, 1], [1, 0]):
        labels = source_labels(x[order], y[order], flux[order], 10)
        assert labels[4, 4, 1] == pytest.approx(np.log(20.0))
        assert labels[4, 4, 2] == pytest.approx(3.0)
        assert labels[4, 4, 0] == pytest.approx(1.0)
    labels = source_labels(x, y, np.array([2.0, 2.2]), 10)
    assert labels[4, 4, 1] == pytest.approx(np.log(2.0))
    assert labels[4, 6, 1] == pytest.approx(np.log(2.2))


def test_nothing_is_asked_beyond_the_reach():
    labels = source_labels(np.array([16.5]), np.array([16.5]), np.array([5.0]), 17)
    y, x = np.indices((17, 17)) * 2.0 - 16.0
    assert np.array_equal(labels[..., 4] > 0, np.hypot(x, y) < REACH)


@pytest.mark.parametrize("seed", range(5))
def test_fluxes_matter_only_by_their_ratios(seed):
    x, y, flux = sources(seed, 25, 0.0, 24.0)
    one, two = (source_labels(x, y, factor * flux, 12) for factor in (1.0, 4.0))
    asked = one[..., 4] > 0
    np.testing.assert_allclose(
        two[asked][:, 1] - one[asked][:, 1], np.log(4), rtol=1e-4
    )
    np.testing.assert_array_equal(two[..., [0, 2, 3, 4]], one[..., [0, 2, 3, 4]])
