"""The sky of a field that counts, and its multi-order coverage map."""

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from mocpy import MOC

from superspire.checks.features import EMISSION
from superspire.errors import InputError
from superspire.io import Map
from superspire.products import footprint as footprint_module
from superspire.products.catalogue import build_catalogue
from superspire.products.deblended_catalogue import COLUMNS as DEBLENDER_COLUMNS
from superspire.products.field import check_covered
from superspire.products.footprint import Footprint
from superspire.products.writing import FLAGS, write_coverage, write_regions
from superspire.sky.maps import field_wcs

SIDE = 1200.0
EDGE = 300
"""Columns to the east of it are not covered [arcsec]."""


@pytest.fixture(scope="module")
def footprint():
    """A field of 20 arcmin without its eastern quarter and an extended square."""
    wcs, n = field_wcs((150.0, 2.0), SIDE, 1.0)
    covered = np.ones((n, n), bool)
    covered[:, :EDGE] = False
    coarse, m = field_wcs((150.0, 2.0), SIDE, 6.0)
    mask = np.zeros((m, m), np.uint8)
    mask[50:100, 100:150] = EMISSION
    return Footprint(covered, wcs, Map(mask, coarse))


def test_areas_of_the_field_with_and_without_extended_emission(footprint):
    covered = SIDE * (SIDE - EDGE) / 3600.0**2
    assert footprint.covered_area == pytest.approx(covered)
    assert footprint.clear_area == pytest.approx(covered - (300.0 / 3600.0) ** 2)


def test_areas_do_not_depend_on_the_strips(footprint, monkeypatch):
    monkeypatch.setattr(footprint_module, "PIECE", 70 * 1200)
    again = Footprint(footprint.covered, footprint.wcs, footprint.extended)
    assert again.covered_area == footprint.covered_area
    assert again.clear_area == footprint.clear_area
    assert again.moc() == footprint.moc()


def sky(footprint, x, y):
    """Longitude and latitude of pixels."""
    ra, dec = footprint.wcs.all_pix2world(x, y, 0)
    return ra * units.deg, dec * units.deg


def test_coverage_is_where_the_field_counts(footprint):
    moc = footprint.moc()
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 1200, (2, 4000))
    clear = footprint.clear(slice(0, 1200))[y, x]
    inside = moc.contains_lonlat(*sky(footprint, x, y))
    assert inside[clear].all()
    assert (inside & ~clear).mean() < 0.01
    area = moc.sky_fraction * 41252.96125
    assert area == pytest.approx(footprint.clear_area, rel=0.02)
    assert area >= footprint.clear_area


@settings(max_examples=20, deadline=None)
@given(ra=st.floats(0, 360), dec=st.floats(-89, 89), seed=st.integers(0, 2**31))
def test_positions_anywhere_in_a_clear_pixel_are_covered(ra, dec, seed):
    wcs, n = field_wcs((ra, dec), 120.0, 1.0)
    y, x = np.indices((n, n))
    covered = np.hypot(x - 60, y - 60) < 50
    footprint = Footprint(covered, wcs, Map(np.zeros((n, n), np.uint8), wcs))
    rng = np.random.default_rng(seed)
    dx, dy = rng.uniform(-0.5, 0.5, (2, 20, covered.sum()))
    position = sky(footprint, (x[covered] + dx).ravel(), (y[covered] + dy).ravel())
    assert footprint.moc().contains_lonlat(*position).all()


def test_coverage_is_a_standard_file(footprint, tmp_path):
    path = tmp_path / "coverage.moc.fits"
    write_coverage(path, footprint.moc(), {"OBJECT": ("cosmos", "field")})
    assert MOC.load(path, "fits") == footprint.moc()
    with fits.open(path, checksum=True) as hdus:
        hdus.verify("exception")
        header = hdus[1].header
        assert header["OBJECT"] == "cosmos"
        assert header["MOCORDER"] == 16
        assert header["ORDERING"] == "NUNIQ"


def test_nothing_observed_is_an_empty_coverage_and_refused(footprint):
    nothing = np.zeros_like(footprint.covered)
    empty = Footprint(nothing, footprint.wcs, footprint.extended)
    assert empty.moc().empty()
    with pytest.raises(InputError, match="field mine: expected sky that all bands"):
        check_covered(empty, "mine")
    assert check_covered(footprint, "mine") is None


def test_sources_on_extended_emission_are_flagged(painted_field, wcs, tmp_path):
    """The mask is of other pixels than the map, and set around the second source."""
    table = build_catalogue(*painted_field, threshold=5.0)
    assert not table["EXTENDED"].any()
    mask = np.zeros((50, 60), np.uint8)
    coarse = wcs.deepcopy()
    coarse.wcs.crpix = (wcs.wcs.crpix - 0.5) / 6.0 + 0.5
    coarse.wcs.cdelt = wcs.wcs.cdelt * 6.0
    x, y = table["X"].value[1] / 6.0 - 0.42, table["Y"].value[1] / 6.0 - 0.42
    mask[round(y), round(x)] = EMISSION
    table = build_catalogue(*painted_field, threshold=5.0, extended=Map(mask, coarse))
    assert table["EXTENDED"].tolist() == [False, True, False]
    write_regions(tmp_path / "regions.reg", table)
    lines = (tmp_path / "regions.reg").read_text().splitlines()[3:]
    assert "tag={EXTENDED}" in lines[1]
    assert "color=yellow" in lines[1]
    assert set(FLAGS) - {"POOR_FIT"} < set(table.colnames)
    assert set(FLAGS) < set(DEBLENDER_COLUMNS)
