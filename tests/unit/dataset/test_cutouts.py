"""The split by sky region, and cutouts in their places on the sky."""

import numpy as np
import pytest

from superspire.dataset import cutouts
from superspire.errors import InputError
from superspire.instruments import BANDS, CUTOUT, PAPER_BANDS, SPIRE, TARGET
from superspire.sky.maps import make_map


@pytest.fixture(scope="module")
def paper_plan():
    side = int(3600 * 20**0.5)
    skies = ["simulated_0", "simulated_1"]
    return cutouts.plan_simulated(side, skies, 2373, 0.04, 0.1), side


def test_paper_scale_has_2373_cutouts_of_which_a_tenth_is_test(paper_plan):
    plan, _ = paper_plan
    assert len(plan) == 2373
    assert (plan["split"] == "test").sum() == 237


def test_cutouts_do_not_overlap_and_lie_in_the_field(paper_plan):
    plan, side = paper_plan
    for _, own in plan.groupby("sky"):
        x, y = own["x0"].to_numpy(), own["y0"].to_numpy()
        apart = np.maximum(np.abs(x[:, None] - x[None]), np.abs(y[:, None] - y[None]))
        np.fill_diagonal(apart, CUTOUT)
        assert apart.min() >= CUTOUT
        assert min(x.min(), y.min()) >= cutouts.MARGIN
        assert max(x.max(), y.max()) + CUTOUT <= side - cutouts.MARGIN


def test_no_test_source_within_a_beam_of_a_training_cutout(paper_plan):
    plan, _ = paper_plan
    largest = BANDS[500].fwhm
    for _, own in plan.groupby("sky"):
        kept = own[own["split"] == "train"]
        for split in ("validation", "test"):
            other = own[own["split"] == split]
            dx = np.abs(kept["x0"].to_numpy()[:, None] - other["x0"].to_numpy())
            dy = np.abs(kept["y0"].to_numpy()[:, None] - other["y0"].to_numpy())
            gap = np.maximum(dx, dy) - CUTOUT
            assert gap.min() >= 2 * largest - 1


def test_observed_positions_are_144_in_steps_of_12():
    plan = cutouts.plan_observed((900, 1000), "observed", 12, 12)
    assert len(plan) == 144
    assert sorted(set(np.diff(np.unique(plan["x0"])))) == [12]
    assert plan["x0"].max() - plan["x0"].min() == 132


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cutouts.plan_simulated(500, ["a"], 3, 0.1, 0.1), "do not fit"),
        (lambda: cutouts.plan_simulated(3000, ["a"], 99, 0.1, 0.1), "99 cutouts"),
        (lambda: cutouts.plan_independent(500, "a"), "independent.area"),
        (lambda: cutouts.plan_observed((500, 500), "a", 12, 12), "observed.grid"),
    ],
)
def test_a_cutout_larger_than_its_field_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_native_cutouts_know_their_place_on_the_sky():
    center, side = (150.0, 2.0), 1300.0
    ra, dec = np.array([150.03]), np.array([1.96])
    maps = {b: make_map(ra, dec, np.array([9.0]), b, center, side) for b in PAPER_BANDS}
    plan = cutouts.plan_independent(1300, "independent")
    index, stacks = cutouts.cut(plan, maps)
    x, y = np.ravel(maps[TARGET].wcs.wcs_world2pix(ra, dec, 0))
    inside = index[index["x0"].between(x - 424, x) & index["y0"].between(y - 424, y)]
    assert len(inside) == 1
    row = inside.iloc[0]
    for band in SPIRE:
        native = cutouts.cutout_map(
            stacks[band][row.name],
            maps[band].wcs,
            row[f"x0_{band}"],
            row[f"y0_{band}"],
        )
        peak = np.unravel_index(np.argmax(native.data), native.data.shape)
        where = native.wcs.wcs_world2pix(ra, dec, 0)
        assert abs(peak[1] - where[0][0]) <= 0.51
        assert abs(peak[0] - where[1][0]) <= 0.51
    assert np.isfinite(stacks[TARGET]).all()


def test_cutouts_beyond_the_map_are_nan():
    image = np.ones((10, 10), np.float32)
    square = cutouts.take(image, [-3], [8], 6)[0]
    assert np.isnan(square[:, :3]).all()
    assert np.isnan(square[2:]).all()
    assert (square[:2, 3:] == 1).all()


def holdout_of_a_disc(radius, size=3000):
    y, x = np.indices((size, size)) - size // 2
    observed = np.hypot(x, y) < radius
    training = cutouts.plan_observed(observed.shape, "observed", 12, 12)
    return observed, training, cutouts.plan_holdout(observed, "observed", training)


def test_holdout_is_observed_sky_that_no_training_image_touches():
    """The 450 µm survey of COSMOS is about a disc of 16 arcmin radius."""
    observed, training, plan = holdout_of_a_disc(960)
    assert len(plan) >= 6
    assert set(plan["split"]) == {"holdout"}
    used = np.zeros(observed.shape, dtype=int)
    for row in plan.itertuples():
        square = slice(row.y0, row.y0 + CUTOUT), slice(row.x0, row.x0 + CUTOUT)
        assert observed[square].all()
        used[square] += 1
    assert used.max() == 1
    reach = cutouts.GUARD
    for row in training.itertuples():
        y0, x0 = max(row.y0 - reach, 0), max(row.x0 - reach, 0)
        assert not used[
            y0 : row.y0 + CUTOUT + reach, x0 : row.x0 + CUTOUT + reach
        ].any()


def test_a_field_without_room_for_a_holdout_is_told():
    with pytest.raises(InputError, match="hold-out cutout"):
        holdout_of_a_disc(500)
