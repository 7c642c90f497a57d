"""What point sources cannot explain is found, and they are not."""

import numpy as np
import pytest
from scipy import ndimage

from helpers.mock_fields import field, observed
from helpers.shared import real
from superspire.checks.extended import (
    KINDS,
    find_extended,
    on_grid,
    read_extended,
    write_extended,
)
from superspire.checks.features import (
    EMISSION,
    GLITCH,
    STRIPE,
    disc,
    find_broad,
    find_glitches,
    half_exceeds,
    strip,
)
from superspire.checks.inputs import at_clear_level
from superspire.instruments import BANDS, FWHM_PER_SIGMA, SPIRE
from superspire.io import Map
from superspire.maps.background import background
from superspire.maps.reader import read_observation

LOOKS = {
    2013: ("spire_hsa_level2_beta_and", ("psw", "pmw", "plw")),
    2011: ("spire_hsa_beta_and_2011", ("-250", "-350", "-500")),
}
NGC_404, BETA_AND = (17.3625, 35.7181), (17.4339, 35.6202)
FWHM, PIXEL = BANDS[250].fwhm, BANDS[250].pixel * np.eye(2)


@pytest.fixture(scope="module")
def maps():
    """Confused sky, clustered, with 2 mJy/beam of noise."""
    return field(4)


def distances(map_, x=0.0, y=0.0):
    """Distance of the pixels from a point off the middle [arcsec]."""
    ny, nx = map_.data.shape
    rows, columns = np.indices((ny, nx))
    pixel = 3600.0 * map_.wcs.wcs.cdelt[1]
    return pixel * np.hypot(columns - (nx - 1) / 2 - x, rows - (ny - 1) / 2 - y)


def with_light(map_, light):
    return Map((map_.data + light).astype(np.float32), map_.wcs)


def everywhere(maps, light):
    """Add light that depends on the distance from the middle, alike in all bands."""
    return {b: with_light(m, light(distances(m))) for b, m in maps.items()}


def masked(found, bit):
    return (found.map.data & bit) > 0


@pytest.mark.parametrize("noise", [2.0, 5.0, 9.0])
def test_confused_and_clustered_sky_is_clean(noise):
    found = find_extended(observed(field(11, noise=noise)))
    assert not found.map.data.any()
    assert found.warnings() == []


@pytest.mark.parametrize("flux", [400.0, 5000.0])
def test_no_point_source_is_extended_however_bright(maps, flux):
    beams = {b: (BANDS[b].fwhm / FWHM_PER_SIGMA) ** 2 for b in maps}
    lit = {
        b: with_light(m, flux * np.exp(-(distances(m) ** 2) / 2 / beams[b]))
        for b, m in maps.items()
    }
    assert not find_extended(observed(lit)).map.data.any()


def test_a_galaxy_of_an_arcminute_is_found_where_it_is(maps):
    def galaxy(distance):
        return 100.0 * np.exp(-4.0 * np.log(2.0) * (distance / 60.0) ** 2)

    found = find_extended(observed(everywhere(maps, galaxy)))
    distance = distances(found.map)
    assert masked(found, EMISSION)[distance < 25.0].all()
    assert not found.map.data[distance > 120.0].any()
    assert found.fractions["250"]["stripes"] == 0
    assert "extended emission" in found.warnings()[0]


@pytest.mark.parametrize("level", [20.0, -20.0])
def test_a_plateau_is_outlined_to_a_beam_or_two(maps, level):
    lit = everywhere(maps, lambda distance: level * (distance < 240.0))
    found = find_extended(observed(lit))
    distance = distances(found.map)
    assert masked(found, EMISSION)[distance < 200.0].mean() > 0.99
    assert not found.map.data[distance > 330.0].any()


def test_emission_in_half_of_a_field_does_not_set_the_level(maps):
    """The level is that of the sky beside it, although the median is not."""
    lit = everywhere(maps, lambda distance: 25.0 * (distance < 450.0))
    found = find_extended(observed(lit))
    distance = distances(found.map)
    assert masked(found, EMISSION)[distance < 420.0].mean() > 0.99
    assert not found.map.data[distance > 560.0].any()


def test_the_clear_sky_gets_the_level_that_is_wanted(maps):
    """A galaxy on a third of a map raises the level that is subtracted from it."""
    lit = everywhere(maps, lambda distance: 40.0 * (distance < 360.0))
    found = find_extended(observed(lit))
    clear = distances(maps[250]) > 420.0
    level = np.median(maps[250].data[clear])
    for wanted, subtracted in ((level, 7.0), (level - found.excess["250"], 0.0)):
        record = {"band": 250, "sky_subtracted_mjy_beam": subtracted, "sky_reason": ""}
        low = with_light(lit[250], -found.excess["250"])
        result = at_clear_level(low, record, {"extended": found.record()})
        assert np.median(result.data[clear]) == pytest.approx(wanted, abs=1e-4)
    assert found.excess["250"] > 1.0
    centred = lit[250].data - background(lit[250].data)[0]
    centred += found.excess["250"]
    assert background(centred[clear])[0] == pytest.approx(0.0, abs=0.3)
    record = {"band": 250, "sky_subtracted_mjy_beam": 7.0}
    assert at_clear_level(lit[250], record, {}) is lit[250]


@pytest.mark.parametrize("height", [25.0, -25.0])
def test_a_stripe_in_one_band_is_found(maps, height):
    map_ = maps[250]
    rows, columns = np.indices(map_.data.shape)
    across = 6.0 * (0.8 * (rows - 90) - 0.6 * (columns - 90))
    striped = with_light(map_, height * (np.abs(across) < 10.0))
    found = find_broad(striped, FWHM)
    inside = on_grid(found, map_.wcs, map_.data.shape) & STRIPE
    centre = distances(map_) < 300.0
    assert inside[(np.abs(across) < 6.0) & centre].astype(bool).mean() > 0.9
    assert not inside[np.abs(across) > 60.0].any()


def test_glitches_are_found_and_stars_are_not(maps):
    map_ = maps[250]
    star = 400.0 * np.exp(-0.5 * (distances(map_, 40.2, 0.4) / BANDS[250].sigma) ** 2)
    light = star.copy()
    light[30, 40] += 60.0
    light[120, 50] -= 60.0
    found = find_glitches(with_light(map_, light), FWHM).data
    assert found[30, 40] == found[120, 50] == GLITCH
    spots = ndimage.binary_dilation(found > 0, disc(12.0, PIXEL) > 0)
    assert ndimage.label(spots)[1] == 2
    assert np.count_nonzero(found) < 3 * np.count_nonzero(disc(2.0 * FWHM, PIXEL))
    assert not find_glitches(with_light(map_, star), FWHM).data.any()


def test_a_noisy_corner_is_no_glitch(maps):
    """The error map, or else the noise around, is what a pixel is held against."""
    map_ = maps[250]
    rng = np.random.default_rng(3)
    error = np.full(map_.data.shape, 2.0)
    error[:60, :60] = 30.0
    noisy = with_light(map_, np.sqrt(error**2 - 4.0) * rng.normal(size=error.shape))
    assert not find_glitches(noisy, FWHM, error).data[:50, :50].any()


def test_half_of_the_pixels_are_what_a_median_counts():
    data = np.random.default_rng(5).normal(size=(40, 50))
    for kernel in (disc(5.5, np.eye(2)), strip(9.0, 3.0, 0.6, np.eye(2))):
        assert kernel.sum() % 2 == 1
        reach = kernel.shape[0] // 2
        inner = (slice(reach, -reach),) * 2
        for limit in (0.0, 0.2):
            found = half_exceeds(data, limit, kernel, 1.0)
            median = ndimage.median_filter(data, footprint=kernel > 0)
            np.testing.assert_array_equal(found[inner], (median > limit)[inner])


def test_kernels_are_round_and_straight_on_pixels_that_are_not_square():
    wide = np.array([[-4.0, 0.0], [0.0, 2.0]])
    turned = np.array([[-2.0, 1.0], [1.0, 2.0]])
    for pixel in (wide, turned):
        area = abs(np.linalg.det(pixel))
        round_ = disc(100.0, pixel).sum() * area
        assert round_ == pytest.approx(np.pi * 50.0**2, rel=0.02)
        straight = strip(200.0, 40.0, 0.3, pixel).sum() * area
        assert straight == pytest.approx(200.0 * 40.0, rel=0.03)


def test_unobserved_pixels_do_not_count():
    data = np.where(np.arange(50) < 20, 5.0, np.nan) * np.ones((40, 1))
    kernel = disc(8.0, np.eye(2))
    assert half_exceeds(data, 4.0, kernel, 0.4)[20, :18].all()
    assert not half_exceeds(data, 6.0, kernel, 0.4).any()
    assert not half_exceeds(data, 4.0, kernel, 0.4)[:, 24:].any()


def test_the_mask_is_read_as_it_was_written(maps, tmp_path):
    found = find_extended(
        observed(everywhere(maps, lambda distance: 30.0 * (distance < 100.0)))
    )
    write_extended(tmp_path / "extended.fits", found.map)
    read = read_extended(tmp_path / "extended.fits")
    np.testing.assert_array_equal(read.data, found.map.data)
    np.testing.assert_allclose(
        read.wcs.all_pix2world(3, 7, 0), found.map.wcs.all_pix2world(3, 7, 0)
    )
    assert set(np.unique(read.data)) <= {0, *KINDS.values()}


@pytest.mark.parametrize("year", LOOKS)
def test_ngc_404_is_extended_and_the_star_beside_it_is_not(year):
    folder, names = LOOKS[year]
    observations = {
        band: read_observation(real(f"{folder}/*{name}*"), band)
        for band, name in zip(SPIRE, names, strict=True)
    }
    found = find_extended(observations)
    for position, extended in ((NGC_404, True), (BETA_AND, False)):
        row, column = found.map.wcs.world_to_array_index_values(*position)
        assert (found.map.data[row, column] == EMISSION) == extended
    for kinds in found.fractions.values():
        assert 0.15 < kinds["extended emission"] < 0.4
        assert kinds["stripes"] == kinds["glitches"] == 0
