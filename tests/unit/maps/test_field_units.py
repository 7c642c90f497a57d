import astropy.units as u
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from superspire.errors import InputError
from superspire.instruments import BANDS, PAPER_BANDS
from superspire.maps.units import (
    Unit,
    calibrated_picowatt,
    is_picowatt,
    parse_unit,
    parse_variance_unit,
    to_mjy_per_beam,
)

AREAS = {"beam": "beam", "sr": "sr", "pix": "pixel", "pixel": "pixel"}
PREFIXES = {"": 1.0, "m": 1e-3, "M": 1e6, "u": 1e-6, "n": 1e-9, "k": 1e3}


@given(
    prefix=st.sampled_from(list(PREFIXES)),
    area=st.sampled_from(list(AREAS)),
    form=st.sampled_from(
        [
            "{}Jy/{}",
            "{}Jy / {}",
            "{}Jy {}-1",
            "{}Jy {}^-1",
            "{}Jy {}**(-1)",
            "{}Jy.{}-1",
        ]
    ),
    before=st.sampled_from(["", " ", "  "]),
    after=st.sampled_from(["", "  ", "       / Unit of the map", " [point sources]"]),
)
def test_every_spelling_means_the_same(prefix, area, form, before, after):
    text = before + form.format(prefix, area) + after
    assert parse_unit(text) == Unit(PREFIXES[prefix], AREAS[area])


@pytest.mark.parametrize(
    ("text", "jansky", "area"),
    [
        ("Jy/pix              / Unit of the map", 1.0, "pixel"),
        ("JY/BEAM", 1.0, "beam"),
        ("MJY/SR", 1e6, "sr"),
        ("mjy/sr", 1e6, "sr"),
        ("MJY/BEAM", 1e-3, "beam"),
        ("mJy/arcsec**2", 1e-3, "arcsec2"),
        ("mJy arcsec-2", 1e-3, "arcsec2"),
        ("[Jy/beam]", 1.0, "beam"),
        ("Jy per beam", 1.0, "beam"),
        ("Jy/bm", 1.0, "beam"),
        ("beam-1 Jy", 1.0, "beam"),
        ("10**-3 Jy/beam", 1e-3, "beam"),
        ("\u03bcJy/beam", 1e-6, "beam"),
        ("jansky/beam", 1.0, "beam"),
    ],
)
def test_spellings_of_real_headers(text, jansky, area):
    assert parse_unit(text) == Unit(jansky, area)


@pytest.mark.parametrize(
    "text", ["", "pW", "Jy", "K", "Jy/beam/s", "Jy/beam2", "Jy/arcsec", "XJy/sr", "1"]
)
def test_other_units_are_not_understood(text):
    assert parse_unit(text) is None


def test_units_that_only_astropy_knows():
    unit = parse_unit("W m-2 Hz-1 sr-1")
    assert unit.area == "sr"
    assert unit.jansky == pytest.approx(1e26)
    assert parse_unit("Jy/deg2").jansky == pytest.approx((180 / np.pi) ** 2)
    assert parse_unit(str(unit)) == unit


@pytest.mark.parametrize(
    "text", ["Jy beam", "Jy*beam", "Jy/beam-1", "mJy arcsec2", "(mJy/arcsec**2)**2"]
)
def test_products_and_squares_are_other_quantities(text):
    assert parse_unit(text) is None


@pytest.mark.parametrize("rest", [" / Hz", " [K]", " (s)", " / per / s", "/s", " / 1"])
def test_a_unit_behind_the_unit_is_no_comment(rest):
    assert parse_unit("Jy/beam" + rest) is None
    assert not is_picowatt("pW" + rest)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(mJy/beam)**2", Unit(1e-3, "beam")),
        ("(mJy/arcsec**2)**2", Unit(1e-3, "arcsec2")),
        ("( MJy / sr )^2", Unit(1e6, "sr")),
        ("Jy2 beam-2", Unit(1.0, "beam")),
        ("Jy/beam", None),
        ("mJy/arcsec**2", None),
        ("K**2", None),
    ],
)
def test_units_of_variances(text, expected):
    unit = parse_variance_unit(text)
    assert (unit is None) == (expected is None)
    if expected is not None:
        assert unit.area == expected.area
        assert unit.jansky == pytest.approx(expected.jansky)


def test_picowatt():
    assert all(map(is_picowatt, ["pW", " pW ", "[pW]", "pW   / not calibrated"]))
    assert not any(map(is_picowatt, ["", "PW", "pWatt", "W", "pW**2", "pW/beam"]))
    assert is_picowatt("(pW)**2", squared=True)
    assert not is_picowatt("pW", squared=True)


def test_flux_conversion_factor():
    factor = to_mjy_per_beam(calibrated_picowatt(472e3), 450, 1.0)
    assert factor == pytest.approx(472e3)
    for wrong in (472.0, -472e3, np.nan, np.inf, 0.0):
        with pytest.raises(InputError, match="472000"):
            calibrated_picowatt(wrong)


@given(text=st.text(max_size=30))
def test_any_text_is_answered(text):
    unit = parse_unit(text)
    assert unit is None or parse_unit(str(unit)) == unit


@given(
    band=st.sampled_from(list(PAPER_BANDS)),
    pixel=st.floats(0.5, 20.0),
    flux=st.floats(1e-3, 1e3),
)
def test_a_source_of_one_brightness_has_one_flux_in_every_unit(band, pixel, flux):
    beam = BANDS[band].effective_area * u.arcsec**2
    brightness = flux * u.Jy / beam
    values = {
        "Jy/beam": flux,
        "MJy/sr": brightness.to_value("MJy/sr"),
        "mJy/arcsec**2": brightness.to_value("mJy/arcsec2"),
        "Jy/pixel": (brightness * pixel**2 * u.arcsec**2).to_value("Jy"),
    }
    for text, value in values.items():
        factor = to_mjy_per_beam(parse_unit(text), band, pixel**2)
        assert value * factor == pytest.approx(1e3 * flux, rel=1e-9)


def test_surface_brightness_at_250():
    factor = to_mjy_per_beam(parse_unit("MJy/sr"), 250, 36.0)
    assert factor / 1e3 == pytest.approx(0.01103, abs=5e-6)
    expected = 469.35 * (np.pi / 180 / 3600) ** 2 * 1e6
    assert factor / 1e3 == pytest.approx(expected, rel=1e-12)
