"""Unusual and bad maps: each works, or one sentence says why not."""

import bz2
import gzip
import lzma

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS, Sip

from helpers import layouts
from superspire.errors import InputError
from superspire.instruments import BANDS, SPIRE
from superspire.io import Map
from superspire.maps.interpolation import interpolate
from superspire.maps.positions import convert
from superspire.maps.reader import read_observation
from superspire.maps.tiling import common_grid, super_resolve_field

FLUX = 40.0
"""Flux density of the only source [mJy]."""

SIDE = 252.0
"""Side of the maps [arcsec]."""

SOURCE = SkyCoord(layouts.RA + 0.018, layouts.DEC - 0.015, unit="deg")


def projected(
    pixel,
    shape,
    names=("RA--", "DEC-"),
    projection="TAN",
    position=(layouts.RA, layouts.DEC),
    rotation=0.0,
    parity=-1.0,
    radesys="",
    sip=None,
    moved=(0.0, 0.0),
):
    """A WCS around a place, perhaps tangent `moved` pixels away from the middle."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"{name}-{projection}" for name in names]
    wcs.wcs.crval = position
    wcs.wcs.crpix = [(shape[1] + 1) / 2 + moved[0], (shape[0] + 1) / 2 + moved[1]]
    wcs.wcs.cdelt = [parity * pixel / 3600, pixel / 3600]
    c, s = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    wcs.wcs.pc = [[c, -s], [s, c]]
    wcs.wcs.radesys = radesys
    if sip is not None:
        wcs.wcs.ctype = [f"{name}-{projection}-SIP" for name in names]
        wcs.sip = Sip(*sip, None, None, wcs.wcs.crpix)
    return wcs


def distortion(pixel):
    """Quadratic terms that move the edge of a map by 12 arcsec."""
    a, b = np.zeros((3, 3)), np.zeros((3, 3))
    scale = 12.0 / pixel / (0.5 * SIDE / pixel) ** 2
    a[2, 0], a[1, 1], b[0, 2], b[2, 0] = scale, -0.5 * scale, -scale, 0.3 * scale
    return a, b


def brightness(wcs, shape, band, source=SOURCE):
    """The source in the map of a band [mJy/beam], by its angle from every pixel."""
    y, x = np.indices(shape)
    angle = wcs.pixel_to_world(x, y).icrs.separation(source).arcsec
    return FLUX * np.exp(-0.5 * (angle / BANDS[band].sigma) ** 2)


def write_bands(
    folder, change=None, source=SOURCE, position=None, unit="mJy/beam", **how
):
    """Write the maps of all bands; `change` may alter each HDU."""
    paths = {}
    for band in SPIRE:
        pixel = BANDS[band].pixel
        shape = (int(SIDE / pixel), int(SIDE / pixel) + 1)
        kind = {
            key: value(pixel) if callable(value) else value
            for key, value in how.items()
        }
        wcs = projected(
            pixel, shape, **kind, **({"position": position} if position else {})
        )
        cards = {**wcs.to_header(relax=True), "BUNIT": unit, "WAVELNTH": float(band)}
        hdu = layouts.image(brightness(wcs, shape, band, source), cards, primary=True)
        hdus = [hdu] if change is None else change(hdu, band)
        paths[band] = layouts.write(folder / f"{band}.fits", *hdus)
    return paths


def run(paths, tiles=True, **options):
    """Read, lay out the grid and take the 250 µm map for the super-resolved one.

    Without `tiles` it is interpolated to the grid at once.
    """
    read = {
        band: read_observation(path, band, level="keep", **options)
        for band, path in paths.items()
    }
    maps = {band: each.map for band, each in read.items()}
    wcs, shape = common_grid(maps, {band: str(path) for band, path in paths.items()})
    if tiles:
        image, _ = super_resolve_field(lambda x: x[..., 0], maps, wcs, shape)
    else:
        image = interpolate(maps[250], wcs, shape)
    return np.nan_to_num(image), wcs, read


def check_source(paths, source=SOURCE, tiles=True):
    image, wcs, read = run(paths, tiles)
    y, x = np.indices(image.shape)
    total = image.sum(dtype=float)
    found = wcs.pixel_to_world((x * image).sum() / total, (y * image).sum() / total)
    assert found.separation(source).arcsec < 0.5
    area = 2.0 * np.pi * BANDS[250].sigma ** 2
    assert total / area == pytest.approx(FLUX, rel=0.01)
    return read


GALACTIC = SkyCoord(layouts.RA, layouts.DEC, unit="deg").galactic
PLACE = (GALACTIC.l.deg, GALACTIC.b.deg)
B1950 = SkyCoord(layouts.RA, layouts.DEC, unit="deg").fk4
LATITUDE = {"names": ("GLON", "GLAT"), "position": PLACE}

COORDINATES = {
    "north up": {},
    "rotated": {"rotation": 37.0},
    "mirrored": {"parity": 1.0, "rotation": -20.0},
    "FK4": {"radesys": "FK4", "position": (B1950.ra.deg, B1950.dec.deg)},
    "galactic, rotated": {**LATITUDE, "rotation": 62.0},
    "galactic, orthographic": {**LATITUDE, "projection": "SIN"},
    "cylindrical": {
        "projection": "CAR",
        "position": (layouts.RA, 0.0),
        "moved": lambda pixel: (0.0, -layouts.DEC * 3600 / pixel),
    },
    "distorted": {"sip": distortion},
    "distorted and galactic": {**LATITUDE, "sip": distortion, "rotation": 10.0},
    "tangent point outside": {
        "position": (layouts.RA + 1.0, layouts.DEC + 0.5),
        "moved": lambda pixel: (-3597.3 / pixel, 1768.7 / pixel),
    },
}


@pytest.mark.parametrize("case", COORDINATES)
def test_source_keeps_its_place_and_flux_in_any_coordinates(tmp_path, case):
    read = check_source(write_bands(tmp_path, **COORDINATES[case]))
    for each in read.values():
        assert each.map.wcs.wcs.radesys in ("ICRS", "")
        assert each.map.wcs.has_distortion == ("distorted" in case)
        assert any("distortions" in remark for remark in each.record["remarks"]) == (
            "distorted" in case
        )


def test_distortion_is_no_trifle(tmp_path):
    """The case of above would fail by several arcsec without the distortion."""
    path = write_bands(tmp_path, sip=distortion)[250]
    wcs = read_observation(path, 250).map.wcs
    linear = wcs.wcs_world2pix(SOURCE.ra.deg, SOURCE.dec.deg, 0)
    exact = wcs.all_world2pix(SOURCE.ra.deg, SOURCE.dec.deg, 0)
    assert 6.0 * np.hypot(*np.subtract(linear, exact)) > 1.5


def test_positions_are_converted_between_frames():
    ours = projected(1.0, (60, 60))
    galactic = projected(6.0, (30, 30), rotation=20.0, **LATITUDE)
    x, y = np.array([0.0, 30.0, 59.0]), np.array([5.0, 40.0, 59.0])
    expected = galactic.world_to_pixel(ours.pixel_to_world(x, y))
    np.testing.assert_allclose(convert(galactic, ours, x, y), expected, atol=1e-6)
    back = convert(ours, galactic, *expected)
    np.testing.assert_allclose(back, [x, y], atol=1e-5)


def test_sky_that_distortions_do_not_reach_is_not_observed():
    pixel, shape = 6.0, (40, 40)
    wcs = projected(pixel, shape, sip=distortion(pixel))
    data = np.ones(shape, np.float32)
    for distance in (0.5, 5.0, 170.0):
        position = (layouts.RA + distance, layouts.DEC)
        grid = projected(1.0, (50, 50), position=position)
        assert np.isnan(interpolate(Map(data, wcs), grid, (50, 50))).all()
    grid = projected(60.0, (50, 50))
    rows, columns = np.indices((50, 50))
    found = np.array(convert(wcs, grid, columns, rows))
    known = np.isfinite(found).all(axis=0)
    assert 20 < known.sum() < 2000
    there = wcs.pixel_to_world(*found[:, known])
    wanted = grid.pixel_to_world(columns[known], rows[known])
    assert there.separation(wanted).arcsec.max() < 0.02
    grid = projected(1.0, (1000, 1000))
    image = interpolate(Map(data, wcs), grid, (1000, 1000))
    y, x = np.nonzero(np.isfinite(image))
    column, row = wcs.all_world2pix(*grid.all_pix2world(x, y, 0), 0)
    assert min(column.min(), row.min()) > -0.01
    assert max(column.max(), row.max()) < 39.01
    assert len(x) == pytest.approx(39**2 * 36, rel=0.1)


@pytest.mark.parametrize(("ra", "dec"), [(0.0, 10.0), (359.999, -40.0), (123.0, 89.95)])
def test_meridian_and_pole(tmp_path, ra, dec):
    position = SkyCoord(ra, dec, unit="deg")
    source = position.directional_offset_by(126 * units.deg, 30 * units.arcsec)
    paths = write_bands(tmp_path, position=(ra, dec), source=source)
    check_source(paths, source)


def integers(hdu, band):
    """16 bits with BSCALE and BZERO, and BLANK in one corner."""
    data = np.round((hdu.data - 8.0) / 2e-3).astype(np.int16)
    data[:2, :2] = -32768
    scaled = fits.PrimaryHDU(data, hdu.header)
    scaled.header.update({"BLANK": -32768, "BSCALE": 2e-3, "BZERO": 8.0})
    return [scaled]


def unsigned(hdu, band):
    hdu.header["BUNIT"] = "uJy/beam"
    return [fits.PrimaryHDU(np.round(hdu.data * 1000).astype(np.uint32), hdu.header)]


def compressed(hdu, band):
    return [
        fits.CompImageHDU(hdu.data.astype(np.float32), hdu.header, quantize_level=64)
    ]


def empty(hdu, band):
    """Empty HDUs before and behind the image, as in HELP and HSA files."""
    image = fits.ImageHDU(hdu.data, hdu.header, "image")
    return [fits.ImageHDU(name="History"), image, fits.ImageHDU(name="MASK")]


def infinite(hdu, band):
    hdu.data[0, :3] = [np.inf, -np.inf, np.inf]
    return [hdu]


def cube(hdu, band):
    header = hdu.header.copy()
    header.update({"CTYPE3": "WAVE", "CRVAL3": band * 1e-6, "CRPIX3": 1.0})
    return [fits.PrimaryHDU(hdu.data[None, None], header)]


def matrix(hdu, band):
    """CD matrix, no CDELT."""
    step = hdu.header["CDELT2"]
    del hdu.header["CDELT*"]
    hdu.header.update({"CD1_1": -step, "CD2_2": step})
    return [hdu]


def rotated_aips(hdu, band):
    """CROTA2 of old headers, here of 0 degrees."""
    del hdu.header["PC*"]
    hdu.header["CROTA2"] = 0.0
    return [hdu]


def surface(hdu, band):
    hdu.data /= BANDS[band].effective_area * 1e9 / (180 / np.pi * 3600) ** 2
    hdu.header["BUNIT"] = "MJy/sr"
    return [hdu]


PIXELS = {
    change.__name__: change
    for change in (
        integers,
        unsigned,
        compressed,
        empty,
        infinite,
        cube,
        matrix,
        rotated_aips,
        surface,
    )
}


@pytest.mark.parametrize("case", PIXELS)
def test_source_keeps_its_flux_in_any_pixels(tmp_path, case):
    read = check_source(write_bands(tmp_path, PIXELS[case]), tiles=False)
    remarks = read[250].record["remarks"]
    assert any("3 infinite pixels" in each for each in remarks) == (case == "infinite")


@pytest.mark.parametrize(
    ("pack", "ending"),
    [(gzip.compress, ".gz"), (bz2.compress, ".bz2"), (lzma.compress, ".xz")],
)
def test_packed_files(tmp_path, pack, ending):
    whole = write_bands(tmp_path)
    packed = {band: path.with_name(path.name + ending) for band, path in whole.items()}
    for band, path in whole.items():
        packed[band].write_bytes(pack(path.read_bytes()))
    check_source(packed, tiles=False)
    content = packed[350].read_bytes()
    packed[350].write_bytes(content[: len(content) // 2])
    assert "whole FITS file" in sentence(packed)


def sentence(paths, **options):
    with pytest.raises(InputError) as caught:
        run(paths, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert "expected" in message
    assert "found" in message
    assert any(str(path) in message for path in paths.values())
    return message


def swap(paths):
    return {**paths, 250: paths[500], 500: paths[250]}


def test_wrong_order_of_bands(tmp_path):
    paths = swap(write_bands(tmp_path))
    assert "expected a map at 250 µm, found WAVELNTH" in sentence(paths)
    for path in paths.values():
        fits.delval(path, "WAVELNTH")
    *_, read = run(paths, tiles=False)
    assert any("speaks of 500 µm" in each for each in read[250].record["remarks"])
    assert not any("speaks of" in each for each in read[350].record["remarks"])


def noisy(hdu, band):
    hdu.data += np.random.default_rng(band).normal(0.0, 5.0, hdu.shape)
    return [hdu]


@pytest.mark.parametrize(
    ("unit", "factor", "remark"),
    [("mJy/beam", 1.0, False), ("Jy/beam", 1e3, True), ("uJy/beam", 1e-3, True)],
)
def test_swapped_units_are_remarked_upon(tmp_path, unit, factor, remark):
    paths = write_bands(tmp_path, noisy, unit=unit)
    for band, path in paths.items():
        record = read_observation(path, band).record
        assert record["rms_mjy_beam"] == pytest.approx(5.0 * factor, rel=0.2)
        assert any("check the unit" in each for each in record["remarks"]) == remark


def damage(name):
    """Make the alteration of a file that a case of the table speaks of."""

    def keep(fraction):
        return lambda path: path.write_bytes(
            path.read_bytes()[: int(fraction * path.stat().st_size)]
        )

    def cards(**values):
        def change(path):
            for key, value in values.items():
                fits.setval(path, key, value=value)

        return change

    def data(change):
        def rewrite(path):
            with fits.open(path) as hdus:
                hdu = fits.PrimaryHDU(change(hdus[0].data), hdus[0].header)
            hdu.writeto(path, overwrite=True)

        return rewrite

    def page(path):
        path.write_text("<!DOCTYPE html>\n<title>Log in</title>\n" * 200)

    def folder(path):
        path.unlink()
        path.mkdir()

    def table(path):
        column = fits.Column("RA", "D", array=[1.0])
        path.unlink()
        layouts.write(path, fits.BinTableHDU.from_columns([column]))

    def nameless(path):
        path.unlink()
        layouts.write(path, fits.ImageHDU(name="IMAGE"))

    def latitude_first(path):
        header = fits.getheader(path)
        cards(
            CTYPE1=header["CTYPE2"],
            CTYPE2=header["CTYPE1"],
            CRVAL1=header["CRVAL2"],
            CRVAL2=header["CRVAL1"],
            CDELT1=header["CDELT2"],
            CDELT2=header["CDELT1"],
        )(path)

    return {
        "missing": lambda path: path.unlink(),
        "empty file": keep(0.0),
        "cut in the header": keep(0.1),
        "cut in the data": keep(0.7),
        "web page": page,
        "folder": folder,
        "table": table,
        "empty image": nameless,
        "deep cube": data(lambda image: np.stack([image, image])),
        "one row": data(lambda image: image[:1]),
        "only NaN": data(lambda image: np.full_like(image, np.nan)),
        "only infinity": data(lambda image: np.full_like(image, np.inf)),
        "no unit": cards(BUNIT=""),
        "kelvin": cards(BUNIT="K"),
        "picowatt": cards(BUNIT="pW"),
        "no coordinates": cards(CTYPE1="X", CTYPE2="Y"),
        "unknown frame": cards(RADESYS="IRCS"),
        "unknown projection": cards(CTYPE1="RA---ABC", CTYPE2="DEC--ABC"),
        "ecliptic": cards(CTYPE1="ELON-TAN", CTYPE2="ELAT-TAN", RADESYS="XYZ"),
        "latitude first": latitude_first,
        "one coordinate": cards(CTYPE2="FREQ"),
        "no scale": cards(CDELT1=0.0, CDELT2=0.0),
        "huge pixels": cards(CDELT1=-1.0, CDELT2=1.0),
        "other instrument": cards(WAVELNTH=160.0),
        "other sky": cards(CRVAL1=layouts.RA + 1.0),
        "opposite sky": cards(CRVAL1=layouts.RA + 180.0, CRVAL2=-layouts.DEC),
    }[name]


TABLE = {
    "missing": "no such file",
    "empty file": "whole FITS file",
    "cut in the header": "whole FITS file",
    "cut in the data": "whole FITS file",
    "web page": "whole FITS file",
    "folder": "expected one FITS map of 350 µm, found none",
    "table": "found the HDUs",
    "empty image": "found it empty",
    "deep cube": "found (2, 30, 31)",
    "one row": "found (1, 31)",
    "only NaN": "found only NaN",
    "only infinity": "found only NaN",
    "no unit": "found none",
    "kelvin": "'K' in BUNIT",
    "picowatt": "expected fcf [mJy/beam/pW]",
    "no coordinates": "found no celestial WCS",
    "unknown frame": "RADESYS 'IRCS'",
    "unknown projection": "celestial WCS",
    "ecliptic": "celestial WCS",
    "latitude first": "the latitude on axis 1",
    "one coordinate": "celestial WCS",
    "no scale": "celestial WCS",
    "huge pixels": "found 3600 arcsec",
    "other instrument": "found WAVELNTH of HDU 0 (primary) for 160 µm",
    "other sky": "expected maps that share observed sky",
    "opposite sky": "expected maps that share observed sky",
}


@pytest.mark.parametrize("case", TABLE)
def test_bad_input_is_one_sentence(tmp_path, case):
    paths = write_bands(tmp_path)
    damage(case)(paths[350])
    assert TABLE[case] in sentence(paths)


def test_mask_and_error_of_other_sky_or_shape(tmp_path):
    paths = write_bands(tmp_path)
    moved = write_bands_elsewhere(tmp_path)
    for option in ("mask", "error"):
        with pytest.raises(InputError, match="on the pixels of the signal"):
            read_observation(paths[250], 250, mask_good=1, **{option: moved[250]})
        with pytest.raises(InputError, match="to have the shape"):
            read_observation(paths[250], 250, mask_good=1, **{option: paths[500]})


def write_bands_elsewhere(folder):
    (folder / "moved").mkdir()
    return write_bands(folder / "moved", position=(layouts.RA, layouts.DEC + 0.01))
