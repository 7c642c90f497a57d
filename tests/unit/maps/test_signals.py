"""Which HDU is what: bands, companions, and images that are not the signal."""

import numpy as np
import pytest
from astropy.io import fits

from helpers import layouts
from superspire.checks.inputs import read_observations
from superspire.errors import InputError
from superspire.instruments import SPIRE
from superspire.maps.reader import read_observation

CARDS = {**layouts.wcs_cards(6.0), "BUNIT": "mJy/beam"}


@pytest.fixture
def data():
    return layouts.signal()


def bands_file(path, names, cards=None, companions=()):
    """Signals of all bands in one file, each ten times as large as the one before."""
    hdus = []
    for power, (band, name) in enumerate(zip(SPIRE, names, strict=True)):
        own = CARDS | ({} if cards is None else cards(band))
        hdus.append(layouts.image(10.0**power * layouts.signal(), own, name))
        for kind, value in companions:
            array = np.full(layouts.SHAPE, value * 10.0**power)
            hdus.append(layouts.image(array, own, kind.format(name)))
    return layouts.write(path, *hdus)


@pytest.mark.parametrize(
    ("names", "cards"),
    [
        (("PSW", "PMW", "PLW"), None),
        (("250", "350", "500"), None),
        (("image_250", "image_350", "image_500"), None),
        (("SPIRE 250 um", "SPIRE 350 um", "SPIRE 500 um"), None),
        (("a", "b", "c"), lambda band: {"WAVELNTH": float(band)}),
        (("image", "image", "image"), lambda band: {"FILTER": f"{band}um"}),
        (("a", "b", "c"), lambda band: {"WAVELEN": band * 1e-6}),
    ],
)
def test_each_band_of_a_file(tmp_path, names, cards):
    path = bands_file(tmp_path / "a.fits", names, cards)
    found = read_observations(
        {f"map_{band}": str(path) for band in SPIRE}, {"level": "keep"}
    )
    for power, band in enumerate(SPIRE):
        expected = 10.0**power * layouts.signal()
        np.testing.assert_allclose(found[band].map.data, expected, rtol=1e-6)
        assert found[band].record["warnings"] == []


@pytest.mark.parametrize("kind", ["{}_error", "{}_NOISE", "ERROR {}"])
def test_each_band_has_its_own_companions(tmp_path, kind):
    path = bands_file(
        tmp_path / "a.fits",
        ("PSW", "PMW", "PLW"),
        companions=[(kind, 2.0), ("{}_coverage", 1.0)],
    )
    for power, band in enumerate(SPIRE):
        read = read_observation(path, band, level="keep")
        np.testing.assert_allclose(read.error, 2.0 * 10.0**power)
        assert "coverage" in read.record["coverage"]


def test_one_image_is_refused_for_two_bands(tmp_path, data):
    path = layouts.write(tmp_path / "a.fits", layouts.image(data, CARDS, "image"))
    inputs = {f"map_{band}": str(path) for band in SPIRE}
    with pytest.raises(InputError, match=r"an image for each band, found HDU 1"):
        read_observations(inputs, {})
    copy = tmp_path / "b.fits"
    copy.write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="for 250 and 350 µm"):
        read_observations({**inputs, "map_350": str(copy)}, {})


def test_an_hdu_for_each_band(tmp_path):
    path = bands_file(tmp_path / "a.fits", ("x", "y", "z"))
    inputs = {f"map_{band}": str(path) for band in SPIRE}
    with pytest.raises(InputError, match="an image for each band"):
        read_observations(inputs, {})
    found = read_observations(inputs, {"hdu": {"250": "x", "350": "y", "500": 3}})
    assert [each.record["signal"] for each in found.values()] == [
        "HDU 1 (x)",
        "HDU 2 (y)",
        "HDU 3 (z)",
    ]


def test_a_band_that_is_not_in_the_file(tmp_path, data):
    hdus = [layouts.image(data, CARDS, name) for name in ("PSW", "PLW")]
    path = layouts.write(tmp_path / "a.fits", *hdus)
    with pytest.raises(InputError, match="an HDU of 350 µm, found HDUs of 250, 500 µm"):
        read_observation(path, 350)


@pytest.mark.parametrize(
    "name",
    [
        *("stDev", "IVM", "SNR", "BACKGROUND", "weight", "InvVar", "S2N", "bkg", "DQ"),
        *("model", "residual", "chi2", "nhits", "exptime", "S250_error"),
    ],
)
def test_what_is_not_the_signal(tmp_path, data, name):
    hdus = [layouts.image(3 * data, CARDS, name), layouts.image(data, CARDS, "sci")]
    read = read_observation(
        layouts.write(tmp_path / "a.fits", *hdus), 250, level="keep"
    )
    assert read.record["signal"] == "HDU 2 (sci)"


@pytest.mark.parametrize("name", ["background_subtracted", "GOODS-N", "bgsub", "map"])
def test_what_may_be_the_signal(tmp_path, data, name):
    error = layouts.image(np.ones_like(data), CARDS, "stdev")
    path = layouts.write(tmp_path / "a.fits", error, layouts.image(data, CARDS, name))
    read = read_observation(path, 250, level="keep")
    np.testing.assert_allclose(read.map.data[5:], data[5:], rtol=1e-6)
    np.testing.assert_allclose(read.error, 1.0)


def test_a_guess_is_shown(tmp_path, data):
    hdus = [layouts.image(k * data, CARDS, f"map{k}") for k in (1, 2)]
    read = read_observation(layouts.write(tmp_path / "a.fits", *hdus), 250)
    (warning,) = read.record["warnings"]
    assert "HDU 1 (map1) is taken for the signal, of map1, map2" in warning


@pytest.mark.parametrize(
    ("name", "value"),
    [("weight", 0.0), ("coverage", np.nan), ("ivm", -99.0), ("EXPTIME", 0.0)],
)
def test_no_weight_is_no_observation(tmp_path, data, name, value):
    weight = np.ones(data.shape)
    weight[:, 30:] = value
    hdus = [layouts.image(data, CARDS, "image"), layouts.image(weight, CARDS, name)]
    read = read_observation(layouts.write(tmp_path / "a.fits", *hdus), 250)
    assert np.isnan(read.map.data[:, 30:]).all()
    assert np.isfinite(read.map.data[5:, :30]).all()


@pytest.mark.parametrize("key", ["HISTORY", "COMMENT"])
@pytest.mark.parametrize(
    "prose",
    ["Compared with H-ATLAS DR2", "SMAP and SCUBA-2", "no matched filter, herschel"],
)
def test_prose_is_no_layout(tmp_path, data, key, prose):
    header = fits.Header()
    header.update(CARDS)
    header[key] = prose
    mask = np.zeros(data.shape, np.int16)
    mask[10:14] = 1
    hdus = [fits.ImageHDU(data, header, "image"), fits.ImageHDU(mask, header, "mask")]
    read = read_observation(layouts.write(tmp_path / "a.fits", *hdus), 250)
    assert read.record["layout"] == "plain"
    assert read.record["mask_good"] == 0
    assert not read.record["matched_filtered"]
    assert np.isnan(read.map.data[10:14]).all()


@pytest.mark.parametrize(
    ("cards", "layout"),
    [
        ({"OBJECT": "H-ATLAS GAMA9"}, "H-ATLAS"),
        ({"SURVEY": "HATLAS"}, "H-ATLAS"),
        ({"OBJECT": "ATLASGAL tile"}, "plain"),
        ({"MAPMAKER": "Scanamorphos"}, "plain"),
        ({"MAPMAKER": "SMAP"}, "HerMES SMAP"),
        ({"SMAPSVN": "1032"}, "HerMES SMAP"),
        ({"OBSERVER": "H-ATLAS team"}, "plain"),
    ],
)
def test_keywords_that_identify_a_layout(tmp_path, data, cards, layout):
    path = layouts.write(tmp_path / "a.fits", layouts.image(data, CARDS | cards))
    assert read_observation(path, 250).record["layout"] == layout


def masked_map(path, data, mask, name="mask", **cards):
    hdus = [layouts.image(data, CARDS | cards, "image")]
    return layouts.write(path, *hdus, layouts.image(mask, CARDS, name))


@pytest.mark.parametrize("good", [0, 1])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32])
@pytest.mark.parametrize("scale", [1, 64])
def test_a_mask_of_either_polarity(tmp_path, data, good, dtype, scale):
    """The pixels that were not observed show which value is good."""
    data[:, 40:] = np.nan
    seen = np.isfinite(data)
    seen[20:23] = False
    mask = (scale * (seen if good else ~seen)).astype(dtype)
    read = read_observation(masked_map(tmp_path / "a.fits", data, mask), 250)
    np.testing.assert_array_equal(np.isfinite(read.map.data), seen)
    assert read.record["mask_good"] == good
    assert len(read.record["warnings"]) == good


def test_a_mask_that_does_not_know_the_gaps_keeps_its_polarity(tmp_path, data):
    data[:, 40:] = np.nan
    mask = np.zeros(data.shape, np.int16)
    mask[20:23] = 1
    read = read_observation(masked_map(tmp_path / "a.fits", data, mask), 250)
    assert read.record["mask_good"] == 0
    assert np.isfinite(read.map.data).sum() == np.isfinite(data).sum() - 3 * 40


def test_a_mask_that_is_named_good(tmp_path, data):
    mask = np.ones(data.shape, np.int16)
    mask[20:23] = 0
    read = read_observation(masked_map(tmp_path / "a.fits", data, mask, "GOOD"), 250)
    assert np.isnan(read.map.data[20:23]).all()
    assert np.isfinite(read.map.data[5:20]).all()


def test_the_user_knows_the_mask(tmp_path, data):
    data[:, 40:] = np.nan
    mask = np.isfinite(data).astype(np.int16)
    mask[10:12] = 0
    path = masked_map(tmp_path / "a.fits", data, mask)
    read = read_observation(path, 250, mask_good=0)
    assert np.isfinite(read.map.data[10:12, :40]).all()
    assert read.record["observed_fraction"] < 0.1
    first, second = read.record["warnings"]
    assert "against mask_good 0 of the configuration" in first
    assert "takes away" in second
