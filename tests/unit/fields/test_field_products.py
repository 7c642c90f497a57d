import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread

from superspire.evaluation.expectation import COLUMNS as EXPECTED
from superspire.evaluation.sources import extract_sources
from superspire.fields import products
from superspire.fields.products import (
    COLUMNS,
    build_catalogue,
    extract_blocks,
    fitted_noise,
    flux_errors,
    local_rms,
    measured_scatter,
    write_regions,
    write_superresolved,
)
from superspire.fields.quicklook import round_ticks, stretch, write_quicklook
from superspire.instruments import BANDS, SPIRE
from superspire.io import Map, read_table, write_table

SHAPE = (300, 320)
SOURCES = [(60.3, 80.7, 20.0), (200.0, 150.5, 10.0), (305.0, 250.0, 40.0)]
FACTOR = 1.25


@pytest.fixture
def wcs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [17.4, 35.6]
    wcs.wcs.crpix = [160.0, 150.0]
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    wcs.wcs.radesys = "ICRS"
    return wcs


def sky(shape=SHAPE, sources=SOURCES, noise=0.1):
    image = np.random.default_rng(5).normal(scale=noise, size=shape)
    rows, columns = np.indices(shape)
    for x, y, flux in sources:
        square = (columns - x) ** 2 + (rows - y) ** 2
        image += flux * np.exp(-square / 2 / BANDS[450].sigma ** 2)
    return image.astype(np.float32)


@pytest.fixture
def field(wcs):
    image = sky()
    image[:30] = np.nan
    return image, np.isfinite(image), wcs


@pytest.fixture
def table(field):
    return build_catalogue(*field, factor=FACTOR, threshold=5.0)


def test_catalogue_holds_the_injected_sources(table, wcs):
    assert len(table) == 3
    expected = sorted(SOURCES, key=lambda source: -source[2])
    for row, (x, y, flux) in zip(table, expected, strict=True):
        assert row["X"] == pytest.approx(x, abs=0.1)
        assert row["Y"] == pytest.approx(y, abs=0.1)
        assert row["S450"] == pytest.approx(FACTOR * flux, rel=0.05)
        assert row["S450_APER"] == pytest.approx(FACTOR * flux, rel=0.05)
        ra, dec = wcs.all_pix2world(x, y, 0)
        assert row["RA"] == pytest.approx(ra, abs=0.1 / 3600)
        assert row["DEC"] == pytest.approx(dec, abs=0.1 / 3600)
        assert row["SNR"] > 5
        assert 0 < row["S450_ERR"] < row["S450"]


def test_catalogue_columns_units_and_order(table):
    assert table.colnames == list(COLUMNS)
    assert table["ID"].tolist() == [1, 2, 3]
    assert table["RA"].unit == table["DEC"].unit == u.deg
    assert table["S450"].unit == table["S450_ERR"].unit == u.mJy
    assert table["S450_APER"].unit == u.mJy
    assert table["X"].unit == table["Y"].unit == u.pix
    assert (np.diff(table["S450"]) <= 0).all()
    assert table["NEAR_EDGE"].tolist() == [True, False, False]


def test_catalogue_survives_its_file(table, tmp_path):
    write_table(tmp_path / "c.fits", table, SEED=3)
    back = read_table(tmp_path / "c.fits")
    assert back.colnames == table.colnames
    for name in table.colnames:
        np.testing.assert_array_equal(back[name], table[name])
        assert back[name].unit == table[name].unit
    header = fits.getheader(tmp_path / "c.fits", 1)
    assert header["TCOMM4"] == COLUMNS["S450"]
    assert header["SEED"] == 3


def test_saturation(field):
    table = build_catalogue(*field, factor=FACTOR, threshold=5.0, top=42.0)
    assert table["SATURATED"].tolist() == [True, False, False]
    image, covered, wcs = field
    bright = Map(np.where(np.arange(320) < 100, 80.0, 1.0) * np.ones(SHAPE), wcs)
    table = build_catalogue(
        image, covered, wcs, factor=1.0, threshold=5.0, inputs=[(bright, 50.0)]
    )
    assert table["SATURATED"].tolist() == [False, True, False]


def test_map_without_sources(wcs, tmp_path):
    image = np.zeros(SHAPE, np.float32)
    table = build_catalogue(
        image,
        np.isfinite(image),
        wcs,
        factor=1.0,
        threshold=5.0,
        inputs=[(Map(image, wcs), 1.0)],
        scatter=([1.0, 10.0], [0.3, 0.1]),
    )
    assert len(table) == 0
    assert table.colnames == list(COLUMNS)
    write_table(tmp_path / "c.fits", table)
    assert len(read_table(tmp_path / "c.fits")) == 0
    write_regions(tmp_path / "r.reg", table)


def test_blocks_find_what_the_whole_map_shows(monkeypatch):
    rng = np.random.default_rng(2)
    sources = np.column_stack([rng.uniform(10, 290, (40, 2)), rng.uniform(5, 30, 40)])
    image = sky((300, 300), sources, 0.2)
    whole = extract_sources(image, 5.0)
    monkeypatch.setattr(products, "BLOCK", 100)
    pieces = extract_blocks(image, 5.0, 0.5)
    assert len(pieces) == len(whole) > 20
    order = np.lexsort([whole["y"], whole["x"]])
    other = np.lexsort([pieces["y"], pieces["x"]])
    for name in ("x", "y", "aperture_flux"):
        np.testing.assert_allclose(pieces[name][other], whole[name][order], rtol=1e-3)


def test_local_noise():
    rng = np.random.default_rng(0)
    image = rng.normal(size=(400, 400)) * np.where(np.arange(400) < 200, 1.0, 3.0)
    rms = local_rms(image, np.array([100.0, 300.0, 0.0]), np.array([200.0, 200.0, 0]))
    np.testing.assert_allclose(rms, [1.0, 3.0, 1.0], rtol=0.05)


@settings(max_examples=50)
@given(
    flux=st.floats(-5.0, 500.0), rms=st.floats(1e-3, 5.0), share=st.floats(0.01, 1.0)
)
def test_flux_errors(flux, rms, share):
    alone = flux_errors(np.array([flux]), np.array([rms]))[0]
    assert alone == rms
    known = ([2.0, 50.0], [share, share])
    total = flux_errors(np.array([flux]), np.array([rms]), known)[0]
    assert total == pytest.approx(np.hypot(alone, share * max(flux, 2.0)))


def test_scatter_of_recovered_fluxes():
    rng = np.random.default_rng(8)
    recovered = np.geomspace(3.0, 60.0, 4000)
    share = np.where(recovered < 15.0, 0.4, 0.1)
    true = recovered * (1.0 + share * rng.normal(size=4000))
    flux, scatter = measured_scatter(true, recovered)
    assert len(flux) == 10
    np.testing.assert_allclose(scatter[flux < 12], 0.4, rtol=0.1)
    np.testing.assert_allclose(scatter[flux > 18], 0.1, rtol=0.1)
    biased = measured_scatter(1.3 * recovered, recovered)[1]
    np.testing.assert_allclose(biased, 0.3)
    assert measured_scatter(true[:19], recovered[:19]) is None
    assert measured_scatter([], []) is None


def test_superresolved_file(field, tmp_path):
    image, covered, wcs = field
    path = tmp_path / "sr.fits"
    cards = {"NETWORK": ("abc", "digest"), "INPUT250": ("a" * 80 + ".fits", "map")}
    write_superresolved(path, image, covered, wcs, FACTOR, cards)
    with fits.open(path) as hdus:
        hdus.verify("exception")
        header = hdus[0].header
        assert header["BUNIT"] == "Jy/beam"
        assert header["BMAJ"] * 3600 == pytest.approx(7.9)
        assert header["CALFACT"] == FACTOR
        assert header["NETWORK"] == "abc"
        assert header["INPUT250"] == "a" * 80 + ".fits"
        assert header["CREATOR"].startswith("SuperSPIRE")
        np.testing.assert_allclose(hdus[0].data, image * FACTOR * 1e-3, rtol=1e-6)
        np.testing.assert_array_equal(hdus["COVERAGE"].data == 1, covered)
        for hdu in hdus:
            back = WCS(hdu.header)
            np.testing.assert_allclose(
                back.all_pix2world(10, 20, 0), wcs.all_pix2world(10, 20, 0), atol=1e-9
            )
        assert "BUNIT" not in hdus["COVERAGE"].header


def test_regions(table, tmp_path):
    write_regions(tmp_path / "r.reg", table)
    lines = (tmp_path / "r.reg").read_text().splitlines()
    assert lines[2] == "icrs"
    assert len(lines) == 3 + len(table)
    assert lines[3].startswith(
        f'circle({table["RA"][0]:.6f},{table["DEC"][0]:.6f},5.0")'
    )
    assert lines[3].endswith("color=yellow") == bool(
        table["NEAR_EDGE"][0] or table["SATURATED"][0]
    )


@pytest.mark.parametrize("empty", [False, True])
def test_quicklook(field, table, tmp_path, empty):
    image, _, wcs = field
    maps = {band: Map(image * 2, wcs) for band in SPIRE}
    shown = table[:0] if empty else table
    write_quicklook(tmp_path / "q.png", image, wcs, maps, shown, "a field")
    picture = imread(tmp_path / "q.png")
    assert picture.shape[1] > 2000
    assert picture[..., :3].std() > 0.1


@settings(max_examples=30)
@given(scale=st.floats(1e-2, 1e3))
def test_stretch_spans_the_map(scale):
    image = sky() * scale
    norm = stretch(image)
    assert norm.vmin < np.median(image) < norm.vmax
    assert norm.vmax >= image.max()
    ticks = round_ticks(norm)
    assert 0 in ticks
    assert np.all(np.diff(norm(ticks)) > 0)


def test_what_to_expect_of_a_source(field):
    rows = [
        ("S500/S450", 10.0, 0.8, 0.7, 0.9, 50),
        ("S500/S450", 40.0, 0.6, 0.5, 0.7, 50),
        ("completeness", 20.0, 0.7, 0.65, 0.75, 50),
        ("completeness", 40.0, 0.9, 0.85, 0.95, 50),
        ("purity", 20.0, 0.95, 0.9, 1.0, 50),
    ]
    expectation = pd.DataFrame(rows, columns=EXPECTED)
    table = build_catalogue(
        *field, factor=FACTOR, threshold=5.0, expectation=expectation
    )
    flux = np.array(table["S450"])
    ratio = np.interp(np.log(flux), np.log([10.0, 40.0]), [0.8, 0.6])
    assert np.allclose(table["S500_PRED"], ratio * flux)
    error = np.hypot(0.1 * flux, ratio * table["S450_ERR"])
    assert np.allclose(table["S500_PRED_ERR"], error)
    share = np.interp(np.log(flux), np.log([20.0, 40.0]), [0.7, 0.9])
    share[flux < 20.0] = np.nan
    assert np.isnan(share).any()
    assert np.isfinite(share).any()
    assert np.allclose(table["COMPLETENESS"], share, equal_nan=True)


def test_blended_sources_are_those_whose_circles_overlap():
    x, y = np.array([0.0, 19.0, 100.0, 100.0]), np.array([0.0, 0.0, 0.0, 21.0])
    assert products.blended(x, y).tolist() == [True, True, False, False]
    assert products.blended(x[:1], y[:1]).tolist() == [False]
    assert products.blended(x[:0], y[:0]).tolist() == []


def test_signal_to_noise_map(field, tmp_path):
    image, covered, wcs = field
    path = tmp_path / "superresolved.fits"
    write_superresolved(path, image, covered, wcs, FACTOR, {})
    with fits.open(path) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "SNR", "COVERAGE"]
        noise = hdus["SNR"].header["NOISE"]
        assert np.allclose(
            hdus["SNR"].data * noise, hdus[0].data, rtol=1e-4, equal_nan=True
        )
        assert hdus["SNR"].header["BMAJ"] * 3600 == pytest.approx(7.9)
        for hdu in hdus:
            assert WCS(hdu.header).wcs.crval == pytest.approx(wcs.wcs.crval)
    fitted = fitted_noise(np.where(covered, image * FACTOR, np.nan))
    assert noise * 1e3 == pytest.approx(fitted, rel=1e-5)
