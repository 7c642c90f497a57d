"""Beams from the maps themselves: smoothed maps and exchanged bands."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from helpers.mock_fields import field, other_pixel, sky_map
from superspire.checks.beam_width import (
    beam_of_autocorrelation,
    check_beams,
    is_odd,
    measure_beam,
    wrong_order,
)
from superspire.instruments import BANDS, FWHM_PER_SIGMA, PAPER_BANDS, SPIRE
from superspire.io import Map
from superspire.sky.maps import make_map

EXPECTED = {
    "bands": {
        str(b): {"beam_fwhm_arcsec": w}
        for b, w in ((250, 18.9), (350, 26.0), (450, 8.9), (500, 39.0))
    }
}
NOMINAL = {band: BANDS[band].fwhm for band in PAPER_BANDS}


def points(band, noise=0.0):
    """Unclustered sources of many fluxes, ten in every beam of 250 µm."""
    rng = np.random.default_rng(band)
    n = 50_000
    ra, dec = rng.uniform(-0.2, 0.2, (2, n))
    flux = rng.pareto(2.5, n) + 1.0
    map_ = make_map(60.0 + ra, dec, flux, band, (60.0, 0.0), 1440.0)
    map_.data[:] += noise * rng.standard_normal(map_.data.shape)
    return map_


@pytest.mark.parametrize(
    ("band", "pixel"),
    [(250, 6.0), (350, 25 / 3), (350, 10.0), (500, 12.0), (500, 14.0)],
)
@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_the_beam_of_unclustered_sources(monkeypatch, band, pixel, noise):
    monkeypatch.setitem(BANDS, band, other_pixel(band, pixel))
    for start in (0.7, 1.0, 1.4):
        fwhm, error = measure_beam(points(band, noise), start * BANDS[band].fwhm)
        assert abs(fwhm - BANDS[band].fwhm) < max(4 * error, 0.05 * fwhm)
        assert 0 < error < 0.15 * fwhm


def test_gaussian_autocorrelation():
    y, x = np.indices((41, 41)) - 20.0
    lag = 6.0 * np.hypot(x, y)
    sigma = 25.0 / FWHM_PER_SIGMA
    image = 0.7 * np.exp(-(lag**2) / (4 * sigma**2)) + 0.1 + 0.5 * (lag == 0)
    assert beam_of_autocorrelation(image, lag, 18.1) == pytest.approx(25.0, rel=1e-3)


def test_clustered_sky_looks_a_little_wider():
    for band in SPIRE:
        fwhm, error = measure_beam(sky_map(1, band), BANDS[band].fwhm)
        assert 0.95 < fwhm / BANDS[band].fwhm < 1.2
        assert error < 0.1 * fwhm


def test_maps_in_order():
    record, ordered, warnings = check_beams(field(1), NOMINAL, EXPECTED)
    assert ordered
    assert warnings == []
    assert record["500"]["expected_arcsec"] == pytest.approx(39.0)


@pytest.mark.parametrize(
    "order", [(350, 250, 500), (500, 350, 250), (250, 500, 350), (350, 500, 250)]
)
def test_maps_in_the_wrong_order(order):
    maps = field(1)
    maps = {band: maps[other] for band, other in zip(SPIRE, order, strict=True)}
    _, ordered, (warning,) = check_beams(maps, NOMINAL, EXPECTED)
    assert not ordered
    assert "look like {}, {}, {} µm".format(*order) in warning


def test_a_smoothed_map_is_named():
    maps = field(1)
    blurred = gaussian_filter(maps[250].data, 18.1 / FWHM_PER_SIGMA / 6.0)
    maps[250] = Map(blurred, maps[250].wcs)
    warning = check_beams(maps, NOMINAL, EXPECTED)[2][0]
    assert warning.startswith("250 µm: point sources are 2")


def test_noise_alone_says_nothing():
    rng = np.random.default_rng(2)
    maps = {
        b: Map(rng.standard_normal(m.data.shape).astype("f4"), m.wcs)
        for b, m in field(1).items()
    }
    assert check_beams(maps, NOMINAL, EXPECTED)[1:] == (True, [])
    flat = {b: Map(0 * m.data, m.wcs) for b, m in maps.items()}
    assert check_beams(flat, NOMINAL, EXPECTED)[1:] == (True, [])
    tiny = {b: Map(m.data[:8, :8], m.wcs) for b, m in maps.items()}
    assert np.isnan(measure_beam(tiny[250], 18.1)).all()


def known(*widths, expected=(18.9, 26.0, 39.0), error=0.5):
    return {
        band: {"fwhm_arcsec": w, "expected_arcsec": e, "error_arcsec": error}
        for band, w, e in zip(SPIRE, widths, expected, strict=False)
    }


def test_order_needs_a_clear_gain():
    assert wrong_order(known(18.9, 26.0, 39.0)) is None
    assert wrong_order(known(23.0, 24.0, 39.0)) is None
    assert wrong_order(known(25.0)) is None
    assert "350, 250 µm" in wrong_order(known(26.0, 18.9))


def test_odd_beams_need_tolerance_and_significance():
    assert is_odd(known(25.0)[250])
    assert not is_odd(known(22.0)[250])
    assert not is_odd(known(25.0, error=3.0)[250])
