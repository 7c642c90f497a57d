import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from helpers.evaluation_skies import paint
from superspire.evaluation.calibration import (
    calibrate,
    convolve_to_500,
    fit_line,
    peak_calibration,
    sample_cutouts,
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
    record = calibrate(pixels, 0.2)
    assert record["factor"] == pytest.approx(factor, rel=1e-6)
    assert record["offset"] == pytest.approx(offset, abs=1e-6)
    assert record["slope_450"] == pytest.approx(1 / 0.8, rel=0.1)
    assert record["n_pixels"] == pytest.approx(0.2 * pixels.shape[1], abs=2)
    assert record["factor_error"] < 1e-6


def test_peak_calibration_undoes_the_blur_of_uncertain_positions():
    rng = np.random.default_rng(8)
    target, generated = [], []
    for _ in range(4):
        x, y = rng.uniform(30, 390, (2, 25))
        flux = rng.uniform(15, 40, 25)
        target.append(paint(424, x, y, flux))
        generated.append(gaussian_filter(target[-1], 2.0))
    record = peak_calibration(target, generated)
    blur = (3.355**2 + 2.0**2) / 3.355**2
    assert record["n_pairs"] > 60
    assert record["peak_factor"] == pytest.approx(blur, rel=0.05)
    assert 0 < record["peak_factor_error"] < 0.05


def test_peak_calibration_needs_ten_pairs():
    empty = np.zeros((424, 424))
    record = peak_calibration([empty], [empty])
    assert np.isnan(record["peak_factor"])
    assert record["n_pairs"] == 0
