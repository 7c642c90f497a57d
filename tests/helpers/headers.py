"""Headers of all sorts, with what astropy makes of their plain version."""

import warnings

import numpy as np
from astropy.coordinates import BarycentricMeanEcliptic, SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

SHAPE = (14, 17)

ZENITHAL = ("TAN", "SIN", "ARC", "STG", "ZEA", "AIR", "AZP", "SZP", "ZPN")
CYLINDRICAL = ("CAR", "CEA", "MER", "CYP")
OTHER = ("SFL", "PAR", "MOL", "AIT", "COP", "COE", "COD", "COO", "BON", "PCO")
CUBES = ("TSC", "CSC", "QSC", "HPX", "XPH")
PARAMETERS = {
    "AZP": {"PV2_1": 1.5, "PV2_2": 20.0},
    "SZP": {"PV2_1": 2.0, "PV2_2": 30.0, "PV2_3": 70.0},
    "SIN": {"PV2_1": 0.02, "PV2_2": -0.01},
    "AIR": {"PV2_1": 45.0},
    "ZPN": {"PV2_1": 1.0, "PV2_3": 0.05},
    "CYP": {"PV2_1": 1.0, "PV2_2": 0.8},
    "CEA": {"PV2_1": 0.9},
    **{code: {"PV2_1": 40.0, "PV2_2": 15.0} for code in ("COP", "COE", "COD", "COO")},
    "BON": {"PV2_1": 35.0},
}
NEEDED = {*("AZP", "SZP", "AIR", "ZPN", "CYP", "COP", "COE", "COD", "COO", "BON")}
AXES = (("RA--", "DEC-"), ("GLON", "GLAT"), ("ELON", "ELAT"), ("SLON", "SLAT"))
SYSTEMS = (None, "ICRS", "FK5", "FK4", "FK4-NO-E")


def plain_header(rng):
    """Draw the cards of a WCS as the standard wants them.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    dict
        Keyword to value.
    """
    code = str(rng.choice([*ZENITHAL * 2, *CYLINDRICAL, *OTHER, *CUBES, "TAN", "TAN"]))
    axes = AXES[rng.choice(4, p=[0.7, 0.15, 0.1, 0.05])]
    pixel = rng.uniform(2.0, 8.0) / 3600.0
    cards = {f"CTYPE{i}": f"{axes[i - 1]}-{code}" for i in (1, 2)}
    lat = float(rng.choice([rng.uniform(-90, 90), 0.0, 90.0, -90.0, 89.99, 2.2]))
    lon = float(rng.choice([rng.uniform(0, 360), 0.0, 359.9999, 180.0, -20.0, 400.0]))
    if code in (*CYLINDRICAL, *CUBES) and rng.random() < 0.7:
        lat = 0.0
    cards |= {"CRVAL1": lon, "CRVAL2": lat}
    away = float(rng.choice([0.0, 0.0, 1.0, 30.0, 60.0])) / pixel
    turn = rng.uniform(0, 2 * np.pi)
    cards["CRPIX1"] = float(SHAPE[1] / 2 + away * np.cos(turn))
    cards["CRPIX2"] = float(SHAPE[0] / 2 + away * np.sin(turn))
    cards |= scale_cards(rng, pixel)
    if code in NEEDED or (code in PARAMETERS and rng.random() < 0.3):
        cards |= PARAMETERS[code]
    if rng.random() < 0.15:
        cards["LONPOLE"] = float(rng.choice([0.0, 180.0, rng.uniform(0, 360)]))
    if rng.random() < 0.1:
        cards["LATPOLE"] = float(rng.choice([0.0, 90.0, rng.uniform(-90, 90)]))
    if rng.random() < 0.12 and code == "TAN":
        cards |= sip_cards(rng)
    return cards | frame_cards(rng, axes)


def scale_cards(rng, pixel):
    """Draw a scale and orientation, in one of the ways to write them."""
    parity, square = rng.choice([-1.0, -1.0, 1.0]), rng.choice([1.0, 1.0, 1.2])
    angle = rng.choice([0.0, rng.uniform(-180, 180)])
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    dx, dy = float(parity * pixel), float(pixel * square)
    names = [f"{i}_{j}" for i in (1, 2) for j in (1, 2)]
    kind = rng.choice(["CDELT", "PC", "CD", "CROTA"])
    if kind == "CD":
        values = (dx * c, -dy * s, dx * s, dy * c)
        return {f"CD{n}": float(v) for n, v in zip(names, values, strict=True)}
    cards = {"CDELT1": dx, "CDELT2": dy}
    if kind == "PC":
        values = zip(names, (c, -s, s, c), strict=True)
        cards |= {f"PC{n}": float(v) for n, v in values}
    if kind == "CROTA":
        cards["CROTA2"] = float(angle)
    return cards


def sip_cards(rng):
    """Draw a quadratic distortion of up to a pixel over the image."""
    cards = {"A_ORDER": 2, "B_ORDER": 2}
    for name in "AB":
        for i, j in ((2, 0), (1, 1), (0, 2)):
            cards[f"{name}_{i}_{j}"] = float(rng.normal(0, 2e-3))
    return cards


def frame_cards(rng, axes):
    """Draw RADESYS and EQUINOX."""
    if axes[0] in ("GLON", "SLON"):
        return {}
    system = SYSTEMS[rng.choice(5, p=[0.35, 0.3, 0.2, 0.1, 0.05])]
    cards = {} if system is None else {"RADESYS": system}
    if rng.random() < 0.5:
        cards["EQUINOX"] = float(rng.choice([2000.0, 1950.0, 1975.0, 2010.5]))
    return cards


def as_astropy_reads(cards):
    """Read the plain header with astropy, without help.

    Parameters
    ----------
    cards : dict
        What `plain_header` gives.

    Returns
    -------
    ndarray, shape (n, 3), or None
        Unit vectors in ICRS of all pixels, NaN where there is none; None if astropy
        does not read it.
    """
    header = fits.Header(list(cards.items()))
    y, x = (axis.ravel() for axis in np.indices(SHAPE))
    frame = unknown_to_astropy(cards)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wcs = WCS(header)
            if frame is None:
                sky = wcs.pixel_to_world(x, y)
            else:
                lon, lat = wcs.all_pix2world(x, y, 0)
                sky = SkyCoord(lon, lat, unit="deg", frame=frame)
            return sky.icrs.cartesian.xyz.value.T
        except Exception:
            return None


def unknown_to_astropy(cards):
    """Give the frame of axes that `astropy.wcs` takes for right ascension, or None."""
    if cards["CTYPE1"].startswith("SLON"):
        return "supergalactic"
    if cards["CTYPE1"].startswith("ELON") and "FK4" not in cards.get("RADESYS", ""):
        fk5 = cards.get("RADESYS") != "ICRS"
        equinox = cards.get("EQUINOX", 2000.0) if fk5 else 2000.0
        return BarycentricMeanEcliptic(equinox=f"J{equinox}")
    return None


def disguised(rng, cards):
    """Write cards as people do: as strings, in lower case, beside damaged ones.

    Parameters
    ----------
    rng : numpy.random.Generator
    cards : dict
        What `plain_header` gives.

    Returns
    -------
    lines : list of str
        Cards of 80 characters.
    broken : bool
        Whether they cannot be read rightly any more.
    """
    cards, broken = dict(cards), False
    if rng.random() < 0.2:
        unit = rng.choice(["deg", "Degrees", "DEG", "degree", "arcsec", "ARCSEC"])
        factor = 3600.0 if unit.lower() == "arcsec" else 1.0
        for key in cards:
            if key.startswith(("CRVAL", "CDELT", "CD1", "CD2")):
                cards[key] *= factor
        cards |= {"CUNIT1": str(unit), "CUNIT2": str(unit)}
    lines = [card_image(rng, key, value) for key, value in cards.items()]
    if rng.random() < 0.3:
        lines.append(str(rng.choice(JUNK)).ljust(80))
    if rng.random() < 0.1:
        key = str(rng.choice([k for k in cards if k.startswith(("CR", "CTYPE"))]))
        wrong = {"CTYPE": "'DEC--TAN'"}.get(key[:5], "-2500.75")
        lines.append(f"{key:8}= {rng.choice([wrong, 'oops', 'NaN', '12,5'])}".ljust(80))
        broken = True
    elif rng.random() < 0.08:
        key = str(rng.choice([k for k in cards if k.startswith(("CR", "CTYPE"))]))
        lines = [line for line in lines if line[:8].strip().upper() != key]
        lines.append(
            f"{key:8}= {rng.choice(['oops', 'NaN', '12,5', chr(39) * 2])}".ljust(80)
        )
        broken = True
    return [lines[i] for i in rng.permutation(len(lines))], broken


def card_image(rng, key, value):
    """Write one card, perhaps in lower case or with its number in quotes."""
    if rng.random() < 0.05:
        key = key.lower()
    if isinstance(value, str):
        if rng.random() < 0.1:
            value = value.lower()
        return f"{key:8}= '{value:8}'".ljust(80)
    text = f"{value!r:>20}"
    if rng.random() < 0.1:
        text = f"'{value!r}'"
    elif rng.random() < 0.05 and "e" in text:
        text = text.replace("e", "D")
    comment = " / a comment" if rng.random() < 0.2 else ""
    return f"{key:8}= {text}{comment}".ljust(80)


JUNK = (
    "DATAMIN =                  NaN",
    "DATE-OBS= 2010-02-05",
    "SEEING  = 12,5",
    "HISTORY Astrometry compared with H-ATLAS DR2, CRVAL1 = 3",
    "COMMENT CRPIX1  =                  7.0",
    "OBSERVER= 'O'Brien'",
    "CRDER1  = 'unknown'",
    "EPOCH   =               2015.5",
    "MJD-OBS = 'never'",
    "crval3  = 1.0",
    "CTYPE1A = 'LINEAR  '",
)


def write_map(path, lines, data):
    """Write an image with a header of given lines, whatever they hold.

    Parameters
    ----------
    path : pathlib.Path
        File to write.
    lines : list of str
        Cards beside those of the layout and the unit.
    data : ndarray of float32, shape (ny, nx)
        The image.
    """
    first = [
        "SIMPLE  =                    T",
        "BITPIX  =                  -32",
        "NAXIS   =                    2",
        f"NAXIS1  = {data.shape[1]:20d}",
        f"NAXIS2  = {data.shape[0]:20d}",
        "BUNIT   = 'mJy/beam'",
    ]
    text = "".join(line.ljust(80)[:80] for line in [*first, *lines, "END"])
    content = text.encode("latin-1")
    content += b" " * (-len(content) % 2880)
    pixels = data.astype(">f4").tobytes()
    path.write_bytes(content + pixels + bytes(-len(pixels) % 2880))
