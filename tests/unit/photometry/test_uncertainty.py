import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.painted import paint
from superspire.photometry.sources import extract_sources
from superspire.photometry.uncertainty import (
    best_observed,
    extraction_noise,
    flux_errors,
    local_rms,
    measured_scatter,
)


@settings(max_examples=50)
@given(data=st.data())
def test_best_part_of_a_map_holds_what_was_observed(data):
    side = 2 * data.draw(st.integers(2, 10))
    shape = [data.draw(st.integers(side, 6 * side)) for _ in range(2)]
    image, spans = np.full(shape, np.nan), []
    for length in shape:
        start = data.draw(st.integers(0, length - side // 2))
        spans.append(slice(start, start + side // 2))
    image[tuple(spans)] = 1.0
    part = image[best_observed(image, side)]
    assert part.shape == (side, side)
    assert np.isfinite(part).sum() == (side // 2) ** 2


def test_best_part_of_a_whole_map_is_its_middle():
    assert best_observed(np.ones((100, 51)), 20) == (slice(40, 60), slice(15, 35))
    image = np.ones((15, 10))
    assert image[best_observed(image, 20)].shape == image.shape


def test_noise_is_that_of_the_extraction(painted_field):
    image = painted_field[0] + 3.0
    level, noise = extraction_noise(image, 5.0, 0.05)
    own = extract_sources(image, 5.0, min_flux=0.05)
    given = extract_sources(image, 5.0, min_flux=0.05, rms=noise)
    np.testing.assert_allclose(given["snr"], own["snr"])
    # The standard error of a median is 1.25 that of the mean.
    assert level == pytest.approx(3.0, abs=5 * 1.25 * 0.1 / image.size**0.5 + 2e-3)


def test_noise_is_found_where_only_a_corner_was_observed():
    image = np.full((2600, 2600), np.nan, np.float32)
    image[:300, :320] = paint(noise=0.5)
    _, noise = extraction_noise(image, 5.0, 0.05)
    assert noise == pytest.approx(extraction_noise(image[:300, :320], 5.0, 0.05)[1])


def test_noise_has_a_floor_so_that_faint_sources_are_left_out():
    empty = np.full((50, 50), np.nan)
    assert extraction_noise(empty, 5.0, 3.5) == (0.0, 0.7)
    assert extraction_noise(np.ones((50, 50)), 4.0, 0.5) == (1.0, 0.125)


def test_local_noise():
    rng = np.random.default_rng(0)
    image = rng.normal(size=(400, 400)) * np.where(np.arange(400) < 200, 1.0, 3.0)
    rms = local_rms(image, np.array([100.0, 300.0, 0.0]), np.array([200.0, 200.0, 0]))
    np.testing.assert_allclose(rms, [1.0, 3.0, 1.0], rtol=0.05)


@settings(max_examples=50)
@given(
    flux=st.floats(-5.0, 500.0), rms=st.floats(1e-3, 5.0), fraction=st.floats(0.01, 1.0)
)
def test_flux_errors(flux, rms, fraction):
    alone = flux_errors(np.array([flux]), np.array([rms]))[0]
    assert alone == rms
    known = ([2.0, 50.0], [fraction, fraction])
    total = flux_errors(np.array([flux]), np.array([rms]), known)[0]
    assert total == pytest.approx(np.hypot(alone, fraction * max(flux, 2.0)))


def test_scatter_of_recovered_fluxes():
    rng = np.random.default_rng(8)
    recovered = np.geomspace(3.0, 60.0, 4000)
    fraction = np.where(recovered < 15.0, 0.4, 0.1)
    true = recovered * (1.0 + fraction * rng.normal(size=4000))
    flux, scatter = measured_scatter(true, recovered)
    assert len(flux) == 10
    np.testing.assert_allclose(scatter[flux < 12], 0.4, rtol=0.1)
    np.testing.assert_allclose(scatter[flux > 18], 0.1, rtol=0.1)
    biased = measured_scatter(1.3 * recovered, recovered)[1]
    np.testing.assert_allclose(biased, 0.3)
    assert measured_scatter(true[:19], recovered[:19]) is None
    assert measured_scatter([], []) is None
