import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits

import run_egg
from helpers.external import read_catalogue
from superspire.errors import InputError
from superspire.instruments import PAPER_BANDS
from superspire.io import read_table
from superspire.sky.catalogue import expected_below
from superspire.sky.egg_program import choose_bands, command, run_program

EGG_BANDS = {
    "herschel-spire250": 251.4,
    "herschel-spire350": 352.7,
    "scuba2-450:range:434:466": 450.0,
    "herschel-spire500": 511.6,
}


def write_layout(path, columns):
    """Write vectors as the only row of a table, as EGG does."""
    made = []
    for name, values in columns.items():
        values = np.asarray(values)
        code = {"S": "A", "f4": "E", "f8": "D", "u1": "B", "i8": "K"}
        code = code.get(values.dtype.str[1:], code.get(values.dtype.kind))
        shape, size = values.shape[::-1], values.size
        if code == "A":
            width = values.dtype.itemsize
            shape, size, code = (width, *shape), size * width, f"A{width}"
        dim = f"({','.join(map(str, shape))})"
        made.append(fits.Column(name, f"{size}{code}", dim=dim, array=values[None]))
    fits.BinTableHDU.from_columns(made).writeto(path, overwrite=True)


def galaxies(n, side=0.5, center=(180.0, 0.0), seed=1, bands=EGG_BANDS):
    """The columns of EGG that we read, and two more."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(-0.5 * side, 0.5 * side, (2, n))
    flux = rng.exponential(2000.0, (n, len(bands)))
    return {
        "ID": np.arange(n),
        "RA": center[0] + ra / np.cos(np.radians(center[1])),
        "DEC": center[1] + dec,
        "Z": rng.uniform(0.1, 6.0, n).astype("f4"),
        "M": rng.uniform(8.0, 12.0, n).astype("f4"),
        "PASSIVE": (rng.random(n) < 0.1).astype("u1"),
        "LIR": (10.0 ** rng.uniform(7.0, 13.0, n)).astype("f4"),
        "TDUST": rng.normal(35.0, 4.0, n).astype("f4"),
        "CMD": np.array(b"egg-gencat area=1"),
        "FLUX": flux.astype("f4"),
        "BANDS": np.array([name.encode() for name in bands]),
        "LAMBDA": np.array(list(bands.values()), "f4"),
    }


def fake_program(arguments, folder="."):
    """What the fake egg-gencat does: a field of 2000 galaxies per deg²."""
    options = dict(word.split("=", 1) for word in arguments if "=" in word)
    area, seed = float(options["area"]), int(options["seed"])
    center = float(options["ra0"]), float(options["dec0"])
    columns = galaxies(int(2000 * area), area**0.5, center, seed)
    path = Path(folder) / options["out"]
    write_layout(path, columns)
    print("note: done")
    return path


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a program of the name egg-gencat on PATH, alone."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def write(text):
        (folder / "egg-gencat").write_text(text)
        (folder / "egg-gencat").chmod(0o755)

    monkeypatch.setenv("PATH", str(folder))
    return write


@pytest.fixture
def fake(install):
    here = Path(__file__).parent
    install(
        f"#!{sys.executable}\nimport sys\n"
        f"sys.path[:0] = {[str(here), *sys.path]}\n"
        f"import {Path(__file__).stem} as test\ntest.fake_program(sys.argv[1:])\n"
    )


def make_job(tmp_path, sky="simulated_0", **params):
    defaults = {
        "area": 0.5,
        "seed": 7,
        "z_min": 0.1,
        "z_max": 6.0,
        "log_mass_min": 8.0,
        "log_lir_min": None,
        "center": (359.9, -60.0),
        "emission_lines": False,
    }
    return SimpleNamespace(
        params=SimpleNamespace(**(defaults | params)),
        wildcards=SimpleNamespace(sky=sky),
        output=[str(tmp_path / f"{sky}.fits")],
        resources=SimpleNamespace(tmpdir=str(tmp_path)),
    )


def test_layout_of_egg(tmp_path):
    columns = galaxies(3000)
    columns["LIR"][:3] = 0.0
    write_layout(tmp_path / "egg.fits", columns)
    found = read_catalogue(tmp_path / "egg.fits", 0.25, center=(180.0, 0.0))
    names = ["RA", "DEC", "Z", "LOGM", "PASSIVE", "LOGLIR", "TDUST"]
    assert found.colnames == [*names, *(f"S{band}" for band in PAPER_BANDS)]
    for ours, its in {"RA": "RA", "DEC": "DEC", "Z": "Z", "LOGM": "M"}.items():
        np.testing.assert_array_equal(found[ours], columns[its])
    np.testing.assert_array_equal(found["PASSIVE"], columns["PASSIVE"] == 1)
    assert found["PASSIVE"].dtype == bool
    np.testing.assert_array_equal(found["TDUST"], columns["TDUST"])
    np.testing.assert_allclose(10.0 ** found["LOGLIR"], columns["LIR"], rtol=1e-5)
    for i, band in enumerate(PAPER_BANDS):
        np.testing.assert_allclose(
            found[f"S{band}"], 1e-3 * columns["FLUX"][:, i], rtol=2e-7
        )
        assert found[f"S{band}"].unit == "mJy"
    bright = read_catalogue(tmp_path / "egg.fits", 0.25, log_lir_min=9.5)
    assert len(bright) == np.sum(columns["LIR"] >= 10.0**9.5)


def test_bands_in_any_order_among_others(tmp_path):
    bands = {
        "top:range:480:520": 500.0,
        "laboca-870": 870.0,
        "herschel-spire500": 511.6,
        "jcmt-450": 449.0,
        "herschel-spire250": 251.4,
        "mine:range:330:370": 350.0,
    }
    columns = galaxies(3000, bands=bands)
    write_layout(tmp_path / "egg.fits", columns)
    found = read_catalogue(tmp_path / "egg.fits", 0.25)
    for band, i in {250: 4, 350: 5, 450: 3, 500: 2}.items():
        np.testing.assert_allclose(
            found[f"S{band}"], 1e-3 * columns["FLUX"][:, i], rtol=2e-7
        )


@pytest.mark.parametrize("missing", EGG_BANDS)
def test_missing_band(missing):
    bands = {name: length for name, length in EGG_BANDS.items() if name != missing}
    band = round(EGG_BANDS[missing], -1) // 50 * 50
    with pytest.raises(InputError, match=f"a band at {band:.0f} um in EGG's"):
        choose_bands(list(bands), list(bands.values()))


def test_nothing_is_to_be_said_about_its_columns(tmp_path):
    write_layout(tmp_path / "egg.fits", galaxies(3000))
    for options in ({"unit": "Jy"}, {"columns": {"ra": "RA"}}):
        with pytest.raises(InputError, match="expected neither columns nor unit"):
            read_catalogue(tmp_path / "egg.fits", 0.25, **options)
    assert len(read_catalogue(tmp_path / "egg.fits", 0.25, unit="uJy")) == 3000


def test_row_beyond_two_gibibytes(tmp_path):
    """Such a row is too long for Astropy; the hole in the file takes no space."""
    path, hole = tmp_path / "egg.fits", 2**31
    columns = galaxies(3000)
    write_layout(path, {"SFR": np.zeros(8, "f4")} | columns)
    with fits.open(path) as hdus:
        header, start = hdus[1].header, hdus[1].fileinfo()["datLoc"]
    size = header["NAXIS1"]
    text = header.copy()
    text["TFORM1"], text["TDIM1"] = f"{hole // 4}E", f"({hole // 4})"
    text["NAXIS1"] = size - 32 + hole
    data = path.read_bytes()[start + 32 : start + size]
    with path.open("r+b") as file:
        file.seek(start - len(header.tostring()))
        file.write(text.tostring().encode())
        file.truncate(start)
        file.seek(start + hole)
        file.write(data + bytes(-(hole + len(data)) % 2880))
    found = read_catalogue(path, 0.25, center=(180.0, 0.0))
    np.testing.assert_array_equal(found["DEC"], columns["DEC"])
    np.testing.assert_allclose(found["S250"], 1e-3 * columns["FLUX"][:, 0], rtol=2e-7)


def test_command():
    arguments = command(1.5, 3, 0.2, 5.0, 8.5)
    assert arguments[0] == "egg-gencat"
    assert set(arguments[1:]) == {
        "area=1.5",
        "seed=3",
        "zmin=0.2",
        "zmax=5.0",
        "mmin=8.5",
        "ra0=180.0",
        "dec0=0.0",
        f"bands=[{','.join(EGG_BANDS)}]",
        "out=catalogue.fits",
        "no_stellar",
        "no_nebular",
    }
    lines = command(1.5, 3, 0.2, 5.0, 8.5, emission_lines=True)
    assert set(arguments) - set(lines) == {"no_stellar", "no_nebular"}


@pytest.mark.usefixtures("fake")
def test_script(tmp_path, capsys):
    job = make_job(tmp_path, log_lir_min=9.0)
    run_egg.main(job)
    printed = capsys.readouterr().out
    assert "note: done" in printed
    assert "area=0.5" in printed
    found = read_table(job.output[0])
    meta = found.meta
    assert (meta["AREA"], meta["RA0"], meta["DEC0"]) == (0.5, 359.9, -60.0)
    assert (meta["SOURCE"], meta["SEED"], meta["SKY"]) == (
        "egg-gencat",
        7,
        "simulated_0",
    )
    assert f"seed={meta['EGGSEED']}" in printed
    expected = galaxies(1000, 0.5**0.5, seed=meta["EGGSEED"])
    keep = expected["LIR"] >= 1e9
    np.testing.assert_array_equal(found["Z"], expected["Z"][keep])
    here, there = (
        SkyCoord(t["RA"], t["DEC"], unit="deg")
        for t in (found, {name: expected[name][keep] for name in ("RA", "DEC")})
    )
    np.testing.assert_allclose(
        here[:-1].separation(here[1:]), there[:-1].separation(there[1:]), atol=1e-9
    )
    left = [path.name for path in tmp_path.iterdir()]
    assert sorted(left) == ["bin", "simulated_0.fits"]


def test_seeds(tmp_path, monkeypatch):
    """Each sky and each configured seed has its own, of at most 31 bits."""
    monkeypatch.setattr(run_egg, "run_program", fake_program)
    jobs = [
        make_job(tmp_path),
        make_job(tmp_path, seed=8),
        make_job(tmp_path, sky="observed"),
        make_job(tmp_path),
    ]
    found = []
    for job in jobs:
        run_egg.main(job)
        found.append(read_table(job.output[0]))
    seeds = [table.meta["EGGSEED"] for table in found]
    assert len(set(seeds)) == 3
    assert seeds[0] == seeds[3]
    assert all(0 <= seed < 2**31 for seed in seeds)
    np.testing.assert_array_equal(found[0]["S250"], found[3]["S250"])
    assert not np.array_equal(found[0]["S250"], found[1]["S250"])
    assert not np.array_equal(found[0]["S250"], found[2]["S250"])


def test_missing_program(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"none \(it comes from github.com/cschreib"):
        run_egg.main(make_job(tmp_path))
    assert not (tmp_path / "simulated_0.fits").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "echo starting\necho 'error: unknown filter' >&2\necho 'note: did you'\n"
            "exit 3",
            "status 3 and 'error: unknown filter'",
        ),
        (
            "echo one\necho 'out of memory'\necho\nexit 1",
            "status 1 and 'out of memory'",
        ),
        ("kill -9 $$", "status -9 and ''"),
        ("echo fine", "status 0 and 'fine'"),
    ],
)
def test_failing_program(tmp_path, install, text, reason):
    install(f"#!/bin/sh\n{text}\n")
    with pytest.raises(InputError, match=reason):
        run_program(command(1.0, 1, 0.1, 6.0, 8.0), tmp_path)


@pytest.mark.skipif(
    shutil.which("egg-gencat") is None,
    reason="egg-gencat (github.com/cschreib/egg) is not on PATH",
)
def test_real_program(tmp_path, field):
    """Against one deg² of the model, of which it makes a tenth."""
    area = 0.1
    job = make_job(tmp_path, area=area)
    run_egg.main(job)
    found = read_table(job.output[0])
    assert os.listdir(tmp_path) == ["simulated_0.fits"]
    # Of 84 slices and two types, only the fractional parts are random.
    expected = expected_below(area, 0.1, 6.0)(10.0)
    assert len(found) == pytest.approx(expected, abs=5.0 * np.sqrt(0.25 * 168))
    n = len(found)
    assert np.mean(found["PASSIVE"]) == pytest.approx(
        np.mean(field["PASSIVE"]), abs=5.0 * np.sqrt(0.25 * 168) / n
    )
    for name in ("Z", "LOGM", "LOGLIR", "TDUST"):
        error = np.std(field[name]) * np.sqrt(1.1 / n)
        assert np.mean(found[name]) == pytest.approx(
            np.mean(field[name]), abs=4.5 * error
        )
    for band in PAPER_BANDS:
        logs = [np.log10(np.array(t[f"S{band}"], float)) for t in (found, field)]
        error = np.std(logs[1]) * np.sqrt(1.1 / n)
        assert logs[0].mean() == pytest.approx(logs[1].mean(), abs=4.5 * error)
        bright = [np.sum(t[f"S{band}"] > 2.0) for t in (found, field)]
        spread = np.sqrt(bright[0] + area**2 * bright[1])
        assert bright[0] == pytest.approx(area * bright[1], abs=4.5 * spread)
