"""Matched filters against their closed forms in white noise."""

import numpy as np
import pytest

from helpers.classical_skies import COLOURS, NO_CONFUSION, beam_sum, observe, position
from superspire.errors import InputError
from superspire.instruments import BANDS, SPIRE
from superspire.maps.grid import STEP, coarse_grid, oversample, resample
from superspire.methods.beams import radial_table, response, square_profile
from superspire.methods.matched_filter import (
    apply_filter,
    filter_of,
    find_filtered,
    make_filter,
)
from superspire.methods.peaks import local_maxima
from superspire.methods.spectra import noise_spectra, white_noise
from superspire.methods.statistics import source_statistics
from superspire.sky.beams import GaussianBeam, beam_of

BEAMS = {band: beam_of(band) for band in SPIRE}
NOISE = 2.0


def filtered(maps, bands, statistics=NO_CONFUSION):
    wcs, shape = coarse_grid({band: maps[band] for band in bands})
    images = [resample(maps[band], wcs, shape)[0] for band in bands]
    filter_ = filter_of(maps, BEAMS, statistics, bands)
    return apply_filter(images, filter_, STEP), wcs


@pytest.fixture(scope="module")
def noise_maps():
    return observe(*position([0.0], [0.0]), [0.0], NOISE)


@pytest.mark.parametrize("band", SPIRE)
def test_noise_of_a_lone_band_is_the_closed_form(noise_maps, band):
    (flux, noise), _ = filtered(noise_maps, (band,))
    spread = square_profile(BEAMS[band], BANDS[band].pixel, BANDS[band].pixel, 60.0)
    expected = NOISE / np.sqrt(np.sum(spread**2)) / COLOURS[str(band)]
    assert noise == pytest.approx(expected, rel=0.04)
    beams = flux.size * STEP**2 / (4 * np.pi * BANDS[band].sigma ** 2)
    assert np.std(flux) == pytest.approx(noise, rel=5 / np.sqrt(2 * beams) + 0.01)


def test_signal_to_noise_in_white_noise_is_flux_over_sigma_times_beam_sum():
    ra, dec = position([0.0], [0.0])
    maps = observe(ra, dec, [100.0], NOISE)
    table = find_filtered(maps, BEAMS, NO_CONFUSION, (250,), 20.0)
    expected = 100.0 * COLOURS["250"] * np.sqrt(beam_sum(250)) / NOISE
    assert len(table) == 1
    assert table["snr"][0] == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize("bands", [(250,), (350,), (500,), SPIRE])
@pytest.mark.parametrize("shift", [0.0, 1.3, 2.9])
def test_flux_and_place_of_a_bright_source(bands, shift):
    ra, dec = position([shift], [-shift])
    maps = observe(ra, dec, [3000.0], NOISE)
    confusion = np.outer(*2 * [[1.8, 1.4, 0.8]]) * 0.02 + 1e-3 * np.eye(3)
    for power in (np.zeros((3, 3)), confusion):
        statistics = {"colours": COLOURS, "confusion": power.tolist()}
        table = find_filtered(maps, BEAMS, statistics, bands, 20.0)
        best = table[np.argmax(table["flux"])]
        assert best["flux"] == pytest.approx(3000.0, rel=0.01)
        offset = 3600 * np.hypot(best["ra"] - ra[0], best["dec"] - dec[0])
        assert offset < 0.25


def test_noise_is_measured_and_unmoved_by_sources(noise_maps):
    rng = np.random.default_rng(3)
    ra, dec = position(*rng.uniform(-500, 500, (2, 300)))
    crowded = observe(ra, dec, np.full(300, 15.0), NOISE)
    for band in SPIRE:
        modes = 0.3 * noise_maps[band].data.size / 2
        assert white_noise(noise_maps[band].data) == pytest.approx(
            NOISE, rel=5 / np.sqrt(2 * modes)
        )
        assert white_noise(crowded[band].data) == pytest.approx(
            NOISE, rel=5 / np.sqrt(2 * modes) + 0.01
        )
    gaps = noise_maps[250].data.copy()
    gaps[20:60, 20:90] = np.nan
    assert white_noise(gaps) == pytest.approx(NOISE, rel=0.1)
    assert white_noise(np.full((9, 9), np.nan)) > 0


def test_bands_together_beat_each_of_them(noise_maps):
    alone = [filtered(noise_maps, (band,))[0][1] for band in SPIRE]
    together = filtered(noise_maps, SPIRE)[0][1]
    assert together < min(alone)
    assert together**-2 == pytest.approx(np.sum(np.power(alone, -2.0)), rel=0.01)


def test_bands_that_hold_noise_alone_add_nothing(noise_maps):
    colours = {"250": 1.8, "350": 1e-9, "500": 1e-9}
    statistics = {**NO_CONFUSION, "colours": colours}
    (one, sigma), _ = filtered(noise_maps, (250,), statistics)
    (all_, sigma_all), _ = filtered(noise_maps, SPIRE, statistics)
    assert sigma_all == pytest.approx(sigma, rel=1e-5)
    n = min(one.shape[0], all_.shape[0])
    centre = (slice(n // 4, n // 2),) * 2
    assert np.std(all_[centre]) == pytest.approx(np.std(one[centre]), rel=0.1)


def test_filter_minimises_the_variance_among_unbiased_ones():
    k = np.linspace(0.0, 1 / 12, 200)
    pixels = np.array([BANDS[band].pixel for band in SPIRE])
    seen = np.stack([response(BEAMS[b], BANDS[b].pixel, k) for b in SPIRE], axis=1)
    confusion = np.outer(*2 * [[1.8, 1.4, 0.8]]) * 0.02 + 5e-3 * np.eye(3)
    spectra = noise_spectra(seen, confusion, [2.0] * 3, pixels)
    signal = seen * [1.8, 1.4, 0.8]
    best = make_filter(k, signal, spectra, 0.5 / pixels).weights
    weight = 2 * np.pi * k

    def variance(filter_):
        bias = np.sum(weight[:, None] * filter_ * signal)
        total = np.einsum("k,ki,kij,kj", weight, filter_, spectra, filter_)
        return total / bias**2

    rng = np.random.default_rng(1)
    for _ in range(20):
        other = best * (1 + 0.2 * rng.normal(size=best.shape))
        assert variance(best) < variance(other)
    assert np.all(best[k > 0.5 / pixels[2], 2] == 0)


def test_predicted_noise_holds_for_confusion():
    rng = np.random.default_rng(5)
    n = 4000
    ra, dec = position(*rng.uniform(-640, 640, (2, n)))
    flux = rng.uniform(0.0, 4.0, n)
    maps = observe(ra, dec, flux, NOISE)
    fluxes = {band: COLOURS[str(band)] * flux for band in SPIRE} | {450: flux}
    fluxes[450] = np.append(flux, 6.0)
    fluxes |= {b: np.append(fluxes[b], 6.0 * COLOURS[str(b)]) for b in SPIRE}
    area = (1280.0 / 3600.0) ** 2
    statistics = source_statistics([fluxes], area)
    assert statistics["colours"] == pytest.approx(COLOURS)
    for bands in ((250,), SPIRE):
        (image, noise), _ = filtered(maps, bands, statistics)
        assert np.std(image[20:-20, 20:-20]) == pytest.approx(noise, rel=0.08)


def test_statistics_are_means_and_sums():
    one = {250: [10.0, 2.0], 350: [8.0, 2.0], 450: [5.0, 1.0], 500: [4.0, 1.0]}
    two = {250: [80.0], 350: [40.0], 450: [40.0], 500: [20.0]}
    statistics = source_statistics([one, two], 1 / 3600.0**2)
    assert statistics["colours"] == pytest.approx({"250": 2, "350": 1.3, "500": 0.65})
    vectors = np.array([[10.0, 8.0, 4.0], [2.0, 2.0, 1.0]])
    assert np.allclose(statistics["confusion"], vectors.T @ vectors)
    with pytest.raises(InputError, match="found none"):
        source_statistics([{b: [1.0] for b in (250, 350, 450, 500)}], 1.0)


@pytest.mark.parametrize("band", SPIRE)
def test_profile_is_the_beam_averaged_over_a_pixel(band):
    pixel, sigma = BANDS[band].pixel, BANDS[band].sigma
    radius, value = radial_table(BEAMS[band], pixel, 1.5 * BANDS[band].fwhm)
    nodes, weights = np.polynomial.legendre.leggauss(6)
    x = nodes * pixel / 2
    for angle in (0.0, np.pi / 8):
        column = x + (radius * np.cos(angle))[:, None]
        row = x + (radius * np.sin(angle))[:, None]
        fractions = [
            np.exp(-0.5 * (c / sigma) ** 2) @ weights / 2 for c in (column, row)
        ]
        assert np.abs(value - fractions[0] * fractions[1]).max() < 2e-3
    assert response(BEAMS[band], pixel, np.zeros(1))[0] == pytest.approx(
        BEAMS[band].area
    )


def test_response_of_a_beam_that_is_not_gaussian():
    beam = GaussianBeam(((18.1, 0.9), (54.3, 0.1)), 18.1)
    k = np.array([0.0, 0.01])
    assert response(beam, 1e-3, k) == pytest.approx(
        beam.transfer(k, np.zeros(1))[:, 0], rel=1e-5
    )


def test_resampling_keeps_what_the_beam_passes():
    ra, dec = position([4.0], [7.0])
    maps = observe(ra, dec, [10.0])
    wcs, shape = coarse_grid(maps)
    for band in SPIRE:
        image, observed = resample(maps[band], wcs, shape)
        x, y = wcs.all_world2pix(ra, dec, 0)
        rows, columns = np.indices(shape)
        distance = STEP * np.hypot(rows - y, columns - x)
        table = radial_table(BEAMS[band], BANDS[band].pixel, 100.0)
        expected = 10.0 * COLOURS[str(band)] * np.interp(distance, *table, right=0.0)
        assert observed.mean() > 0.98
        assert np.abs(image - expected)[observed].max() < 4e-3 * expected.max()


def test_oversampling_is_exact_for_waves():
    n, border = 64, 16
    image = np.cos(2 * np.pi * (np.arange(n) + 0.5) * 5 / n) * np.ones((n, 1))
    fine = oversample(image, 4, border)
    place_ = np.arange(4 * border, 4 * (border + n)) / 4 - border
    wave = np.cos(2 * np.pi * (place_ + 0.5) * 5 / n)
    assert np.abs(
        fine[4 * border : 4 * (border + n), 4 * border : 4 * (border + n)] - wave
    ).max() < (5e-3)


def test_maxima_lie_between_the_pixels():
    rows, columns = np.indices((40, 40))
    centres = [(10.3, 12.4), (28.6, 25.1)]
    image = sum(
        h * np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / 2.2**2)
        for h, (x, y) in zip((5.0, 9.0), centres, strict=True)
    )
    x, y, height = local_maxima(image, 1.0)
    order = np.argsort(height)
    assert np.abs(x[order] - [c[0] for c in centres]).max() < 0.03
    assert np.abs(y[order] - [c[1] for c in centres]).max() < 0.03
    assert height[order] == pytest.approx([5.0, 9.0], rel=0.01)
    assert len(local_maxima(image, 1.0, np.ones_like(image, bool))[0]) == 0
    assert len(local_maxima(image, 100.0)[0]) == 0
