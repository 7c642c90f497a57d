"""Maps against the closed form of a beam integrated over pixels."""

import numpy as np
import pytest

from superspire.instruments import BANDS, SPIRE, TARGET
from superspire.sky.maps import beam_components, make_map

CENTER = (150.0, 2.0)
SIDE = 600.0


def one_source(band, shift, **options):
    ra, dec = CENTER[0] + shift / 3600.0, CENTER[1] - shift / 3600.0
    image = make_map(
        np.array([ra]), np.array([dec]), np.array([10.0]), band, CENTER, SIDE, **options
    )
    return image, image.wcs.wcs_world2pix(ra, dec, 0)


def integrated_gaussian(shape, position, band, fwhm, flux):
    """Average a unit-peak Gaussian over the pixels by the midpoint rule."""
    pixel, sigma = BANDS[band].pixel, fwhm / 2.3548200450309493
    steps = (np.arange(25) + 0.5) / 25 - 0.5
    y, x = np.indices(shape)
    profile = [
        np.mean(
            [np.exp(-0.5 * ((axis + s - p) * pixel / sigma) ** 2) for s in steps],
            axis=0,
        )
        for axis, p in ((x, position[0]), (y, position[1]))
    ]
    return flux * profile[0] * profile[1]


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("shift", [0.0, 0.4, 3.3])
def test_point_source_is_the_beam_integrated_over_the_pixels(band, shift):
    image, position = one_source(band, shift)
    expected = integrated_gaussian(
        image.data.shape, position, band, BANDS[band].fwhm, 10.0
    )
    level = image.data.min()
    assert np.abs(image.data - level - expected).max() < 0.01 * 10.0


@pytest.mark.parametrize("band", BANDS)
def test_flux_is_conserved(band):
    image, _ = one_source(band, 0.7)
    corner = image.data[:3, :3].mean()
    total = (image.data - corner).sum() * BANDS[band].pixel ** 2
    area = 2 * np.pi * BANDS[band].sigma ** 2
    assert total / area == pytest.approx(10.0, rel=2e-3)


def test_two_component_beam_has_unit_peak_and_its_area():
    image, _ = one_source(TARGET, 0.5, scuba2_beam="two_component")
    above = image.data - image.data[:20, :20].mean()
    assert above.max() == pytest.approx(10.0, rel=0.02)
    area = sum(a * 1.1330900 * f**2 for f, a in beam_components(450, "two_component"))
    assert above.sum() / 10.0 == pytest.approx(area, rel=0.01)


def test_strips_do_not_show(monkeypatch):
    rng = np.random.default_rng(3)
    ra = CENTER[0] + rng.uniform(-0.08, 0.08, 400)
    dec = CENTER[1] + rng.uniform(-0.08, 0.08, 400)
    flux = rng.uniform(1, 10, 400)
    whole = make_map(ra, dec, flux, 250, CENTER, SIDE)
    monkeypatch.setattr("superspire.sky.maps.STRIP", 64)
    strips = make_map(ra, dec, flux, 250, CENTER, SIDE)
    assert np.allclose(whole.data, strips.data, atol=2e-4)


def test_noise_has_the_asked_rms_and_the_map_zero_mean():
    rng = np.random.default_rng(4)
    none = np.empty(0)
    image = make_map(none, none, none, 450, CENTER, 1000.0, noise=2.0, rng=rng)
    n = image.data.size
    assert image.data.std() == pytest.approx(2.0, abs=5 * 2.0 / np.sqrt(2 * n))
    assert abs(image.data.mean()) < 5 * 2.0 / np.sqrt(n)


def test_bands_are_aligned():
    positions = []
    for band in (*SPIRE, TARGET):
        image, _ = one_source(band, 2.2)
        above = np.clip(image.data - np.median(image.data), 0, None) ** 2
        y, x = np.indices(above.shape)
        centroid = [(axis * above).sum() / above.sum() for axis in (x, y)]
        positions.append(image.wcs.wcs_pix2world(*centroid, 0))
    offsets = (np.array(positions) - positions[-1]) * 3600.0
    assert np.abs(offsets).max() < 0.1
