import gzip
from pathlib import Path

import layouts
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superspire.errors import InputError
from superspire.evaluation.sources import background
from superspire.fields.reader import read_observation
from superspire.instruments import BANDS
from superspire.io import Map, write_map

REAL = Path(__file__).parents[4] / "shared" / "real"


@pytest.fixture
def data():
    return layouts.signal()


@pytest.mark.parametrize("bunit", [None, "Jy/beam"])
@pytest.mark.parametrize("mask_name", ["mask", "flag"])
def test_smap(tmp_path, data, bunit, mask_name):
    path = layouts.smap(tmp_path / "s.fits", data * 1e-3, bunit, mask_name)
    read = read_observation(path, 250)
    inner = read.map.data[5:-3]
    np.testing.assert_allclose(inner, data[5:-3], rtol=1e-5)
    assert np.isnan(read.map.data[-3:]).all()
    assert np.isnan(read.map.data[:5, :5]).all()
    np.testing.assert_allclose(read.error, 2.0)
    assert read.record["mask_good"] == 0
    assert read.record["sky_subtracted_mjy_beam"] == 0.0
    assert read.record["pixel_arcsec"] == pytest.approx(6.0)
    assert ("BUNIT of" in read.record["unit_from"]) == (bunit is not None)


def test_help(tmp_path, data):
    read = read_observation(layouts.help_map(tmp_path / "h.fits", data), 350)
    np.testing.assert_allclose(read.map.data[5:], 1e3 * data[5:], rtol=1e-5)
    assert np.isnan(read.map.data[0]).all()
    assert read.record["signal"] == "HDU 1 (image)"
    assert read.record["mask"] == "HDU 5 (mask)"
    assert read.record["coverage"] is None
    assert read.record["unit"] == "Jy/beam"


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("unit", "factor"), [("MJy/sr", 1e-3 * 0.0110318), ("Jy/beam", 1e-3)]
)
def test_hsa_in_any_order(tmp_path, data, reverse, unit, factor):
    sky = 1e-3 * (data + 40.0)
    path = layouts.hsa(tmp_path / "hspirepsw.fits", sky, unit, reverse=reverse)
    read = read_observation(path, 250, sky_level=-1.5)
    assert read.record["unit"] == unit
    assert np.isnan(read.map.data[:, -4:]).all()
    kept = read.map.data[5:, :-4]
    expected = 1e3 * factor * data[5:, :-4]
    np.testing.assert_allclose(np.diff(kept), np.diff(expected), atol=1e-4)
    assert background(read.map.data)[0] == pytest.approx(-1.5, abs=1e-3)
    measured = read.record["sky_measured_mjy_beam"]
    assert measured == pytest.approx(factor * 1e3 * 40.0, rel=0.02)
    assert read.record["sky_subtracted_mjy_beam"] == pytest.approx(measured + 1.5)


def test_level_can_be_kept(tmp_path, data):
    path = layouts.hsa(tmp_path / "a.fits", data + 40.0, "mJy/beam")
    kept = read_observation(path, 250, level="keep").map.data
    np.testing.assert_allclose(kept[5:, :-4], data[5:, :-4] + 40.0, rtol=1e-6)
    with pytest.raises(InputError, match="level of a field"):
        read_observation(path, 250, level="zero")


def test_own_maps_come_back_unchanged(tmp_path, data):
    path = layouts.hatlas(tmp_path / "w.fits", data)
    wcs = read_observation(path, 250).map.wcs
    write_map(tmp_path / "own.fits", Map(data.astype(np.float32), wcs), 18.1)
    read = read_observation(tmp_path / "own.fits", 250)
    np.testing.assert_allclose(read.map.data, data, rtol=1e-5)


def test_hatlas_with_its_mask(tmp_path, data):
    good = np.ones(data.shape, np.int16)
    good[:, :10] = 0
    path = layouts.hatlas(tmp_path / "HATLAS_GAMA9_DR1_RAW250.FITS", data)
    mask = layouts.hatlas(tmp_path / "HATLAS_GAMA9_DR1_MASK250.FITS", good)
    read = read_observation(path, 250, mask=mask, level="keep")
    assert np.isnan(read.map.data[:, :10]).all()
    np.testing.assert_allclose(read.map.data[5:, 10:], 1e3 * data[5:, 10:], rtol=1e-5)
    assert read.record["mask_good"] == 1
    assert read.record["unit_from"] == "UNITS of HDU 0 (primary)"
    inverted = read_observation(path, 250, mask=mask, mask_good=0)
    assert np.isnan(inverted.map.data[:, 10:]).all()


def test_scuba2_cube_with_variance(tmp_path, data):
    path = layouts.scuba2(tmp_path / "j.fits", data, "mJy/arcsec**2")
    read = read_observation(path, 450, level="keep")
    assert read.map.data.shape == data.shape
    np.testing.assert_allclose(read.map.data[5:], 109.0 * data[5:], rtol=1e-5)
    np.testing.assert_allclose(read.error, 109.0 * 3.0, rtol=1e-5)
    assert read.map.wcs.naxis == 2


def test_plain_image_with_configured_unit_and_hdu(tmp_path, data):
    cards = layouts.wcs_cards(6.0)
    hdus = [layouts.image(x, cards, n) for x, n in ((data, "A"), (2 * data, "B"))]
    path = layouts.write(tmp_path / "p.fits", *hdus)
    first = read_observation(path, 250, unit="mJy/beam", level="keep")
    np.testing.assert_allclose(first.map.data, data, rtol=1e-6)
    assert "configuration" in first.record["unit_from"]
    for hdu in ("b", 2):
        read = read_observation(path, 250, unit="mJy/beam", hdu=hdu, level="keep")
        np.testing.assert_allclose(read.map.data, 2 * data, rtol=1e-6)


def test_header_unit_beats_configuration(tmp_path, data):
    path = layouts.hatlas(tmp_path / "u.fits", data, BUNIT="mJy/beam")
    read = read_observation(path, 250, unit="MJy/sr", level="keep")
    assert read.record["unit"] == "mJy/beam"


def test_byte_order_and_infinity(tmp_path, data):
    data[10, 10] = np.inf
    read = read_observation(layouts.hatlas(tmp_path / "i.fits", data), 250)
    assert read.map.data.dtype == np.float32
    assert read.map.data.dtype.isnative
    assert np.isnan(read.map.data[10, 10])


def refusal(path, band=250, **options):
    with pytest.raises(InputError) as caught:
        read_observation(path, band, **options)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert "expected" in message
    assert "found" in message
    return message


def test_missing_file(tmp_path):
    assert "no such file" in refusal(tmp_path / "none.fits")


def test_not_fits(tmp_path):
    path = tmp_path / "a.fits"
    path.write_text("RA,DEC\n1,2\n" * 500)
    assert "FITS" in refusal(path)
    path.write_bytes(b"")
    assert "FITS" in refusal(path)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated(tmp_path, data, packed, share):
    whole = layouts.hatlas(tmp_path / "w.fits", data).read_bytes()
    whole = gzip.compress(whole) if packed else whole
    path = tmp_path / ("t.fits.gz" if packed else "t.fits")
    path.write_bytes(whole[: int(share * len(whole))])
    assert "whole FITS file" in refusal(path)


def test_no_wcs(tmp_path, data):
    hdu = layouts.image(data, {"BUNIT": "Jy/beam"}, primary=True)
    assert "WCS" in refusal(layouts.write(tmp_path / "a.fits", hdu))


def test_wcs_without_scale(tmp_path, data):
    cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "BUNIT": "Jy/beam"}
    path = layouts.write(tmp_path / "a.fits", layouts.image(data, cards, primary=True))
    assert "found 3600 arcsec" in refusal(path)


def test_no_unit(tmp_path, data):
    cards = layouts.wcs_cards(6.0)
    path = layouts.write(tmp_path / "a.fits", layouts.image(data, cards, "image"))
    message = refusal(path)
    assert "BUNIT" in message
    assert "HDU 1 (image)" in message
    assert "'furlong' in the configuration" in refusal(path, unit="furlong")


def test_unit_that_needs_a_flux_conversion_factor(tmp_path, data):
    path = layouts.scuba2(tmp_path / "a.fits", data, "pW")
    assert "'pW' in BUNIT of HDU 0" in refusal(path, 450)


def test_all_nan(tmp_path, data):
    path = layouts.hatlas(tmp_path / "a.fits", np.full_like(data, np.nan))
    assert "only NaN" in refusal(path)


def test_mask_of_the_wrong_polarity(tmp_path, data):
    path = layouts.hatlas(tmp_path / "a.fits", data)
    ones = layouts.hatlas(tmp_path / "m.fits", np.ones_like(data))
    assert "after masking with m.fits" in refusal(path, mask=ones, mask_good=0)


def test_mask_of_another_shape(tmp_path, data):
    path = layouts.hatlas(tmp_path / "a.fits", data)
    small = layouts.hatlas(tmp_path / "m.fits", data[:-1])
    with pytest.raises(InputError, match=r"m\.fits: .*\(40, 50\).*\(39, 50\)"):
        read_observation(path, 250, mask=small)


def test_cube_of_several_planes(tmp_path, data):
    path = layouts.scuba2(tmp_path / "a.fits", data, depth=3)
    assert "found (3, 40, 50)" in refusal(path, 450)


def test_empty_image_is_not_replaced(tmp_path, data):
    cards = {**layouts.wcs_cards(6.0), "BUNIT": "Jy/beam"}
    empty = layouts.image(None, {}, "IMAGE")
    other = layouts.image(data, cards, "NEBFILT")
    assert "empty" in refusal(layouts.write(tmp_path / "a.fits", empty, other))


def test_tables_only(tmp_path):
    table = fits.BinTableHDU.from_columns([fits.Column("RA", "D", array=[1.0])])
    message = refusal(layouts.write(tmp_path / "a.fits", table))
    assert "image HDU" in message


def test_unknown_hdu(tmp_path, data):
    path = layouts.hatlas(tmp_path / "a.fits", data)
    assert "'nebfilt'" in refusal(path, hdu="nebfilt")
    assert "HDU 7" in refusal(path, hdu=7)


@pytest.mark.parametrize(
    "cards",
    [
        {"DETECTOR": "PMW     / Name of the detector"},
        {"WAVELNTH": 350.0},
        {"WAVELN": 350},
        {"WVLNGTH": "350um"},
        {"DESC": "350 microns"},
    ],
)
def test_map_of_another_band(tmp_path, data, cards):
    path = layouts.hatlas(tmp_path / "a.fits", data, **cards)
    assert "for 350 µm" in refusal(path, 250)
    assert read_observation(path, 350).record["band"] == 350


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(place=st.integers(0, 8639), value=st.integers(0, 255))
def test_a_damaged_byte_is_read_or_refused(tmp_path, place, value):
    path = tmp_path / "damaged.fits"
    path.unlink(missing_ok=True)
    layouts.hatlas(path, layouts.signal((20, 20)))
    content = bytearray(path.read_bytes())
    content[place % len(content)] = value
    path.write_bytes(bytes(content))
    answer = read_or_refusal(path)
    assert answer.count("\n") == 0
    assert answer == "read" or answer.startswith(str(path))


def read_or_refusal(path):
    try:
        read = read_observation(path, 250)
    except InputError as error:
        return str(error)
    return "read" if np.isfinite(read.map.data).any() else "nothing observed"


def real(pattern):
    files = sorted(REAL.glob(pattern))
    if not files:
        pytest.skip("the real maps are not here")
    return files[0]


@pytest.mark.parametrize(
    ("array", "band", "pixel"), [("psw", 250, 6), ("pmw", 350, 10), ("plw", 500, 14)]
)
def test_real_hsa_maps(array, band, pixel):
    path = real(f"spire_hsa_level2_beta_and/hspire{array}*")
    read = read_observation(path, band, sky_level=-2.0)
    record = read.record
    expected = BANDS[band].effective_area * (np.pi / 648000) ** 2 * 1e9
    assert record["mjy_per_beam_per_unit"] == pytest.approx(expected)
    assert record["signal"] == "HDU 1 (image)"
    assert record["pixel_arcsec"] == pytest.approx(pixel)
    assert 0.43 < record["observed_fraction"] < 0.48
    assert 35 < record["sky_measured_mjy_beam"] < 55
    assert background(read.map.data)[0] == pytest.approx(-2.0, abs=0.05)
    assert read.error.shape == read.map.data.shape


def test_real_beta_and_is_a_photosphere():
    peaks = []
    for array, band in (("psw", 250), ("pmw", 350), ("plw", 500)):
        path = real(f"spire_hsa_level2_beta_and/hspire{array}*")
        map_ = read_observation(path, band).map
        x, y = map_.wcs.all_world2pix(17.43370, 35.62016, 0)
        x, y = int(np.round(x)), int(np.round(y))
        peaks.append(np.nanmax(map_.data[y - 2 : y + 3, x - 2 : x + 3]))
    assert peaks[0] == pytest.approx(430, rel=0.1)
    assert peaks[0] / peaks[2] == pytest.approx(4.0, rel=0.25)


@pytest.mark.parametrize(
    ("pattern", "band", "unit", "shape"),
    [
        ("smap_layout/*.fits", 250, "Jy/beam", [90, 90]),
        ("spire_250_hatlas/*", 250, "Jy/pixel", [601, 601]),
        ("scuba2_450_u_ant/*", 450, "mJy/arcsec**2", [521, 525]),
    ],
)
def test_real_files_of_other_layouts(pattern, band, unit, shape):
    record = read_observation(real(pattern), band).record
    assert record["unit"] == unit
    assert record["shape"] == shape
