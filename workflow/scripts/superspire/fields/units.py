"""Units of maps as real headers spell them."""

import re
from dataclasses import dataclass

import numpy as np

from superspire.instruments import BANDS

STERADIAN = (180.0 / np.pi * 3600.0) ** 2
"""One steradian [arcsec²]."""

PREFIXES = {"M": 1e6, "k": 1e3, "": 1.0, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "n": 1e-9}

AREAS = {
    "beam": "beam",
    "bm": "beam",
    "pixel": "pixel",
    "pix": "pixel",
    "sr": "sr",
    "steradian": "sr",
    "arcsec": "arcsec2",
}

EXPECTED_UNITS = "Jy/beam, MJy/sr, Jy/pixel or Jy/arcsec**2"

UNIT = re.compile(
    r"""[\s\[(]*(?P<prefix>[a-zµ]?)jy
    (?:\s*/\s*|\s*\bper\s+|\s*[.*]\s*|\s+)      # Jy/beam, Jy per beam, Jy.beam-1
    (?P<area>beam|bm|pixel|pix|steradian|sr|arcsec)
    (?P<power>\s*(?:\*\*|\^)?\s*[({]?\s*[-+]?[12]\s*[)}]?)?
    \s*(?:$|/\s|[\[\])(])                         # the end, or a comment""",
    re.IGNORECASE | re.VERBOSE,
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
        prefix = next(key for key, value in PREFIXES.items() if value == self.jansky)
        return f"{prefix}Jy/{self.area.replace('arcsec2', 'arcsec**2')}"


def parse_unit(text):
    """Read a unit of surface brightness leniently.

    Spaces, case, exponents in any notation and a comment left in the string
    (``'Jy/pix   / Unit of the map'``) are accepted. In strings written all in one
    case, where ``M`` and ``m`` cannot be told apart, mega goes with steradians and
    milli with everything else.

    Parameters
    ----------
    text : str
        The unit, for instance ``"Jy / beam"`` or ``"mJy/arcsec**2"``.

    Returns
    -------
    Unit or None
        None if the text is not a flux density per beam, pixel or solid angle.
    """
    match = UNIT.match(str(text))
    if match is None:
        return None
    spelt, area = match["prefix"], AREAS[match["area"].lower()]
    exponent = re.search(r"[-+]?[12]", match["power"] or "")
    exponent = abs(int(exponent.group())) if exponent else 1
    if exponent != (2 if area == "arcsec2" else 1):
        return None
    word = re.search(r"[a-zµ]?jy", match.group(), re.IGNORECASE).group()
    if spelt in ("m", "M") and (word.isupper() or word.islower()):
        spelt = "M" if area == "sr" else "m"
    elif spelt not in PREFIXES:
        spelt = spelt.lower()
    if spelt not in PREFIXES:
        return None
    return Unit(PREFIXES[spelt], area)


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
