"""What a card says: needed ones are read or refused, others may be damaged."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits

from helpers.headers import write_map
from helpers.shared import real
from superspire.errors import InputError
from superspire.maps.cards import Cards, as_number
from superspire.maps.reader import read_observation
from superspire.methods.peaks import local_maxima

PLAIN = {
    "CTYPE1": "'RA---TAN'",
    "CTYPE2": "'DEC--TAN'",
    "CRVAL1": "150.0",
    "CRVAL2": "2.0",
    "CRPIX1": "26.0",
    "CRPIX2": "26.0",
    "CDELT1": f"{-6 / 3600!r}",
    "CDELT2": f"{6 / 3600!r}",
}
NOISE = np.random.default_rng(0).normal(0, 2, (51, 51)).astype(np.float32)
MIDDLE = SkyCoord(150.0, 2.0, unit="deg")


def read(path, *lines, **cards):
    cards = {key: value for key, value in (PLAIN | cards).items() if value is not None}
    lines = [*(f"{key:8}= {value}" for key, value in cards.items()), *lines]
    write_map(path, lines, NOISE)
    return read_observation(path, 250)


def offset(read_, place=MIDDLE):
    """Distance of the middle pixel from where it should be [arcsec]."""
    found = SkyCoord(*read_.map.wcs.all_pix2world(25, 25, 0), unit="deg")
    return found.separation(place).arcsec


READ = {
    "strings": {"CRVAL1": "'150.0   '", "CRPIX2": "'26'", "CDELT2": "'1.6666666E-3'"},
    "exponent D": {"CRVAL1": "1.5D2", "CRVAL2": "'2.0d0'"},
    "comments in strings": {"CRVAL1": "'150.0 / [deg] of the reference'"},
    "no blank after the equals sign": {"CRVAL1": "150.0"},
    "axes in lower case": {"CTYPE1": "'ra---tan'", "CTYPE2": "'Dec--Tan'"},
    "unit spelt out": {"CUNIT1": "'Degrees'", "CUNIT2": "'DEG'"},
    "arcsec": {
        **{"CUNIT1": "'arcsec'", "CUNIT2": "'ARCSEC'", "CRVAL1": "540000.0"},
        **{"CRVAL2": "7200.0", "CDELT1": "-6.0", "CDELT2": "6.0"},
    },
    "frame in lower case": {"RADESYS": "'icrs'"},
    "frame by its equinox": {"RADESYS": "'J2000'"},
    "old frame keyword": {"RADECSYS": "'fk5     '", "EQUINOX": "'2000.0'"},
    "equinox with a letter": {"EQUINOX": "'J2000'"},
    "empty LONPOLE": {"LONPOLE": ""},
    "repeated alike": {"CRPIX1 ": "26", "BUNIT": "'mJy/beam'"},
    "ICRS at an epoch": {"RADESYS": "'ICRS'", "EPOCH": "2015.5"},
}


@pytest.mark.parametrize("case", READ)
def test_cards_that_are_read(tmp_path, case):
    assert offset(read(tmp_path / "a.fits", **READ[case])) < 0.05


@pytest.mark.parametrize(
    "line",
    [
        "DATAMIN =                  NaN",
        "DATE-OBS= 2010-02-05",
        "SEEING  = 12,5",
        "OBSERVER= 'O'Brien'",
        "CRVAL3  = 'none'",
        "CUNIT3  = 'furlong'",
        "CTYPE1A = 'LINEAR'",
        "crota3  = x",
        "HISTORY CRVAL1  =  3.0",
        "TEMP \xb5  = 3",
    ],
)
def test_cards_that_nobody_needs_may_be_damaged(tmp_path, line):
    assert offset(read(tmp_path / "a.fits", line)) < 1e-6


@pytest.mark.parametrize(
    ("lines", "cards"),
    [
        (["crval1  = 150.0"], {"CRVAL1": None}),
        (["ctype1  = 'ra---tan'", "cdelt2  = '1.66666667E-3'"], {"CTYPE1": None}),
        (["CRVAL1  =150.0"], {"CRVAL1": None}),
        (["CRVAL1 = 150.0"], {"CRVAL1": None}),
    ],
)
def test_keywords_in_lower_case_and_out_of_place(tmp_path, lines, cards):
    if any(line.startswith("cdelt2") for line in lines):
        cards = cards | {"CDELT2": None}
    assert offset(read(tmp_path / "a.fits", *lines, **cards)) < 0.05


REFUSED = {
    "comma": ({"CRVAL1": "150,0"}, "CRVAL1 = '150,0', which is no number"),
    "unit in the value": ({"CRVAL1": "'150.0 deg'"}, "no number"),
    "sexagesimal": ({"CRVAL1": "'10:00:00'"}, "no number"),
    "not a number": ({"CRPIX1": "NaN"}, "no number"),
    "infinite": ({"CRPIX1": "1E999"}, "no number"),
    "logical": ({"CRVAL2": "T"}, "no number"),
    "empty": ({"CROTA2": "''"}, "CROTA2 = '', which is no number"),
    "no reference": ({"CRVAL1": None}, "no CRVAL1"),
    "no pixel": ({"CRPIX2": None}, "no CRPIX2"),
    "no scale": ({"CDELT1": None}, "no CDELT1"),
    "half a pair of axes": ({"CTYPE2": None}, "no CTYPE2"),
    "unit of another quantity": ({"CUNIT1": "'furlong'"}, "CUNIT1 'furlong'"),
    "unknown frame": ({"RADESYS": "'IRCS'"}, "RADESYS 'IRCS'"),
    "apparent place": ({"RADESYS": "'GAPPT'"}, "RADESYS 'GAPPT'"),
    "two frames": ({"RADESYS": "'FK5'", "RADECSYS": "'FK4'"}, "FK4 and FK5"),
    "epoch of the observation": ({"EPOCH": "2010.3"}, "EPOCH 2010.3"),
    "ecliptic of nobody": (
        {"CTYPE1": "'ELON-TAN'", "CTYPE2": "'ELAT-TAN'"},
        "ecliptic axes without RADESYS or EQUINOX",
    ),
    "distortion without its order": ({"A_2_0": "1E-4"}, "A_2_0 without A_ORDER"),
    "mixed with another axis": ({"PC1_3": "0.1"}, "PC1_3, which mixes"),
    "polynomial by pixels": (
        {"CTYPE1": "'RA---TPV'", "CTYPE2": "'DEC--TPV'"},
        "TPV with CDELT1",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_cards_that_are_refused(tmp_path, case):
    cards, message = REFUSED[case]
    with pytest.raises(InputError) as caught:
        read(tmp_path / "a.fits", **cards)
    assert str(caught.value).startswith(f"{tmp_path / 'a.fits'}: expected a celestial")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("CRPIX1  =              -2500.0", "CRPIX1"),
        ("CTYPE1  = 'RA---SIN'", "CTYPE1"),
        ("BUNIT   = 'Jy/beam '", "BUNIT"),
        ("CRVAL2  = '2.5     '", "CRVAL2"),
    ],
)
def test_repeated_cards_that_differ_are_refused(tmp_path, line, key):
    with pytest.raises(InputError, match=f"{key} repeated with different values"):
        read(tmp_path / "a.fits", line)


def test_repeated_cards_that_agree_are_read(tmp_path):
    assert offset(read(tmp_path / "a.fits", "CRPIX1  = '26.00'")) < 1e-6


def test_a_copied_header_does_not_count(tmp_path):
    """As in H-ATLAS cutouts: ROOTHEAD begins the header of the whole map."""
    read_ = read(
        tmp_path / "a.fits",
        "ROOTHEAD=                    T",
        "CRPIX1  =               2079.5",
        "CRPIX2  =               2079.5",
        "CRVAL1  =           150.000000",
    )
    assert offset(read_) < 1e-6
    (warning,) = read_.record["warnings"]
    assert warning.startswith("CRPIX1, CRPIX2 stand again behind ROOTHEAD")


@pytest.mark.parametrize("band", [250, 350, 500])
def test_real_cutouts_of_h_atlas(band):
    """The blazar is where its catalogue has it, not 4 degrees away."""
    path = real(f"spire_hatlas_sdp_cutout/cut_8*_{band}_map.fits")
    map_ = read_observation(path, band).map
    x, y, height = local_maxima(map_.data, np.nanmax(map_.data) / 2)
    best = np.argmax(height)
    found = SkyCoord(*map_.wcs.all_pix2world(x[best], y[best], 0), unit="deg")
    assert found.separation(SkyCoord(137.29205, 1.35990, unit="deg")).arcsec < 4.0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("-1.5E-3", -1.5e-3),
        (".5", 0.5),
        ("5.", 5.0),
        ("1.5d2 / comment", 150.0),
        ("=3", 3.0),
        ("1,5", None),
        ("1 2", None),
        ("nan", None),
        ("", None),
        ("0x10", None),
    ],
)
def test_numbers(text, value):
    assert as_number(text) == value


def test_keywords_are_listed_by_pattern():
    header = fits.Header([("CD1_1", 1.0), ("CD1_2", 0.0), ("CDELT1", 1.0)])
    assert Cards(header).keywords(r"CD\d_\d") == ["CD1_1", "CD1_2"]
    assert Cards(header).number("CDELT2") is None
    assert "CD1_1" in Cards(header)
