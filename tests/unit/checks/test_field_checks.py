"""The checks of a field as a whole, their corrections, and the scripts."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units
from astropy.table import Table

import check_field
import measure_expected_sky
from helpers.mock_fields import CENTER, catalogue, field, observed, scaled
from helpers.shared import REAL
from superspire.checks.checks import check_maps, corrected, expected_sky, summary
from superspire.checks.extended import read_extended
from superspire.checks.inputs import read_observations
from superspire.errors import InputError
from superspire.instruments import BANDS, PAPER_BANDS, SPIRE
from superspire.io import Map, read_json, write_json, write_map
from superspire.maps.positions import moved
from superspire.maps.reader import read_observation
from superspire.seeds import stream
from superspire.sky.maps import make_map

NAMES = ("psw", "pmw", "plw")
FOLDER = REAL / "spire_hsa_level2_beta_and"


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What a simulated sky lets expect, as read from its file."""
    path = tmp_path_factory.mktemp("colours") / "expected_sky.json"
    noise = {band: 2.0 for band in PAPER_BANDS} | {450: 0.0}
    maps = {b: field(2, (b,), noise[b], area=0.25)[b] for b in PAPER_BANDS}
    write_json(path, expected_sky(maps))
    return read_json(path)


@pytest.fixture(scope="module")
def maps():
    return field(4)


def recheck(checks, path):
    """Take the checks through their file."""
    write_json(path, checks)
    return read_json(path)


def test_expectation_from_a_simulated_sky(expected):
    for band in SPIRE:
        found = expected["bands"][str(band)]
        assert found["noise_mjy_beam"] == pytest.approx(2.0, rel=0.1)
        assert found["pixel_arcsec"] == pytest.approx(BANDS[band].pixel)
        assert 4.0 < found["confusion_mjy_beam"] < 7.5
        assert 0.95 < found["beam_fwhm_arcsec"] / BANDS[band].fwhm < 1.15
    assert expected["bands"]["450"]["noise_mjy_beam"] < 0.1
    assert len(expected["pairs"]) == 6
    slope = expected["pairs"]["250-500"]["slope"]
    product = expected["pairs"]["250-350"]["slope"]
    assert slope == pytest.approx(
        product * expected["pairs"]["350-500"]["slope"], rel=0.05
    )


def test_a_simulated_field_passes(maps, expected, tmp_path):
    errors = {band: 2.0 for band in SPIRE}
    checks = check_maps(observed(maps, errors), expected, "mine")
    assert checks["warnings"] == []
    assert checks["files"] == {str(b): f"{b}.fits" for b in SPIRE}
    for band in SPIRE:
        assert checks["corrections"][str(band)] == {
            "shift_arcsec": [0.0, 0.0],
            "factor": 1.0,
        }
        noise = checks["noise"][str(band)]
        assert noise["rms_mjy_beam"] == pytest.approx(2.0, rel=0.1)
        assert noise["rms_over_error_map"] == pytest.approx(1.0, rel=0.1)
    for pair in checks["pairs"].values():
        shift, error = np.array(pair["shift_arcsec"]), pair["shift_error_arcsec"]
        assert np.all(np.abs(shift) < 5 * np.array(error))
        assert max(error) < 1.5
    lines = summary(recheck(checks, tmp_path / "checks.json"))
    assert len(lines) == 6
    assert "250-350 µm: shift" in lines[0]
    assert "250 µm: noise" in lines[3]


def test_a_shifted_band_is_named_and_corrected(maps, expected, tmp_path):
    wrong = maps | {500: moved(maps[500], -4.0, 3.0)}
    checks = recheck(
        check_maps(observed(wrong), expected, "mine"), tmp_path / "checks.json"
    )
    (warning,) = checks["warnings"]
    assert warning.startswith("500 µm: sources lie")
    assert "west" in warning
    assert "north" in warning
    assert "fields.mine.correct" in warning
    right = wrong | {500: corrected(wrong[500], checks, 500, ["shift"])}
    before, after = (m.wcs.pixel_to_world(50, 50) for m in (wrong[500], right[500]))
    east, north = (d.to_value(units.arcsec) for d in before.spherical_offsets_to(after))
    shift = checks["corrections"]["500"]["shift_arcsec"]
    assert [east, north] == pytest.approx([-shift[0], -shift[1]], abs=1e-3)
    again = check_maps(observed(right), expected)
    assert again["warnings"] == []
    residual = np.array(again["pairs"]["250-500"]["shift_arcsec"])
    assert np.hypot(*residual) < 0.3
    assert corrected(wrong[500], checks, 500, ["scale"]).wcs is wrong[500].wcs


def test_a_shift_does_not_spoil_the_flux_scale(maps, expected):
    wrong = maps | {350: moved(maps[350], 9.0, 9.0)}
    (warning,) = check_maps(observed(wrong), expected)["warnings"]
    assert warning.startswith("350 µm: sources lie 12")
    assert "fields." not in warning


def test_a_mislabelled_unit_is_named_and_corrected(maps, expected, tmp_path):
    wrong = maps | {350: scaled(maps[350], 1e3)}
    checks = recheck(
        check_maps(observed(wrong), expected, "mine"), tmp_path / "checks.json"
    )
    (warning,) = checks["warnings"]
    assert "hold mJy where its unit says Jy" in warning
    assert checks["noise"]["350"]["ratio"] == pytest.approx(1.0, rel=0.1)
    right = corrected(wrong[350], checks, 350)
    np.testing.assert_allclose(right.data, maps[350].data, rtol=0.1)
    same = corrected(wrong[350], checks, 350, ["shift"])
    np.testing.assert_array_equal(same.data, wrong[350].data)


def test_scaling_leaves_the_sky_level_alone(maps):
    checks = {"corrections": {"250": {"shift_arcsec": [0.0, 0.0], "factor": 2.0}}}
    map_ = Map(np.array([[-1.5, 4.5]], np.float32), maps[250].wcs)
    assert corrected(map_, checks, 250, level=-1.5).data.tolist() == [[-1.5, 1.5]]
    assert corrected(map_, checks, 250).data.tolist() == [[-0.75, 2.25]]


def test_exchanged_bands(maps, expected):
    wrong = {250: maps[350], 350: maps[250], 500: maps[500]}
    checks = check_maps(observed(wrong), expected, "mine")
    (warning,) = checks["warnings"]
    assert "look like 350, 250, 500 µm" in warning
    assert checks["scales"] == {}
    assert checks["noise"] == {}
    assert all(c["factor"] == 1.0 for c in checks["corrections"].values())


def test_different_sky(maps, expected):
    wrong = maps | {350: field(5)[350]}
    warnings = check_maps(observed(wrong), expected)["warnings"]
    assert "250 and 350 µm: the maps do not correlate" in warnings[0]
    assert "350 and 500 µm: the maps do not correlate" in warnings[1]
    far = maps | {350: moved(maps[350], 0.0, 7200.0)}
    with pytest.raises(InputError, match=r"350\.fits .* found none"):
        check_maps(observed(far), expected)


def test_noise_unlike_that_of_the_training(expected):
    checks = check_maps(observed(field(4, noise=6.0)), expected)
    assert len(checks["warnings"]) == 3
    assert all("3." in w or "2.9" in w for w in checks["warnings"])


class Files(dict):
    """Named files, as Snakemake gives them."""

    __getattr__ = dict.__getitem__


def job(inputs, output, **params):
    params = {"options": {}, "reading": {}, "field": "mine"} | params
    return SimpleNamespace(
        input=Files(inputs), output=list(output), params=SimpleNamespace(**params)
    )


def test_script_checks_files(maps, expected, tmp_path, capsys):
    inputs = {"expected_sky": str(tmp_path / "expected_sky.json")}
    write_json(inputs["expected_sky"], expected)
    for band, map_ in maps.items():
        inputs[f"map_{band}"] = str(tmp_path / f"{band}.fits")
        map_ = moved(map_, 0.0, -5.0) if band == 350 else map_
        write_map(inputs[f"map_{band}"], map_, BANDS[band].fwhm)
    terminal = io.StringIO()
    output = [str(tmp_path / "checks.json"), str(tmp_path / "extended.fits")]
    check_field.main(job(inputs, output), terminal)
    checks = read_json(output[0])
    assert checks["pointing"] is None
    assert not read_extended(output[1]).data.any()
    assert set(checks["extended"]) == {"250", "350", "500"}
    (warning,) = checks["warnings"]
    assert terminal.getvalue() == f"mine: {warning}\n"
    assert "south" in warning
    assert f"Warning: {warning}" in capsys.readouterr().out
    options = {"maps": {}, "level": "subtract", "correct": ["shift"]}
    reading = {"350": {"level": "keep"}}
    records = read_observations(Files(inputs), options, reading)
    assert {b: r.record["sky_reason"] for b, r in records.items()} == {
        250: "level: subtract",
        350: "level: keep",
        500: "level: subtract",
    }


def test_script_reports_the_pointing(maps, expected, tmp_path):
    inputs = {"expected_sky": str(tmp_path / "expected_sky.json")}
    write_json(inputs["expected_sky"], expected)
    for band, map_ in maps.items():
        inputs[f"map_{band}"] = str(tmp_path / f"{band}.fits")
        write_map(inputs[f"map_{band}"], moved(map_, 5.0, 0.0), BANDS[band].fwhm)
    galaxies = catalogue(4)["RA", "DEC"][catalogue(4)["S250"] > 10.0]
    inputs["reference"] = str(tmp_path / "vla.csv")
    Table(galaxies).write(inputs["reference"], format="ascii.csv")
    options = {"reference": {"file": "radio/vla.csv", "columns": {"flux": None}}}
    terminal = io.StringIO()
    output = [str(tmp_path / "checks.json")]
    check_field.main(job(inputs, output, options=options), terminal)
    (east, north), error = (
        read_json(output[0])["pointing"][key]
        for key in ("offset_arcsec", "offset_error_arcsec")
    )
    assert abs(east - 5.0) < 3.0 * error[0]
    assert abs(north) < 3.0 * error[1]
    assert "of vla.csv; add pointing to fields.mine.correct" in terminal.getvalue()


def write_24_micron(folder):
    """Write a 24 µm map of the field and the list of its bright sources."""
    galaxies = catalogue(4)
    ra, dec, flux = (np.asarray(galaxies[n], float) for n in ("RA", "DEC", "S250"))
    flux = 0.02 * flux
    map_ = make_map(ra, dec, flux, 24, CENTER, 3600.0 * np.sqrt(0.1))
    map_.data[:] += 0.07 * stream(4, "noise").standard_normal(map_.data.shape)
    files = {"map_24": str(folder / "24.fits"), "prior": str(folder / "mips.csv")}
    write_map(files["map_24"], moved(map_, 3.0, 0.0), BANDS[24].fwhm)
    bright = flux > 0.15
    listed = Table({"ra": ra[bright], "dec": dec[bright], "F24": flux[bright]})
    listed.write(files["prior"], format="ascii.csv")
    return files


def test_script_checks_what_a_field_gives_besides(maps, expected, tmp_path, capsys):
    inputs = {"expected_sky": str(tmp_path / "expected_sky.json")}
    write_json(inputs["expected_sky"], expected)
    for band, map_ in maps.items():
        inputs[f"map_{band}"] = str(tmp_path / f"{band}.fits")
        write_map(inputs[f"map_{band}"], map_, BANDS[band].fwhm)
    inputs |= write_24_micron(tmp_path)
    options = {"prior": {"file": "mips.csv", "unit": "mJy"}}
    output = [str(tmp_path / "checks.json")]
    check_field.main(job(inputs, output, options=options), io.StringIO())
    checks = read_json(output[0])
    assert set(checks["noise"]) == {"250", "350", "500"}
    assert "24" not in checks["scales"]
    assert set(checks["pairs"]) == {"250-350", "250-500", "350-500", "250-24"}
    assert checks["corrections"]["24"]["shift_arcsec"][0] == pytest.approx(3, abs=0.7)
    (warning,) = checks["warnings"]
    assert "24 µm: sources lie" in warning
    assert 0.015 < checks["depths"]["24"]["depth_mjy"] < 0.03
    assert checks["prior"]["depth_mjy"] == pytest.approx(0.03, rel=0.1)
    assert checks["prior"]["pointing"]["significance"] > 10.0
    assert "24 µm: depth of" in capsys.readouterr().out


def test_script_refuses_a_list_of_another_field(maps, expected, tmp_path):
    inputs = {"expected_sky": str(tmp_path / "expected_sky.json")}
    write_json(inputs["expected_sky"], expected)
    for band, map_ in maps.items():
        inputs[f"map_{band}"] = str(tmp_path / f"{band}.fits")
        write_map(inputs[f"map_{band}"], map_, BANDS[band].fwhm)
    inputs["prior"] = str(tmp_path / "other.csv")
    Table({"ra": [10.0], "dec": [0.0]}).write(inputs["prior"], format="ascii.csv")
    options = {"prior": {"file": "other.csv", "columns": {"flux": None}}}
    output = [str(tmp_path / "checks.json")]
    message = r"^other\.csv: expected sources in the field, found none"
    with pytest.raises(InputError, match=message):
        check_field.main(job(inputs, output, options=options), io.StringIO())


def test_script_measures_the_simulated_sky(tmp_path, capsys):
    maps = field(3, tuple(PAPER_BANDS), noise=1.0)
    paths = [tmp_path / f"{band}.fits" for band in PAPER_BANDS]
    for path, (band, map_) in zip(paths, maps.items(), strict=True):
        write_map(path, map_, BANDS[band].fwhm)
    output = [str(tmp_path / "expected_sky.json")]
    measure_expected_sky.main(SimpleNamespace(input=paths, output=output))
    record = read_json(output[0])
    assert 0.7 < record["pairs"]["250-350"]["slope"] < 0.95
    assert record["bands"]["500"]["noise_mjy_beam"] == pytest.approx(1.0, rel=0.1)
    assert "250-350 µm: slope" in capsys.readouterr().out
    part = measure_expected_sky.central_part(maps[500], 60.0)
    assert part.data.shape == (90, 90)
    corner = (
        maps[500].wcs.pixel_to_world(2, 2).separation(part.wcs.pixel_to_world(0, 0))
    )
    assert corner.to_value("arcsec") < 1e-6
    small = {b: Map(m.data[:20, :20], m.wcs) for b, m in maps.items()}
    with pytest.raises(InputError, match=r"simulation\.field_area"):
        expected_sky(small)


def test_real_field(expected):
    paths = {
        b: sorted(FOLDER.glob(f"*spire{n}*")) for b, n in zip(SPIRE, NAMES, strict=True)
    }
    if not all(paths.values()):
        pytest.skip(f"no maps in {FOLDER}")
    observations = {b: read_observation(p[0], b) for b, p in paths.items()}
    checks = check_maps(observations, expected, "beta_and")
    for pair in checks["pairs"].values():
        shift, error = np.array(pair["shift_arcsec"]), pair["shift_error_arcsec"]
        assert np.all(np.abs(shift) < 3 * np.array(error))
        assert pair["significance"] > 8
        assert 0.8 < pair["slope"] / pair["expected_slope"] < 1.2
    assert all("the noise of" in warning for warning in checks["warnings"])
    assert all(2.5 < n["ratio"] < 3.5 for n in checks["noise"].values())
