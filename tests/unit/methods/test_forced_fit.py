"""Fluxes at lists of positions, on mock sky whose truth is known."""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

import force_field
from helpers import mock_fields
from helpers.classical_skies import observe, position
from superspire.errors import InputError
from superspire.instruments import BANDS, PAPER_BANDS, SPIRE
from superspire.io import Map, write_json, write_map
from superspire.methods.beams import radial_table
from superspire.methods.forced_fit import force_bands, force_list
from superspire.products.forced import (
    COLUMNS,
    build_table,
    match_catalogue,
    upper_limit,
)
from superspire.products.reference import read_list
from superspire.sky.beams import beam_of

FWHM = {band: BANDS[band].fwhm for band in SPIRE}
AREA = 0.08
SIDE = 3600.0 * AREA**0.5
KINDS = ("complete", "incomplete", "half wrong")
NOBODY = (np.zeros(0), np.zeros(0))


def mock_catalogue(galaxies, rng):
    """What a deblender lists: the brighter sources, their positions blurred."""
    flux = np.asarray(galaxies["S450"])
    found = (rng.random(len(flux)) < 1.0 / (1.0 + np.exp(4.0 - flux))) & (flux > 2.0)
    error = np.clip(12.0 / flux[found], 0.4, 2.5) / 3600.0
    ra, dec = (np.asarray(galaxies[name])[found] for name in ("RA", "DEC"))
    return Table({"RA": ra + rng.normal(0, error), "DEC": dec + rng.normal(0, error)})


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(3)
    galaxies = mock_fields.catalogue(5, AREA)
    galaxies = galaxies[np.asarray(galaxies["S450"]) > 0.0]
    return galaxies, mock_fields.field(5, area=AREA), mock_catalogue(galaxies, rng)


@pytest.fixture(scope="module", params=KINDS)
def forced(request, world):
    """Table of a list and its true fluxes, zero for wrong entries."""
    galaxies, maps, catalogue = world
    rng = np.random.default_rng(4)
    true = galaxies[np.asarray(galaxies["S450"]) > 1.0]
    if request.param == "incomplete":
        true = true[rng.random(len(true)) < 0.5]
    entries = Table({"RA": np.asarray(true["RA"]), "DEC": np.asarray(true["DEC"])})
    fluxes = {band: np.asarray(true[f"S{band}"], float) for band in PAPER_BANDS}
    if request.param == "half wrong":
        x, y = rng.uniform(-0.5 * SIDE, 0.5 * SIDE, (2, len(true))) / 3600.0
        ra, dec = mock_fields.CENTER
        ra = ra + x / np.cos(np.radians(dec))
        entries = Table(
            {
                "RA": np.append(entries["RA"], ra),
                "DEC": np.append(entries["DEC"], dec + y),
            }
        )
        fluxes = {b: np.append(f, np.zeros(len(true))) for b, f in fluxes.items()}
    entries["ID"] = np.arange(1, len(entries) + 1)
    _, alone = match_catalogue(entries, catalogue)
    places = [
        tuple(np.asarray(table[name]) for name in ("RA", "DEC"))
        for table in (entries, catalogue[alone])
    ]
    results = force_bands(maps, FWHM, *places)
    return build_table(entries, results, np.zeros(len(entries), int)), fluxes


def values(table, band, *suffixes):
    columns = (np.asarray(table[f"S{band}{suffix}"], float) for suffix in suffixes)
    return np.stack(list(columns))


def test_fluxes_above_8_mjy_are_unbiased(forced):
    table, true = forced
    pooled = []
    for band in PAPER_BANDS:
        (flux,) = values(table, band, "")
        bright = (true[band] > 8.0) & np.isfinite(flux)
        ratio = flux[bright] / true[band][bright]
        error = 1.25 * np.std(np.clip(ratio, 0.0, 2.0)) / np.sqrt(len(ratio))
        assert abs(np.median(ratio) - 1.0) < 0.05 + error
        pooled.append(ratio)
    assert np.median(np.concatenate(pooled)) == pytest.approx(1.0, abs=0.05)


def test_errors_are_those_of_noise_and_confusion(forced):
    table, true = forced
    pulls = []
    for band in SPIRE:
        flux, error = values(table, band, "", "_ERR")
        seen = np.isfinite(flux)
        pulls.append((flux - true[band])[seen] / error[seen])
    low, high = np.percentile(np.concatenate(pulls), [16, 84])
    assert 0.5 * (high - low) == pytest.approx(1.0, abs=0.1)


def test_upper_limits_hold_for_95_percent_of_the_sources(forced):
    table, true = forced
    below = []
    for band in SPIRE:
        flux, error, limit = values(table, band, "", "_ERR", "_UL")
        faint = np.isfinite(limit)
        np.testing.assert_array_equal(faint, flux < 3.0 * error)
        faint &= true[band] > 0.0
        below.append(true[band][faint] < limit[faint])
    assert np.mean(np.concatenate(below)) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("mean", [np.inf, 2.0, 8.0])
def test_limits_cover_95_percent_of_the_fluxes_that_they_assume(mean):
    rng = np.random.default_rng(1)
    error = rng.uniform(1.0, 4.0, 20000)
    scale = np.maximum(mean, error)
    true = rng.exponential(scale) if np.isfinite(mean) else rng.uniform(0, 30, 20000)
    flux = true + error * rng.standard_normal(20000)
    faint = flux < 3.0 * error
    limit = upper_limit(flux, error, mean)[faint]
    assert np.mean(true[faint] < limit) == pytest.approx(0.95, abs=0.01)
    assert (limit > 0.0).all()


def test_the_autocorrelation_of_a_beam():
    beam = beam_of(250)
    radius, value = radial_table(beam, 0.5, 60.0, power=2)
    expected = np.pi * beam.fwhm**2 / (8.0 * np.log(2.0))
    wide = np.exp(-2.0 * np.log(2.0) * (radius / beam.fwhm) ** 2)
    assert value == pytest.approx(expected * wide, abs=0.01 * expected)


def test_an_exact_map_gives_exact_fluxes_whatever_is_not_observed():
    x = np.array([-300.0, 0.0, 40.0, 200.0, 230.0])
    y = np.array([250.0, 0.0, 15.0, -180.0, -150.0])
    flux = np.array([10.0, 20.0, 8.0, 15.0, 25.0])
    ra, dec = position(x, y)
    maps = observe(ra, dec, flux, 0.1)
    data = maps[250].data.copy()
    data[:20], data[100:104, 98:101] = np.nan, np.nan
    found = force_list(Map(data, maps[250].wcs), beam_of(250), (ra, dec), NOBODY)
    assert found.flux[[0, 3, 4]] == pytest.approx(1.8 * flux[[0, 3, 4]], rel=0.03)
    assert (found.error < 1.0).sum() >= 4


def test_positions_outside_the_map_have_no_flux():
    ra, dec = position(np.array([0.0, 700.0]), np.array([0.0, 0.0]))
    ra, dec = np.append(ra, 190.0), np.append(dec, -30.0)
    maps = observe(ra[:1], dec[:1], [20.0], 1.0)
    found = force_list(maps[250], beam_of(250), (ra, dec), NOBODY)
    assert found.flux[0] == pytest.approx(36.0, abs=5.0 * found.error[0])
    for column in (found.flux, found.error, found.blend):
        assert np.isfinite(column[0])
        assert np.isnan(column[1:]).all()


def test_an_empty_list_has_a_table_with_all_columns():
    maps = observe(*position([0.0], [0.0]), [10.0], 1.0)
    results = force_bands(maps, FWHM, NOBODY, position([0.0], [0.0]))
    entries = Table({name: np.zeros(0) for name in ("ID", "RA", "DEC")})
    table = build_table(entries, results, np.zeros(0, int))
    assert len(table) == 0
    assert table.colnames == list(COLUMNS)


def test_entries_at_one_place_share_its_flux():
    x, y = np.array([0.0, 0.7, 200.0]), np.array([0.0, 0.0, 100.0])
    ra, dec = position(x, y)
    maps = observe(ra[[0, 2]], dec[[0, 2]], [20.0, 20.0], 0.5)
    found = force_list(maps[250], beam_of(250), (ra, dec), NOBODY)
    assert found.flux[0] == found.flux[1]
    assert found.flux[:2].sum() == pytest.approx(found.flux[2], rel=0.1)
    assert found.error[0] > 0.2 * found.flux[0]
    assert found.blend == pytest.approx([0.5, 0.5, 0.0], abs=0.02)


def test_a_companion_keeps_its_flux_from_its_neighbour():
    rng = np.random.default_rng(2)
    ra, dec = position(*rng.uniform(-500, 500, (2, 40)))
    near = position([0.0], [0.0]), position([0.0], [16.0])
    every = [np.concatenate(axis) for axis in zip((ra, dec), *near, strict=True)]
    maps = observe(*every, np.full(42, 15.0), 1.0)
    listed = [axis[:-1] for axis in every]
    alone = force_list(maps[250], beam_of(250), listed, NOBODY)
    found = force_list(maps[250], beam_of(250), listed, near[1])
    assert abs(found.flux[-1] - 27.0) < 4.0 * found.error[-1]
    assert alone.flux[-1] > found.flux[-1] + 3.0
    assert found.blend[-1] > 0.05


def test_errors_follow_the_noise_of_the_map():
    """Half of a sky of lone sources is five times as noisy."""
    x, y = (axis.ravel() for axis in np.mgrid[-450:451:75, -450:451:75])
    ra, dec = position(x, y)
    maps = observe(ra, dec, np.full(len(ra), 20.0), 1.0)
    noise = np.ones(maps[250].data.shape)
    noisy = maps[250].data.copy()
    half = noise.shape[1] // 2
    noise[:, half:] = 5.0
    extra = np.random.default_rng(7).standard_normal(noise.shape)
    noisy[:, half:] += (np.sqrt(24.0) * extra[:, half:]).astype(np.float32)
    map_ = Map(noisy, maps[250].wcs)
    left = map_.wcs.celestial.all_world2pix(ra, dec, 0)[0] < half
    far = np.abs(x) > 75
    found = force_list(map_, beam_of(250), (ra, dec), NOBODY, noise)
    quiet, loud = (found.error[far & part] for part in (left, ~left))
    assert np.median(loud) > 3.0 * np.median(quiet)
    pull = (found.flux - 36.0) / found.error
    for part in (left, ~left):
        assert np.std(pull[far & part]) == pytest.approx(1.0, abs=0.3)
    same = force_list(map_, beam_of(250), (ra, dec), NOBODY)
    assert np.median(same.error[left]) > 1.5 * np.median(quiet)


def test_lists_keep_their_names(tmp_path):
    path = tmp_path / "vla.csv"
    path.write_text("Name,RA,Dec\nJ1,10.0,1.0\nJ2,,1.0\nJ3,11.0,2.0\n")
    said = []
    table = read_list(path, notify=said.append)
    assert table["ID"].tolist() == ["J1", "J3"]
    assert "1 of 3" in said[0]
    path.write_text("RA,Dec\n10.0,1.0\n11.0,2.0\n")
    assert read_list(path)["ID"].tolist() == [1, 2]
    with pytest.raises(InputError, match=r"positions\.columns\.id"):
        read_list(path, {"id": "nothing"})


def test_the_table_of_a_field(tmp_path):
    ra, dec = position(np.array([0.0, 100.0, 9.0]), np.array([0.0, 50.0, 900.0]))
    maps = observe(ra[:2], dec[:2], [20.0, 10.0], 1.0)
    for band in SPIRE:
        write_map(tmp_path / f"{band}.fits", maps[band], FWHM[band])
    write_json(tmp_path / "checks.json", {"warnings": []})
    listed = Table({"ID": ["a", "b", "c"], "RA": ra, "DEC": dec})
    listed.write(tmp_path / "list.fits")
    catalogue = Table({"ID": [7, 8], "RA": ra[:2], "DEC": dec[:2]})
    catalogue["DEC"][1] += 0.01
    catalogue["PROBABILITY"] = [0.9, 0.2]
    catalogue.write(tmp_path / "catalogue.fits")
    files = {f"map_{band}": str(tmp_path / f"{band}.fits") for band in SPIRE}
    files |= {"positions": str(tmp_path / "list.fits")}
    files |= {name: str(tmp_path / file) for name, file in NAMES.items()}
    options = {"positions": {"file": "list.fits"}, "maps": {}}
    job = SimpleNamespace(
        input=Inputs(files),
        output=[str(tmp_path / "forced.fits")],
        params=SimpleNamespace(options=options),
        wildcards=SimpleNamespace(field="mine"),
    )
    force_field.main(job)
    table = Table.read(tmp_path / "forced.fits")
    assert table.colnames == list(COLUMNS)
    assert table["ID"].tolist() == ["a", "b", "c"]
    assert table["MATCHED_ID"].tolist() == [7, None, None]
    assert table["S250"][0] == pytest.approx(36.0, abs=4.0 * table["S250_ERR"][0])
    missing = np.ma.filled(table["S250", "S250_UL"].as_array(), np.nan)
    assert np.isnan(missing["S250"]).tolist() == [False, False, True]
    assert np.isnan(missing["S250_UL"]).all()
    header = fits.getheader(tmp_path / "forced.fits", 1)
    assert header["TUNIT4"] == "mJy"
    assert header["TUCD4"] == "phot.flux.density;em.mm.750-1500GHz"
    assert header["POSLIST"] == "list.fits"


NAMES = {"catalogue": "catalogue.fits", "checks": "checks.json"}


class Inputs(dict):
    """Files by name, as Snakemake gives them."""

    __getattr__ = dict.__getitem__


def test_the_noise_that_varies_is_that_of_error_maps_with_values():
    wcs = observe(*position([0.0], [0.0]), [10.0], 1.0)[250].wcs
    checks = {
        "noise": {
            "250": {"equivalent_noise_mjy_beam": 4.0},
            "350": {"equivalent_noise_mjy_beam": None},
            "500": {"equivalent_noise_mjy_beam": 2.0},
        }
    }
    error = np.array([[1.0, 3.0], [0.0, np.nan]])
    errors = {250: Map(error, wcs), 350: Map(error, wcs), 500: Map(0.0 * error, wcs)}
    found = force_field.varying_noise(checks, errors)
    assert list(found) == [250]
    np.testing.assert_allclose(found[250].data[0], [2.0, 6.0])
    assert force_field.varying_noise({}, {}) == {}
