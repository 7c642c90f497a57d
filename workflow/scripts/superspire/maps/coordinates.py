"""Coordinates of real maps: any celestial WCS, brought to ICRS."""

import re
import warnings
from itertools import product

import numpy as np
from astropy.coordinates import ICRS
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning
from scipy.spatial.transform import Rotation

from superspire.errors import InputError
from superspire.maps.cards import ROOT
from superspire.maps.files import MapFile
from superspire.maps.positions import (
    RADIAN,
    celestial_frame,
    field_pixel,
    pixel_matrix,
    pixels_of,
    rotated,
    sky_positions,
    unit_vectors,
)

SAME_SKY = 0.05
"""Greatest error when a WCS is written in ICRS [arcsec]."""

SAME_GRID = 0.5
"""Greatest distance of two grids that are the same [pixel]."""

SAME_PIXEL = 0.02
"""Greatest difference of a pixel from those of its image that goes back to them
[pixel]."""

SQUARE = 0.01
"""Relative difference of the sides of pixels that is worth a remark."""

NODES = 24
"""Pixels along each axis at which a WCS is tried."""

NO_WCS = "no celestial WCS (CTYPE1, CRVAL1, CD1_1 or CDELT1, ...)"

NUMBERS = (
    r"CR(VAL|PIX|OTA)[12]|CDELT[12]|(CD|PC)[12]_[12]|(CD|PC)00[12]00[12]|PV[12]_\d+"
    r"|PROJP\d+|LONPOLE|LATPOLE|[AB]P?_(ORDER|\d_\d)"
)
OPTIONAL = ("LONPOLE", "LATPOLE")
"""Cards that may be there without a value."""

TABLES = r"(CPDIS|CPERR|CQDIS|D2IMDIS|D2IMERR)[12]|(DP|DQ|D2IM)[12](\..*)?|AXISCORR"
"""Cards of distortions by lookup tables, which name fields in their values."""

OTHER_AXES = r"(CD|PC)([12]_[3-9]|[3-9]_[12])"

UNITS = {
    "deg": ("deg", "degree", "degrees", "degs", "°"),
    "arcmin": ("arcmin", "arcmins", "arcminute", "arcminutes"),
    "arcsec": ("arcsec", "arcsecs", "arcsecond", "arcseconds"),
    "rad": ("rad", "rads", "radian", "radians"),
}
"""Units of coordinates, and how headers spell them."""

SYSTEMS = {
    "FK5": ("FK5", "FK-5", "J2000", "J2000.0", "FK5/J2000"),
    "FK4": ("FK4", "FK-4", "B1950", "B1950.0", "FK4/B1950"),
    "FK4-NO-E": ("FK4-NO-E", "FK4-NOE", "FK4NOE"),
    "ICRS": ("ICRS", "ICRF"),
}
"""Values of RADESYS, and how headers spell them."""


OLD_EPOCHS = (1900.0, 1950.0, 2000.0)
"""Values of EPOCH that are an equinox."""


def celestial_wcs(file, hdu, shape):
    """Read the celestial WCS of an image, from its HDU or from an empty HDU 0.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file; gets remarks and warnings.
    hdu : HDU
        The image.
    shape : tuple of int
        Shape of the image (ny, nx).

    Returns
    -------
    astropy.wcs.WCS
        With two axes, in ICRS; distortions (SIP, lookup tables) are kept, so that
        only the ``all_`` methods are right.

    Raises
    ------
    InputError
        If there is no WCS or it cannot be used.
    """
    wrong = NO_WCS
    for each in file.described_by(hdu):
        try:
            wcs = usable_wcs(file, file.cards(each), shape)
        except Exception as error:  # wcslib has many ways to refuse a header
            wrong = " ".join(str(error).split()) or type(error).__name__
            break
        if wcs is not None:
            return wcs
    raise file.error(f"a celestial WCS in {file.label(hdu)}", wrong)


def usable_wcs(file, cards, shape):
    """Read the WCS of a header in ICRS; None if it has none.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file; gets remarks and warnings.
    cards : superspire.maps.cards.Cards
        The header.
    shape : tuple of int
        Shape of the image (ny, nx).

    Returns
    -------
    astropy.wcs.WCS or None

    Raises
    ------
    ValueError
        Or another exception of wcslib's, if the WCS cannot be used.
    """
    if not (cards.text("CTYPE1") or cards.text("CTYPE2")):
        return None
    header = wcs_header(cards)
    twice = cards.overruled(header)
    if twice:
        file.warn(
            f"{', '.join(twice)} stand again behind {ROOT}, for another image: the "
            "first ones are used"
        )
    if "A_ORDER" in header and not header["CTYPE1"].endswith("-SIP"):
        header["CTYPE1"], header["CTYPE2"] = (
            f"{header[f'CTYPE{i}']}-SIP" for i in "12"
        )
        file.warn("CTYPE lacks -SIP, but there is a SIP distortion, which is followed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        wcs = WCS(header, file.hdus)
        if not wcs.has_celestial:
            raise ValueError(NO_WCS)
        icrs, unusual = to_icrs(wcs, shape)
    if icrs.has_distortion:
        unusual.append("the WCS has distortions, which are followed")
    file.remarks += unusual
    return icrs


def wcs_header(cards):
    """Copy the cards of a WCS of two axes to a header of their own, as wcslib reads it.

    Parameters
    ----------
    cards : superspire.maps.cards.Cards
        The header.

    Returns
    -------
    astropy.io.fits.Header

    Raises
    ------
    ValueError
        If a card that is needed is missing, unreadable or repeated with other values.
    """
    check_axes(cards)
    header = fits.Header([("WCSAXES", 2)])
    for axis in "12":
        header[f"CTYPE{axis}"] = cards.text(f"CTYPE{axis}").upper()
        unit = cards.text(f"CUNIT{axis}")
        if unit:
            header[f"CUNIT{axis}"] = spelt(unit, UNITS, f"CUNIT{axis}")
    for key in cards.keywords(NUMBERS):
        if cards.text(key) or key not in OPTIONAL:
            header[key] = number_of(cards, key)
    system = read_system(cards)
    equinox = None if system == "ICRS" else read_equinox(cards)
    if header["CTYPE1"].startswith("ELON") and not (system or equinox):
        raise ValueError(
            "ecliptic axes without RADESYS or EQUINOX: nothing says that they are mean "
            "ones, without the annual aberration of up to 20 arcsec"
        )
    header.update({"RADESYS": system} if system else {})
    header.update({"EQUINOX": equinox} if equinox else {})
    for key in cards.keywords(TABLES):
        for image in cards.images(key):
            header.append(fits.Card.fromstring(image))
    return header


def number_of(cards, key):
    """Read a number of a WCS; orders are integers."""
    value = cards.number(key)
    return int(value) if key.endswith("_ORDER") else value


def check_axes(cards):
    """Refuse a WCS that lacks a card without which a default would be read."""
    absent = [
        key
        for key in ("CTYPE1", "CTYPE2", "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2")
        if not cards.text(key)
    ]
    matrix = cards.keywords(r"CD[12]_[12]|CD00[12]00[12]")
    if not matrix:
        absent += [key for key in ("CDELT1", "CDELT2") if not cards.text(key)]
    if absent:
        raise ValueError(f"no {', '.join(absent)}")
    scaled = not matrix and cards.number("CDELT1") != 1.0
    if scaled and cards.text("CTYPE1").upper().endswith("TPV"):
        raise ValueError("TPV with CDELT1, which wcslib reads by pixels, not degrees")
    for key in cards.keywords(OTHER_AXES):
        if cards.number(key):
            raise ValueError(f"{key}, which mixes the sky with another axis")
    sip = cards.keywords(r"[AB]_\d_\d")
    if sip and not (cards.text("A_ORDER") and cards.text("B_ORDER")):
        raise ValueError(f"{sip[0]} without A_ORDER and B_ORDER")


def spelt(text, names, key):
    """Give the standard spelling of a value."""
    wanted = text.strip().casefold()
    for name, spellings in names.items():
        if wanted in {each.casefold() for each in spellings}:
            return name
    raise ValueError(f"{key} {text!r}")


def read_system(cards):
    """Read RADESYS, or RADECSYS of old headers; empty if there is none."""
    given = {
        spelt(cards.text(key), SYSTEMS, "RADESYS")
        for key in ("RADESYS", "RADECSYS")
        if cards.text(key)
        and re.match("RA|DEC|ELON|ELAT", cards.text("CTYPE1").upper())
    }
    if len(given) > 1:
        raise ValueError(f"RADESYS and RADECSYS {' and '.join(sorted(given))}")
    return given.pop() if given else ""


def read_equinox(cards):
    """Read EQUINOX, or EPOCH of old headers, also as J2000 or B1950 [yr]."""
    key = next((key for key in ("EQUINOX", "EPOCH") if cards.text(key)), None)
    if key is None:
        return None
    text = cards.text(key)
    if re.fullmatch(r"[JB]\d{4}(\.\d*)?", text.upper()):
        return float(text[1:])
    value = cards.number(key)
    if key == "EPOCH" and value not in OLD_EPOCHS:
        raise ValueError(f"EPOCH {text}, which may be that of the observation")
    return value


def to_icrs(wcs, shape):
    """Express a celestial WCS of any frame in ICRS.

    The rotation is the one that takes the pixels of the image to ICRS best: it is
    exact for frames that are rotated, and for FK4, whose aberration varies over the
    sky, it is so at the field.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        With two axes, longitude first.
    shape : tuple of int
        Shape of the image (ny, nx).

    Returns
    -------
    wcs : astropy.wcs.WCS
        The same object if it is in ICRS already.
    remarks : list of str
        The frame, if it is not ICRS or FK5.

    Raises
    ------
    ValueError
        If that is not possible.
    """
    if wcs.wcs.lng != 0:
        names = " and ".join(map(repr, wcs.wcs.ctype))
        raise ValueError(f"the latitude on axis 1 (CTYPE {names})")
    frame = celestial_frame(wcs)
    x, y = nodes(shape)
    after = sky_positions(wcs, x, y)
    known = np.isfinite(after[:, 0])
    if known.sum() < 3:
        raise ValueError("no position for the pixels of the image")
    if isinstance(frame, ICRS):
        return wcs, []
    x, y, after = x[known], y[known], after[known]
    before = unit_vectors(*wcs.all_pix2world(x, y, 0))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Optimal rotation is not uniquely")
        turn, _ = Rotation.align_vectors(after, before)
    icrs = rotated(wcs, turn, ("RA", "DEC"))
    error = RADIAN * np.linalg.norm(sky_positions(icrs, x, y) - after, axis=1)
    if not error.max() < SAME_SKY:
        raise ValueError(f"the frame {frame.name}, which cannot be written in ICRS")
    usual = frame.name == "fk5" and frame.equinox.jyear == 2000.0
    return icrs, [] if usual else [f"the WCS is in {frame.name}, taken to ICRS"]


def nodes(shape):
    """Give pixels on a coarse grid over an image and along its edges, as x and y."""
    axes = [np.unique(np.linspace(0, n - 1, NODES).round()) for n in shape]
    y, x = np.meshgrid(*axes, indexing="ij")
    return x.ravel(), y.ravel()


def check_positions(file, hdu, wcs, data):
    """Refuse a map with data on pixels that have no position, or not one of their own.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file.
    hdu : HDU
        The signal.
    wcs : astropy.wcs.WCS
        Its coordinates.
    data : ndarray, shape (ny, nx)
        The map; NaN where nothing was observed.

    Raises
    ------
    InputError
        See above.
    """
    x, y = nodes(data.shape)
    if not np.isfinite(wcs.all_pix2world(x, y, 0)).all():
        y, x = np.nonzero(np.isfinite(data))
    elif np.isfinite(data).any():
        kept = np.isfinite(data[y.astype(int), x.astype(int)])
        centre = field_pixel(data)
        x, y = np.append(x[kept], centre[0]), np.append(y[kept], centre[1])
    lon, lat = wcs.all_pix2world(x, y, 0)
    nowhere = int((~np.isfinite(lon + lat)).sum())
    if nowhere:
        raise file.error(
            f"a position on the sky for every observed pixel of {file.label(hdu)}",
            f"none for {nowhere} of them",
        )
    few = slice(None, None, max(1, len(x) // NODES**2))
    back = np.subtract(pixels_of(wcs, lon[few], lat[few]), [x[few], y[few]])
    wrong = float(np.max(np.nan_to_num(np.hypot(*back), nan=np.inf), initial=0.0))
    if wrong > SAME_PIXEL:
        raise file.error(
            f"a celestial WCS in {file.label(hdu)} that leads from the sky back to the "
            "pixels",
            f"one that misses them by {wrong:.4g} pixels",
        )


def describe_pixels(wcs, data):
    """Measure the pixels at the centre of what was observed.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Celestial coordinates.
    data : ndarray, shape (ny, nx)
        The map; NaN where nothing was observed.

    Returns
    -------
    area : float
        Solid angle [arcsec²].
    remarks : list of str
        Whether they are not square.
    """
    matrix = pixel_matrix(wcs, *field_pixel(data))
    area = abs(np.linalg.det(matrix))
    sides = np.linalg.norm(matrix, axis=0)
    lean = abs(matrix[:, 0] @ matrix[:, 1]) / sides.prod()
    if max(abs(sides[0] / sides[1] - 1.0), lean) <= SQUARE:
        return float(area), []
    text = " x ".join(f"{side:.4g}" for side in sides)
    lean = np.degrees(np.arcsin(min(lean, 1.0)))
    oblique = f", {lean:.2g} deg from a right angle" if lean > 0.5 else ""
    return float(area), [f"the pixels are not square ({text} arcsec{oblique})"]


def pixel_areas(wcs, shape):
    """Compute the solid angle of every pixel of an image.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Celestial coordinates.
    shape : tuple of int
        Shape of the image (ny, nx).

    Returns
    -------
    ndarray of float32, shape (ny, nx)
        Norm of the product of the two vectors along the sides of each pixel
        [arcsec²], interpolated linearly on a coarse grid; NaN where a pixel has no
        position.
    """
    rows, columns = (np.linspace(0, n - 1, min(n, 4 * NODES)) for n in shape)
    y, x = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
    up, down, right, left = (
        sky_positions(wcs, x + dx, y + dy)
        for dx, dy in ((0.0, 0.5), (0.0, -0.5), (0.5, 0.0), (-0.5, 0.0))
    )
    areas = RADIAN**2 * np.linalg.norm(np.cross(right - left, up - down), axis=1)
    areas = areas.reshape(len(rows), len(columns))
    areas = np.stack([np.interp(np.arange(shape[1]), columns, row) for row in areas])
    return np.stack(
        [np.interp(np.arange(shape[0]), rows, column) for column in areas.T], axis=1
    ).astype(np.float32)


def check_grid(wcs, shape, file, hdu):
    """Refuse a companion image (mask, error) of other sky than the signal.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Coordinates of the signal.
    shape : tuple of int
        Shape of both images (ny, nx).
    file : superspire.maps.files.MapFile
        File of the companion; gets a remark if it has no WCS.
    hdu : HDU
        The companion.
    """
    try:
        other = celestial_wcs(MapFile(file.path, file.hdus), hdu, shape)
    except InputError:
        file.remark(f"{file.path} has no usable WCS and is taken to lie pixel on pixel")
        return
    corners = np.array([*product((0, shape[1] - 1), (0, shape[0] - 1))], float).T
    ours, theirs = (sky_positions(each, *corners) for each in (wcs, other))
    known = np.isfinite(ours).all(axis=1) & np.isfinite(theirs).all(axis=1)
    side = np.sqrt(abs(np.linalg.det(pixel_matrix(wcs, *centre(shape)))))
    distance = RADIAN * np.linalg.norm(ours - theirs, axis=1) / side
    if known.any() and not distance[known].max() < SAME_GRID:
        raise file.error(
            f"{file.label(hdu)} on the pixels of the signal",
            f"its corners {distance[known].max():.4g} pixels away",
        )


def centre(shape):
    """Give the centre of an image as (x, y) [pixel]."""
    return (shape[1] - 1) / 2, (shape[0] - 1) / 2


def pixel_area(wcs, shape):
    """Compute the solid angle of the pixel at the centre of an image [arcsec²]."""
    return float(abs(np.linalg.det(pixel_matrix(wcs, *centre(shape)))))
