"""Headers of all sorts: data with the right factor, or one sentence; never another.

What is right is computed here with `astropy.units` from the unit that was meant.
"""

import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superspire.errors import InputError
from superspire.maps.reader import read_observation
from superspire.maps.units import parse_unit

SHAPE = (16, 18)

BEAMS = {250: 469.35, 350: 831.27, 450: 109.0, 500: 1804.31}
"""Solid angles of the beams [arcsec²] (DATA_FORMATS, SPIRE Handbook)."""

PREFIXES = ("", "m", "M", "u", "n", "k")
AREAS = ("beam", "pix", "sr", "arcsec2")
SETTINGS = {
    "derandomize": True,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
}

SPELLINGS = (
    "{p}Jy/{a}",
    "{p}Jy / {a}",
    " {p}Jy/{a} ",
    "[{p}Jy/{a}]",
    "({p}Jy/{a})",
    "{p}Jy per {a}",
    "{p}Jy {a}{minus}",
    "{p}Jy.{a}{minus}",
    "{p}Jy {a}^{minus}",
    "{p}Jy {a}**{minus}",
    "{p}Jy {a}**({minus})",
    "{a}{minus} {p}Jy",
    "{p}Jy/{a}   / Unit of the map",
    "{p}Jy/{a} / brightness, not integrated",
    "{p}Jy/{a} [at the peak of point sources]",
    "{p}Jy/{a} (see the documentation)",
)

NAMES = {
    "beam": ("beam",),
    "pix": ("pix", "pixel"),
    "sr": ("sr",),
    "arcsec2": ("arcsec2", "arcsec**2", "arcsec^2"),
}

NOT_UNITS = (
    "",
    "Jy",
    "K",
    "counts",
    "unknown",
    "Jy/beam2",
    "Jy beam",
    "Jy*sr",
    "Jy/arcsec",
    "Jy/beam/s",
    "Jy/beam / Hz",
    "(Jy/beam)**2",
    "mJy/beam/pW",
    "log(Jy/beam)",
    "1",
    "MJy sr",
    "-Jy/beam",
    "beam/Jy",
)


@st.composite
def spelt_units(draw):
    """A unit as (prefix, area) and how a header spells it."""
    prefix, area = draw(st.sampled_from(PREFIXES)), draw(st.sampled_from(AREAS))
    form, name = draw(st.sampled_from(SPELLINGS)), draw(st.sampled_from(NAMES[area]))
    minus = "-2" if area == "arcsec2" else "-1"
    if "{minus}" in form:
        name = name.removesuffix("2").removesuffix("**").removesuffix("^")
    return (prefix, area), form.format(p=prefix, a=name, minus=minus)


def right_factor(unit, band, pixel):
    """Flux density [mJy] of a point source whose peak is one unit."""
    prefix, area = unit
    solid_angle = {"beam": BEAMS[band] * u.arcsec**2, "pix": pixel**2 * u.arcsec**2}
    solid_angle |= {"sr": u.sr, "arcsec2": u.arcsec**2}
    brightness = u.Unit(f"{prefix}Jy") / solid_angle[area]
    return (brightness * BEAMS[band] * u.arcsec**2).to_value(u.mJy)


@settings(max_examples=300, **SETTINGS)
@given(spelt=spelt_units())
def test_every_spelling_has_its_meaning(spelt):
    (prefix, area), text = spelt
    unit = parse_unit(text)
    assert unit is not None, text
    assert unit.area == {"pix": "pixel"}.get(area, area) or area == "arcsec2"
    per = {"beam": u.beam, "pixel": u.pix, "sr": u.sr, "arcsec2": u.arcsec**2}
    meant = u.Unit(f"{prefix}Jy") / u.Unit(area)
    assert (unit.jansky * u.Jy / per[unit.area]).to_value(meant) == pytest.approx(1.0)


TOKENS = (
    *("Jy", "mJy", "MJy", "uJy", "beam", "sr", "pix", "pixel", "arcsec", "arcsec2"),
    *("arcsec**2", "deg2", "K", "s", "Hz", "pW", "W", "m-2", "Hz-1"),
    *("/", " / ", ".", " ", " ", "*", "**", "^", "-1", "-2", "2", "1", "3"),
    *("(", ")", "[", "]", "1e-3", "10**-3", "per ", "Unit", "mag("),
)


def as_astropy(text):
    """Read a unit with astropy; None if it cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return u.Unit(text)
        except (ValueError, TypeError, ArithmeticError):
            return None


@settings(max_examples=600, **SETTINGS)
@given(text=st.lists(st.sampled_from(TOKENS), min_size=1, max_size=7).map("".join))
def test_astropy_is_never_contradicted(text):
    mine = parse_unit(text)
    theirs = None if mine is None else as_astropy(text)
    if theirs is None:
        return
    area = {"beam": u.beam, "pixel": u.pix, "sr": u.sr, "arcsec2": u.arcsec**2}
    assert theirs.is_equivalent(u.Jy / area[mine.area]), text
    factor = (1.0 * theirs).to_value(u.Jy / area[mine.area])
    assert mine.jansky == pytest.approx(factor), text


@settings(max_examples=200, **SETTINGS)
@given(
    text=st.sampled_from(NOT_UNITS), after=st.sampled_from(["", " ", " / a comment"])
)
def test_other_quantities_are_not_units(text, after):
    assert parse_unit(text + after) is None


def coordinates(kind, pixel):
    """Cards of a WCS of some kind, and whether it is a good one."""
    step = pixel / 3600.0
    cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.1, "CRVAL2": 2.2}
    cards |= {"CRPIX1": SHAPE[1] / 2, "CRPIX2": SHAPE[0] / 2}
    delta = {"CDELT1": -step, "CDELT2": step}
    matrix = {"CD1_1": -step, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": step}
    good = {
        "CDELT": delta,
        "CD": matrix,
        "CD and CDELT": {**matrix, "CDELT1": 1.0, "CDELT2": 1.0},
        "PC": {**delta, "PC1_1": 0.8, "PC1_2": -0.6, "PC2_1": 0.6, "PC2_2": 0.8},
        "CROTA": {**delta, "CROTA2": 30.0},
        "units": {**delta, "CUNIT1": "deg", "CUNIT2": "deg", "WCSAXES": 2},
        "empty cards": {**delta, "LONPOLE": None, "EQUINOX": 2000.0},
    }
    bad = {
        "none": None,
        "no CTYPE": {**delta, "CTYPE1": "", "CTYPE2": ""},
        "singular": {**matrix, "CD2_2": 0.0},
        "text": {**delta, "CRVAL1": "150.1 deg"},
        "one CTYPE": {**delta, "CTYPE2": "LINEAR"},
        "no scale": {},
        "PC and CD": {**matrix, "PC1_1": 1.0, "PC2_2": 0.5},
    }
    if kind in good:
        return {**cards, **good[kind]}, True
    return {} if bad[kind] is None else {**cards, **bad[kind]}, False


COORDINATES = (
    *("CDELT", "CD", "CD and CDELT", "PC", "CROTA", "units", "empty cards"),
    *("none", "no CTYPE", "singular", "text", "one CTYPE", "no scale", "PC and CD"),
)

KINDS = {
    "float64": (np.float64, {}),
    "float32": (np.float32, {}),
    "int16": (np.int16, {"BSCALE": 0.25, "BZERO": 3.0}),
    "int32": (np.int32, {}),
    "uint8": (np.uint8, {"BSCALE": -0.5, "BZERO": 20.0}),
}

EXTNAMES = ("image", "IMAGE", "Signal", "signal", "PRIMARY", None)
KEYS = ("BUNIT", "SIGUNIT", "QTTY____", "UNITS")


@st.composite
def files(draw):
    """A file in parts, and what has to come out of it."""
    often = st.sampled_from([True, True, True, False])
    band = draw(st.sampled_from(list(BEAMS)))
    pixel = {250: 6.0, 350: 10.0, 450: 2.0, 500: 14.0}[band]
    kind = COORDINATES[0] if draw(often) else draw(st.sampled_from(COORDINATES))
    wcs, placed = coordinates(kind, pixel)
    cards, meant, configured = {}, None, None
    if not draw(often):
        meant, configured = draw(spelt_units())
    for key in KEYS:
        if draw(st.integers(0, 2)):
            continue
        unit, text = draw(spelt_units())
        if not draw(often):
            unit, text = None, draw(st.sampled_from(NOT_UNITS))
        cards[key] = text
        meant = meant or unit
    dtype, scaling = KINDS[draw(st.sampled_from(list(KINDS)))]
    return {
        "band": band,
        "pixel": pixel,
        "wcs": wcs,
        "placed": placed,
        "units": cards,
        "configured": configured,
        "meant": meant,
        "dtype": dtype,
        "scaling": scaling,
        "blank": draw(st.sampled_from([0.0, 0.1, 0.6, 1.0])),
        "extname": draw(st.sampled_from(EXTNAMES)),
        "others": draw(
            st.permutations(["signal", "error", "coverage", "mask", "table"])
        ),
        "kept": draw(st.integers(1, 5)),
        "primary": draw(st.booleans()),
        "seed": draw(st.integers(0, 99)),
    }


def build(spec):
    """Make the HDUs of a file, and the signal as it is meant, NaN where masked."""
    rng = np.random.default_rng(spec["seed"])
    raw = rng.integers(10, 100, SHAPE).astype(spec["dtype"])
    if np.issubdtype(spec["dtype"], np.floating):
        raw[rng.random(SHAPE) < spec["blank"]] = np.nan
    scale, zero = spec["scaling"].get("BSCALE", 1.0), spec["scaling"].get("BZERO", 0.0)
    truth = raw * scale + zero
    mask = (rng.random(SHAPE) < 0.2).astype(np.int16)
    coverage = rng.integers(0, 4, SHAPE).astype(float)
    header = fits.Header()
    header.update({**spec["wcs"], **spec["units"]})
    signal = (
        fits.PrimaryHDU(raw, header) if spec["primary"] else fits.ImageHDU(raw, header)
    )
    signal.header.update(spec["scaling"])
    if spec["extname"] is not None:
        signal.header["EXTNAME"] = spec["extname"]
    column = fits.Column("RA", "D", array=[1.0])
    parts = {
        "signal": signal,
        "error": fits.ImageHDU(np.full(SHAPE, 7.0), name="ERROR"),
        "coverage": fits.ImageHDU(coverage, name="coverage"),
        "mask": fits.ImageHDU(mask, name="Mask"),
        "table": fits.BinTableHDU.from_columns([column]),
    }
    names = [name for name in spec["others"] if name != "signal"][: spec["kept"] - 1]
    if "mask" in names:
        truth = np.where(mask == 0, truth, np.nan)
    if "coverage" in names:
        truth = np.where(coverage > 0, truth, np.nan)
    if spec["primary"]:
        return fits.HDUList([signal, *(parts[name] for name in names)]), truth, names
    order = [name for name in spec["others"] if name in {*names, "signal"}]
    hdus = [fits.PrimaryHDU(), *(parts[name] for name in order)]
    return fits.HDUList(hdus), truth, names


@settings(max_examples=250, **SETTINGS)
@given(spec=files())
def test_a_file_is_read_rightly_or_refused_in_one_sentence(tmp_path_factory, spec):
    hdus, truth, names = build(spec)
    path = tmp_path_factory.mktemp("fuzz") / "map.fits"
    hdus.writeto(path)
    options = {"unit": spec["configured"], "level": "keep"}
    complete = spec["placed"] and spec["meant"] and np.isfinite(truth).any()
    try:
        read = read_observation(path, spec["band"], **options)
    except InputError as error:
        message = str(error)
        assert not complete, message
        assert message.startswith(str(path))
        assert "\n" not in message
        assert "expected" in message
        assert "found" in message
        return
    assert complete
    factor = right_factor(spec["meant"], spec["band"], spec["pixel"])
    np.testing.assert_allclose(read.map.data, factor * truth, rtol=1e-4)
    assert (read.error is not None) == ("error" in names)
    if read.error is not None:
        np.testing.assert_allclose(read.error, factor * 7.0, rtol=1e-4)
    others = {text for text in spec["units"].values() if text}
    others |= {spec["configured"]} - {None}
    if len({str(parse_unit(text)) for text in others}) > 1:
        assert any("the unit " in remark for remark in read.record["remarks"])
