import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from helpers.evaluation_skies import paint
from superspire.evaluation.calibration import (
    calibrate,
    calibrate_maps,
    convolve_to_500,
    fit_line,
    pair_sources,
    sample_cutouts,
    source_factor,
)
from superspire.instruments import FWHM_PER_SIGMA


def test_a_point_source_keeps_its_flux_per_beam():
    smooth = convolve_to_500(paint(301, [150], [150], [10.0]))
    expected = paint(301, [150], [150], [10.0], fwhm=36.6)
    assert smooth == pytest.approx(expected, abs=0.02)


def test_line_and_errors():
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 10, 400)
    y = 1.7 * x - 2.0 + rng.normal(0, 0.5, 400)
    slope, offset, *_ = fit_line(x, y, np.ones(400))
    assert (slope, offset) == pytest.approx(np.polyfit(x, y, 1))
    weight = rng.integers(1, 4, 400)
    repeated = np.repeat(x, weight), np.repeat(y, weight)
    assert fit_line(x, y, weight.astype(float))[:2] == pytest.approx(
        np.polyfit(*repeated, 1)
    )


@pytest.mark.parametrize(("factor", "offset"), [(1.0, 0.0), (1.3, 0.2), (0.6, -0.5)])
def test_known_factor_and_offset_are_recovered(sky, factor, offset):
    """450 = factor SR + offset must come back from SR = (450 - offset) / factor."""
    image, _, _, index = sky
    sigma = np.sqrt(36.6**2 - 7.9**2) / FWHM_PER_SIGMA
    map_500 = 0.8 * gaussian_filter(image, sigma) * (36.6 / 7.9) ** 2 + 1.0
    cuts = [np.s_[r.y0 : r.y0 + 424, r.x0 : r.x0 + 424] for r in index.itertuples()]
    generated = (image - offset) / factor
    pixels = sample_cutouts(
        *([m[c] for c in cuts] for m in (map_500, image, generated)), index
    )
    assert np.all(pixels[3] == 1.0)
    record = calibrate_maps(pixels, 0.2)
    assert record["map_factor"] == pytest.approx(factor, rel=1e-6)
    assert record["offset"] == pytest.approx(offset, abs=1e-6)
    assert record["slope_450"] == pytest.approx(1 / 0.8, rel=0.1)
    assert record["n_pixels"] == pytest.approx(0.2 * pixels.shape[1], abs=2)
    assert record["map_factor_error"] < 1e-6


def cutouts(number):
    """Index of cutouts that do not overlap."""
    x0 = 1000 * np.arange(number)
    columns = {"cutout": np.arange(number), "sky": "a", "x0": x0, "y0": 0}
    return pd.DataFrame(columns)


def test_pairs_undo_the_blur_of_uncertain_positions_and_the_loss_of_flux():
    rng = np.random.default_rng(8)
    target, generated = [], []
    for _ in range(4):
        x, y = rng.uniform(30, 390, (2, 25))
        target.append(paint(424, x, y, rng.uniform(15, 40, 25)))
        generated.append(0.8 * gaussian_filter(target[-1], 2.0))
    pairs = pair_sources(target, generated, cutouts(4), 5.0, 3.5)
    assert len(pairs) > 60
    blur = (3.355**2 + 2.0**2) / 3.355**2
    factor, error, number = source_factor(pairs, "peak")
    assert factor == pytest.approx(blur / 0.8, rel=0.05)
    assert 0 < error < 0.05
    assert number == len(pairs)
    inside = 1.0 - np.exp(-0.5 * 100.0 / 3.355**2 / np.array([1.0, blur]))
    factor, *_ = source_factor(pairs, "aperture")
    assert factor == pytest.approx(inside[0] / inside[1] / 0.8, rel=0.03)


def test_pairs_of_overlapping_cutouts_count_once():
    x, y = np.meshgrid(np.arange(40, 400, 60.0), np.arange(40, 400, 60.0))
    image = paint(424, x.ravel(), y.ravel(), np.full(x.size, 20.0))
    index = cutouts(3).assign(x0=0)
    once, thrice = (
        source_factor(pair_sources([image] * n, [image] * n, index[:n], 5, 3.5), "peak")
        for n in (1, 3)
    )
    assert (once[2], thrice[2]) == pytest.approx((x.size, x.size))
    assert (once[0], thrice[0]) == pytest.approx((1.0, 1.0))


def draw_pairs(rng, number, factor):
    """Pairs whose super-resolved fluxes scatter by half around true / factor."""
    true = 3.0 * rng.pareto(2.5, number) + 3.0
    found = true / factor * np.exp(rng.normal(0.0, 0.5, number))
    columns = dict.fromkeys(("aperture", "peak"), true)
    columns |= dict.fromkeys(("aperture_sr", "peak_sr"), found)
    return pd.DataFrame(columns | {"weight": 1.0})


def test_factors_hold_at_a_given_true_flux_whatever_the_counts():
    pairs = draw_pairs(np.random.default_rng(1), 40000, 1.3)
    factor, error, number = source_factor(pairs, "aperture")
    assert number == (pairs["aperture"] >= 9.0).sum()
    assert error == pytest.approx(1.3 * 0.5 * np.sqrt(np.pi / 2 / number), rel=0.1)
    assert factor == pytest.approx(1.3, abs=5 * error)
    by_found = pairs[pairs["aperture_sr"] >= 9.0]
    bright = (by_found["aperture"] / by_found["aperture_sr"]).median()
    assert bright < 1.3 - 20 * error


@pytest.mark.parametrize(
    ("method", "number", "used"),
    [("sources", 400, "sources"), ("maps", 400, "maps"), ("sources", 5, "maps")],
)
def test_the_factor_is_that_of_the_method_or_of_the_maps_without_pairs(
    method, number, used
):
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 20, 500)
    pixels = np.stack([x, 1.5 * x, 1.2 * x, np.ones(500)])
    record = calibrate(pixels, draw_pairs(rng, number, 1.1), method, 0.5)
    assert record["method"] == used
    assert record["map_factor"] == pytest.approx(1.25)
    chosen = record["map_factor" if used == "maps" else "aperture_factor"]
    assert record["factor"] == chosen
    assert np.isfinite(record["factor_error"])
    enough = number > 10
    assert np.isfinite(record["aperture_factor"]) == enough
    assert (record["peak_factor"] != record["map_factor"]) == enough


def test_no_sources_give_no_pairs():
    empty = np.zeros((424, 424))
    pairs = pair_sources([empty], [empty], cutouts(1), 5.0, 3.5)
    factor, error, number = source_factor(pairs, "peak")
    assert np.isnan([factor, error]).all()
    assert number == 0
