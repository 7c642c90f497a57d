import numpy as np
import pytest

from helpers.evaluation_skies import paint
from superspire.evaluation.stacking import (
    combine_groups,
    fit_width,
    radial_profile,
    stack,
    stack_groups,
    stacked_profile,
)
from superspire.instruments import FWHM_PER_SIGMA


@pytest.fixture(scope="module")
def sources():
    rng = np.random.default_rng(9)
    x, y = rng.uniform(40, 380, (2, 24))
    cutout = np.repeat([4, 6], 12)
    images = [
        paint(424, x[cutout == c], y[cutout == c], np.full(12, 10.0)) for c in (4, 6)
    ]
    noise = rng.normal(0, 0.05, (2, 424, 424))
    return np.array(images) + noise, {"cutout": cutout, "x": x, "y": y, "ra": x / 100}


def test_stack_recovers_the_beam(sources):
    images, table = sources
    image, record = combine_groups(*stack_groups(images, [4, 6], table))
    assert record["n"] == 24
    assert record["fwhm"] == pytest.approx(7.9, abs=0.15)
    assert record["peak"] == pytest.approx(10.0, rel=0.03)
    assert 0 < record["fwhm_error"] < 0.3
    whole, n = stack(images, [4, 6], *(table[key] for key in ("cutout", "x", "y")))
    assert n == 24
    assert whole == pytest.approx(image)


@pytest.mark.parametrize(("x", "y"), [(60.0, 50.0), (60.4, 50.7), (31.5, 88.2)])
def test_stack_centres_to_a_fraction_of_a_pixel(x, y):
    image, n = stack([paint(121, [x], [y], [3.0])], [0], [0], [x], [y])
    assert n == 1
    assert image == pytest.approx(paint(61, [30], [30], [3.0]), abs=0.01)


def test_sources_at_the_edge_are_left_out():
    image, n = stack([np.ones((121, 121))], [0], [0, 0], [10.0, 60.0], [60.0, 60.0])
    assert n == 1
    assert image == pytest.approx(np.ones((61, 61)))


def test_profile_and_width_of_a_gaussian():
    image = paint(61, [30], [30], [5.0], fwhm=9.0) + 0.5
    assert fit_width(image) == pytest.approx((9.0, 5.0, 0.5), rel=1e-4)
    radius, profile = radial_profile(image)
    sigma = 9.0 / FWHM_PER_SIGMA
    assert radius[0] == 0.0
    expected = 5.0 * np.exp(-0.5 * (radius / sigma) ** 2) + 0.5
    assert profile == pytest.approx(expected, abs=0.06)


def test_profile_of_a_stack_has_the_scatter_of_the_noise():
    """Error of a ring: that of a pixel over the root of its pixels, in each group."""
    rng = np.random.default_rng(3)
    beam = paint(61, [30], [30], [5.0])
    stacks = beam + rng.normal(0, 0.4, (8, 61, 61))
    table = stacked_profile(stacks, np.full(8, 10))
    far = table[table["radius"] > 20]
    expected = 0.4 / np.sqrt(8) / np.sqrt(2 * np.pi * far["radius"])
    assert np.median(far["error"] / expected) == pytest.approx(1.0, rel=0.25)
    centre = table.iloc[0]
    assert (centre["normalised"], centre["normalised_error"]) == (1.0, 0.0)
    near = table[table["radius"] < 5]
    smooth = 5.0 * np.exp(-0.5 * (near["radius"] * FWHM_PER_SIGMA / 7.9) ** 2)
    assert (abs(near["brightness"] - smooth) < 4 * near["error"] + 0.05).all()
    record = combine_groups(stacks, np.full(8, 10))[1]
    assert record["noise"] == pytest.approx(0.4 / np.sqrt(8), rel=0.1)


def test_one_group_has_no_errors():
    table = stacked_profile(paint(61, [30], [30], [5.0])[None], np.array([3]))
    assert table["error"].isna().all()


def test_no_sources_give_no_width():
    empty = {name: np.empty(0) for name in ("cutout", "x", "y", "ra")}
    image, record = combine_groups(*stack_groups(np.zeros((1, 99, 99)), [0], empty))
    assert record["n"] == 0
    assert np.isnan(record["fwhm"])
    assert np.isnan(image).all()
    assert np.isnan(
        stacked_profile(*stack_groups(np.zeros((1, 99, 99)), [0], empty))["normalised"]
    ).all()
