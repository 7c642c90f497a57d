"""Residuals of the listed sources: what belongs to a good fit, and what does not."""

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from helpers.mock_fields import CENTER, catalogue, field
from superspire.instruments import BANDS, PAPER_BANDS, SPIRE
from superspire.io import Map
from superspire.maps.positions import moved, pixel_sides
from superspire.products.residuals import (
    QUANTILE,
    calibrate_residuals,
    judge_fit,
    render_sources,
    standardise,
    subtract_sources,
    write_residuals,
)
from superspire.sky.beams import GaussianBeam, beam_of, extended_beam
from superspire.sky.maps import field_wcs, make_map

NOISE, AREA = 2.0, 0.1
MIDDLE = 569.0
"""Middle of the field [pixel of 1 arcsec]."""


def gaussian(fwhm):
    return GaussianBeam(((fwhm, 1.0),), fwhm)


def listed(seed):
    """True sources above 3 mJy as a network might list them: most, with errors."""
    galaxies, (wcs, _) = catalogue(seed, AREA), field_wcs(CENTER, 3600 * AREA**0.5, 1.0)
    rng = np.random.default_rng(seed)
    true = {b: np.asarray(galaxies[f"S{b}"], float) for b in PAPER_BANDS}
    x, y = wcs.wcs_world2pix(galaxies["RA"], galaxies["DEC"], 0)
    seen = (true[450] > 3.0) & (
        rng.random(len(x)) < 1.0 / (1.0 + (5.0 / true[450]) ** 4)
    )
    x, y, true = x[seen], y[seen], {b: flux[seen] for b, flux in true.items()}
    pos_err = 0.3 + 4.0 / true[450]
    table = {
        "x": x + pos_err * rng.standard_normal(len(x)),
        "y": y + pos_err * rng.standard_normal(len(x)),
    }
    for band, flux in true.items():
        scatter = np.hypot(0.03, 1.5 / flux)
        table[f"deboosted_{band}"] = flux * np.exp(
            np.minimum(scatter, 0.4) * rng.standard_normal(len(x))
        )
        table[f"flux_{band}"] = 1.3 * table[f"deboosted_{band}"]
    return pd.DataFrame(table), wcs


@cache
def mock(seed):
    table, wcs = listed(seed)
    return field(seed, noise=NOISE, area=AREA), wcs, table


@pytest.fixture(scope="module")
def calibration():
    return calibrate_residuals([mock(seed) for seed in (21, 22, 23, 24)], NOISE)


def with_source(sky, listed_flux, light=None):
    """Add a source in the middle: its listed fluxes, and its light in every band."""
    maps, wcs, table = sky
    row = {"x": MIDDLE, "y": MIDDLE}
    row |= {f"{f}_{b}": listed_flux[b] for f in ("flux", "deboosted") for b in SPIRE}
    table = pd.concat([table, pd.DataFrame([row])], ignore_index=True)
    position = np.transpose([wcs.wcs_pix2world(MIDDLE, MIDDLE, 0)]).T
    added = {}
    for band, map_ in maps.items():
        x, y = map_.wcs.wcs_world2pix(position, 0).T
        flux, beam = (light or (lambda b: (listed_flux[b], beam_of(b))))(band)
        sides = pixel_sides(map_)
        extra = render_sources(x, y, np.array([flux]), map_.data.shape, sides, beam)
        added[band] = Map(map_.data + extra, map_.wcs)
    return added, wcs, table


def poor(sky, calibration, **options):
    """Whether each source fits poorly, and that of the middle, the last one."""
    fit = judge_fit(*sky, calibration, NOISE, **options)[1]
    return fit["poor_fit"], fit


def flat(flux):
    return dict.fromkeys(SPIRE, flux)


@pytest.mark.parametrize("beam", [beam_of(250), extended_beam(250)])
def test_sources_are_rendered_as_the_simulation_makes_them(beam):
    side = 1200.0
    wcs, n = field_wcs(CENTER, side, BANDS[250].pixel)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-5, n + 4, (2, 300))
    flux = rng.uniform(1, 100, 300)
    ra, dec = wcs.wcs_pix2world(x, y, 0)
    expected = make_map(ra, dec, flux, 250, CENTER, side, beam).data
    found = render_sources(x, y, flux, (n, n), (6.0, 6.0), beam)
    inner = slice(12, -12)
    difference = (found - found.mean() - expected + expected.mean())[inner, inner]
    assert np.ptp(difference) < 1e-3 * expected.max()


def test_sources_are_subtracted_from_a_turned_map_of_other_pixels():
    sky, _ = field_wcs(CENTER, 600.0, 1.0)
    turned = WCS(naxis=2)
    turned.wcs.ctype, turned.wcs.crval = ["RA---TAN", "DEC--TAN"], CENTER
    turned.wcs.crpix, turned.wcs.cdelt = [30.0, 40.0], [-5 / 3600, 7 / 3600]
    turned.wcs.pc = [[0.6, -0.8 * 7 / 5], [0.8 * 5 / 7, 0.6]]
    table = pd.DataFrame({"x": [300.0, 250.0], "y": [310.0, 400.0]})
    yy, xx = np.mgrid[:80, :70]
    ra, dec = turned.wcs_pix2world(xx, yy, 0)
    x, y = sky.wcs_world2pix(ra, dec, 0)
    data = np.full(xx.shape, 3.0)
    # Sampled at points, so that the beam is widened by the pixels before.
    for x0, y0 in table.to_numpy():
        data += 50.0 * np.exp(
            -4 * np.log(2) * ((x - x0) ** 2 + (y - y0) ** 2) / 40.0**2
        )
    map_ = Map(data.astype(np.float32), turned)
    residual = subtract_sources(map_, gaussian(40.0), sky, table, [50.0, 50.0])
    assert np.abs(residual.map.data).max() < 0.03 * 50.0
    assert residual.level == pytest.approx(3.0, abs=0.1)


def test_the_level_is_that_of_unmasked_sky_with_few_sources():
    maps, wcs, table = mock(21)
    map_ = maps[250]
    bright = Map(np.zeros(map_.data.shape, np.uint8), map_.wcs)
    bright.data[:150] = 1
    lit = Map(map_.data + 40.0 * bright.data.astype(np.float32), map_.wcs)
    flux = table["deboosted_250"]
    plain = subtract_sources(map_, beam_of(250), wcs, table, flux)
    masked = subtract_sources(lit, beam_of(250), wcs, table, flux, bright)
    assert masked.level == pytest.approx(plain.level, abs=0.5)


def test_the_calibration_is_plain_and_prefers_fluxes_that_reproduce_the_maps(
    calibration,
):
    assert json.loads(json.dumps(calibration)) == calibration
    assert calibration["fluxes"] == "deboosted"
    for band in SPIRE:
        measured = calibration["bands"][str(band)]
        assert 1.5 < measured["confusion_mjy_beam"] < 6.0
        assert 2.0 < measured["max_chi2"] < 20.0
        assert measured["flux_error"] < 0.2


def test_clean_mock_sky_fits_as_often_as_stated(calibration):
    flagged, fits_ = zip(*(poor(mock(s), calibration) for s in (25, 26)), strict=True)
    flagged = np.concatenate(flagged)
    allowed = len(SPIRE) * (1.0 - QUANTILE)
    assert flagged.sum() <= 3.0 * max(allowed * len(flagged), 2.0)
    for band in SPIRE:
        chi2 = np.concatenate([fit[f"chi2_{band}"] for fit in fits_])
        assert 0.7 < np.nanmedian(chi2) < 1.3


@pytest.mark.parametrize("flux", [10.0, 100.0, 1000.0])
def test_a_point_source_fits(calibration, flux):
    assert not poor(with_source(mock(25), flat(flux)), calibration)[0][-1]


def test_an_extended_source_is_caught(calibration):
    size, total = 40.0, 300.0

    def light(band):
        wide = np.hypot(size, BANDS[band].fwhm)
        return total * (BANDS[band].fwhm / wide) ** 2, gaussian(wide)

    peaks = {band: light(band)[0] for band in SPIRE}
    flagged, fit = poor(with_source(mock(25), peaks, light), calibration)
    assert flagged[-1]
    for band in (350, 500):
        limit = calibration["bands"][str(band)]["max_chi2"]
        assert fit[f"chi2_{band}"][-1] > 2.0 * limit


@pytest.mark.parametrize("band", SPIRE)
def test_a_hot_pixel_is_caught(calibration, band):
    maps, wcs, table = with_source(mock(25), flat(20.0))
    data = maps[band].data.copy()
    row, column = np.array(data.shape) // 2
    error = np.hypot(NOISE, calibration["bands"][str(band)]["confusion_mjy_beam"])
    data[row, column] += 15.0 * error
    hot = maps | {band: Map(data, maps[band].wcs)}
    assert poor((hot, wcs, table), calibration)[0][-1]


@pytest.mark.parametrize("band", SPIRE)
def test_a_beam_that_is_too_wide_is_caught_at_a_bright_source(calibration, band):
    beams = {band: gaussian(1.15 * BANDS[band].fwhm)}
    sky = with_source(mock(25), flat(400.0))
    _, fit = poor(sky, calibration, beams=beams)
    limit = calibration["bands"][str(band)]["max_chi2"]
    assert fit[f"chi2_{band}"][-1] > 2.0 * limit


@pytest.mark.parametrize("band", SPIRE)
def test_a_shifted_band_is_caught(calibration, band):
    maps, wcs, table = with_source(mock(25), flat(150.0))
    shifted = maps | {band: moved(maps[band], 4.0, 0.0)}
    flagged, fit = poor((shifted, wcs, table), calibration)
    limit = calibration["bands"][str(band)]["max_chi2"]
    assert fit[f"chi2_{band}"][-1] > 2.0 * limit
    assert flagged[-1]


def test_the_noise_may_differ_from_pixel_to_pixel(calibration):
    maps, wcs, table = mock(25)
    noise = {band: np.full(maps[band].data.shape, NOISE) for band in SPIRE}
    same = judge_fit(maps, wcs, table, calibration, noise)[1]
    expected = judge_fit(maps, wcs, table, calibration, NOISE)[1]
    for name, values in expected.items():
        np.testing.assert_allclose(same[name], values)


def test_a_noisier_part_of_a_field_fits_if_the_noise_map_says_so(calibration):
    maps, wcs, table = mock(25)
    rng, noisy, noise = np.random.default_rng(3), {}, {}
    for band, map_ in maps.items():
        noise[band] = np.full(map_.data.shape, NOISE)
        noise[band][:, noise[band].shape[1] // 2 :] *= 4.0
        extra = np.sqrt(noise[band] ** 2 - NOISE**2)
        white = extra * rng.standard_normal(noise[band].shape)
        noisy[band] = Map((map_.data + white).astype(np.float32), map_.wcs)
    part = (table["x"] > MIDDLE + 20.0).to_numpy()
    flagged = {
        name: judge_fit(noisy, wcs, table, calibration, own)[1]["poor_fit"]
        for name, own in (("map", noise), ("number", NOISE))
    }
    assert flagged["map"].mean() < 0.02
    assert flagged["number"][part].mean() > 0.5


def test_what_was_not_observed_is_not_judged(calibration):
    maps, wcs, table = with_source(mock(25), flat(100.0))
    data = maps[350].data.copy()
    data[: len(data) // 2 + 8] = np.nan
    cut = maps | {350: Map(data, maps[350].wcs)}
    residuals, fit = judge_fit(cut, wcs, table, calibration, NOISE)
    assert np.isnan(fit["chi2_350"][-1])
    assert not fit["poor_fit"][-1]
    assert np.array_equal(np.isnan(residuals[350].standardised.data), np.isnan(data))


def test_a_field_without_sources_has_residuals(calibration):
    maps, wcs, table = mock(25)
    residuals, fit = judge_fit(maps, wcs, table[:0], calibration, NOISE)
    assert set(residuals) == set(SPIRE)
    assert all(len(values) == 0 for values in fit.values())
    assert not residuals[250].model.any()


def test_the_maps_are_written_in_their_pixels(tmp_path, calibration):
    maps, wcs, table = mock(25)
    residuals, _ = judge_fit(maps, wcs, table, calibration, NOISE)
    path = tmp_path / "residuals.fits"
    write_residuals(path, residuals, {"OBJECT": ("mock", "field")})
    with fits.open(path, checksum=True) as hdus:
        names = [hdu.name for hdu in hdus[1:]]
        assert names == [
            f"{kind}_{b}" for b in SPIRE for kind in ("RESIDUAL", "STANDARDISED")
        ]
        for band in SPIRE:
            plain, scaled = hdus[f"RESIDUAL_{band}"], hdus[f"STANDARDISED_{band}"]
            assert plain.header["BUNIT"] == "mJy/beam"
            assert scaled.header["BUNIT"] == ""
            assert plain.header["LEVEL"] == pytest.approx(residuals[band].level)
            error = np.hypot(plain.header["NOISE"], plain.header["CONFUSED"])
            np.testing.assert_allclose(scaled.data, plain.data / error, rtol=1e-4)
            corner = WCS(plain.header).wcs_pix2world(0, 0, 0)
            expected = maps[band].wcs.wcs_pix2world(0, 0, 0)
            np.testing.assert_allclose(corner, expected, atol=1e-8)


def test_a_standardised_clean_map_has_unit_scatter(calibration):
    maps, wcs, table = mock(26)
    residual = subtract_sources(
        maps[250], beam_of(250), wcs, table, table["deboosted_250"]
    )
    confusion = calibration["bands"]["250"]["confusion_mjy_beam"]
    data = standardise(residual, NOISE, confusion).standardised.data
    assert 1.4826 * np.median(np.abs(data)) == pytest.approx(1.0, abs=0.1)
