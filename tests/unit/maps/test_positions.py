"""Positions, scale and area at the field, against `astropy.coordinates`."""

import warnings

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS, DistortionLookupTable, Sip

from superspire.io import Map
from superspire.maps.coordinates import to_icrs
from superspire.maps.positions import (
    celestial_frame,
    convert,
    map_matrix,
    moved,
    pixel_sides,
    pixel_size,
    pixels_of,
    resampled,
    tangent_axes,
)

SHAPE = (40, 50)


def projection(
    code="TAN", position=(150.0, 2.0), away=(0.0, 0.0), angle=0.0, names=None
):
    """A WCS of 6 arcsec whose reference lies `away` [pixel] from the field."""
    wcs = WCS(naxis=2)
    names = names or ("RA--", "DEC-")
    wcs.wcs.ctype = [f"{name}-{code}" for name in names]
    wcs.wcs.crval = position
    wcs.wcs.crpix = [25.5 + away[0], 20.5 + away[1]]
    wcs.wcs.cdelt = [-6 / 3600, 6 / 3600]
    turn = np.radians(angle)
    wcs.wcs.pc = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    wcs.wcs.set()
    return wcs


def bent(wcs):
    """Add a SIP distortion of some pixels."""
    a, b = np.zeros((4, 4)), np.zeros((4, 4))
    a[2, 0], a[1, 1], b[0, 2], b[2, 1] = 4e-3, -3e-3, 5e-3, 2e-4
    wcs.wcs.ctype = [f"{ctype}-SIP" for ctype in wcs.wcs.ctype]
    wcs.sip = Sip(a, b, None, None, wcs.wcs.crpix)
    wcs.wcs.set()
    return wcs


def tabled(wcs):
    """Add distortions by lookup tables of a few nodes."""
    rng = np.random.default_rng(1)
    for name in ("cpdis1", "cpdis2", "det2im1", "det2im2"):
        table = rng.normal(0, 0.5, (6, 7)).astype(np.float32)
        setattr(wcs, name, DistortionLookupTable(table, (1, 1), (1, 1), (9.0, 9.0)))
    return wcs


FIELDS = {
    "plain": projection(),
    "rotated at the pole": projection(
        position=(20.0, 90.0), away=(3.0, -40.0), angle=50
    ),
    "RA 0": projection("ARC", (0.0, -30.0)),
    "cylindrical far away": projection("CAR", (150.0, 0.0), (0.0, -36000.0)),
    "cylindrical across RA 0": projection("CAR", (20.0, 0.0), (-12000.0, 27000.0)),
    "Mercator": projection("MER", (150.0, 0.0), (100.0, 30000.0), 20.0),
    "orthographic far away": projection("SIN", (150.0, 2.0), (18000.0, 18000.0)),
    "galactic south pole": projection(
        "TAN", (10.0, -90.0), (30.0, 10.0), 10.0, ("GLON", "GLAT")
    ),
    "supergalactic": projection("ZEA", (200.0, 45.0), names=("SLON", "SLAT")),
    "SIP": bent(projection(angle=15.0)),
    "lookup tables": tabled(projection(angle=-15.0)),
}


def sky(wcs, x, y):
    """Positions by astropy alone."""
    lon, lat = wcs.all_pix2world(np.asarray(x, float), np.asarray(y, float), 0)
    return SkyCoord(lon, lat, unit="deg", frame=celestial_frame(wcs)).icrs


def blank_map(wcs):
    return Map(np.zeros(SHAPE, np.float32), wcs)


@pytest.mark.parametrize("case", FIELDS)
def test_scale_and_area_are_those_of_the_field(case):
    map_ = blank_map(FIELDS[case])
    left, right, low, high = sky(map_.wcs, [24.5, 25.5, 25, 25], [20, 20, 19.5, 20.5])
    sides = left.separation(right).arcsec, low.separation(high).arcsec
    np.testing.assert_allclose(pixel_sides(map_), sides, rtol=1e-6)
    frame = sky(map_.wcs, [25], [20])[0].skyoffset_frame()
    ends = [p.transform_to(frame) for p in (left, right, low, high)]
    ends = [np.array([p.lon.wrap_at("180d").arcsec, p.lat.arcsec]) for p in ends]
    area = abs(np.linalg.det([ends[1] - ends[0], ends[3] - ends[2]]))
    assert pixel_size(map_) == pytest.approx(np.sqrt(area), rel=1e-5)


def test_pixels_of_a_far_cylindrical_map_are_not_those_of_its_plane():
    """At 60 degrees from the equator a pixel is half as wide as it is high."""
    sides = pixel_sides(blank_map(FIELDS["cylindrical far away"]))
    np.testing.assert_allclose(sides, [3.0, 6.0], rtol=1e-3)


def test_the_field_is_where_the_data_are():
    map_ = blank_map(projection("CAR", (150.0, 0.0), (0.0, -6000.0)))
    near = Map(np.zeros((24000, 3), np.float32), map_.wcs)
    near.data[:23900] = np.nan
    latitude = (6000 - 20.5 + 23950) * 6 / 3600
    expected = 6.0 * np.cos(np.radians(latitude))
    np.testing.assert_allclose(pixel_sides(near), [expected, 6.0], rtol=1e-3)


@pytest.mark.parametrize("case", FIELDS)
@pytest.mark.parametrize(("east", "north"), [(30.0, 0.0), (-12.0, 5.0), (0.0, -700.0)])
def test_the_field_is_moved(case, east, north):
    map_ = blank_map(to_icrs(FIELDS[case], SHAPE)[0])
    before = sky(map_.wcs, [25.0, 3.0], [20.0, 35.0])
    after = sky(moved(map_, east, north).wcs, [25.0, 3.0], [20.0, 35.0])
    vector = before[0].cartesian.xyz.value
    shift = (after[0].cartesian.xyz.value - vector) @ tangent_axes(vector).T
    shift = (shift * units.rad).to_value(units.arcsec)
    np.testing.assert_allclose(shift, [east, north], atol=0.005)
    apart = [s[0].separation(s[1]).arcsec for s in (before, after)]
    assert apart[0] == pytest.approx(apart[1], abs=1e-4)


@pytest.mark.parametrize("case", FIELDS)
@pytest.mark.parametrize("step", [3, 0.8, (2.0, 0.5)])
def test_other_pixels_of_the_same_sky(case, step):
    wcs = FIELDS[case]
    new = resampled(wcs, step)
    sx, sy = np.broadcast_to(step, 2)
    y, x = (axis.ravel() for axis in np.mgrid[0:40:7, 0:50:7].astype(float))
    there = sky(new, (x + 0.5) / sx - 0.5, (y + 0.5) / sy - 0.5)
    assert sky(wcs, x, y).separation(there).arcsec.max() < 1e-3
    sides = pixel_sides(blank_map(wcs)) * (sx, sy)
    centre = Map(np.zeros((int(40 / sy), int(50 / sx)), np.float32), new)
    np.testing.assert_allclose(pixel_sides(centre), sides, rtol=0.12)


def test_rotated_axes_of_old_headers_are_resampled():
    cards = projection(position=(10.0, 3.0)).to_header()
    del cards["PC*"]
    cards["CROTA2"] = 33.0
    wcs = WCS(cards)
    new = resampled(wcs, (2.0, 0.5))
    there = sky(new, [5.0], [9.5])
    assert sky(wcs, [10.5], [4.5]).separation(there).arcsec.max() < 1e-6


@pytest.mark.parametrize("case", FIELDS)
def test_positions_go_back_to_their_pixels(case):
    wcs = FIELDS[case]
    y, x = (axis.ravel() for axis in np.mgrid[0:40:7, 0:50:7].astype(float))
    lon, lat = wcs.all_pix2world(x, y, 0)
    np.testing.assert_allclose(pixels_of(wcs, lon, lat), [x, y], atol=2e-3)
    centre = sky(wcs, [25], [20])[0]
    grid = projection(position=(centre.ra.deg, centre.dec.deg))
    u, v = convert(grid, wcs, x, y)
    assert sky(grid, u, v).separation(sky(wcs, x, y)).arcsec.max() < 1e-3


def test_axes_come_before_radesys():
    wcs = projection(names=("GLON", "GLAT"))
    wcs.wcs.radesys = "FK5"
    assert celestial_frame(wcs).name == "galactic"
    wcs = projection(names=("ELON", "ELAT"))
    wcs.wcs.radesys = "FK5"
    assert celestial_frame(wcs).name == "barycentricmeanecliptic"
    wcs.wcs.radesys = "FK4"
    with pytest.raises(ValueError, match="unknown frame"):
        celestial_frame(wcs)


@pytest.mark.parametrize("system", ["ICRS", "FK5", "FK4", "FK4-NO-E", ""])
@pytest.mark.parametrize("equinox", [np.nan, 1950.0, 1975.0, 2000.0, 2010.5])
def test_equatorial_frames_are_those_of_astropy(system, equinox):
    wcs = projection()
    wcs.wcs.radesys, wcs.wcs.equinox = system, equinox
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = wcs.pixel_to_world(3.0, 4.0).icrs
    assert sky(wcs, [3.0], [4.0])[0].separation(theirs).arcsec < 1e-6


def test_the_matrix_of_a_pixel_points_east_and_north():
    matrix = map_matrix(blank_map(projection(angle=30.0)))
    c, s = 6.0 * np.cos(np.radians(30.0)), 6.0 * np.sin(np.radians(30.0))
    np.testing.assert_allclose(matrix, [[-c, s], [s, c]], atol=1e-3)
