"""A field's maps besides those of SPIRE: how they are read and checked."""

import numpy as np
import pytest
from astropy.io import fits

from helpers import layouts
from helpers.mock_fields import CENTER, field, observed
from superspire.checks.checks import summary
from superspire.checks.extra_bands import add_checks, check_extra_bands, split_bands
from superspire.checks.inputs import (
    provenance,
    read_bands,
    read_extra_bands,
    read_observations,
)
from superspire.errors import InputError
from superspire.instruments import BANDS, SPIRE
from superspire.io import Map
from superspire.maps.positions import moved
from superspire.maps.reader import read_observation
from superspire.maps.units import STERADIAN
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.dust import load_library
from superspire.sky.maps import make_map

AREA = 0.03
DEPTH = 0.018


@pytest.fixture(scope="module")
def sky():
    """Maps at 24 and 250 µm of one sky, the former 18 µJy deep."""
    dust = load_library("compact")
    bands = (24, 250)
    table = simulate_catalogue(AREA, 11, bands=bands, center=CENTER, dust=dust)
    ra, dec = (np.asarray(table[n], float) for n in ("RA", "DEC"))
    side, rng = 3600.0 * np.sqrt(AREA), np.random.default_rng(3)
    pixel_noise = DEPTH * np.sqrt(np.pi) * BANDS[24].sigma / 1.2
    maps = {}
    for band, noise in ((24, pixel_noise), (250, 2.0)):
        flux = np.asarray(table[f"S{band}"], float)
        map_ = make_map(ra, dec, flux, band, CENTER, side)
        white = noise * rng.standard_normal(map_.data.shape)
        maps[band] = Map((map_.data + white).astype(np.float32), map_.wcs)
    return maps


def checked(sky, **record):
    """What is found on the sky, as in a field called mine."""
    all_ = observed(sky, warnings=[], **record)
    main, extra = split_bands(all_)
    return check_extra_bands(extra, main[250], "mine")


def mips(path, peak, unit="MJy/sr", pixel=1.2, **cards):
    """A mosaic as the Spitzer archive has it, with a source in the middle."""
    shape = (121, 121)
    y, x = np.mgrid[:121, :121] - 60
    beam = 2.0 * (BANDS[24].sigma / pixel) ** 2
    data = 20.0 * peak + peak * np.exp(-(x**2 + y**2) / beam)
    data[:, :20] = np.nan
    own = {"BUNIT": unit, "INSTRUME": "MIPS", "CHNLNUM": 1}
    header = layouts.wcs_cards(pixel, shape, matrix=True) | own | cards
    return layouts.write(path, layouts.image(data.astype("f4"), header, primary=True))


@pytest.mark.parametrize(
    ("unit", "mjy_beam"),
    [
        ("MJy/sr", 1e9 * 62.9 / STERADIAN),
        ("mJy/beam", 1.0),
        ("uJy/beam", 1e-3),
        ("Jy/pixel", 1e3 * 62.9 / 1.44),
        ("uJy/arcsec**2", 1e-3 * 62.9),
    ],
)
def test_peak_of_a_source_is_its_flux(tmp_path, unit, mjy_beam):
    flux = 3.0
    path = mips(tmp_path / "mips_24_GO3_sci_10.fits", flux / mjy_beam, unit)
    found = read_observation(path, 24)
    assert np.nanmax(found.map.data) == pytest.approx(flux, rel=1e-3)
    assert found.record["beam_area_arcsec2"] == 62.9
    assert found.record["layout"] == "plain"
    assert abs(np.nanmedian(found.map.data)) < 0.01
    assert np.isfinite(found.map.data).mean() == pytest.approx(101 / 121)
    assert found.record["warnings"] == []


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        ({"BUNIT": "DN/s"}, "expected the unit of"),
        ({"CHNLNUM": 2}, "expected a map at 24 µm, found CHNLNUM of HDU 0"),
        (
            {"CD2_2": 8.0 / 3600.0, "CD1_1": 8.0 / 3600.0},
            "pixels smaller than the beam",
        ),
    ],
)
def test_what_is_no_24_micron_map_is_refused(tmp_path, cards, message):
    path = mips(tmp_path / "a.fits", 1.0, **cards)
    with pytest.raises(InputError, match=message):
        read_observation(path, 24)


def test_depth_and_shift_are_measured(sky):
    found = checked(sky)
    assert found["depths"]["24"]["depth_mjy"] == pytest.approx(DEPTH, rel=0.1)
    assert found["pairs"]["250-24"]["significance"] > 10.0
    assert found["corrections"]["24"] == {"shift_arcsec": [0.0, 0.0], "factor": 1.0}
    assert found["warnings"] == []


def test_a_shifted_map_is_found_and_moved_back(sky):
    found = checked({24: moved(sky[24], 5.0, -3.0), 250: sky[250]})
    east, north = found["corrections"]["24"]["shift_arcsec"]
    assert (east, north) == (pytest.approx(5.0, abs=0.8), pytest.approx(-3.0, abs=0.8))
    (warning,) = found["warnings"]
    assert warning.startswith("24 µm: sources lie 5")
    assert warning.endswith("add shift to fields.mine.correct to correct it")


def test_depth_is_that_of_the_field_and_not_of_all_the_map(sky):
    n = sky[24].data.shape[1] // 2
    wide = sky[24].data.copy()
    rng = np.random.default_rng(4)
    wide[:, :n] += rng.normal(0.0, 0.5, wide[:, :n].shape)
    part = sky[250].data.copy()
    part[:, : part.shape[1] // 2 + 1] = np.nan
    shown = {24: Map(wide, sky[24].wcs), 250: Map(part, sky[250].wcs)}
    depth = checked(shown)["depths"]["24"]["depth_mjy"]
    assert depth == pytest.approx(DEPTH, rel=0.1)


def test_another_sky_is_told(sky):
    flipped = Map(np.ascontiguousarray(sky[24].data[::-1]), sky[24].wcs)
    (warning,) = checked({24: flipped, 250: sky[250]})["warnings"]
    assert warning.startswith("250 and 24 µm: the maps do not correlate")


def test_checks_are_added_to_those_of_spire(sky):
    checks = {"pairs": {}, "noise": {}, "warnings": ["a"], "corrections": {"250": 1}}
    add_checks(checks, checked(sky))
    assert set(checks["corrections"]) == {"24", "250"}
    assert checks["warnings"] == ["a"]
    assert any("depth of" in line for line in summary(checks))


def write_mjy_sr(path, map_, band):
    """Write a map in MJy/sr."""
    header = map_.wcs.to_header()
    header["BUNIT"] = "MJy/sr"
    factor = STERADIAN / (1e9 * BANDS[band].effective_area)
    fits.writeto(path, factor * map_.data, header)
    return str(path)


@pytest.fixture
def files(sky, tmp_path):
    """Files of a field, with an error map that is twice as high on one half."""
    found = {"map_24": write_mjy_sr(tmp_path / "24.fits", sky[24], 24)}
    error = np.full(sky[24].data.shape, 0.3, np.float32)
    error[:, : error.shape[1] // 3] = 0.6
    found["error_24"] = write_mjy_sr(tmp_path / "unc.fits", Map(error, sky[24].wcs), 24)
    for band, map_ in field(1, area=0.03).items():
        found[f"map_{band}"] = write_mjy_sr(tmp_path / f"{band}.fits", map_, band)
    return found


def test_options_of_the_spire_maps_are_not_those_of_others(files):
    options = {"unit": "MJy/sr", "reading": {"24": {"unit": "mJy/beam"}}}
    found = read_observations(files, options)
    assert list(found) == [24, 250, 350, 500]
    assert found[24].record["unit"] == "mJy/beam"
    assert found[250].record["unit"] == "MJy/sr"
    options = {"unit": "Jy/beam"}
    assert read_observations(files, options)[24].record["unit"] == "MJy/sr"


def test_spire_maps_are_read_without_the_others(files):
    levels = dict.fromkeys(map(str, SPIRE), 0.0)
    maps, records, errors = read_bands(files, {}, levels)
    assert list(maps) == list(records) == list(SPIRE)
    assert errors == {}


def test_map_and_depth_as_the_network_takes_them(files, sky):
    checks = {
        "depths": {"24": {"depth_mjy": 0.02}},
        "corrections": {"24": {"shift_arcsec": [5.0, -3.0], "factor": 1.0}},
        "pointing": {"offset_arcsec": [1.0, 1.0]},
    }
    maps, depths, records = read_extra_bands(files, {}, checks, {"24": -0.01})
    assert np.median(maps[24].data[np.isfinite(maps[24].data)]) < 0.01
    assert depths[24].data[50, 10] == pytest.approx(0.04)
    assert depths[24].data[50, -10] == pytest.approx(0.02)
    assert records[24]["depth_mjy"] == 0.02
    cards = provenance("mine", 1, "abc", records)
    assert cards["INPUT24"][0] == "24.fits"
    assert cards["DEPTH24"][0] == 0.02
    centre = sky[24].wcs.wcs.crval
    for keys, offset in ((["shift"], (-5, 3)), (["pointing"], (0, 0))):
        found, *_ = read_extra_bands(files, {"correct": keys}, checks, {})
        move = np.subtract(found[24].wcs.wcs.crval, centre) * 3600.0
        move[0] *= np.cos(np.radians(centre[1]))
        np.testing.assert_allclose(move, offset, atol=0.01)


def test_bands_that_are_not_wanted_are_not_read(files):
    assert read_extra_bands(files, {}, {}, {}, bands=SPIRE) == ({}, {}, {})


def test_too_small_a_map_is_named(sky):
    tiny = Map(sky[24].data[:20, :20], sky[24].wcs)
    with pytest.raises(InputError, match=r"^24.fits: map at 24 µm: expected at least"):
        checked({24: tiny, 250: sky[250]})
