"""The same sky in headers of all sorts, from the files to the list of sources.

Reader, checks, resampling of coarse pixels, common grid and peaks: positions within
0.3 arcsec and fluxes within 2 % of those from a plain TAN map.
"""

import numpy as np
import pytest
from astropy.coordinates import BarycentricMeanEcliptic, SkyCoord
from astropy.io import fits
from scipy.ndimage import gaussian_filter

from helpers.one_sky import SIDE, Case
from superspire.checks.checks import check_maps, corrected, expected_sky
from superspire.instruments import BANDS, SPIRE
from superspire.maps.cells import CELL, match_pixel_smoothing, on_cells
from superspire.maps.reader import read_observation
from superspire.maps.tiling import common_grid, fill_gaps
from superspire.methods.peaks import local_maxima

WITHIN, SAME_FLUX = 0.3, 0.02
LIMIT = {250: 100.0, 350: 80.0, 500: 60.0}
"""Fluxes that are compared [mJy]."""

CIRCLE = 225.0
"""Radius of the sky that every orientation of the maps covers [arcsec]."""

GALACTIC = {"axes": ("GLON", "GLAT"), "frame": "galactic"}
SOUTH = (52.0, -28.0)


def in_strings(hdus):
    """Write every number of the WCS in quotes, and its axes in lower case."""
    header = hdus[0].header
    for key in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", "CDELT1", "CDELT2"):
        header[key] = str(header[key])
    for key in ("CTYPE1", "CTYPE2"):
        header[key] = header[key].lower()
    header.update({"CUNIT1": "Degrees", "CUNIT2": "DEG", "RADESYS": "icrs"})
    return hdus


def in_arcsec(hdus):
    """Write the coordinates in arcsec."""
    for axis in "12":
        for key in (f"CRVAL{axis}", f"CDELT{axis}"):
            hdus[0].header[key] *= 3600.0
        hdus[0].header[f"CUNIT{axis}"] = "arcsec"
    return hdus


def as_matrix(hdus):
    """Write a CD matrix in place of PC and CDELT."""
    header = hdus[0].header
    for i in "12":
        for j in "12":
            pc = header.get(f"PC{i}_{j}", float(i == j))
            header[f"CD{i}_{j}"] = pc * header[f"CDELT{i}"]
    for key in ("CDELT*", "PC*"):
        del header[key]
    return hdus


def with_rotation(hdus):
    """Write CROTA2 of old headers, and the equinox as an epoch."""
    header = hdus[0].header
    header["CROTA2"] = -np.degrees(np.arctan2(header["PC2_1"], header["PC1_1"]))
    del header["PC*"]
    header["EPOCH"] = 1950.0
    return hdus


def as_cube(hdus):
    """Add axes of length one, and a card that cannot be parsed."""
    header = hdus[0].header
    header.update({"CTYPE3": "WAVE", "CUNIT3": "furlong", "CRVAL3": "none"})
    return [fits.PrimaryHDU(hdus[0].data[None], header)]


POLYNOMIAL = {f"PV{i}_{j}": 0.0 for i in (1, 2) for j in range(7)}
POLYNOMIAL |= {"PV1_1": 1.0, "PV2_1": 1.0, "PV1_4": 0.3, "PV2_6": 0.2, "PV2_4": -0.3}
POLYNOMIAL |= {"RADESYS": "FK5", "EQUINOX": 2000.0}
"""Terms that move the corners of the map by 6 arcsec."""

CASES = {
    "CD matrix, rotated": Case(angle=37.0, change=as_matrix),
    "mirrored": Case(parity=1.0, angle=-20.0, unit="MJy/sr"),
    "FK5": Case(frame="fk5", cards={"RADESYS": "FK5", "EQUINOX": 2000.0}),
    "FK5, in the south, spelt otherwise": Case(
        SOUTH, frame="fk5", angle=75.0, cards={"RADESYS": "J2000"}
    ),
    "FK4": Case(frame="fk4", angle=10.0, cards={"RADESYS": "FK4"}),
    "FK4, in the south": Case(SOUTH, frame="fk4", cards={"EQUINOX": "B1950"}),
    "FK4 without aberration": Case(frame="fk4noeterms", cards={"RADESYS": "FK4-NO-E"}),
    "CROTA2 and EPOCH": Case(frame="fk4", angle=30.0, change=with_rotation),
    "galactic": Case(**GALACTIC, angle=62.0),
    "galactic, whatever RADESYS says": Case(
        SOUTH, **GALACTIC, cards={"RADESYS": "FK5", "EQUINOX": 2000.0}
    ),
    "galactic, orthographic": Case(**GALACTIC, code="SIN", unit="Jy/pixel"),
    "supergalactic": Case(axes=("SLON", "SLAT"), frame="supergalactic"),
    "ecliptic": Case(
        axes=("ELON", "ELAT"),
        frame=BarycentricMeanEcliptic(equinox="J2000"),
        cards={"RADESYS": "FK5", "EQUINOX": 2000.0},
    ),
    "cylindrical, far from its reference": Case(
        (150.0, 52.0), code="CAR", reference=(150.0, 0.0), unit="Jy/pixel"
    ),
    "cylindrical, galactic, far in both axes": Case(
        SOUTH, **GALACTIC, code="CAR", reference=(200.0, 0.0)
    ),
    "Mercator": Case((150.0, -47.0), code="MER", reference=(140.0, 0.0)),
    "equal area": Case((150.0, 40.0), code="CEA", reference=(150.0, 0.0)),
    "all sky": Case((150.0, 25.0), code="AIT", reference=(180.0, 0.0)),
    "sinusoidal": Case(SOUTH, code="SFL", reference=(40.0, 0.0)),
    "zenithal equal area, far away": Case(code="ZEA", reference=(190.0, 25.0)),
    "stereographic, in the south": Case((300.0, -75.0), code="STG", angle=140.0),
    "tangent point outside": Case(reference=(145.0, 6.0), angle=5.0),
    "across RA 0": Case((0.0, -40.0), angle=12.0),
    "cylindrical, across RA 0": Case((0.01, 30.0), code="CAR", reference=(20.0, 0.0)),
    "north pole": Case((123.0, 89.95), reference=(0.0, 90.0)),
    "south pole": Case((40.0, -89.97), code="ARC", reference=(0.0, -90.0)),
    "SIP": Case(bend="SIP", angle=20.0),
    "SIP, galactic": Case(SOUTH, **GALACTIC, bend="SIP"),
    "lookup tables": Case(bend="tables"),
    "lookup tables, galactic": Case(**GALACTIC, bend="tables", angle=33.0),
    "polynomial": Case(code="TPV", frame="fk5", cards=POLYNOMIAL),
    "numbers in quotes, lower case": Case(change=in_strings),
    "arcsec": Case(angle=15.0, change=in_arcsec),
    "cube": Case(change=as_cube, unit="MJy/sr"),
}  # fmt: skip


def read(case, folder):
    return {
        band: read_observation(path, band, level="keep")
        for band, path in case.write(folder).items()
    }


def list_sources(maps, centre):
    """Peaks of every band on the cells of the network, smoothed with the beam.

    Offsets from the centre of the field [arcsec] and heights [mJy].
    """
    maps = {b: match_pixel_smoothing(m, BANDS[b].pixel) for b, m in maps.items()}
    wcs, (ny, nx) = common_grid(maps, {band: str(band) for band in maps})
    shape = ny // CELL * CELL, nx // CELL * CELL
    frame = SkyCoord(*centre, unit="deg").skyoffset_frame()
    found = {}
    for band in SPIRE:
        cells = on_cells(maps[band], wcs, shape)
        image = gaussian_filter(fill_gaps(cells, CELL), BANDS[band].sigma / CELL)
        x, y, peak = local_maxima(2.0 * image, LIMIT[band])
        x, y = (CELL * axis + (CELL - 1) / 2 for axis in (x, y))
        sky = SkyCoord(*wcs.all_pix2world(x, y, 0), unit="deg").transform_to(frame)
        offsets = sky.lon.wrap_at("180d").arcsec, sky.lat.arcsec
        found[band] = np.stack([*offsets, peak])
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    case = Case()
    read_ = read(case, tmp_path_factory.mktemp("plain"))
    maps = {band: each.map for band, each in read_.items()}
    expected = expected_sky(maps)
    return expected, check_maps(read_, expected), list_sources(maps, case.centre)


@pytest.mark.parametrize("name", CASES)
def test_the_same_sky_in_any_header(name, plain, tmp_path):
    expected, wanted, sources = plain
    case = CASES[name]
    read_ = read(case, tmp_path)
    checks = check_maps(read_, expected)
    for band in SPIRE:
        beams = (each["beams"][str(band)]["fwhm_arcsec"] for each in (checks, wanted))
        assert np.divide(*beams) == pytest.approx(1.0, abs=0.15)
        scale = checks["scales"][str(band)]["factor"]
        assert scale == pytest.approx(wanted["scales"][str(band)]["factor"], rel=0.02)
    assert not any("wide" in each or "order" in each for each in checks["warnings"])
    for shift in (pair["shift_arcsec"] for pair in checks["pairs"].values()):
        assert np.hypot(*shift) < WITHIN
    maps = {b: corrected(each.map, checks, b) for b, each in read_.items()}
    found = list_sources(maps, case.centre)
    for band, theirs in sources.items():
        ours = found[band]
        east, north, flux = theirs[:, np.hypot(*theirs[:2]) < CIRCLE]
        assert len(flux) >= 7
        distance = np.hypot(ours[0] - east[:, None], ours[1] - north[:, None])
        nearest = distance.argmin(axis=1)
        assert distance.min(axis=1).max() < WITHIN, band
        np.testing.assert_allclose(ours[2][nearest], flux, rtol=SAME_FLUX)


def test_the_field_is_large_enough_for_the_checks(plain):
    _, checks, _ = plain
    assert all(pair["shift_arcsec"] for pair in checks["pairs"].values())
    assert SIDE == 540.0
