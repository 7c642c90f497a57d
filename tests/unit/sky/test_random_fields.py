"""Random fields against the statistics that their power spectrum promises."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import fft, stats

from helpers.spectra import check_periodogram, covariance
from superspire.seeds import stream
from superspire.sky import random_fields as rf

N, CELL = 48, 6.0
SIDE = N * CELL


def power_law(slope, amplitude=1.0):
    return lambda k: np.float32(amplitude) * k ** np.float32(slope)


@pytest.mark.parametrize("slope", [-1.0, -2.9, -4.0])
def test_power_spectrum(slope):
    rng = stream(1, "field", slope)
    law = power_law(slope, 3.0)
    maps = np.array(
        [rf.random_field(law, SIDE, rng, CELL).rows(0, N, N, CELL) for _ in range(300)]
    )
    check_periodogram(maps, covariance(law, 2 * N, CELL))


def test_values_are_gaussian_and_isotropic():
    rng = stream(2, "field")
    law = power_law(-2.0)
    maps = np.array(
        [rf.random_field(law, SIDE, rng, CELL).rows(0, N, N, CELL) for _ in range(400)]
    )
    variance = covariance(law, 2 * N, CELL)[0, 0]
    sample = maps[:, N // 3, N // 4] / np.sqrt(variance)
    assert stats.kstest(sample, "norm").pvalue > 1e-5
    steps = [((maps[:, 8:, :] - maps[:, :-8, :]) ** 2).mean(axis=(1, 2))]
    steps += [((maps[:, :, 8:] - maps[:, :, :-8]) ** 2).mean(axis=(1, 2))]
    difference = steps[0] - steps[1]
    assert abs(difference.mean()) < 5 * difference.std() / np.sqrt(len(maps))
    assert np.mean(steps) == pytest.approx(
        2 * (variance - covariance(law, 2 * N, CELL)[0, 8]), rel=0.05
    )


@pytest.mark.parametrize("slope", [-1.0, -2.9, -3.8])
@pytest.mark.parametrize(("n", "doubled"), [(N, 2 * N), (37, 75)])
def test_variance_inside_is_that_about_the_mean_of_the_field(slope, n, doubled):
    law = power_law(slope)
    assert len(rf.wavenumbers(n * CELL, CELL)[0]) == doubled
    lags = np.maximum(0, n - np.abs(fft.fftfreq(doubled, 1 / doubled)))
    covariances = covariance(law, doubled, CELL)
    exact = covariances[0, 0] - (np.outer(lags, lags) * covariances).sum() / n**4
    assert rf.variance_inside(law, n * CELL, CELL) == pytest.approx(exact, rel=0.01)


def test_field_is_not_periodic():
    rng = stream(3, "field")
    law = power_law(-3.0)
    edges, inner = [], []
    for _ in range(60):
        rows = rf.random_field(law, SIDE, rng, CELL).rows(0, N, N, CELL)
        edges.append(((rows[0] - rows[-1]) ** 2).mean())
        inner.append(((rows[0] - rows[1]) ** 2).mean())
    assert np.mean(edges) > 20 * np.mean(inner)


@settings(max_examples=30)
@given(st.sampled_from([1.0, 4.3, 6.0, 12.0]), st.lists(st.integers(0, 40), max_size=4))
def test_rows_do_not_depend_on_the_blocks(pixel, cuts):
    field = rf.random_field(power_law(-2.0), SIDE, stream(4, "field"), CELL)
    n = 40 if pixel < 6.1 else 20
    edges = sorted({0, n, *(cut for cut in cuts if cut < n)})
    blocks = [field.rows(a, b, n, pixel) for a, b in pairwise(edges)]
    whole = field.rows(0, n, n, pixel)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(np.concatenate(blocks), whole, atol=1e-5 * whole.std())


def test_maps_with_different_pixels_show_the_same_sky():
    smooth = rf.random_field(
        power_law(-2.0),
        SIDE,
        stream(5, "field"),
        CELL,
        lambda ky, kx: np.exp(-((ky[:, None] ** 2 + kx**2) * 150.0**2)),
    )
    fine = smooth.rows(0, 240, 240, 1.0)
    coarse = smooth.rows(0, 20, 20, 12.0)
    binned = fine.reshape(20, 12, 20, 12).mean(axis=(1, 3))
    assert np.abs(binned - coarse).max() < 0.03 * coarse.std()


def test_transfer_multiplies_the_modes():
    law = power_law(-2.0)
    plain, other = (
        rf.random_field(law, SIDE, stream(6, "field"), CELL, transfer)
        for transfer in (None, lambda ky, kx: np.full((len(ky), len(kx)), 2.5, "f4"))
    )
    np.testing.assert_allclose(other.coefficients, 2.5 * plain.coefficients, atol=1e-4)


def test_streams_reproduce_the_field_and_are_independent():
    first, again, other = (
        rf.random_field(power_law(-1.0), 1200.0, stream(7, "cirrus", sky)).coefficients
        for sky in ("simulated_0", "simulated_0", "simulated_1")
    )
    assert np.array_equal(first, again)
    modes = [fft.rfft2(image)[1:100, 1:100] for image in (first, other)]
    modes = [m / np.abs(m) for m in modes]
    alignment = (modes[0] * modes[1].conj()).real.mean()
    assert abs(alignment) < 5 / np.sqrt(2 * modes[0].size)


@pytest.mark.parametrize("side", [1.0, 60.0, 1234.5])
def test_grid_is_twice_as_large_as_the_field(side):
    ky, kx = rf.wavenumbers(side)
    assert len(ky) * rf.CELL >= 2 * side
    assert len(kx) == len(ky) // 2 + 1
    assert ky[1] == pytest.approx(1 / (len(ky) * rf.CELL))
