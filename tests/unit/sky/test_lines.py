"""Emission lines against their closed forms and against EGG's statistics."""

import numpy as np
import pytest
from scipy import stats

from superspire.instruments import PAPER_BANDS
from superspire.seeds import stream
from superspire.sky import lines
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.cosmology import luminosity_distance
from superspire.sky.filter_curves import load_responses

AREA = 3.0


@pytest.fixture(scope="module")
def pair(compact):
    """The same galaxies without and with lines."""
    options = {"log_lir_min": 9.5, "dust": compact, "clustering": False}
    plain = simulate_catalogue(AREA, 11, **options)
    realism = {"emission_lines": True}
    return plain, simulate_catalogue(AREA, 11, realism=realism, **options)


def test_one_line_in_one_band():
    """[CII] at z = 1.85 lies at 450 µm; SI units give the same flux."""
    z, log_sfr = np.array([1.85]), np.array([2.2])
    responses = load_responses()
    flux = lines.line_fluxes(z, np.array([11.0]), log_sfr, np.zeros(1), responses)
    power = 10 ** (1.017 * 2.0 + 7.13) * 3.839e26
    distance = luminosity_distance(z)[0] * 3.0856e22
    frequency = 2.9979e14 / (157.71 * 2.85)
    nodes, value = responses[450]
    per_hertz = np.interp(157.71 * 2.85, nodes, value) * 157.71 * 2.85 / frequency
    expected = power / (4 * np.pi * distance**2) * per_hertz * 1e29
    assert flux[0, list(PAPER_BANDS).index(450)] == pytest.approx(expected, rel=1e-4)


def test_a_line_outside_the_band_adds_nothing():
    args = (np.array([11.0]), np.array([2.0]), np.zeros(1), load_responses())
    inside = lines.line_fluxes(np.array([1.85]), *args)
    outside = lines.line_fluxes(np.array([1.5]), *args)
    index = list(PAPER_BANDS).index(450)
    assert inside[0, index] > 0.0
    assert outside[0, index] == 0.0


def test_metallicity():
    z = np.array([0.0, 1.0, 1.5, 3.0])
    mass, sfr = np.full(4, 10.7), np.full(4, 1.2)
    plain = 8.9 + 0.47 * (10.5 - 0.32 - 10.0) - 8.69
    expected = plain - np.array([0.0, 0.0, 0.1, 0.2])
    assert np.allclose(lines.metallicity(z, mass, sfr), expected)
    assert lines.metallicity(0.0, 12.0, 0.0) == pytest.approx(9.07 - 8.69)
    assert lines.metallicity(0.0, 6.0, 0.0) == -0.6


def test_carbon_monoxide_follows_the_gas():
    found = dict(lines.line_luminosities(0.0, 12.0, 0.0, 1e8))
    gas = 0.3e8 * 10 ** (2.23 - (9.07 - 8.69))
    assert found[867.0] == pytest.approx(3.7 * 4.93e-5 * gas)
    assert found[609.14] == pytest.approx(0.00246 * gas)
    assert len(found) == 9


@pytest.mark.parametrize(
    ("band", "background", "bright"),
    [(250, 0.5, 0.5), (350, 0.9, 1.3), (450, 1.1, 2.3), (500, 1.2, 1.9)],
)
def test_what_the_lines_add_is_what_they_add_in_egg(pair, band, background, bright):
    """Percentages of the background and of N(> 5 mJy), EGG v1.4.0, one digit each."""
    plain, lined = (np.array(table[f"S{band}"], dtype=float) for table in pair)
    assert np.all(lined >= plain)
    added = 100 * (lined.sum() / plain.sum() - 1)
    assert added == pytest.approx(background, abs=0.25)
    crossing = np.sum((plain < 5.0) & (lined >= 5.0))
    n = np.sum(plain >= 5.0)
    error = 100 * np.sqrt(crossing) / n
    assert 100 * crossing / n == pytest.approx(bright, abs=0.2 + 4 * error)


def test_scatter_is_unit_normal_reproducible_and_independent():
    n = 100_000
    first, again = (lines.draw_scatter(n, stream(1, "lines")) for _ in range(2))
    other = lines.draw_scatter(n, stream(2, "lines"))
    for a, b, c in zip(first, again, other, strict=True):
        assert np.array_equal(a, b)
        assert stats.kstest(a, "norm").pvalue > 1e-4
        assert abs(stats.pearsonr(a, c)[0]) < 5 / np.sqrt(n)
    log = np.log10(next(lines.line_luminosities(1.0, 10.5, 1.5, 1e8, first))[1])
    assert log.std() == pytest.approx(0.27, rel=0.02)


def test_lines_leave_the_galaxies_as_they_are(pair):
    plain, lined = pair
    for name in ("RA", "DEC", "Z", "LOGM", "LOGLIR", "TDUST"):
        assert np.array_equal(plain[name], lined[name])
