"""Tables of every format, with their nulls and comments."""

import bz2
import gzip

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from superspire.errors import InputError
from superspire.sky.source_files import open_columns


def read(path, *names):
    units, load = open_columns(path)
    data = load(dict.fromkeys(names))
    return units, [np.asarray(data[name][:]) for name in names]


def test_only_lines_that_begin_with_a_hash_are_comments(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "# from a paper\nname,ra,S450\nSrc 1,1.5,10\n  # half way\nSrc #2,2.5,20\n"
        '"Src, 3 # b",3.5,30\n'
    )
    _, (names, ra, flux) = read(path, "name", "ra", "S450")
    assert list(names) == ["Src 1", "Src #2", "Src, 3 # b"]
    np.testing.assert_array_equal(ra, [1.5, 2.5, 3.5])
    np.testing.assert_array_equal(flux, [10, 20, 30])


@pytest.mark.parametrize(
    "null", ["", "--", "NaN", "nan", "null", "N/A", "...", "INDEF"]
)
def test_nulls_of_text_are_nan(tmp_path, null):
    path = tmp_path / "a.csv"
    path.write_text(f"ra,dec,S450\n1,2,3\n4,5,{null}\n")
    _, (flux,) = read(path, "S450")
    np.testing.assert_array_equal(flux, [3.0, np.nan])


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("ra;dec;S450\n1;2;3\n4;5;6\n", None),
        ("ra\tdec\tS450\n1\t2\t3\n4\t5\t6\n", None),
        ("\ufeffra,dec,S450\r\n1,2,3\r\n4,5,6\r\n", None),
        ("# ra, dec, S450\n1,2,3\n4,5,6\n", None),
        ("ra , dec , S450\n1, 2, 3\n4, 5, 6\n", gzip.compress),
        ("ra,dec,S450\n1,2,3\n4,5,6\n", bz2.compress),
    ],
)
def test_spellings_of_csv(tmp_path, text, packed):
    path = tmp_path / {None: "a.csv", gzip.compress: "a.csv.gz"}.get(
        packed, "a.csv.bz2"
    )
    content = text.encode()
    path.write_bytes(content if packed is None else packed(content))
    _, columns = read(path, "ra", "dec", "S450")
    np.testing.assert_array_equal(columns, [[1, 4], [2, 5], [3, 6]])


@pytest.fixture
def table():
    flux = MaskedColumn([10.0, 20.0, 30.0], mask=[False, True, False], unit="mJy")
    columns = {"ra": [1.5, 2.5, 3.5], "dec": [-1.0, 0.0, 1.0], "S450": flux}
    table = Table({"name": ["a b", "c # d", "e"]} | columns)
    table["ra"].unit = table["dec"].unit = "deg"
    return table


@pytest.mark.parametrize(
    ("ending", "form", "has_units"),
    [
        (".ecsv", "ascii.ecsv", True),
        (".vot", "votable", True),
        (".xml.gz", "votable", True),
        (".mrt", "ascii.mrt", True),
        (".tbl", "ascii.ipac", True),
        (".txt", "ascii.basic", False),
        (".dat", "ascii.commented_header", False),
        (".fits", "fits", True),
        (".fits.gz", "fits", True),
    ],
)
def test_every_format_keeps_units_and_nulls(tmp_path, table, ending, form, has_units):
    path = tmp_path / f"t{ending.removesuffix('.gz')}"
    table.write(path, format=form)
    if ending.endswith(".gz"):
        packed = gzip.compress(path.read_bytes())
        path = path.with_name(path.name + ".gz")
        path.write_bytes(packed)
    units, (ra, dec, flux) = read(path, "ra", "dec", "S450")
    np.testing.assert_allclose(ra, table["ra"])
    np.testing.assert_allclose(dec, table["dec"])
    np.testing.assert_array_equal(flux, [10.0, np.nan, 30.0])
    assert (units["S450"] == "mJy") == has_units


def test_fits_without_its_usual_name(tmp_path, table):
    table.write(tmp_path / "t.fits")
    (tmp_path / "t.fits").rename(tmp_path / "t.cat")
    _, (ra,) = read(tmp_path / "t.cat", "ra")
    np.testing.assert_array_equal(ra, table["ra"])


@pytest.mark.parametrize("ascii_table", [False, True])
def test_nulls_of_fits(tmp_path, ascii_table):
    """TNULL of an integer column, of one with a zero point, and of text."""
    if ascii_table:
        columns = [
            fits.Column("S450", "F8.3", array=[5.0, -99.0], null="-99.000"),
            fits.Column("n", "I6", array=[7, -9], null="-9"),
        ]
        hdu = fits.TableHDU.from_columns(columns)
    else:
        columns = [
            fits.Column("S450", "J", array=[5, -99], null=-99),
            fits.Column("n", "I", array=np.array([7, 9], np.uint16), bzero=32768),
        ]
        hdu = fits.BinTableHDU.from_columns(columns)
        hdu.header["TNULL2"] = 9 - 32768
    hdu.writeto(tmp_path / "t.fits")
    _, (flux, number) = read(tmp_path / "t.fits", "S450", "n")
    np.testing.assert_array_equal(flux, [5.0, np.nan])
    np.testing.assert_array_equal(number, [7.0, np.nan])


@pytest.mark.parametrize("ending", [".fits", ".fits.gz"])
def test_a_table_of_one_source(tmp_path, ending):
    Table({"ra": [150.0], "S450": [7], "name": ["a long name"]}).write(
        tmp_path / f"t{ending}"
    )
    _, (ra, flux) = read(tmp_path / f"t{ending}", "ra", "S450")
    np.testing.assert_array_equal([ra, flux], [[150.0], [7.0]])


@pytest.mark.parametrize("ending", [".fits", ".fits.gz"])
def test_a_row_of_vectors_may_be_compressed(tmp_path, ending):
    columns = [fits.Column("ra", "4D", array=[[1.0, 2.0, 3.0, 4.0]])]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / f"t{ending}")
    _, (ra,) = read(tmp_path / f"t{ending}", "ra")
    np.testing.assert_array_equal(ra, [1.0, 2.0, 3.0, 4.0])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.vot", b"<VOTABLE><RESOURCE>"),
        ("a.fits", b"SIMPLE  = "),
        ("a.fits.gz", b"\x1f\x8b\x08\x00broken"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00broken"),
        ("a.csv", b""),
        ("a.txt", b"\x00\x01\x02"),
        ("a.ecsv", b"# %ECSV 1.0\n# ---\n# {"),
    ],
)
def test_files_that_are_damaged(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="expected a whole FITS table or a CSV") as e:
        read(tmp_path / name, "ra")
    assert "\n" not in str(e.value)
