"""Units of maps as real headers spell them."""

import re
import warnings
from dataclasses import dataclass

import numpy as np
from astropy import units
from astropy.utils.exceptions import AstropyDeprecationWarning

from superspire.errors import InputError
from superspire.instruments import BANDS

STERADIAN = (180.0 / np.pi * 3600.0) ** 2
"""One steradian [arcsec²]."""

PREFIXES = {"M": 1e6, "k": 1e3, "": 1.0, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "n": 1e-9}

AREAS = {
    "beam": "beam",
    "bm": "beam",
    "pixel": "pixel",
    "pix": "pixel",
    "px": "pixel",
    "sr": "sr",
    "steradian": "sr",
    "arcsec": "arcsec2",
}

EXPECTED_UNITS = "Jy/beam, MJy/sr, Jy/pixel or Jy/arcsec**2"

UNIT = re.compile(
    r"""[\s\[(]*(?P<prefix>[a-zµ]?)jy
    (?P<link>\s*/\s*|\s*\bper\s+|\s*[.*]\s*|\s+)  # Jy/beam, Jy per beam, Jy.beam-1
    (?P<area>beam|bm|pixel|pix|px|steradian|sr|arcsec)
    (?:\s*(?:\*\*|\^)?\s*[({]?\s*(?P<power>[-+]?[12])\s*[)}]?)?
    [\s\])]*(?P<rest>$|(?:/\s|[\[(]).*)                # the end, or a comment""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)

PICOWATT = re.compile(
    r"[\s\[(]*pW[\s\])]*(?P<square>(?:\*\*|\^)?\s*\(?2\)?)?\s*"
    r"(?P<rest>$|(?:/\s|[\[(]).*)",
    re.DOTALL,
)

SQUARE = re.compile(r"\s*\((?P<unit>.*)\)\s*(?:\*\*|\^)\s*\(?2\)?\s*$")

HUGE = re.compile(r"(?:\*\*|\^)[\s(+-]*\d{3}|\d{4}\s*(?:\*\*|\^)")
"""Powers that would take long to compute."""

FLUX_FACTORS = (1e5, 2.5e6)
"""Credible peak flux conversion factors of SCUBA-2 at 450 µm [mJy/beam/pW]."""

STANDARD_FACTORS = (
    "the standard values at 450 µm are 491000 (Dempsey et al. 2013) and, from July "
    "2018 on, 472000 (Mairs et al. 2021)"
)


@dataclass(frozen=True)
class Unit:
    """A unit of surface brightness.

    Attributes
    ----------
    jansky : float
        Its flux density [Jy].
    area : {"beam", "pixel", "sr", "arcsec2"}
        What the flux density is counted in.
    """

    jansky: float
    area: str

    def __str__(self):
        prefix = next((k for k, v in PREFIXES.items() if v == self.jansky), None)
        if prefix is None:
            prefix = f"{self.jansky!r} "
        return f"{prefix}Jy/{self.area.replace('arcsec2', 'arcsec**2')}"


def parse_unit(text):
    """Read a unit of surface brightness leniently.

    Spaces, case, exponents in any notation and a comment left in the string
    (``'Jy/pix   / Unit of the map'``) are accepted. In strings written all in one
    case, where ``M`` and ``m`` cannot be told apart, mega goes with steradians and
    milli with everything else. Products (``'Jy beam'``) are another quantity. What
    this grammar does not cover is left to `astropy.units` (``'beam-1 Jy'``,
    ``'10**-3 Jy/beam'``, ``'W m-2 Hz-1 sr-1'``).

    Parameters
    ----------
    text : str
        The unit, for instance ``"Jy / beam"`` or ``"mJy/arcsec**2"``.

    Returns
    -------
    Unit or None
        None if the text is not a flux density per beam, pixel or solid angle.
    """
    text = str(text).replace("\u03bc", "µ")
    match = UNIT.match(text)
    if match is None:
        return parse_exactly(text)
    if not is_comment(match["rest"]):
        return None
    spelt, area = match["prefix"], AREAS[match["area"].lower()]
    divided = match["link"].strip().lower() in ("/", "per")
    power = int(match["power"] or 1) * (1 if divided else -1)
    if power != (2 if area == "arcsec2" else 1):
        return None
    word = re.search(r"[a-zµ]?jy", match.group(), re.IGNORECASE).group()
    if spelt in ("m", "M") and (word.isupper() or word.islower()):
        spelt = "M" if area == "sr" else "m"
    elif spelt not in PREFIXES:
        spelt = spelt.lower()
    if spelt not in PREFIXES:
        return None
    return Unit(PREFIXES[spelt], area)


def read_exactly(text):
    """Read a unit as astropy does, or give None."""
    if not text.isascii() or HUGE.search(text):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", units.UnitsWarning)
        warnings.simplefilter("ignore", AstropyDeprecationWarning)
        try:
            unit = units.Unit(text)
        except (ValueError, TypeError, ArithmeticError):
            return None
    return unit if isinstance(unit, units.UnitBase) else None


def parse_exactly(text):
    """Read a unit of surface brightness as astropy does, see `parse_unit`."""
    unit = read_exactly(text)
    if unit is None:
        return None
    for area in (units.beam, units.pixel, units.sr):
        if unit.is_equivalent(units.Jy / area):
            jansky = float(unit.to(units.Jy / area))
            good = np.isfinite(jansky) and jansky > 0
            return Unit(jansky, AREAS[area.name]) if good else None
    return None


def is_comment(rest):
    """Decide whether no part of what stands behind a unit is a unit itself."""
    parts = (part.strip() for part in re.split(r"/\s|[\[\]()]", rest))
    return all(read_exactly(part) is None for part in parts if part)


def is_picowatt(text, squared=False):
    """Decide whether a unit is pW (or pW²), as in SCUBA-2 maps without calibration."""
    match = PICOWATT.match(str(text))
    if match is None or not is_comment(match["rest"]):
        return False
    return bool(match["square"]) == squared


def parse_variance_unit(text):
    """Read the unit whose square is the unit of a variance, ``'(mJy/beam)**2'``.

    Parameters
    ----------
    text : str
        Unit of the variance.

    Returns
    -------
    Unit or None
        None if the text is not such a square.
    """
    match = SQUARE.match(str(text))
    if match is not None:
        return parse_unit(match["unit"])
    unit = read_exactly(str(text))
    return None if unit is None else parse_exactly((unit**0.5).to_string())


def calibrated_picowatt(factor):
    """Make the unit of a map in pW from its flux conversion factor.

    Parameters
    ----------
    factor : float
        Flux density of a point source per peak [mJy/beam/pW].

    Returns
    -------
    Unit

    Raises
    ------
    InputError
        If the factor is not a credible one, for instance in Jy/beam/pW.
    """
    low, high = FLUX_FACTORS
    if not low <= factor <= high:
        raise InputError(
            f"expected fcf in mJy/beam/pW between {low:g} and {high:g} "
            f"({STANDARD_FACTORS}), found {factor!r}"
        )
    return Unit(1e-3 * factor, "beam")


def to_mjy_per_beam(unit, band, pixel_area):
    """Compute the factor that turns a map of a band into mJy/beam for point sources.

    The peak of a point source in a map of surface brightness is its flux density
    divided by the solid angle of the true beam, which is larger than that of the
    Gaussian core (SPIRE Handbook, section 5.2).

    Parameters
    ----------
    unit : Unit
        Unit of the map.
    band : int
        Key of `superspire.instruments.BANDS` [µm].
    pixel_area : float
        Solid angle of a pixel [arcsec²].

    Returns
    -------
    float
        [mJy/beam] per unit.
    """
    beam = BANDS[band].effective_area
    areas = {
        "beam": 1.0,
        "pixel": beam / pixel_area,
        "sr": beam / STERADIAN,
        "arcsec2": beam,
    }
    return 1e3 * unit.jansky * areas[unit.area]
