"""Cirrus: amplitude, spectrum and colours."""

import numpy as np
import pytest
from astropy import units as u
from astropy.modeling.physical_models import BlackBody
from hypothesis import given
from hypothesis import strategies as st
from scipy import fft

from superspire.instruments import BANDS, PAPER_BANDS
from superspire.seeds import stream
from superspire.sky.beams import beam_of
from superspire.sky.cirrus import cirrus_field, colour
from superspire.sky.random_fields import CELL

SIDE = 600.0
MJY_PER_ARCSEC2 = 0.0235044
"""1 MJy/sr in mJy/arcsec²."""


class Sharp:
    """A beam of some area but without extent."""

    area = 469.35

    def transfer(self, ky, kx):
        return np.full((len(ky), len(kx)), self.area, np.float32)


def modes(field):
    """Fourier modes of a field, from the values at the centres of the cells."""
    n = len(field.coefficients)
    return fft.rfft2(field.rows(0, n, n, field.cell))


@pytest.mark.parametrize("slope", [-2.9, -3.6])
def test_expected_rms_inside_the_field_is_the_configured_one(slope):
    rng = stream(1, "cirrus", slope)
    n = int(SIDE / CELL)
    fields = (
        cirrus_field(250, Sharp(), SIDE, 3.0, rng, slope).rows(0, n, n, CELL)
        for _ in range(400)
    )
    variance = np.array([rows.var(dtype=float) for rows in fields])
    expected = (3.0 * MJY_PER_ARCSEC2 * Sharp.area) ** 2
    error = variance.std() / np.sqrt(len(variance))
    assert error < 0.06 * expected
    assert variance.mean() == pytest.approx(expected, abs=4.5 * error)


@pytest.mark.parametrize("slope", [-2.9, -2.0])
def test_power_spectrum_is_a_power_law(slope):
    rng = stream(2, "cirrus", slope)
    power = np.mean(
        [
            np.abs(modes(cirrus_field(250, Sharp(), SIDE, 1.0, rng, slope))) ** 2
            for _ in range(40)
        ],
        axis=0,
    )
    n = len(power)
    ky, kx = fft.fftfreq(n, CELL), fft.rfftfreq(n, CELL)
    power /= np.outer(np.sinc(ky * 6.0), np.sinc(kx * 6.0)) ** 2
    k = np.hypot(ky[:, None], kx)
    used = (k > 0) & (k < 0.05) & (kx > 0)
    # the mean of m exponential deviates has a relative scatter of m^-1/2
    x, y = np.log(k[used]), np.log(power[used])
    measured = np.polyfit(x, y, 1)[0]
    error = 1 / np.sqrt(40 * used.sum()) / x.std()
    assert measured == pytest.approx(slope, abs=5 * error)


@given(st.sampled_from(sorted(PAPER_BANDS)), st.floats(5, 50))
def test_colours_are_those_of_a_modified_blackbody(band, temperature):
    law = BlackBody(temperature * u.K)
    nu = (np.array([band, 250]) * u.um).to("Hz", u.spectral())
    expected = (nu[0] / nu[1]) ** 1.62 * law(nu[0]) / law(nu[1])
    assert colour(band, temperature) == pytest.approx(expected.value, rel=1e-5)


@pytest.mark.parametrize("band", PAPER_BANDS)
def test_every_band_sees_the_same_cirrus_through_its_own_beam(band):
    beams = {b: beam_of(b, {"spire_beams": "extended"}) for b in (250, band)}
    seen = {
        b: modes(cirrus_field(b, beam, SIDE, 2.0, stream(3, "cirrus", "sky")))
        for b, beam in beams.items()
    }
    n = len(seen[250])
    ky, kx = fft.fftfreq(n, CELL), fft.rfftfreq(n, CELL)

    def smoothing(b):
        pixel = BANDS[b].pixel
        window = np.outer(np.sinc(ky * pixel), np.sinc(kx * pixel))
        return beams[b].transfer(ky, kx) * window

    used = (np.hypot(ky[:, None], kx) < 1 / 60.0) & (seen[250] != 0)
    used[0, 0] = False
    ratio = (seen[band][used] / smoothing(band)[used]) / (
        seen[250][used] / smoothing(250)[used]
    )
    np.testing.assert_allclose(ratio, colour(band), rtol=5e-3)


def test_filter_of_scuba2_takes_the_cirrus_away():
    side, n = 1800.0, 300
    plain, filtered = (
        cirrus_field(450, beam_of(450, realism), side, 2.0, stream(4, "cirrus"))
        .rows(0, n, n, 6.0)
        .std()
        for realism in ({}, {"scuba2_filter": 60.0})
    )
    assert filtered < 0.25 * plain


def test_amplitude_is_linear_and_streams_are_independent():
    one, two, other = (
        cirrus_field(250, beam_of(250), SIDE, rms, stream(5, "cirrus", sky))
        for rms, sky in ((1.0, "a"), (2.5, "a"), (1.0, "b"))
    )
    scale = np.abs(one.coefficients).max()
    np.testing.assert_allclose(
        two.coefficients, 2.5 * one.coefficients, atol=1e-5 * scale
    )
    first, second = (modes(field)[1:20, 1:20] for field in (one, other))
    aligned = (first * second.conj()).real / np.abs(first * second)
    assert abs(aligned.mean()) < 5 / np.sqrt(2 * aligned.size)
