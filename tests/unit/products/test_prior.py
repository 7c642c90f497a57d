"""A list of known sources becomes the 24 µm map that shows them."""

import numpy as np
import pytest
from astropy.table import Table

from superspire.errors import InputError
from superspire.instruments import BANDS
from superspire.io import Map
from superspire.maps.positions import pixel_size
from superspire.products.extra_bands import gather_extra_bands, unused_bands
from superspire.products.prior import (
    REACH,
    fill_with_prior,
    read_prior,
    render_prior,
)
from superspire.sky.maps import field_wcs, make_map

CENTER = (150.1, 2.2)
SIDE = 400.0
FLUXES = np.array([0.05, 0.2, 0.3, 0.5, 1.0])
WCS, N = field_wcs(CENTER, SIDE, 1.0)
SHAPE = (N, N)


def positions(x=(60.0, 150.0, 200.0, 260.0, 330.0), y=(80.0, 300.0, 190.0, 60.0, 350)):
    """Right ascension and declination of pixels of the field [deg]."""
    return WCS.wcs_pix2world(x, y, 0)


@pytest.fixture
def listed(tmp_path):
    """Write a list; every argument is a column."""

    def write(name="list.fits", **columns):
        path = tmp_path / name
        Table(columns).write(path, overwrite=True)
        return path

    return write


def value_at(map_, ra, dec):
    """The pixel of a map nearest to a position."""
    x, y = np.round(map_.wcs.wcs_world2pix(ra, dec, 0)).astype(int)
    return map_.data[y, x]


def test_fluxes_are_converted(listed):
    ra, dec = positions()
    path = listed(ra=ra, dec=dec, S24=1e3 * FLUXES)
    prior = read_prior(path, unit="uJy")
    np.testing.assert_allclose(prior.flux, FLUXES)
    assert prior.has_fluxes
    assert prior.depth == pytest.approx(np.quantile(FLUXES, 0.05) / 5.0)


def test_unit_of_the_file_is_read(listed):
    ra, dec = positions()
    table = Table({"RA": ra, "Dec": dec, "my24": 1e3 * FLUXES})
    table["my24"].unit = "uJy"
    path = listed(**table)
    prior = read_prior(path, {"flux": "my24"}, depth=18.0)
    np.testing.assert_allclose(prior.flux, FLUXES)
    assert prior.depth == pytest.approx(0.018)


def test_fluxes_without_a_unit_are_refused(listed):
    ra, dec = positions()
    with pytest.raises(InputError, match=r"^prior.unit: expected Jy, mJy or uJy"):
        read_prior(listed(ra=ra, dec=dec, S24=FLUXES))


@pytest.mark.parametrize("columns", [None, {"flux": None}])
def test_sources_without_fluxes_are_equal(listed, columns):
    ra, dec = positions()
    said = []
    prior = read_prior(listed(ra=ra, dec=dec, flux=FLUXES), columns, notify=said.append)
    np.testing.assert_array_equal(prior.flux, 0.1)
    assert not prior.has_fluxes
    assert prior.depth == pytest.approx(0.02)
    assert len(said) == (columns is None)


def test_sources_without_position_or_flux_are_skipped(listed):
    ra, dec = positions()
    ra[0], flux = np.nan, FLUXES.copy()
    flux[[1, 2]] = np.nan, -99.0
    said = []
    prior = read_prior(listed(ra=ra, dec=dec, s24=flux), unit="mJy", notify=said.append)
    assert len(prior.ra) == 2
    assert "3 of 5 sources" in said[0]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"ra": "lon"}, "prior.columns.ra: expected a column lon in "),
        ({"flux": "f24"}, "prior.columns.flux: expected a column f24 in "),
    ],
)
def test_a_missing_column_is_named(listed, columns, message):
    ra, dec = positions()
    with pytest.raises(InputError) as caught:
        read_prior(listed(ra=ra, dec=dec), columns)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_list_is_refused(listed):
    path = listed("list.csv", ra=np.zeros(0), dec=np.zeros(0))
    with pytest.raises(InputError, match="expected sources with positions, found none"):
        read_prior(path, {"flux": None})


def test_a_list_outside_the_field_is_refused(listed):
    ra, dec = positions()
    prior = read_prior(listed(ra=ra, dec=dec + 3.0), {"flux": None})
    with pytest.raises(InputError, match="expected sources in the field, found none"):
        render_prior(prior, WCS, SHAPE)


def test_a_list_on_the_other_side_of_the_sky_is_refused(listed):
    prior = read_prior(listed(ra=[330.1], dec=[-2.2]), {"flux": None})
    with pytest.raises(InputError, match="expected sources in the field, found none"):
        render_prior(prior, WCS, SHAPE)


def test_peaks_are_the_fluxes_at_24_micron_resolution(listed):
    ra, dec = positions()
    prior = read_prior(listed(ra=ra, dec=dec, S24=FLUXES), unit="mJy")
    map_ = render_prior(prior, WCS, SHAPE)
    assert pixel_size(map_) == pytest.approx(1.2, rel=1e-4)
    truth = make_map(ra, dec, FLUXES, 24, CENTER, SIDE)
    for one, other, flux in zip(ra, dec, FLUXES, strict=True):
        found = value_at(map_, one, other)
        assert 0.93 * flux < found < flux
    total = map_.data[np.isfinite(map_.data)].sum() * 1.44
    beam = 2.0 * np.pi * BANDS[24].sigma ** 2
    assert total == pytest.approx(FLUXES.sum() * beam, rel=1e-3)
    peak = np.max(truth.data) - np.median(truth.data)
    assert np.nanmax(map_.data) == pytest.approx(peak, rel=0.05)


def test_the_sky_level_is_that_of_the_training(listed):
    ra, dec = positions()
    prior = read_prior(listed(ra=ra, dec=dec, S24=FLUXES), unit="mJy")
    low, high = (render_prior(prior, WCS, SHAPE, level) for level in (0.0, -0.03))
    change = high.data - low.data
    np.testing.assert_allclose(change[np.isfinite(change)], -0.03, atol=1e-6)


def test_sky_far_from_every_source_is_not_observed(listed):
    ra, dec = positions([40.0], [200.0])
    map_ = render_prior(read_prior(listed(ra=ra, dec=dec), {"flux": None}), WCS, SHAPE)
    seen = np.isfinite(map_.data)
    y, x = np.indices(seen.shape)
    column, row = map_.wcs.wcs_world2pix(ra, dec, 0)
    distance = 1.2 * np.hypot(x - column, y - row)
    assert seen[distance < REACH - 10.0].all()
    assert not seen[distance > REACH + 10.0].any()


def test_the_map_is_used_where_it_observed_and_the_list_elsewhere(listed):
    ra, dec = positions()
    prior = read_prior(listed(ra=ra, dec=dec, S24=FLUXES), unit="mJy")
    rendered = render_prior(prior, WCS, SHAPE)
    own = make_map(ra, dec, 2.0 * FLUXES, 24, CENTER, SIDE)
    middle = own.data.shape[1] // 2
    own.data[:, middle:] = np.nan
    depth = Map(np.full(own.data.shape, 0.015, np.float32), own.wcs)
    for given in (0.015, depth):
        both, depths, fraction = fill_with_prior(own, given, rendered, prior.depth)
        assert 0.4 < fraction < 0.7
        assert both.data.shape == depths.data.shape
        level = np.nanmedian(both.data)
        assert value_at(both, ra[1], dec[1]) - level == pytest.approx(0.4, rel=0.08)
        assert value_at(both, ra[4], dec[4]) - level == pytest.approx(1.0, rel=0.08)
        assert value_at(depths, ra[1], dec[1]) == pytest.approx(0.015)
        assert value_at(depths, ra[4], dec[4]) == pytest.approx(prior.depth)
        assert np.isfinite(depths.data[np.isfinite(both.data)]).all()


def test_a_map_of_the_whole_field_needs_no_list(listed):
    ra, dec = positions()
    rendered = render_prior(read_prior(listed(ra=ra, dec=dec)), WCS, SHAPE)
    whole = make_map(ra, dec, FLUXES, 24, CENTER, 2.0 * SIDE)
    both, depth, fraction = fill_with_prior(whole, 0.015, rendered, 0.02)
    assert both is whole
    assert (depth, fraction) == (0.015, 0.0)


def test_a_list_is_gathered_as_the_network_takes_it(listed):
    ra, dec = positions()
    path = listed(ra=ra, dec=dec)
    options = {"maps": {}, "prior": {"file": str(path), "columns": {"flux": None}}}
    inputs = {"prior": str(path)}
    maps, depths, records = gather_extra_bands(
        inputs, options, {}, (24, 250, 350, 500), WCS, SHAPE, {}
    )
    assert (list(maps), depths) == ([24], {24: pytest.approx(0.02)})
    assert records[24]["prior"]["sources"] == 5
    said = []
    maps, depths, records = gather_extra_bands(
        inputs, options, {}, (250, 350, 500), WCS, SHAPE, {}, said.append
    )
    assert (maps, depths, records) == ({}, {}, {})
    assert said == [
        "the list of known sources (prior) is not used: the network does not take 24 µm"
    ]


def test_what_a_network_does_not_take_is_told():
    options = {"maps": {"24": "a", "250": "b", "850": "c"}, "prior": {"file": "d"}}
    assert unused_bands(options, (24, 250)) == [
        "the 850 µm map is not used: the network does not take 850 µm"
    ]
    assert unused_bands(options, (250,))[0] == (
        "the 24 µm map and the list of known sources (prior) are not used: the network "
        "does not take 24 µm"
    )
