import gzip

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import layouts
from helpers.shared import real
from superspire.errors import InputError
from superspire.instruments import BANDS
from superspire.io import Map, write_map
from superspire.maps.background import background
from superspire.maps.cards import Cards
from superspire.maps.coordinates import pixel_area, to_icrs
from superspire.maps.reader import read_observation
from superspire.maps.surveys import declared_band, named_band


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


def test_smap_v6(tmp_path, data):
    path = tmp_path / "COSMOS-Nest_image_250_SMAP_v6.0.fits"
    layouts.smap(path, 1e-3 * data, "Jy/beam", "flag", exposure=True)
    read = read_observation(path, 250)
    record = read.record
    assert record["layout"] == "HerMES SMAP"
    assert record["signal"] == "HDU 1 (image)"
    assert record["error"] == "HDU 2 (error)"
    assert record["coverage"] == "HDU 3 (exposure)"
    assert record["mask"] == "HDU 4 (flag)"
    assert record["unit_from"] == "BUNIT of HDU 1 (image)"
    assert record["beam_fwhm_arcsec"] == 18.15
    assert record["remarks"] == []
    assert np.isnan(read.map.data[:, -1]).all()
    np.testing.assert_allclose(read.map.data[5:-3, :-1], data[5:-3, :-1], rtol=1e-5)


def test_smap_v4(tmp_path, data):
    path = layouts.smap(tmp_path / "v4.fits", 1e-3 * data, signal_name="signal")
    read = read_observation(path, 250)
    assert read.record["signal"] == "HDU 1 (signal)"
    assert read.record["unit_from"] == "HerMES SMAP file without BUNIT"
    np.testing.assert_allclose(read.map.data[5:-3], data[5:-3], rtol=1e-5)


@pytest.mark.parametrize(
    ("hdu", "times", "error"),
    [(None, 2.0, "HDU 3 (error)"), ("mfilt", 1.0, "HDU 7 (mfilt_error)")],
)
def test_help_with_matched_filter(tmp_path, data, hdu, times, error):
    path = layouts.help_filtered(tmp_path / "h.fits", 1e-3 * data)
    read = read_observation(path, 250, hdu=hdu)
    np.testing.assert_allclose(read.map.data[5:], times * data[5:], rtol=1e-5)
    assert read.record["layout"] == "HELP"
    assert read.record["error"] == error
    assert read.record["matched_filtered"] == (hdu == "mfilt")
    assert has_remark(read, "matched-filtered") == (hdu == "mfilt")


def has_remark(read, words):
    return any(words in remark for remark in read.record["remarks"])


def test_help(tmp_path, data):
    read = read_observation(layouts.help_map(tmp_path / "h.fits", data), 350)
    np.testing.assert_allclose(read.map.data[5:], 1e3 * data[5:], rtol=1e-5)
    assert np.isnan(read.map.data[0]).all()
    assert read.record["signal"] == "HDU 1 (image)"
    assert read.record["mask"] == "HDU 5 (mask)"
    assert read.record["coverage"] is None
    assert read.record["unit"] == "Jy/beam"
    assert has_remark(read, "HDU 4 (exposure) is empty")


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


def test_hatlas_set(tmp_path, data):
    files = layouts.hatlas_set(tmp_path, 1e-3 * data)
    options = {"mask": files["MASK"], "error": files["SIGMA"], "level": "keep"}
    read = read_observation(files["RAW"], 250, **options)
    assert read.record["layout"] == "H-ATLAS"
    assert read.record["mask"] == "HATLAS_GAMA9_DR1_MASK250.FITS, HDU 0 (primary)"
    assert read.record["error"] == "HATLAS_GAMA9_DR1_SIGMA250.FITS, HDU 0 (primary)"
    assert read.record["beam_fwhm_arcsec"] == 17.8
    np.testing.assert_allclose(read.error, 7.0, rtol=1e-6)
    assert np.isnan(read.map.data[:, :10]).all()
    np.testing.assert_allclose(read.map.data[5:, 10:], data[5:, 10:], rtol=1e-5)


def test_h_atlas_polarity_is_not_that_of_other_surveys_in_its_fields(tmp_path, data):
    path = layouts.help_map(tmp_path / "H-ATLAS-NGP_SPIRE250_v1.0.fits", data)
    read = read_observation(path, 250)
    assert read.record["layout"] == "HELP"
    assert read.record["mask_good"] == 0
    assert np.isfinite(read.map.data[5:]).all()


def test_error_file_goes_before_the_error_of_the_file(tmp_path, data):
    path = layouts.smap(tmp_path / "s.fits", 1e-3 * data, "Jy/beam")
    error = layouts.hatlas(
        tmp_path / "e.fits", np.full(data.shape, 5.0), BUNIT="mJy/beam"
    )
    read = read_observation(path, 250, error=error)
    np.testing.assert_allclose(read.error, 5.0, rtol=1e-6)
    assert has_remark(read, "the error is in mJy/beam")


def test_variance_file(tmp_path, data):
    path = layouts.hatlas(tmp_path / "a.fits", data)
    cards = {**layouts.wcs_cards(6.0), "BUNIT": "Jy2 beam-2"}
    hdu = layouts.image(np.full(data.shape, 4e-6), cards, primary=True)
    read = read_observation(path, 250, error=layouts.write(tmp_path / "v.fits", hdu))
    np.testing.assert_allclose(read.error, 2.0, rtol=1e-5)
    assert read.record["error"].endswith("square root")


@pytest.mark.parametrize("option", ["mask", "error"])
def test_companion_of_other_sky(tmp_path, data, option):
    path = layouts.hatlas(tmp_path / "a.fits", data)
    other = layouts.hatlas(tmp_path / "b.fits", np.ones_like(data), CRVAL1=150.13)
    with pytest.raises(InputError, match=r"b\.fits: .*found its corners 5\.99"):
        read_observation(path, 250, mask_good=1, **{option: other})


def test_companion_without_wcs(tmp_path, data):
    path = layouts.hatlas(tmp_path / "a.fits", data)
    hdu = layouts.image(np.ones_like(data), {}, primary=True)
    bare = layouts.write(tmp_path / "b.fits", hdu)
    assert has_remark(
        read_observation(path, 250, mask=bare, mask_good=1), "no usable WCS"
    )


def test_scuba2_in_picowatt(tmp_path, data):
    path = layouts.scuba2(tmp_path / "p.fits", 1e-5 * data, "pW", FILTER="450")
    read = read_observation(path, 450, level="keep", fcf=491e3)
    np.testing.assert_allclose(read.map.data[5:], 4.91 * data[5:], rtol=1e-5)
    np.testing.assert_allclose(read.error, 3.0 * 491e3, rtol=1e-5)
    assert read.record["layout"] == "SCUBA-2"
    assert read.record["unit"] == "pW with fcf 491000 mJy/beam/pW"
    for wrong in (491.0, 0.0, np.nan, -491e3):
        with pytest.raises(InputError, match="expected fcf in mJy/beam/pW between"):
            read_observation(path, 450, fcf=wrong)


def test_picowatt_that_a_better_card_contradicts(tmp_path, data):
    path = layouts.hatlas(tmp_path / "a.fits", data, BUNIT="mJy/beam", UNITS="pW")
    read = read_observation(path, 250, level="keep")
    np.testing.assert_allclose(read.map.data[5:], data[5:], rtol=1e-6)
    assert has_remark(read, "the unit 'pW' in UNITS")
    sigma = layouts.hatlas(tmp_path / "e.fits", np.abs(data), UNITS="pW")
    with pytest.raises(InputError, match=r"expected fcf .* 'pW' in UNITS of the error"):
        read_observation(path, 250, error=sigma)


def test_flux_conversion_factor_of_a_calibrated_map_is_not_used(tmp_path, data):
    path = layouts.scuba2(tmp_path / "p.fits", data)
    read = read_observation(path, 450, level="keep", fcf=491e3)
    np.testing.assert_allclose(read.map.data[5:], data[5:], rtol=1e-6)
    assert has_remark(read, "fcf is not used")


def test_studies(tmp_path, data):
    path, rms = layouts.studies(tmp_path, data)
    read = read_observation(path, 450, level="keep", error=rms)
    np.testing.assert_allclose(read.map.data[5:], data[5:], rtol=1e-6)
    np.testing.assert_allclose(read.error, 0.6, rtol=1e-6)
    assert read.record["layout"] == "SCUBA-2"
    assert read.record["matched_filtered"]
    assert read.record["beam_fwhm_arcsec"] == 10.5
    assert has_remark(read, "matched-filtered")
    assert has_remark(read, "the beam of 10.5 arcsec")


@pytest.mark.parametrize(
    ("cards", "fwhm", "words"),
    [
        ({"BMAJ": 18.1 / 3600, "BMIN": 18.1 / 3600}, 18.1, None),
        ({"BMAJ": 36.0 / 3600, "BMIN": 25.0 / 3600}, 30.0, "the beam of 30 arcsec"),
        ({"BMAJ": 20.0 / 3600}, 20.0, None),
        ({"BMAJ": 12.0 / 3600}, 12.0, "the beam of 12 arcsec"),
        ({"BMAJ": 18.1, "BMIN": 18.1}, 17.8, "no beam in degrees"),
        ({"BMAJ": "unknown"}, 17.8, "no beam in degrees"),
        ({"BMAJ": -0.005, "BMIN": -0.005}, 17.8, "no beam in degrees"),
    ],
)
def test_beam_of_the_header(tmp_path, data, cards, fwhm, words):
    path = layouts.hatlas(tmp_path / "HATLAS.fits", data * 1e-3, **cards)
    read = read_observation(path, 250)
    assert read.record["beam_fwhm_arcsec"] == pytest.approx(fwhm)
    beams = [remark for remark in read.record["remarks"] if "beam" in remark]
    assert len(beams) == (words is not None)
    assert words is None or words in beams[0]


def test_decision_and_remarks_are_printed(tmp_path, data, capsys):
    data[7, 7] = -np.inf
    path = layouts.hatlas(tmp_path / "field_350.fits", data * 1e-3, BMAJ=0.01)
    record = read_observation(path, 250).record
    lines = capsys.readouterr().out.splitlines()
    assert len(record["remarks"]) == 3
    assert lines[1:] == [f"field_350.fits: {each}" for each in record["remarks"]]
    assert "Jy/beam from UNITS of HDU 0 (primary) = 1000 mJy/beam" in lines[0]


def test_file_that_holds_another_signal_first(tmp_path, data):
    cards = {**layouts.wcs_cards(6.0), "BUNIT": "Jy/beam"}
    other = layouts.wcs_cards(6.0, ra=10.0) | {"BUNIT": "MJy/sr"}
    hdus = [
        layouts.image(np.ones((3, 3)), other, primary=True),
        layouts.image(data, {}, "image"),
    ]
    path = layouts.write(tmp_path / "a.fits", *hdus)
    assert "unit of HDU 1 (image)" in refusal(path)
    hdus[1].header["BUNIT"] = "Jy/beam"
    assert "WCS" in refusal(layouts.write(tmp_path / "b.fits", *hdus))
    hdus[1].header.update(cards)
    read = read_observation(layouts.write(tmp_path / "c.fits", *hdus), 250)
    assert read.map.wcs.wcs.crval[0] == pytest.approx(layouts.RA)


def test_signal_without_a_usual_name(tmp_path, data):
    cards = {**layouts.wcs_cards(6.0), "BUNIT": "mJy/beam"}
    names = ("sky_rms", "Matchedfilter", "PSF", "sci", "more")
    hdus = [layouts.image(i * data, cards, key) for i, key in enumerate(names)]
    read = read_observation(
        layouts.write(tmp_path / "a.fits", *hdus), 250, level="keep"
    )
    np.testing.assert_allclose(read.map.data[5:], 3 * data[5:], rtol=1e-5)
    assert has_remark(read, "HDU 4 (sci) is taken for the signal")


@pytest.mark.parametrize(
    ("cards", "unit", "factor", "words"),
    [
        ({"BUNIT": "MJy/sr", "QTTY____": "Jy/beam"}, None, 11.0318, "is another one"),
        ({"BUNIT": "Jy", "UNITS": "Jy/beam"}, None, 1e3, "is not understood"),
        ({"BUNIT": "Jy/beam"}, "mJy/beam", 1.0, "'Jy/beam' in BUNIT of HDU 1"),
        ({"BUNIT": "Jy"}, "mJy/beam", 1.0, "'Jy' in BUNIT of HDU 1"),
        ({"BUNIT": None, "QTTY____": "Jy/beam"}, None, 1e3, None),
        ({"BUNIT": "Jy/beam", "QTTY____": "Jy beam-1"}, None, 1e3, None),
    ],
)
def test_contradictory_units_are_remarked_upon(
    tmp_path, data, cards, unit, factor, words
):
    cards = {**layouts.wcs_cards(6.0), **cards}
    path = layouts.write(tmp_path / "a.fits", layouts.image(data, cards, "image"))
    read = read_observation(path, 250, unit=unit, level="keep")
    np.testing.assert_allclose(read.map.data[5:], factor * data[5:], rtol=1e-4)
    units = [remark for remark in read.record["remarks"] if "the unit " in remark]
    assert len(units) == (words is not None)
    assert words is None or words in units[0]


def test_observed_pixels_without_error(tmp_path, data):
    path = layouts.hatlas(tmp_path / "a.fits", 1e-3 * data)
    sigma = np.full(data.shape, 0.01)
    sigma[20:] = np.nan
    error = layouts.hatlas(tmp_path / "e.fits", sigma)
    read = read_observation(path, 250, error=error)
    assert has_remark(read, "51 % of the observed pixels have no error")


GALACTIC = SkyCoord(layouts.RA, layouts.DEC, unit="deg").galactic


@pytest.mark.parametrize("frame", ["galactic", "fk5", "icrs"])
@pytest.mark.parametrize("projection", ["TAN", "SIN", "CAR", "ZEA"])
def test_any_frame_is_brought_to_icrs(frame, projection):
    wcs = WCS(naxis=2)
    names = ("GLON", "GLAT") if frame == "galactic" else ("RA--", "DEC-")
    wcs.wcs.ctype = [f"{each}-{projection}" for each in names]
    position = (GALACTIC.l.deg, GALACTIC.b.deg) if frame == "galactic" else (150.1, 2.2)
    wcs.wcs.crval = (position[0], 0.0) if projection == "CAR" else position
    wcs.wcs.cdelt = [-6 / 3600, 6 / 3600]
    wcs.wcs.crpix = [30, 40 - (position[1] * 600 if projection == "CAR" else 0)]
    angle = np.radians(25)
    wcs.wcs.pc = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    if projection == "CAR":
        wcs.wcs.pc = np.eye(2)
    if frame != "galactic":
        wcs.wcs.radesys = frame.upper()
    icrs, remarks = to_icrs(wcs, (80, 60))
    x, y = np.array([0, 59, 0, 59, 30]), np.array([0, 0, 79, 79, 40])
    expected = wcs.pixel_to_world(x, y).icrs
    found = icrs.pixel_to_world(x, y)
    assert found.name == "icrs"
    assert found.separation(expected).arcsec.max() < 1e-3
    assert len(remarks) == (frame == "galactic")
    back = icrs.world_to_pixel(expected)
    np.testing.assert_allclose(back, [x, y], atol=1e-4)


@pytest.mark.parametrize("latitude", [0.0, 60.0])
def test_pixels_of_a_cylindrical_map_shrink_towards_the_pole(latitude):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---CAR", "DEC--CAR"]
    wcs.wcs.cdelt = [-6 / 3600, 6 / 3600]
    wcs.wcs.crpix = [25.5, 20.5 - latitude * 600]
    expected = 36.0 * np.cos(np.radians(latitude))
    assert pixel_area(wcs, (40, 50)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ({"FILTER": "450"}, 450),
        ({"FILTER": "850"}, 850),
        ({"WAVELEN": 0.00085}, 850),
        ({"WAVELNTH": 160.0}, 160),
        ({"BAND": 350}, 350),
        ({"BAND": 2}, None),
        ({"DESC": "3 passes"}, None),
        ({"CTYPE3": "WAVE", "CRVAL3": 4.5e-4}, 450),
        ({"CTYPE3": "STOKES", "CRVAL3": 450.0}, None),
        ({"DETECTOR": "PLW", "FILTER": "450"}, 500),
        ({"WAVELNTH": None}, None),
        ({}, None),
    ],
)
def test_declared_band(cards, expected):
    header = fits.Header()
    header.update(cards)
    found = declared_band(Cards(header).text)
    assert (found and found[1]) == (expected and pytest.approx(expected))


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("COSMOS-Nest_image_350_SMAP_v6.0.fits", 350),
        ("GAMA-09_SPIRE250_v1.0.fits", 250),
        ("HATLAS_NGP_DR2_RAW500.FITS", 500),
        ("hspireplw1342263815_20pxmp_1461736166203.fits.gz", 500),
        ("hspirepsw1342250450_20pxmp.fits", 250),
        ("STUDIES+S2CLS+Casey_450_mf.fits", 450),
        ("map_250_350.fits", None),
        ("field.fits", None),
        ("tile1250.fits", None),
    ],
)
def test_band_in_the_name_of_a_file(file, expected):
    assert named_band(f"/some/350/{file}") == expected


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


def test_the_unit_of_the_configuration_wins_and_the_contradiction_is_shown(tmp_path):
    data = layouts.signal()
    path = layouts.smap(tmp_path / "s.fits", data, "Jy/beam")
    read = read_observation(path, 250, unit="mJy/beam", level="keep")
    np.testing.assert_allclose(read.map.data[5:-3], data[5:-3], rtol=1e-6)
    np.testing.assert_allclose(read.error, 0.002, rtol=1e-6)
    assert read.record["unit_from"] == "the configuration (unit)"
    (warning,) = read.record["warnings"]
    assert "'Jy/beam' in BUNIT of HDU 1 (image) is another one" in warning
    cards = layouts.wcs_cards(6.0) | {"BUNIT": "mJy/beam"}
    own = layouts.write(tmp_path / "u.fits", layouts.image(data, cards, "image"))
    assert read_observation(own, 250, unit="mJy/beam").record["warnings"] == []
    assert "'furlong' in the configuration" in refusal(own, unit="furlong")


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
@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.95])
def test_truncated(tmp_path, data, packed, fraction):
    whole = layouts.hatlas(tmp_path / "w.fits", data).read_bytes()
    whole = gzip.compress(whole) if packed else whole
    path = tmp_path / ("t.fits.gz" if packed else "t.fits")
    path.write_bytes(whole[: int(fraction * len(whole))])
    assert "whole FITS file" in refusal(path)


def test_no_wcs(tmp_path, data):
    hdu = layouts.image(data, {"BUNIT": "Jy/beam"}, primary=True)
    assert "WCS" in refusal(layouts.write(tmp_path / "a.fits", hdu))


def test_wcs_without_scale(tmp_path, data):
    cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "BUNIT": "Jy/beam"}
    path = layouts.write(tmp_path / "a.fits", layouts.image(data, cards, primary=True))
    assert "found no CRVAL1, CRVAL2, CRPIX1, CRPIX2, CDELT1, CDELT2" in refusal(path)


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
@given(position=st.integers(0, 8639), value=st.integers(0, 255))
def test_a_damaged_byte_is_read_or_refused(tmp_path, position, value):
    path = tmp_path / "damaged.fits"
    path.unlink(missing_ok=True)
    layouts.hatlas(path, layouts.signal((20, 20)))
    content = bytearray(path.read_bytes())
    content[position % len(content)] = value
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
    assert record["layout"] == "HSA"
    assert len(record["remarks"]) == 1
    assert has_remark(read, "of the observed pixels have no error")


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
    ("pattern", "band", "layout", "unit", "shape"),
    [
        ("smap_layout/*.fits", 250, "HerMES SMAP", "Jy/beam", [90, 90]),
        ("spire_250_hatlas/*", 250, "plain", "Jy/pixel", [601, 601]),
        ("scuba2_450_u_ant/*", 450, "SCUBA-2", "mJy/arcsec**2", [521, 525]),
    ],
)
def test_real_files_of_other_layouts(pattern, band, layout, unit, shape):
    record = read_observation(real(pattern), band).record
    assert record["layout"] == layout
    assert record["remarks"] == []
    assert record["unit"] == unit
    assert record["shape"] == shape
