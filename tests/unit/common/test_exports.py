import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.io.votable import validate
from astropy.table import Table

from superspire.exports import FORMATS, digits, export, read_described, with_units
from superspire.figures.tables import instrument_table
from superspire.products.writing import write_catalogue


@pytest.fixture
def catalogue():
    table = Table(
        {
            "ID": np.arange(1, 4, dtype="i4"),
            "RA": [150.12345678, 0.5, 359.9] * u.deg,
            "DEC": [-2.5, 0.0, 89.0] * u.deg,
            "S450": [123.456, 4.5678, 3.3] * u.mJy,
            "PURITY": [0.98765, 0.5, np.nan],
            "BLENDED": [True, False, False],
        }
    )
    table["S450"].description = "450 micron flux"
    return table


def read(path, kind):
    return Table.read(path, format=FORMATS[kind])


@pytest.mark.parametrize("kind", ["ecsv", "mrt", "vot"])
def test_what_is_written_is_read(catalogue, tmp_path, kind):
    path = tmp_path / f"catalogue.{kind}"
    export(catalogue, path, kind)
    back = read(path, kind)
    assert back.colnames == catalogue.colnames
    assert len(back) == 3
    for name in ("RA", "S450"):
        found = np.asarray(back[name], float)
        np.testing.assert_allclose(found, catalogue[name].value, atol=6e-7, rtol=1e-4)
    assert back["RA"].unit == u.deg
    assert back["S450"].unit == u.mJy
    assert np.ma.getmaskarray(back["PURITY"]).tolist() == [False, False, True]


def test_a_table_for_a_paper(catalogue, tmp_path):
    export(catalogue, tmp_path / "c.tex", "tex")
    text = (tmp_path / "c.tex").read_text()
    assert text.startswith(r"\begin{deluxetable}{cccccc}")
    assert r"1 & 150.123457 & -2.500000 & 123.456 & 0.98765 & Y \\" in text
    assert r"3 & 359.900000 & 89.000000 & 3.300 &  & N" in text


def test_flags_are_letters_in_text(catalogue, tmp_path):
    export(catalogue, tmp_path / "c.mrt", "mrt")
    assert read(tmp_path / "c.mrt", "mrt")["BLENDED"].tolist() == ["Y", "N", "N"]
    assert "450 micron flux" in (tmp_path / "c.mrt").read_text()


def test_votables_are_valid(catalogue, tmp_path):
    export(catalogue, tmp_path / "c.vot", "vot")
    assert validate(str(tmp_path / "c.vot"), output=None)[0]


def test_tables_get_their_units(tmp_path):
    confusion = {"wavelength_um": [250, 350, 450, 500], "confusion": 5.0, "error": 0.1}
    table = with_units(instrument_table(pd.DataFrame(confusion)))
    names = ["wavelength", "instrument", "fwhm", "pixel", "beam", "confusion_paper"]
    assert table.colnames[:6] == names
    wanted = [u.um, None, u.arcsec, u.arcsec, u.arcsec**2, u.mJy]
    assert [table[name].unit for name in names] == wanted
    export(table, tmp_path / "t.mrt", "mrt")
    back = read(tmp_path / "t.mrt", "mrt")
    assert back["fwhm"].tolist() == [18.1, 24.9, 7.9, 36.6]
    assert back["confusion_paper"].unit == u.mJy


def test_missing_values_are_masked():
    table = with_units(pd.DataFrame({"flux_mJy": [1.0, np.nan], "n": [1, 2]}))
    assert table["flux"].unit == u.mJy
    assert np.ma.getmaskarray(table["flux"]).tolist() == [False, True]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.5], ".5f"), ([12.0, 3.0], ".4f"), ([123456.0], ".0f"), ([np.nan], ".5f")],
)
def test_digits(values, expected):
    assert digits(values) == expected


def test_descriptions_of_columns_are_read(tmp_path):
    table = Table({"S450": [1.0, 2.0] * u.mJy, "ID": [1, 2]})
    described = {"S450": ("phot", "450 micron flux"), "ID": ("meta", "Number")}
    write_catalogue(tmp_path / "c.fits", table, described, {})
    found = read_described(tmp_path / "c.fits")
    told = [found[name].description for name in found.colnames]
    assert told == ["450 micron flux", "Number"]
    assert found["S450"].unit == u.mJy
