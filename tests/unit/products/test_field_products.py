import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread

from helpers.painted import SHAPE, SOURCES, paint
from superspire.evaluation.selection_function import COLUMNS as EXPECTED
from superspire.figures.quicklook import reduced_view, write_quicklook
from superspire.figures.sky import round_ticks, stretch
from superspire.instruments import SPIRE
from superspire.io import Map
from superspire.photometry.sources import extract_sources
from superspire.photometry.uncertainty import extraction_noise
from superspire.products import catalogue as products
from superspire.products.catalogue import COLUMNS, build_catalogue, extract_blocks
from superspire.sky.maps import field_wcs


def test_catalogue_holds_the_injected_sources(catalogue, wcs):
    assert len(catalogue) == 3
    expected = sorted(SOURCES, key=lambda source: -source[2])
    for row, (x, y, flux) in zip(catalogue, expected, strict=True):
        assert row["X"] == pytest.approx(x, abs=0.1)
        assert row["Y"] == pytest.approx(y, abs=0.1)
        assert row["S450"] == pytest.approx(flux, rel=0.05)
        assert row["S450_APER"] == pytest.approx(flux, rel=0.05)
        ra, dec = wcs.all_pix2world(x, y, 0)
        assert row["RA"] == pytest.approx(ra, abs=0.1 / 3600)
        assert row["DEC"] == pytest.approx(dec, abs=0.1 / 3600)
        assert row["SNR"] > 5
        assert 0 < row["S450_ERR"] < row["S450"]


def test_catalogue_columns_units_and_order(catalogue):
    assert catalogue.colnames == list(COLUMNS)
    assert catalogue["ID"].tolist() == [1, 2, 3]
    units = dict.fromkeys(("RA", "DEC"), u.deg) | dict.fromkeys(("X", "Y"), u.pix)
    fluxes = ("S450", "S450_ERR", "S450_APER", "S500_PRED", "S500_PRED_ERR")
    units |= dict.fromkeys(fluxes, u.mJy)
    for name in catalogue.colnames:
        assert catalogue[name].unit == units.get(name)
    assert (np.diff(catalogue["S450"]) <= 0).all()
    assert catalogue["NEAR_EDGE"].tolist() == [True, False, False]


def test_peak_ratio_is_that_of_point_sources_alone(painted_field, catalogue):
    table = build_catalogue(*painted_field, threshold=5.0, peak_ratio=1.2)
    np.testing.assert_allclose(table["S450"], 1.2 * catalogue["S450"])
    for name in ("S450_APER", "SNR", "X"):
        np.testing.assert_array_equal(table[name], catalogue[name])


def test_noise_that_is_given_takes_the_place_of_the_measured(painted_field, catalogue):
    _, noise = extraction_noise(painted_field[0], 5.0, 0.5)
    table = build_catalogue(*painted_field, threshold=5.0, noise=3.0 * noise)
    np.testing.assert_allclose(table["SNR"], catalogue["SNR"] / 3.0)


def test_saturation(painted_field):
    table = build_catalogue(*painted_field, threshold=5.0, top=42.0)
    assert table["EXTRAPOLATED"].tolist() == [True, False, False]
    wcs = painted_field[-1]
    bright = Map(np.where(np.arange(320) < 100, 80.0, 1.0) * np.ones(SHAPE), wcs)
    table = build_catalogue(*painted_field, threshold=5.0, inputs=[(bright, 50.0)])
    assert table["EXTRAPOLATED"].tolist() == [False, True, False]


def test_map_without_sources(wcs):
    image = np.zeros(SHAPE, np.float32)
    table = build_catalogue(
        image,
        np.isfinite(image),
        wcs,
        threshold=5.0,
        inputs=[(Map(image, wcs), 1.0)],
        scatter=([1.0, 10.0], [0.3, 0.1]),
    )
    assert len(table) == 0
    assert table.colnames == list(COLUMNS)


def test_blocks_find_what_the_whole_map_shows(monkeypatch):
    rng = np.random.default_rng(2)
    sources = np.column_stack([rng.uniform(10, 290, (40, 2)), rng.uniform(5, 30, 40)])
    image = paint((300, 300), sources, 0.2)
    whole = extract_sources(image, 5.0)
    monkeypatch.setattr(products, "BLOCK", 100)
    pieces = extract_blocks(image, 5.0, 0.5, extraction_noise(image, 5.0, 0.5)[1])
    assert len(pieces) == len(whole) > 20
    order = np.lexsort([whole["y"], whole["x"]])
    other = np.lexsort([pieces["y"], pieces["x"]])
    for name in ("x", "y", "aperture_flux", "snr"):
        np.testing.assert_allclose(pieces[name][other], whole[name][order], rtol=1e-2)


@pytest.mark.parametrize("shape", [(2000, 30), (1, 1900), (1000, 1000)])
def test_fields_of_any_shape_are_reduced(shape):
    rng = np.random.default_rng(1)
    image = rng.normal(size=shape).astype("f4")
    wcs, _ = field_wcs((150.0, 2.0), float(max(shape)), 1.0)
    sky = {band: Map(np.zeros((50, 50), "f4"), wcs) for band in SPIRE}
    panels, coarse, pixel = reduced_view(image, wcs, sky)
    small = panels[450]
    assert min(small.shape) >= 1
    assert small.shape == tuple(n // int(pixel) for n in shape)
    square = image[: int(pixel), : int(pixel)]
    assert small[0, 0] == pytest.approx(square.mean(), abs=1e-5)
    x, y = wcs.world_to_pixel(coarse.pixel_to_world(0, 0))
    assert (float(x), float(y)) == pytest.approx(((pixel - 1) / 2,) * 2, abs=1e-3)


@pytest.mark.parametrize("empty", [False, True])
def test_quicklook(painted_field, catalogue, tmp_path, empty):
    image, _, wcs = painted_field
    maps = {band: Map(image * 2, wcs) for band in SPIRE}
    shown = catalogue[:0] if empty else catalogue
    write_quicklook(tmp_path / "q.png", image, wcs, maps, shown, "a field")
    picture = imread(tmp_path / "q.png")
    assert picture.shape[1] > 2000
    assert picture[..., :3].std() > 0.1


def test_quicklook_shows_the_residuals(painted_field, catalogue, tmp_path):
    image, _, wcs = painted_field
    maps = {band: Map(image * 2, wcs) for band in SPIRE}
    table = catalogue.copy()
    table["POOR_FIT"] = [True, False, False]
    heights = []
    for residuals in (None, maps):
        write_quicklook(
            tmp_path / "q.png", image, wcs, maps, table, "a field", None, residuals
        )
        heights.append(len(imread(tmp_path / "q.png")))
    assert heights[1] > 1.3 * heights[0]


@settings(max_examples=30)
@given(scale=st.floats(1e-2, 1e3))
def test_stretch_spans_the_map(scale):
    image = paint() * scale
    norm = stretch(image)
    assert norm.vmin < np.median(image) < norm.vmax
    assert norm.vmax >= image.max()
    ticks = round_ticks(norm)
    assert 0 in ticks
    assert np.all(np.diff(norm(ticks)) > 0)


def test_what_to_expect_of_a_source(painted_field):
    rows = [
        ("S500/S450", 8.0, 15.0, 10.0, 0.8, 0.7, 0.9, 50),
        ("S500/S450", 15.0, 30.0, 25.0, 0.6, 0.5, 0.7, 50),
        ("completeness", 6.0, 12.0, 9.0, 0.7, 0.65, 0.75, 50),
        ("completeness", 12.0, 30.0, 25.0, 0.9, 0.8, 1.0, 50),
        ("purity", 15.0, 60.0, 20.0, 0.95, 0.9, 1.0, 50),
    ]
    selection_function = pd.DataFrame(rows, columns=EXPECTED)
    table = build_catalogue(
        *painted_field, threshold=5.0, selection_function=selection_function
    )
    flux = np.array(table["S450"])
    np.testing.assert_allclose(flux, [40.0, 20.0, 10.0], rtol=0.05)
    ratio = np.interp(np.log(flux), np.log([10.0, 25.0]), [0.8, 0.6])
    np.testing.assert_allclose(table["S500_PRED"], ratio * flux)
    error = np.hypot(0.1 * flux, ratio * table["S450_ERR"])
    np.testing.assert_allclose(table["S500_PRED_ERR"], error)
    known = np.log([9.0, 25.0])
    fraction = np.interp(np.log(flux), known, [0.7, 0.9])
    error = np.interp(np.log(flux), known, [0.05, 0.1])
    np.testing.assert_allclose(table["COMPLETENESS"], fraction)
    np.testing.assert_allclose(table["COMPLETENESS_ERR"], error)
    np.testing.assert_allclose(table["PURITY"], [0.95, 0.95, np.nan])
    np.testing.assert_allclose(table["PURITY_ERR"], [0.05, 0.05, np.nan])
