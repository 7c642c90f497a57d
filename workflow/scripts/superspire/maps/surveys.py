"""What the layout of a survey's files implies: band, beam, zero point.

Layouts are recognised by keywords that identify them and by the names of files, never
by prose (HISTORY, COMMENT), which may mention any survey.
"""

import re
from pathlib import Path

import numpy as np

from superspire.instruments import BANDS, SPIRE
from superspire.maps.cards import as_number

DETECTORS = {"PSW": 250, "PMW": 350, "PLW": 500}

MIPS_CHANNELS = {"1": 24, "2": 70, "3": 160}
"""Bands of Spitzer MIPS by the CHNLNUM of its headers [µm]."""

WAVELENGTHS = {24, 70, 100, 160, 250, 350, 450, 500, 850}
"""Bands of MIPS, PACS, SPIRE and SCUBA-2 [µm]."""

SAME_BAND = 0.05
"""Greatest relative difference of a band's wavelength from its nominal one."""

HATLAS = r"(?:Herschel[- ]?ATLAS|H-?ATLAS)(?![A-Za-z])"
HATLAS_FILE = re.compile(r"(?:^|[^A-Za-z])H-?ATLAS", re.IGNORECASE)
SURVEY_KEYS = ("SURVEY", "PROJECT", "PROPOSAL", "PROGRAM", "FIELD", "OBJECT", "ORIGIN")
"""Keywords that may name a survey."""

ZERO_MEAN = ("HerMES SMAP", "HELP", "SuperSPIRE")
"""Layouts whose maps are of zero mean by construction."""

HERMES_FWHM = {250: 18.15, 350: 25.15, 500: 36.3}

SURVEY_FWHM = {
    "HerMES SMAP": HERMES_FWHM,
    "HELP": HERMES_FWHM,
    "HSA": {250: 17.6, 350: 23.9, 500: 35.2},
    "H-ATLAS": {250: 17.8, 350: 24.0, 500: 35.2},
}
"""FWHM of the beams [arcsec]: Levenson et al. (2010), the SPIRE Handbook
(section 5.2) and Valiante et al. (2016)."""

MATCHED_FWHM = {450: 10.5}
"""FWHM of sources in the matched-filtered STUDIES map [arcsec]."""

BEAM_LIMITS = (1.0, 180.0)
"""Credible beams of a header [arcsec]."""

BEAM_TOLERANCE = 0.3
"""Relative difference from the nominal beam that is worth a remark."""

MATCHED = re.compile("mfilt|match(?:ed)?[ _-]?filter", re.IGNORECASE)
MATCHED_FILE = re.compile("(?:^|[_+-])mf(?:[_+-]|$)", re.IGNORECASE)

CREDIBLE_RMS = (1e-2, 200.0)
"""Scatter of SPIRE maps, from the deepest stack to bright cirrus [mJy/beam]."""


def find_layout(file, signal, mask=None):
    """Recognise in which layout a file was published.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file.
    signal : HDU
        Its signal.
    mask : str or path-like, optional
        Name of a mask that is a file of its own.

    Returns
    -------
    {"SuperSPIRE", "HELP", "HerMES SMAP", "HSA", "SCUBA-2", "H-ATLAS", "plain"}
    """
    names = {file.extname(hdu) for hdu in file.hdus}

    def says(pattern, *keys):
        return any(
            re.search(pattern, text, re.IGNORECASE)
            for key in keys
            for text in file.texts(signal, key)
        )

    if says("^SuperS", "CREATOR"):
        return "SuperSPIRE"
    if names & {"nebfilt", "mfilt", "matchedfilter"}:
        return "HELP"
    smap = says("^(S(MAP|HIM)|HerMES)", "MAPMAKER") or says(".", "SMAPSVN", "WAVELN")
    if smap or says(r"^\d+ microns", "DESC"):
        return "HerMES SMAP"
    if says("herschel", "CLASS___") or says(".", "QTTY____", "HCSS____"):
        return "HSA"
    if says("SCUBA-?2", "INSTRUME") or says("NDF", "HDUCLAS1") or "variance" in names:
        return "SCUBA-2"
    files = [file.name, "" if mask is None else Path(mask).name]
    if says(f"^{HATLAS}", *SURVEY_KEYS) or any(map(HATLAS_FILE.search, files)):
        return "H-ATLAS"
    if re.search("STUDIES|S2CLS", file.name, re.IGNORECASE):
        return "SCUBA-2"
    return "plain"


def declared_band(text):
    """Read of which band a header says it is.

    Parameters
    ----------
    text : callable
        From a keyword to the value of its card as text, empty if there is none.

    Returns
    -------
    tuple of (str, float) or None
        Keyword and wavelength [µm].
    """
    detector = text("DETECTOR")[:3].upper()
    if detector in DETECTORS:
        return "DETECTOR", DETECTORS[detector]
    channel = text("CHNLNUM")
    if text("INSTRUME").upper() == "MIPS" and channel in MIPS_CHANNELS:
        return "CHNLNUM", MIPS_CHANNELS[channel]
    for key in ("WAVELNTH", "WAVELN", "WVLNGTH", "WAVELEN"):
        found = read_wavelength(text(key))
        if found is not None:
            return key, found
    for key in ("FILTER", "BAND", "DESC"):
        found = read_wavelength(text(key))
        if found in WAVELENGTHS:
            return key, found
    if text("CTYPE3").upper().startswith("WAVE"):
        found = read_wavelength(text("CRVAL3"))
        return None if found is None else ("CRVAL3", found)
    return None


def read_wavelength(value):
    """Read a wavelength [µm] that may also be given in metres; None if it is none."""
    number = re.match(
        r"(\d+\.?\d*(?:[eE][-+]?\d+)?)\s*(?:um|µm|micron|micrometer|m|$)", value
    )
    if number is None:
        return None
    found = float(number[1])
    found = round(found * 1e6, 6) if found < 0.01 else found
    return found if 20.0 <= found <= 3000.0 else None


def named_band(path):
    """Read of which band a file's name says it is, if it names one band only."""
    file = Path(path).name
    found = {int(word) for word in re.findall(r"(?<!\d)[2-8][05]0(?!\d)", file)}
    found &= WAVELENGTHS
    found |= {band for code, band in DETECTORS.items() if code in file.upper()}
    return found.pop() if len(found) == 1 else None


def is_same_band(wavelength, band):
    """Decide whether a wavelength is that of a band [µm]."""
    return abs(wavelength / band - 1.0) <= SAME_BAND


def is_matched_filtered(file, signal):
    """Decide whether a map was convolved with a matched filter.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file.
    signal : HDU
        Its signal.

    Returns
    -------
    bool
        True if the name of the file (``_mf``) or of the HDU (``MFILT``) or PRODUCT say
        so.
    """
    name = file.name.split(".")[0]
    words = [name, file.extname(signal), *file.texts(signal, "PRODUCT")]
    return bool(MATCHED_FILE.search(name)) or any(map(MATCHED.search, words))


def find_beam(file, signal, layout, band, matched):
    """Find the beam of a map.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file; gets remarks.
    signal : HDU
        Its signal.
    layout : str
        From `find_layout`.
    band : int
        Wavelength [µm].
    matched : bool
        Whether it is matched-filtered.

    Returns
    -------
    fwhm : float
        Full width at half maximum [arcsec], the geometric mean of both axes.
    origin : str
        Where it comes from.
    """
    nominal = BANDS[band].fwhm
    fwhm, origin = SURVEY_FWHM.get(layout, {}).get(band, nominal), "nominal"
    if matched:
        fwhm = MATCHED_FWHM.get(band, fwhm)
        file.remark(
            "the map is matched-filtered: its sources have another shape than those "
            "that the network was trained on"
        )
    major, minor = (file.texts(signal, key) for key in ("BMAJ", "BMIN"))
    if major:
        axes = [major[0], minor[0] if minor else major[0]]
        found = header_beam(axes)
        if found is not None:
            fwhm, origin = found, "BMAJ and BMIN of the header"
        else:
            file.remark(
                f"BMAJ and BMIN of the header ({axes[0]}, {axes[1]}) are no beam in "
                "degrees and are not used"
            )
    if abs(fwhm / nominal - 1.0) > BEAM_TOLERANCE:
        file.remark(
            f"the beam of {fwhm:.4g} arcsec ({origin}) is not the nominal one of "
            f"{nominal} arcsec at {band} µm"
        )
    return fwhm, origin


def header_beam(axes):
    """Compute the FWHM [arcsec] of BMAJ and BMIN [deg], None if it is not credible.

    Parameters
    ----------
    axes : sequence of str
        Both axes as the header spells them.
    """
    numbers = [as_number(text) for text in axes]
    if None in numbers or min(numbers) <= 0:
        return None
    fwhm = 3600.0 * np.sqrt(np.prod(numbers))
    low, high = BEAM_LIMITS
    return float(fwhm) if low <= fwhm <= high else None


def check_scatter(rms, band):
    """Remark on a scatter that no SPIRE map has, as if the unit were another.

    Parameters
    ----------
    rms : float
        Clipped standard deviation of a map [mJy/beam].
    band : int
        Wavelength [µm].

    Returns
    -------
    list of str
    """
    low, high = CREDIBLE_RMS
    if band not in SPIRE or low <= rms <= high:
        return []
    return [
        f"the scatter of {rms:.3g} mJy/beam is not between {low:g} and {high:g}, as in "
        "SPIRE maps: check the unit"
    ]
