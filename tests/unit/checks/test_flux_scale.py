"""Flux scale: slopes free of noise, and what wrong units and factors give."""

import numpy as np
import pytest

from helpers.mock_fields import field, scaled
from superspire.checks.flux_scale import (
    Fluctuations,
    amplitudes,
    check_scales,
    exceeds,
    judge_bands,
    judge_sky,
    measure_fluctuations,
    prefix_mistake,
)
from superspire.errors import InputError
from superspire.instruments import PAPER_BANDS, SPIRE
from superspire.io import Map
from superspire.sky.maps import make_map

COLOURS = {250: 1.0, 350: 0.8, 500: 0.45, 450: 0.6}


@pytest.fixture(scope="module")
def points():
    """Sources of one colour, on 0.1 deg²."""
    rng = np.random.default_rng(1)
    ra, dec = 60.0 + rng.uniform(-0.2, 0.2, (2, 1500)) + [[0.0], [-60.0]]
    flux = 5.0 * (rng.pareto(2.5, 1500) + 1.0)
    return ra, dec, flux


def coloured(points, bands=SPIRE, noise=0.0, scale=None):
    ra, dec, flux = points
    maps = {}
    for band in bands:
        map_ = make_map(ra, dec, flux * COLOURS[band], band, (60.0, 0.0), 1138.0)
        rng = np.random.default_rng(band)
        map_.data[:] += noise * rng.standard_normal(map_.data.shape)
        maps[band] = scaled(map_, (scale or {}).get(band, 1.0))
    return maps


def selection_function(found):
    """The record that `expected_sky` would make."""
    pairs = {}
    for i in found.amplitude:
        for j in found.amplitude:
            if i < j:
                slope, error = found.slope(i, j)
                pairs[f"{i}-{j}"] = {"slope": slope, "slope_error": error}
    bands = {
        str(b): {"amplitude_mjy": a, "amplitude_error_mjy": found.error(b)}
        for b, a in found.amplitude.items()
    }
    return {"bands": bands, "pairs": pairs}


def test_amplitudes_of_one_sky_in_three_noises():
    rng = np.random.default_rng(2)
    sky = rng.standard_normal(200_000)
    values = {
        b: 3.0 * c * sky + n * rng.standard_normal(sky.size)
        for (b, c), n in zip(COLOURS.items(), (0.0, 4.0, 2.0, 5.0), strict=True)
    }
    for band, amplitude in amplitudes(values).items():
        assert amplitude == pytest.approx(3.0 * COLOURS[band], rel=0.03)
    values[500] = -values[500]
    assert np.isnan(amplitudes(values)[500])


@pytest.mark.parametrize("noise", [0.0, 4.0])
def test_slopes_are_the_colours_of_the_sources(points, noise):
    found = measure_fluctuations(coloured(points, noise=noise))
    for first, second in ((250, 350), (250, 500), (350, 500)):
        slope, error = found.slope(first, second)
        exact = COLOURS[second] / COLOURS[first]
        assert abs(slope - exact) < 4 * error + 0.015 * exact
        assert error < 0.05
    assert found.scatter[250, 350] < 1.0 + noise


def test_450_has_a_slope_as_well(points):
    found = measure_fluctuations(coloured(points, tuple(PAPER_BANDS), noise=1.0))
    slope, error = found.slope(350, 450)
    assert slope == pytest.approx(0.75, abs=4 * error + 0.015)


def test_amplitude_is_that_of_the_sources_convolved(points):
    """Poisson sources: the sum of S² times the integral of the squared beam."""
    flux = points[2]
    found = measure_fluctuations(coloured(points))
    sigma = 40.0 / np.sqrt(8 * np.log(2))
    wide = sigma * np.sqrt(1 + 9.0)
    kernel = 1 / (4 * np.pi * sigma**2) + 1 / (4 * np.pi * wide**2)
    kernel -= 2 / (2 * np.pi * (sigma**2 + wide**2))
    density = np.sum(np.minimum(flux, 50.0) ** 2) / 1440.0**2
    exact = 2 * np.pi * sigma**2 * np.sqrt(density * kernel)
    assert found.amplitude[250] == pytest.approx(exact, rel=0.15)


def test_scale_of_the_map_is_scale_of_the_amplitude(points):
    plain = measure_fluctuations(coloured(points))
    other = measure_fluctuations(coloured(points, scale={350: 7.0}))
    assert other.amplitude[350] == pytest.approx(7.0 * plain.amplitude[350], rel=1e-4)
    assert other.amplitude[250] == pytest.approx(plain.amplitude[250], rel=1e-4)
    assert other.error(350) == pytest.approx(7.0 * plain.error(350), rel=1e-3)


def test_one_bright_source_does_not_decide(points):
    plain = measure_fluctuations(coloured(points, noise=1.0))
    ra, dec, flux = points
    bright = np.append(ra, 60.02), np.append(dec, 0.03), np.append(flux, 2e3)
    found = measure_fluctuations(coloured(bright, noise=1.0))
    assert found.slope(250, 500)[0] == pytest.approx(plain.slope(250, 500)[0], rel=0.1)


def test_noise_does_not_change_the_slopes_of_a_realistic_sky():
    quiet, loud = (measure_fluctuations(field(3, noise=n)) for n in (0.5, 8.0))
    for pair in ((250, 350), (250, 500), (350, 500)):
        (one, _), (two, error) = quiet.slope(*pair), loud.slope(*pair)
        assert two == pytest.approx(one, abs=4 * error)
        assert error < 0.06 * two


@pytest.fixture(scope="module")
def expected():
    return selection_function(
        measure_fluctuations(field(2, bands=tuple(PAPER_BANDS), area=0.25))
    )


@pytest.fixture(scope="module")
def maps():
    return field(4)


def test_another_simulated_field_is_as_expected(maps, expected):
    scales, slopes, warnings = check_scales(maps, None, None, expected)
    assert warnings == []
    assert all(scales[str(b)]["correction"] == 1.0 for b in SPIRE)
    assert scales["all"]["factor"] == pytest.approx(1.0, abs=0.3)
    for slope in slopes.values():
        error = np.hypot(slope["slope_error"], slope["expected_slope_error"])
        assert abs(slope["slope"] - slope["expected_slope"]) < 5 * error
        assert 0 < error < 0.1 * slope["slope"]


@pytest.mark.parametrize("band", SPIRE)
@pytest.mark.parametrize("factor", [0.6, 1.5, 1e3, 1e-3])
def test_a_wrong_band_is_named_and_corrected(maps, expected, band, factor):
    wrong = maps | {band: scaled(maps[band], factor)}
    scales, _, warnings = check_scales(wrong, None, None, expected, advice="; so")
    (warning,) = warnings
    assert warning.startswith(f"{band} µm: fluxes are")
    assert warning.endswith("; so")
    assert ("holds" in warning or "hold" in warning) == (factor in (1e3, 1e-3))
    assert scales[str(band)]["correction"] == pytest.approx(factor, rel=0.1)
    others = [scales[str(b)]["correction"] for b in SPIRE if b != band]
    assert others == [1.0, 1.0]


@pytest.mark.parametrize(("factor", "numbers"), [(1e3, "mJy"), (1e-3, "Jy")])
def test_a_wrong_unit_of_all_bands(maps, expected, factor, numbers):
    wrong = {band: scaled(map_, factor) for band, map_ in maps.items()}
    scales, _, (warning,) = check_scales(wrong, None, None, expected)
    assert warning.startswith("all bands")
    assert f"hold {numbers} where its unit" in warning
    assert all(scales[str(b)]["correction"] == factor for b in SPIRE)


def test_450_is_judged_generously_and_never_if_filtered(maps, expected):
    four = maps | {450: field(4, (450,))[450]}
    assert check_scales(four, None, None, expected)[2] == []
    four[450] = scaled(four[450], 0.6)
    assert check_scales(four, None, None, expected)[2] == []
    four[450] = scaled(four[450], 0.1)
    assert "450 µm" in check_scales(four, None, None, expected)[2][0]
    scales, slopes, warnings = check_scales(four, None, None, expected, filtered=[450])
    assert warnings == []
    assert "450" not in scales
    assert (250, 450) in slopes


def test_skies_without_anything_in_common_cannot_be_checked(maps, expected):
    rng = np.random.default_rng(5)
    noise = {
        b: Map(rng.standard_normal(m.data.shape).astype("f4"), m.wcs)
        for b, m in maps.items()
    }
    noise[500] = scaled(maps[500], -1.0)
    noise[250] = maps[250]
    scales, slopes, warnings = check_scales(noise, None, None, expected)
    assert (scales, slopes) == ({}, {})
    assert "could not be checked" in warnings[0]


def test_bad_input(maps):
    with pytest.raises(InputError, match="found none at"):
        measure_fluctuations({250: maps[250]})
    with pytest.raises(InputError, match=r"below 40 arcsec .* found 4"):
        measure_fluctuations(maps, {500: 42.0})
    small = {b: Map(m.data[:20, :20], m.wcs) for b, m in maps.items()}
    assert measure_fluctuations(small) is None
    assert "below 40 arcsec" in check_scales(maps, {500: 42.0}, None, {})[2][0]


def test_errors_are_those_of_the_jackknife():
    rest = {250: np.linspace(1.0, 2.0, 9), 350: 3.0 * np.linspace(1.0, 2.0, 9)}
    found = Fluctuations({250: 1.5, 350: 4.5}, rest, {})
    exact = np.sqrt(8.0 / 9.0 * np.sum((rest[250] - 1.5) ** 2))
    assert found.error(250) == pytest.approx(exact)
    assert found.slope(250, 350) == (3.0, pytest.approx(0.0, abs=1e-12))


@pytest.mark.parametrize(
    ("factor", "error", "tolerance", "beyond"),
    [
        (1.1, 0.001, 0.15, False),
        (1.2, 0.01, 0.15, True),
        (1.2, 0.1, 0.15, False),
        (0.86, 0.001, 0.15, True),
        (0.88, 0.001, 0.15, False),
    ],
)
def test_tolerance(factor, error, tolerance, beyond):
    assert exceeds(factor, error, tolerance) == beyond


@pytest.mark.parametrize(
    ("factor", "power"),
    [
        (1.0, 1),
        (12.0, 1),
        (31.0, 1),
        (400.0, 1e3),
        (2e3, 1e3),
        (7e-4, 1e-3),
        (1e6, 1e6),
    ],
)
def test_powers_of_a_thousand(factor, power):
    found, remark = prefix_mistake(factor)
    assert found == pytest.approx(power)
    assert bool(remark) == (power != 1)


def test_judgements_of_many_factors():
    scales = {
        "250": {"factor": 1.0, "error": 0.0},
        "350": {"factor": 0.7, "error": 0.02},
        "450": {"factor": 0.7, "error": 0.02},
    }
    (warning,) = judge_bands(scales)
    assert warning == (
        "350 µm: fluxes are 0.7 ± 0.02 times what the other bands suggest, tolerated "
        "are 15 %"
    )
    scales["all"] = {"factor": 3.0, "error": 0.1}
    assert "cirrus" in judge_sky(scales)[0]
    assert scales["350"]["correction"] == 0.7
    scales["all"] = {"factor": 0.3, "error": 0.01}
    assert "check the units" in judge_sky(scales)[0]
    scales["all"] = {"factor": 1.6, "error": 0.01}
    assert judge_sky(scales) == []
    scales["all"] = {"factor": 1100.0, "error": 90.0}
    judge_sky(scales)
    assert [scales[b]["correction"] for b in ("250", "350")] == [1e3, 700.0]
