"""What the files of a survey tell by their layout: band, beam, zero point."""

import re
from pathlib import Path

import numpy as np

from superspire.instruments import BANDS, SPIRE
from superspire.maps.hdus import headers, name, text

DETECTORS = {"PSW": 250, "PMW": 350, "PLW": 500}

WAVELENGTHS = {70, 100, 160, 250, 350, 450, 500, 850}
"""Bands of PACS, SPIRE and SCUBA-2 [µm]."""

SAME_BAND = 0.05
"""Greatest relative difference of a band's wavelength from its nominal one."""

SMAP_KEYS = ("SMAPSVN", "MAPMAKER", "WAVELN")

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


def find_layout(hdus, signal, path, mask=None):
    """Recognise in which layout a file was published.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    signal : HDU
        Its signal.
    path : str or path-like
        Its name.
    mask : str or path-like, optional
        Name of a mask that is a file of its own.

    Returns
    -------
    {"SuperSPIRE", "HELP", "HerMES SMAP", "HSA", "SCUBA-2", "H-ATLAS", "plain"}
    """
    cards = headers(hdus, signal)
    names = {name(hdu) for hdu in hdus}
    file = Path(path).name

    def says(key, pattern):
        return any(re.search(pattern, text(header, key), re.I) for header in cards)

    if says("CREATOR", "^SuperS"):
        return "SuperSPIRE"
    if names & {"nebfilt", "mfilt", "matchedfilter"}:
        return "HELP"
    if says("DESC", r"^\d+ microns") or any(k in h for h in cards for k in SMAP_KEYS):
        return "HerMES SMAP"
    if says("CLASS___", "herschel") or says("QTTY____", ".") or says("HCSS____", "."):
        return "HSA"
    if says("INSTRUME", "SCUBA-?2") or says("HDUCLAS1", "NDF") or "variance" in names:
        return "SCUBA-2"
    texts = [file, "" if mask is None else Path(mask).name]
    texts += [str(value) for header in cards for value in header.values()]
    if any(re.search("H-?ATLAS", each, re.IGNORECASE) for each in texts):
        return "H-ATLAS"
    if re.search("STUDIES|S2CLS", file, re.IGNORECASE):
        return "SCUBA-2"
    return "plain"


def declared_band(header):
    """Read of which band a header says it is.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Header of a map.

    Returns
    -------
    tuple of (str, float) or None
        Keyword and wavelength [µm].
    """
    detector = text(header, "DETECTOR")[:3].upper()
    if detector in DETECTORS:
        return "DETECTOR", DETECTORS[detector]
    for key in ("WAVELNTH", "WAVELN", "WVLNGTH", "WAVELEN"):
        found = read_wavelength(text(header, key))
        if found is not None:
            return key, found
    for key in ("FILTER", "BAND", "DESC"):
        found = read_wavelength(text(header, key))
        if found in WAVELENGTHS:
            return key, found
    if text(header, "CTYPE3").startswith("WAVE"):
        found = read_wavelength(text(header, "CRVAL3"))
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
    """Tell whether a wavelength is that of a band [µm]."""
    return abs(wavelength / band - 1.0) <= SAME_BAND


def is_matched_filtered(hdus, signal, path):
    """Tell whether a map was convolved with a matched filter.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    signal : HDU
        Its signal.
    path : str or path-like
        Its name.

    Returns
    -------
    bool
        True if the name of the file (``_mf``) or of the HDU (``MFILT``), PRODUCT or
        the HISTORY say so.
    """
    file = Path(path).name.split(".")[0]
    words = [file, name(signal)]
    for header in headers(hdus, signal):
        words += [text(header, "PRODUCT"), *map(str, header.get("HISTORY", []))]
    return bool(MATCHED_FILE.search(file)) or any(map(MATCHED.search, words))


def find_beam(cards, layout, band, matched):
    """Find the beam of a map.

    Parameters
    ----------
    cards : list of astropy.io.fits.Header
        Headers that describe it.
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
    remarks : list of str
        What is unusual about it.
    """
    remarks = []
    nominal = BANDS[band].fwhm
    fwhm, origin = SURVEY_FWHM.get(layout, {}).get(band, nominal), "nominal"
    if matched:
        fwhm = MATCHED_FWHM.get(band, fwhm)
        remarks.append(
            "the map is matched-filtered: its sources have another shape than those "
            "that the network was trained on"
        )
    for header in cards:
        if not text(header, "BMAJ"):
            continue
        axes = [
            header["BMAJ"],
            header["BMIN"] if text(header, "BMIN") else header["BMAJ"],
        ]
        found = header_beam(axes)
        if found is not None:
            fwhm, origin = found, "BMAJ and BMIN of the header"
        else:
            remarks.append(
                f"BMAJ and BMIN of the header ({axes[0]!r}, {axes[1]!r}) are no beam "
                "in degrees and are not used"
            )
        break
    if abs(fwhm / nominal - 1.0) > BEAM_TOLERANCE:
        remarks.append(
            f"the beam of {fwhm:.4g} arcsec ({origin}) is not the nominal one of "
            f"{nominal} arcsec at {band} µm"
        )
    return fwhm, origin, remarks


def header_beam(axes):
    """Compute the FWHM [arcsec] of BMAJ and BMIN [deg], None if it is not credible."""
    try:
        fwhm = 3600.0 * np.sqrt(np.prod(np.array(axes, float)))
    except (TypeError, ValueError):
        return None
    low, high = BEAM_LIMITS
    return float(fwhm) if low <= fwhm <= high and min(axes) > 0 else None


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
