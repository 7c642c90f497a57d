"""Shifts between maps: closed forms of plane waves, and mock sky."""

from functools import cache

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal, stats

from superspire.checks import correlation
from superspire.checks.registration import (
    PEAK_SIGMA,
    Shift,
    judge_shifts,
    measure_shift,
    refine_peak,
    size_error,
)
from superspire.errors import InputError
from superspire.instruments import BANDS
from superspire.io import Map
from superspire.maps.positions import moved, pixel_size

CENTER = (150.0, 30.0)


def grid(pixel, side=1300.0, angle=0.0, flipped=False):
    """TAN grid around the centre, north turned by an angle [deg]."""
    n = int(side / pixel)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = CENTER, [0.45 * n, 0.55 * n]
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn = np.array([[c, -s], [s, c]]) @ np.diag([1.0 if flipped else -1.0, 1.0])
    wcs.wcs.cd = turn * pixel / 3600.0
    wcs.wcs.set()
    return wcs, n


class Waves:
    """Sky of plane waves, whose image by any beam on any grid is exact."""

    def __init__(self, seed, n=250):
        rng = np.random.default_rng(seed)
        self.k = rng.uniform(-1 / 25, 1 / 25, (n, 2))
        self.phase = rng.uniform(0, 2 * np.pi, n)

    def image(self, band, east=0.0, north=0.0, noise=None, **options):
        pixel = options.pop("pixel", BANDS[band].pixel)
        wcs, n = grid(pixel, **options)
        y, x = np.indices((n, n))
        sky = SkyCoord(*wcs.wcs_pix2world(x.ravel(), y.ravel(), 0), unit="deg")
        dx, dy = SkyCoord(*CENTER, unit="deg").spherical_offsets_to(sky)
        x, y = dx.to_value("arcsec") - east, dy.to_value("arcsec") - north
        variance = BANDS[band].sigma ** 2 + pixel**2 / 12.0
        height = np.exp(-2 * np.pi**2 * variance * (self.k**2).sum(axis=1))
        data = np.zeros(n * n)
        for (kx, ky), h, phase in zip(self.k, height, self.phase, strict=True):
            if h > 1e-3:
                data += h * np.cos(2 * np.pi * (kx * x + ky * y) + phase)
        data = data.reshape(n, n) / np.sqrt((height**2).sum() / 2)
        if noise is not None:
            data += noise * np.random.default_rng(band).standard_normal((n, n))
        return Map(data.astype(np.float32), wcs)


@cache
def first_image():
    waves = Waves(1)
    return waves, waves.image(250)


def offset(shift):
    return np.array([shift.east, shift.north])


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.4, -0.3), (-3.3, 2.1), (70.0, -41.0)])
@pytest.mark.parametrize(("second", "pixel"), [(350, 25 / 3), (350, 10.0), (500, 14.0)])
def test_a_pure_shift_is_recovered(shift, second, pixel):
    waves, first = first_image()
    maps = {250: first, second: waves.image(second, *shift, pixel=pixel)}
    found = measure_shift(maps, 250, second)
    assert offset(found) == pytest.approx(shift, abs=0.1)
    assert found.significance > PEAK_SIGMA
    assert found.correlation > 0.99


@pytest.mark.parametrize(
    "options", [{"angle": 37.0}, {"angle": 180.0}, {"flipped": True, "angle": -62.0}]
)
def test_grids_may_be_turned_and_flipped(options):
    waves = Waves(2)
    maps = {250: waves.image(250), 500: waves.image(500, 2.5, -1.5, **options)}
    found = measure_shift(maps, 250, 500)
    assert offset(found) == pytest.approx([2.5, -1.5], abs=0.1)


def test_gaps_do_not_move_the_peak():
    waves = Waves(3)
    maps = {250: waves.image(250), 350: waves.image(350, 3.0, 2.0)}
    rng = np.random.default_rng(3)
    for map_ in maps.values():
        y, x = np.indices(map_.data.shape) / len(map_.data)
        map_.data[(x + y < 0.5) | (x + y > 1.6) | (y - x > 0.6)] = np.nan
        map_.data[(np.abs(x - 0.6) < 0.05) & (y < 0.7)] = np.nan
        map_.data[rng.random(x.shape) < 0.01] = np.nan
    found = measure_shift(maps, 250, 350)
    assert offset(found) == pytest.approx([3.0, 2.0], abs=0.1)
    assert found.significance > PEAK_SIGMA


def test_a_bright_edge_of_the_sky_level_does_not_matter():
    waves = Waves(3)
    maps = {250: waves.image(250), 350: waves.image(350, 3.0, 2.0)}
    for band, level in ((250, 1e3), (350, -50.0)):
        maps[band].data[:, :30] = np.nan
        maps[band].data[:] += level
    found = measure_shift(maps, 250, 350)
    assert offset(found) == pytest.approx([3.0, 2.0], abs=0.1)


def test_noise_is_in_the_errors():
    waves = Waves(4)
    maps = {
        250: waves.image(250, noise=2.0),
        350: waves.image(350, 3.0, 2.0, noise=2.0),
    }
    found = measure_shift(maps, 250, 350)
    error = np.array([found.east_error, found.north_error])
    assert np.all(np.abs(offset(found) - [3.0, 2.0]) < 5 * error)
    assert np.all((error > 0.05) & (error < 1.0))
    assert 0.3 < found.correlation < 0.9


def test_small_pixels_are_averaged():
    waves = Waves(5)
    maps = {
        450: waves.image(450, pixel=4.0, angle=10.0),
        500: waves.image(500, -2.0, 4.0),
    }
    found = measure_shift(maps, 450, 500)
    error = np.array([found.east_error, found.north_error])
    assert np.all(np.abs(offset(found) - [-2.0, 4.0]) < np.minimum(5 * error, 0.3))


@pytest.fixture(scope="module")
def still():
    waves = Waves(6)
    return {band: waves.image(band) for band in (250, 350)}


@settings(max_examples=6, deadline=None)
@given(st.floats(-30.0, 30.0), st.floats(-30.0, 30.0))
def test_the_shift_is_antisymmetric_and_follows_the_wcs(still, east, north):
    maps = {250: still[250], 350: moved(still[350], east, north)}
    there, back = measure_shift(maps, 250, 350), measure_shift(maps, 350, 250)
    assert offset(there) == pytest.approx([east, north], abs=0.1)
    assert offset(back) == pytest.approx(-offset(there), abs=0.05)


def mock(rng, band, density=3000, side=780.0):
    """Unclustered sources on a square, drawn once for all bands."""
    n = rng.poisson(density * (side / 3600.0) ** 2 * 4.0)
    x, y = rng.uniform(-1.2, 1.2, (2, n)) * side / 2
    return x, y, rng.pareto(2.0, n) + 1.0


def draw(sources, band, noise, rng, side=780.0):
    """Image of sources by a separable Gaussian beam."""
    x, y, flux = sources
    wcs, n = grid(BANDS[band].pixel, side)
    u, v = wcs.wcs_world2pix(
        CENTER[0] + x / 3600 / np.cos(np.radians(CENTER[1])), CENTER[1] + y / 3600, 0
    )
    sigma = np.hypot(BANDS[band].sigma / BANDS[band].pixel, 12**-0.5)
    axis = np.arange(n)[:, None]
    columns = np.exp(-0.5 * ((axis - u) / sigma) ** 2)
    rows = flux * np.exp(-0.5 * ((axis - v) / sigma) ** 2)
    data = rows @ columns.T + noise * rng.standard_normal((n, n))
    return Map(data.astype(np.float32), wcs)


def test_the_jackknife_error_is_the_scatter_of_realisations():
    offsets, errors = [], []
    for seed in range(40):
        rng = np.random.default_rng([9, seed])
        sources = mock(rng, 250)
        maps = {band: draw(sources, band, 2.0, rng) for band in (250, 500)}
        found = measure_shift(maps, 250, 500)
        offsets += [found.east, found.north]
        errors += [found.east_error, found.north_error]
    n = len(offsets)
    ratio = np.mean(np.square(offsets)) / np.mean(np.square(errors))
    low, high = stats.chi2.ppf([1e-4, 1 - 1e-4], n) / n
    assert 0.7 * low < ratio < 1.3 * high
    assert abs(np.mean(offsets)) < 5 * np.sqrt(np.mean(np.square(errors)) / n)


def test_different_skies_do_not_correlate():
    significance = []
    for seed in range(6):
        rng = np.random.default_rng([10, seed])
        maps = {b: draw(mock(rng, b), b, 1.0, rng) for b in (250, 350)}
        significance.append(measure_shift(maps, 250, 350).significance)
    assert max(significance) < PEAK_SIGMA
    assert min(significance) > 1.0


def test_too_little_common_sky_and_none():
    waves = Waves(7)
    maps = {250: waves.image(250, side=200.0), 350: waves.image(350, side=200.0)}
    assert measure_shift(maps, 250, 350) is None
    maps[350] = moved(maps[350], 0.0, 7200.0)
    with pytest.raises(InputError, match="share observed sky"):
        measure_shift(maps, 250, 350)


def test_a_map_without_contrast_does_not_correlate():
    waves = Waves(7)
    maps = {250: waves.image(250), 350: waves.image(350)}
    maps[350].data[:] = 3.0
    assert measure_shift(maps, 250, 350).significance < PEAK_SIGMA


@pytest.mark.parametrize(("east", "north"), [(3.0, 0.0), (0.0, -7.0), (-12.0, 5.0)])
def test_moved_moves_by_arcseconds_on_the_sky(east, north):
    map_ = Map(np.zeros((9, 9), np.float32), grid(6.0, 60.0)[0])
    before, after = (
        SkyCoord(m.wcs.pixel_to_world(3, 5)) for m in (map_, moved(map_, east, north))
    )
    found = [d.to_value(units.arcsec) for d in before.spherical_offsets_to(after)]
    assert found == pytest.approx([east, north], abs=1e-3)
    assert map_.wcs.wcs.crval == pytest.approx(CENTER)


def test_judgement_of_shifts():
    fine = Shift(0.1, 0.2, 0.1, 0.1, 40.0, 0.9)
    east = Shift(2.0, -1.5, 0.1, 0.1, 40.0, 0.9)
    small = Shift(1.0, 0.0, 0.1, 0.1, 40.0, 0.9)
    rough = Shift(4.0, 0.0, 1.0, 1.0, 40.0, 0.9)
    other = Shift(50.0, 9.0, 3.0, 3.0, 2.7, 0.1)
    shifts = {(250, 350): east, (250, 500): small, (350, 500): fine}
    warnings, moves = judge_shifts(shifts, "; do this")
    assert moves == {350: [2.0, -1.5], 500: [1.0, 0.0]}
    assert warnings == [
        "350 µm: sources lie 2.5 ± 0.1 arcsec (2.0 east, 1.5 south) from those at "
        "250 µm, tolerated are 2; do this"
    ]
    assert judge_shifts({(250, 350): fine, (250, 500): rough}) == ([], {})
    (warning,), moves = judge_shifts({(250, 350): other})
    assert "250 and 350 µm: the maps do not correlate (peak of 2.7 sigma" in warning
    assert moves == {}
    (warning,), moves = judge_shifts({(250, 350): None})
    assert "too little sky" in warning


def test_error_of_the_length_of_a_shift():
    assert size_error(Shift(3.0, 4.0, 0.5, 0.0, 9.0, 1.0)) == pytest.approx(0.3)
    assert size_error(Shift(0.0, 0.0, 0.3, 0.4, 9.0, 1.0)) == pytest.approx(0.5)


def test_peaks_between_pixels():
    y, x = np.indices((41, 41))
    image = 5.0 * np.exp(-((y - 17.37) ** 2 + (x - 23.81) ** 2) / (2 * 3.0**2))
    position, height = refine_peak(image, (17, 24))
    assert position == pytest.approx([17.37, 23.81], abs=1e-3)
    assert height == pytest.approx(5.0, rel=1e-4)


def test_products_at_every_lag():
    rng = np.random.default_rng(11)
    one, two = rng.standard_normal((2, 30, 41))
    first, second = rng.random((2, 30, 41)) > 0.3
    labels = correlation.blocks(first)
    products, pairs = correlation.lagged_products(
        np.where(first, one, 0), np.where(second, two, 0), second, labels, 5
    )
    for found, a, b in (
        (products, one * first, two * second),
        (pairs, first * 1.0, second * 1.0),
    ):
        exact = signal.correlate(b, a)[29 - 5 : 29 + 6, 40 - 5 : 40 + 6]
        np.testing.assert_allclose(found.sum(axis=0), exact, atol=1e-3)
    part = signal.correlate(second * 1.0, (labels == 4) * 1.0)
    np.testing.assert_allclose(pairs[4], part[24:35, 35:46], atol=1e-3)


def test_blocks_have_equal_area():
    y, x = np.indices((60, 90))
    good = (x + y > 30) & (x - y < 60)
    labels = correlation.blocks(good)
    assert np.array_equal(labels >= 0, good)
    count = np.bincount(labels[good])
    assert len(count) == 9
    assert np.ptp(count) < 0.1 * count.mean()


def test_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(12).standard_normal((9, 2))
    rest = np.array([np.delete(values, i, axis=0).mean(axis=0) for i in range(9)])
    exact = values.std(axis=0, ddof=1) / 3.0
    np.testing.assert_allclose(correlation.jackknife_error(rest), exact)


def test_coarse_pixels_are_means_at_the_right_place():
    wcs, n = grid(2.0, 60.0, angle=20.0)
    y, x = np.indices((n, n))
    map_ = Map((2.0 * x - 3.0 * y).astype(np.float32), wcs)
    map_.data[:3, :3] = np.nan
    map_.data[3, 3] = np.nan
    coarse = correlation.coarsen(map_, 3)
    assert coarse.data.shape == (10, 10)
    assert np.isnan(coarse.data[0, 0])
    assert coarse.data[1, 1] == pytest.approx((9 * -4.0 - (-3.0)) / 8)
    place = map_.wcs.world_to_pixel(coarse.wcs.pixel_to_world(5, 7))
    assert [float(p) for p in place] == pytest.approx([16.0, 22.0], abs=1e-6)
    assert coarse.data[7, 5] == pytest.approx(2.0 * 16 - 3.0 * 22)
    assert pixel_size(coarse) == pytest.approx(6.0)


def test_clipped_images_are_centred():
    rng = np.random.default_rng(13)
    image = rng.standard_normal((50, 50)) + 7.0
    image[3, 4], image[20, 20] = 1e4, np.nan
    good = np.isfinite(image)
    clipped = correlation.clip(image, good)
    assert clipped[20, 20] == 0.0
    assert clipped[good].mean() == pytest.approx(0.0, abs=1e-12)
    assert clipped[3, 4] == pytest.approx(5.0, abs=0.3)
    assert correlation.standardise(image, good)[good].std() == pytest.approx(1.0)
