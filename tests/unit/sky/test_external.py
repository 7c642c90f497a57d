import tracemalloc
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy.utils.exceptions import AstropyUserWarning
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import import_catalogue
from helpers.external import read_catalogue
from superspire.errors import InputError
from superspire.instruments import PAPER_BANDS
from superspire.io import read_table, write_table
from superspire.sky import external
from superspire.sky.catalogue import inverse_gnomonic, simulate_catalogue

MARGIN = 120.0 / 3600.0
NAMES = {
    "ra": "ra",
    "dec": "dec",
    "z": "redshift",
    "250": "SSPIRE250",
    "350": "SSPIRE350",
    "450": "SSCUBA450",
    "500": "SSPIRE500",
}
"""Columns of a catalogue like those of SIDES."""


def sources(n=4000, side=0.5, center=(150.0, 2.0), seed=1):
    """Sources spread evenly over a square in the tangent plane, with their offsets."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-0.5 * side, 0.5 * side, (2, n))
    ra, dec = inverse_gnomonic(x, y, center)
    table = {"ra": ra, "dec": dec, "z": rng.uniform(0.1, 6.0, n)}
    table |= {f"s{band}": rng.exponential(2.0, n) for band in PAPER_BANDS}
    return Table(table), x, y


@pytest.fixture
def table():
    return sources()[0]


def saved(table, path, **units):
    """Write a FITS table, with units of some columns."""
    hdu = fits.table_to_hdu(table)
    for name, unit in units.items():
        if unit:
            hdu.header[f"TUNIT{table.colnames.index(name) + 1}"] = unit
    hdu.writeto(path, overwrite=True)
    return path


def in_mjy(table, path):
    return saved(table, path, **{f"s{band}": "mJy" for band in PAPER_BANDS})


@pytest.mark.parametrize(
    ("written", "configured", "factor"),
    [
        ("Jy", None, 1e3),
        ("mJy", None, 1.0),
        ("uJy", None, 1e-3),
        ("uJy", "uJy", 1e-3),
        ("10**-6 Jy", "uJy", 1e-3),
        ("[mJy]", None, 1.0),
        (None, "Jy", 1e3),
        (None, "mJy", 1.0),
        (None, "uJy", 1e-3),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_units_of_fits(table, tmp_path, written, configured, factor, dtype):
    for band in PAPER_BANDS:
        table[f"s{band}"] = table[f"s{band}"].astype(dtype)
    units = {f"s{band}": written for band in PAPER_BANDS}
    path = saved(table, tmp_path / "sky.fits", **units)
    found = read_catalogue(path, 0.25, unit=configured)
    assert len(found) == len(table)
    for band in PAPER_BANDS:
        np.testing.assert_allclose(
            found[f"S{band}"], factor * table[f"s{band}"], rtol=3e-7
        )
        assert found[f"S{band}"].dtype == np.float32
        assert found[f"S{band}"].unit == "mJy"
    np.testing.assert_array_equal(found["DEC"], table["dec"])
    np.testing.assert_allclose(found["Z"], table["z"], rtol=1e-7)


def test_units_may_differ_between_columns(table, tmp_path):
    units = {"s250": "Jy", "s350": "mJy", "s450": "uJy", "s500": "Jy"}
    found = read_catalogue(saved(table, tmp_path / "sky.fits", **units), 0.25)
    for band, factor in zip(PAPER_BANDS, (1e3, 1.0, 1e-3, 1e3), strict=True):
        np.testing.assert_allclose(
            found[f"S{band}"], factor * table[f"s{band}"], rtol=3e-7
        )


@pytest.mark.parametrize("angle", ["deg", "degrees", "rad", "hourangle", "arcsec"])
def test_units_of_positions(table, tmp_path, angle):
    unit = u.deg if angle == "degrees" else u.Unit(angle)
    shifted = table.copy()
    shifted["ra"] = (table["ra"].value * u.deg).to_value(unit)
    shifted["dec"] = (table["dec"].value * u.deg).to_value(unit)
    path = saved(shifted, tmp_path / "sky.fits", ra=angle, dec=angle)
    found = read_catalogue(path, 0.25, unit="mJy")
    np.testing.assert_allclose(found["RA"], table["ra"], rtol=1e-13)
    np.testing.assert_allclose(found["DEC"], table["dec"], rtol=1e-12)


def test_catalogue_like_sides(table, tmp_path):
    old = {"ra": "ra", "dec": "dec", "z": "z"} | {str(b): f"s{b}" for b in PAPER_BANDS}
    table.rename_columns([old[key] for key in NAMES], list(NAMES.values()))
    table["Mhalo"] = 12.0
    path = saved(table, tmp_path / "sides.fits")
    found = read_catalogue(path, 0.25, columns=NAMES, unit="Jy")
    assert found.colnames == ["RA", "DEC", "Z", *(f"S{band}" for band in PAPER_BANDS)]
    np.testing.assert_allclose(found["S450"], 1e3 * table["SSCUBA450"], rtol=3e-7)
    assert found.meta["SOURCE"] == "sides.fits"
    with pytest.raises(InputError, match=r"columns\.250: expected a column 's250'"):
        read_catalogue(path, 0.25, unit="Jy")


def test_csv(table, tmp_path):
    path = tmp_path / "sky.csv"
    text = "# a comment\n" + table.to_pandas().rename(columns=str.upper).to_csv()
    path.write_text(text.replace(",", ", "))
    found = read_catalogue(path, 0.25, unit="uJy")
    np.testing.assert_allclose(found["RA"], table["ra"], rtol=1e-15)
    np.testing.assert_allclose(found["S500"], 1e-3 * table["s500"], rtol=3e-7)
    np.testing.assert_allclose(found["Z"], table["z"], rtol=1e-7)
    with pytest.raises(InputError, match=r"catalogue\.unit: expected Jy, mJy or uJy"):
        read_catalogue(path, 0.25)


def test_redshifts_are_optional(table, tmp_path):
    table.remove_column("z")
    path = in_mjy(table, tmp_path / "sky.fits")
    assert "Z" not in read_catalogue(path, 0.25).colnames
    with pytest.raises(InputError, match=r"columns\.z: expected a column 'z_phot'"):
        read_catalogue(path, 0.25, columns={"z": "z_phot"})


def test_exact_names_come_first(table, tmp_path):
    frame = table.to_pandas()
    frame["S250"] = 7.0
    path = tmp_path / "sky.csv.gz"
    frame.to_csv(path, index=False)
    found = read_catalogue(path, 0.25, unit="mJy")
    np.testing.assert_allclose(found["S250"], frame["s250"], rtol=1e-6)
    columns = {250: "S250", "350": "S350"}
    found = read_catalogue(path, 0.25, unit="mJy", columns=columns)
    assert (found["S250"] == 7.0).all()
    np.testing.assert_allclose(found["S350"], frame["s350"], rtol=1e-6)


@pytest.mark.parametrize(
    ("units", "configured", "message"),
    [
        ({}, None, "expected Jy, mJy or uJy, since the file does not say"),
        ({"s450": "mJy", "s250": "mJy"}, None, "unit of 's350', found none"),
        (dict.fromkeys(["s250", "s350"], "Jy"), "mJy", "expected the unit of the file"),
        (dict.fromkeys(["s250"], "Jy / beam"), "Jy", "expected flux densities"),
        (dict.fromkeys(["s250"], "mag(AB)"), "Jy", "expected flux densities"),
        (dict.fromkeys(["s250"], "(mJy/beam)"), "mJy", "expected flux densities"),
        (dict.fromkeys(["s250"], "flux"), None, "found only 'flux'"),
        ({"ra": "Jy"}, "mJy", "expected an angle in degrees in 'ra'"),
        ({"dec": "h"}, "mJy", "expected an angle in degrees in 'dec'"),
    ],
)
def test_wrong_units(table, tmp_path, units, configured, message):
    path = saved(table, tmp_path / "sky.fits", **units)
    with pytest.raises(InputError, match=message):
        read_catalogue(path, 0.25, unit=configured)


def test_unit_that_cannot_be_read_yields_to_the_configuration(table, tmp_path):
    path = saved(table, tmp_path / "sky.fits", s350="MILLIJY", s450="mJy")
    found = read_catalogue(path, 0.25, unit="mJy")
    np.testing.assert_allclose(found["S350"], table["s350"], rtol=3e-7)


def test_missing_column_names_the_closest(table, tmp_path):
    path = in_mjy(table, tmp_path / "sky.fits")
    columns = {"500": "s5oo"}
    with pytest.raises(InputError, match=r"columns\.500: .*did you mean 's500'") as e:
        read_catalogue(path, 0.25, columns=columns)
    assert "found ra, dec, z, s250, s350, s450, s500" in str(e.value)


def test_square_and_margin_are_kept(tmp_path):
    table, x, y = sources(20000, side=0.6, center=(33.0, -70.0))
    path = in_mjy(table, tmp_path / "sky.fits")
    found = read_catalogue(path, 0.16, center=[33.0, -70.0])
    inside = np.maximum(abs(x), abs(y)) <= 0.2 + MARGIN
    np.testing.assert_array_equal(found["RA"], table["ra"][inside])
    np.testing.assert_allclose(found["S250"], table["s250"][inside], rtol=3e-7)
    assert (found.meta["AREA"], found.meta["RA0"]) == (0.16, 33.0)
    assert found.meta["DEC0"] == -70.0


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(ra=st.floats(0.0, 360.0), dec=st.floats(-85.0, 85.0), turn=st.integers(-1, 0))
def test_middle_is_found_everywhere(tmp_path, ra, dec, turn):
    """RA = 0 included; the outermost sources are 1/n of the side from its edge."""
    table, *_ = sources(3000, center=(ra, dec))
    table["ra"] += 360.0 * turn
    found = read_catalogue(in_mjy(table, tmp_path / "sky.fits"), 0.25)
    centre = SkyCoord(found.meta["RA0"], found.meta["DEC0"], unit="deg")
    distance = centre.separation(SkyCoord(ra, dec, unit="deg")).deg
    assert distance < 20.0 * 0.5 / 3000
    assert len(found) == 3000
    assert ((found["RA"] >= 0.0) & (found["RA"] < 360.0)).all()


def test_blocks_do_not_matter(tmp_path, monkeypatch):
    """The last block has four sources, the others 333."""
    table, *_ = sources(4000, side=0.6)
    path = in_mjy(table, tmp_path / "sky.fits")
    whole = read_catalogue(path, 0.25)
    monkeypatch.setattr(external, "BLOCK", 333)
    parts = read_catalogue(path, 0.25)
    assert len(parts) == len(whole) < len(table)
    for name in whole.colnames:
        np.testing.assert_array_equal(parts[name], whole[name])
    # The middle starts from a sample of the sources and ends at their extent.
    assert parts.meta.pop("RA0") == pytest.approx(whole.meta.pop("RA0"), abs=1e-6)
    assert parts.meta.pop("DEC0") == pytest.approx(whole.meta.pop("DEC0"), abs=1e-6)
    assert parts.meta == whole.meta


def test_memory_is_that_of_a_block(tmp_path, monkeypatch):
    table, *_ = sources(200_000, side=1.0)
    path = in_mjy(table, tmp_path / "sky.fits")
    monkeypatch.setattr(external, "BLOCK", 4_000)
    tracemalloc.start()
    found = read_catalogue(path, 0.01)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) > 5_000
    # A block in 64 directions is 1 MB; all the columns that are read are 11 MB.
    assert peak < 3e6 < path.stat().st_size


def test_too_small_a_catalogue(tmp_path):
    center = (0.02, 40.0)
    path = in_mjy(sources(40000, center=center)[0], tmp_path / "sky.fits")
    with pytest.raises(InputError, match="1 deg² around RA, Dec = ") as error:
        read_catalogue(path, 1.0)
    fitting = float(str(error.value).split("fill ")[1].split()[0])
    assert fitting == pytest.approx(0.244, abs=0.006)
    assert len(read_catalogue(path, fitting)) > 39000
    with pytest.raises(InputError, match=r"to fill 0\.0[0-9]* deg²"):
        read_catalogue(path, 0.2, center=[0.2, 40.0])
    for elsewhere in ([0.9, 40.0], [180.0, -40.0]):
        with pytest.raises(InputError, match="to fill 0 deg² there"):
            read_catalogue(path, 0.01, center=elsewhere)


def test_round_catalogue(tmp_path):
    """The square in a disc of radius r has the area 2 r²."""
    table, x, y = sources(40000, side=1.0)
    path = in_mjy(table[np.hypot(x, y) < 0.5], tmp_path / "sky.fits")
    assert len(read_catalogue(path, 0.48))
    with pytest.raises(InputError, match=r"to fill 0\.(49|50)"):
        read_catalogue(path, 0.65)


def test_whole_sky(tmp_path):
    rng = np.random.default_rng(1)
    n = 100_000
    dec = np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, n)))
    table = Table({"ra": rng.uniform(0.0, 360.0, n), "dec": dec})
    for band in PAPER_BANDS:
        table[f"s{band}"] = 1.0
    path = in_mjy(table, tmp_path / "sky.fits")
    with pytest.raises(InputError, match=r"catalogue\.center: expected"):
        read_catalogue(path, 9.0)
    found = read_catalogue(path, 9.0, center=[359.0, -80.0])
    # 41 253 deg² in all; the margin adds 0.2 deg² and more.
    expected = n / 41253.0 * (3.0 + 2.0 * MARGIN) ** 2
    assert len(found) == pytest.approx(expected, abs=4.5 * np.sqrt(expected))


def test_moving_keeps_all_distances(table, tmp_path):
    path = in_mjy(table, tmp_path / "sky.fits")
    center, aim = (150.0, 2.0), (359.9, 75.0)
    still = read_catalogue(path, 0.25, center=center)
    moved = read_catalogue(path, 0.25, center=center, moved_to=aim)
    assert (moved.meta["RA0"], moved.meta["DEC0"]) == aim
    here, there = (SkyCoord(t["RA"], t["DEC"], unit="deg") for t in (still, moved))
    np.testing.assert_allclose(
        here[:-1].separation(here[1:]), there[:-1].separation(there[1:]), atol=1e-9
    )
    angle = [
        SkyCoord(*c, unit="deg").position_angle(p)[:50]
        for c, p in ((center, here), (aim, there))
    ]
    np.testing.assert_allclose(*angle, atol=1e-8)


def test_nan_counts_as_zero(table, tmp_path, capsys):
    table["s250"][:7] = np.nan
    table["s450"][7:10] = np.nan
    found = read_catalogue(in_mjy(table, tmp_path / "sky.fits"), 0.25)
    assert (found["S250"][:7] == 0.0).all()
    assert (found["S250"][7:] > 0.0).all()
    assert "10 flux densities that are NaN count as zero" in capsys.readouterr().out


@pytest.mark.parametrize("value", [-1.0, np.inf, -99.0])
def test_impossible_fluxes(table, tmp_path, value):
    table["s350"][5] = value
    with pytest.raises(InputError, match="zero or more in S350, found 1 others"):
        read_catalogue(in_mjy(table, tmp_path / "sky.fits"), 0.25)


@pytest.mark.parametrize(
    ("name", "value"), [("ra", np.nan), ("dec", np.nan), ("dec", -99.0)]
)
def test_impossible_positions(table, tmp_path, name, value):
    table[name][5] = value
    with pytest.raises(InputError, match="expected right ascension and declination"):
        read_catalogue(in_mjy(table, tmp_path / "sky.fits"), 0.25)


def test_vectors_in_a_single_row(table, tmp_path):
    """As IDL writes them."""
    units = ["deg", "deg", None, "Jy", "Jy", "Jy", "Jy"]
    columns = [
        fits.Column(name, f"{len(table)}D", unit=unit, array=[table[name].data])
        for name, unit in zip(table.colnames, units, strict=True)
    ]
    path = tmp_path / "sky.fits"
    fits.BinTableHDU.from_columns(columns).writeto(path)
    found = read_catalogue(path, 0.25)
    np.testing.assert_array_equal(found["RA"], table["ra"])
    np.testing.assert_allclose(found["S500"], 1e3 * table["s500"], rtol=3e-7)
    truncated = tmp_path / "truncated.fits"
    truncated.write_bytes(path.read_bytes()[:-40000])
    with (
        pytest.warns(AstropyUserWarning, match="truncated"),
        pytest.raises(InputError, match="the row should end at byte"),
    ):
        read_catalogue(truncated, 0.25)


def test_second_hdu_and_compressed(table, tmp_path):
    for band in PAPER_BANDS:
        table[f"s{band}"].unit = "mJy"
    image = fits.ImageHDU(np.zeros((3, 3)))
    hdus = fits.HDUList([fits.PrimaryHDU(), image, fits.table_to_hdu(table)])
    hdus.writeto(tmp_path / "sky.fits.gz")
    found = read_catalogue(tmp_path / "sky.fits.gz", 0.25)
    np.testing.assert_allclose(found["S250"], table["s250"], rtol=3e-7)


def test_own_catalogue_comes_back(compact, tmp_path):
    sky = simulate_catalogue(0.05, 1, center=(10.0, 3.0), dust=compact)
    write_table(tmp_path / "sky.fits", sky)
    found = read_catalogue(tmp_path / "sky.fits", 0.05)
    assert found.colnames == sky.colnames
    for name in sky.colnames:
        np.testing.assert_array_equal(found[name], sky[name])
        assert found[name].dtype.kind == sky[name].dtype.kind
        assert found[name].unit == sky[name].unit
    assert found.meta["RA0"] == pytest.approx(10.0, abs=0.001)
    assert any("Salpeter" in line for line in found.meta["comments"])
    sky.to_pandas().to_csv(tmp_path / "sky.csv", index=False)
    text = read_catalogue(tmp_path / "sky.csv", 0.05, unit="mJy")
    for name in sky.colnames:
        np.testing.assert_allclose(text[name], sky[name], rtol=1e-6)
    bright = read_catalogue(tmp_path / "sky.fits", 0.05, log_lir_min=10.5)
    assert len(bright) == np.sum(sky["LOGLIR"] >= 10.5)
    with pytest.raises(InputError, match="log_lir_min: expected"):
        read_catalogue(tmp_path / "sky.fits", 0.05, log_lir_min=20.0)


def test_files_that_are_no_catalogues(table, tmp_path):
    with pytest.raises(InputError, match="found no file"):
        read_catalogue(tmp_path / "none.fits", 0.25)
    (tmp_path / "text.fits").write_text("hello")
    with pytest.raises(InputError, match="expected a whole FITS table"):
        read_catalogue(tmp_path / "text.fits", 0.25)
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(tmp_path / "image.fits")
    with pytest.raises(InputError, match="expected a table, found none in the 1 HDUs"):
        read_catalogue(tmp_path / "image.fits", 0.25)
    with pytest.raises(InputError, match="expected sources, found none"):
        read_catalogue(in_mjy(table[:0], tmp_path / "empty.fits"), 0.25)
    frame = table.to_pandas().astype({"s250": object})
    frame.loc[3, "s250"] = "faint"
    frame.to_csv(tmp_path / "words.csv", index=False)
    with pytest.raises(InputError, match=r"words\.csv: .*faint"):
        read_catalogue(tmp_path / "words.csv", 0.25, unit="mJy")
    table["s250"] = np.ones((len(table), 2))
    path = in_mjy(table, tmp_path / "wide.fits")
    with pytest.raises(InputError, match="a number for each source in 's250'"):
        read_catalogue(path, 0.25)
    table.replace_column("s250", ["bright"] * len(table))
    with pytest.raises(InputError, match="a number for each source in 's250'"):
        read_catalogue(saved(table, path), 0.25, unit="mJy")


def test_integers(table, tmp_path):
    for band in PAPER_BANDS:
        table[f"s{band}"] = np.round(1e3 * table[f"s{band}"]).astype(np.int32)
    units = {f"s{band}": "uJy" for band in PAPER_BANDS}
    found = read_catalogue(saved(table, tmp_path / "sky.fits", **units), 0.25)
    np.testing.assert_allclose(found["S450"], 1e-3 * table["s450"], rtol=3e-7)


def test_script(table, tmp_path, capsys):
    frame = table.to_pandas().rename(columns={"s450": "scuba"})
    frame.to_csv(tmp_path / "sky.csv", index=False)
    section = {
        "file": "unused",
        "columns": {"450": "scuba"},
        "unit": "Jy",
        "center": [150.0, 2.0],
    }
    output = tmp_path / "catalogue.fits"
    job = SimpleNamespace(
        input=SimpleNamespace(catalogue=str(tmp_path / "sky.csv")),
        output=[str(output)],
        params=SimpleNamespace(catalogue=section, area=0.25, log_lir_min=9.5),
        wildcards=SimpleNamespace(sky="observed"),
    )
    import_catalogue.main(job)
    assert "observed: 4000 sources" in capsys.readouterr().out
    found = read_table(output)
    np.testing.assert_allclose(found["S450"], 1e3 * frame["scuba"], rtol=3e-7)
    assert found.meta["SOURCE"] == "sky.csv"
    assert found.meta["SKY"] == "observed"
    assert (found.meta["RA0"], found.meta["DEC0"]) == (150.0, 2.0)
    assert pd.Series(found.colnames).is_unique
