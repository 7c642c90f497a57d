"""Read real maps, whatever their layout, as maps in mJy/beam.

The layouts: HerMES SMAP, HELP, Herschel Science Archive (HSA), H-ATLAS, JCMT
SCUBA-2 and plain FITS images. What was decided on the way is returned as well.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from superspire.errors import InputError
from superspire.evaluation.sources import background
from superspire.fields.hdus import (
    COVERAGE,
    ERROR,
    MASK,
    celestial_wcs,
    declared_band,
    find_named,
    find_signal,
    is_image,
    label,
    name,
    open_fits,
    pixels,
)
from superspire.fields.units import (
    EXPECTED_UNITS,
    Unit,
    parse_unit,
    to_mjy_per_beam,
)
from superspire.instruments import BANDS
from superspire.io import Map

UNIT_KEYS = ("BUNIT", "SIGUNIT", "QTTY____", "UNITS")
SMAP_KEYS = ("SMAPSVN", "MAPMAKER", "WAVELN")
LEVELS = ("auto", "subtract", "keep")


@dataclass(frozen=True)
class Observation:
    """A real map and how it was read.

    Attributes
    ----------
    map : superspire.io.Map
        The signal [mJy/beam]; NaN where it was not observed or is masked.
    error : ndarray of float32, shape (ny, nx), or None
        Standard deviation [mJy/beam], if the file gives one.
    record : dict
        What was decided: HDUs, mask and its polarity, unit and its origin, factor,
        pixel scale, sky level.
    """

    map: Map
    error: np.ndarray | None
    record: dict


def read_observation(
    path,
    band,
    unit=None,
    hdu=None,
    mask=None,
    mask_good=None,
    level="auto",
    sky_level=0.0,
):
    """Read one real map as the network expects it.

    Parameters
    ----------
    path : str or path-like
        FITS file, perhaps compressed.
    band : int
        250, 350, 450 or 500 [µm].
    unit : str, optional
        Unit of the map if its header does not give one that can be understood.
    hdu : str or int, optional
        EXTNAME or number of the signal's HDU; found by itself by default.
    mask : str or path-like, optional
        File with the mask, if it is a file of its own (H-ATLAS).
    mask_good : {0, 1}, optional
        Value of good pixels in the mask; by default 1 for H-ATLAS and 0 for others.
    level : {"auto", "subtract", "keep"}
        Whether the map is shifted by a constant so that its clipped median becomes
        `sky_level`. ``"auto"`` keeps maps that are of zero mean by construction
        (HerMES SMAP, HELP and our own) and shifts all others, whose zero point is
        either absolute or arbitrary. Gradients are left in.
    sky_level : float
        Median, after clipping (`superspire.evaluation.sources.background`), of the
        zero-mean maps of the band that the network was trained on [mJy/beam]:
        below zero, because the sources pull the mean above the median.

    Returns
    -------
    Observation

    Raises
    ------
    InputError
        If the file cannot be read as a map of this band.
    """
    with open_fits(path) as hdus:
        signal = find_signal(hdus, path, hdu)
        check_band(hdus, signal, path, band)
        with np.errstate(over="ignore", invalid="ignore"):
            data = pixels(hdus, signal, path).astype(np.float32)
        data[~np.isfinite(data)] = np.nan
        wcs, pixel_area = celestial_wcs(hdus, signal, path)
        check_pixel(hdus, signal, path, band, pixel_area)
        spelt, origin = find_unit(hdus, signal, path, unit)
        factor = to_mjy_per_beam(spelt, band, pixel_area)
        masked = apply_masks(hdus, signal, data, path, mask, mask_good)
        error, error_hdu = read_error(hdus, data.shape, path)
        surveyed = zero_mean_layout(hdus, signal)
        signal_label = label(hdus, signal)
    check_observed(data, path, signal_label, masked)
    data *= np.float32(factor)
    record = {
        "file": Path(path).name,
        "band": band,
        "signal": signal_label,
        "error": error_hdu,
        **masked,
        "unit": str(spelt),
        "unit_from": origin,
        "mjy_per_beam_per_unit": factor,
        "beam_area_arcsec2": BANDS[band].effective_area,
        "pixel_arcsec": np.sqrt(pixel_area),
        "shape": list(data.shape),
        "observed_fraction": float(np.isfinite(data).mean()),
        **shift_level(data, level, surveyed, sky_level),
    }
    if error is not None:
        error = (error * factor).astype(np.float32)
    return Observation(Map(data, wcs), error, record)


def check_band(hdus, signal, path, band):
    """Refuse a map whose header says that it is of another band."""
    for hdu in (signal, hdus[0]):
        declared = declared_band(hdu.header)
        if declared is not None and declared[1] != band:
            raise InputError(
                f"{path}: expected a map at {band} µm, found {declared[0]} of "
                f"{label(hdus, hdu)} for {declared[1]} µm"
            )


def check_pixel(hdus, signal, path, band, pixel_area):
    """Refuse pixels that cannot sample the beam: the WCS then lacks its scale."""
    size = np.sqrt(pixel_area)
    fwhm = BANDS[band].fwhm
    if size > fwhm:
        raise InputError(
            f"{path}: expected pixels smaller than the beam of {fwhm} arcsec in the "
            f"WCS of {label(hdus, signal)}, found {size:.4g} arcsec"
        )


def check_observed(data, path, signal_label, masked):
    """Refuse a map without a single observed pixel."""
    if np.isfinite(data).any():
        return
    by = "" if masked["mask"] is None else f" after masking with {masked['mask']}"
    raise InputError(
        f"{path}: expected observed pixels in {signal_label}, found only NaN{by}"
    )


def is_smap(header):
    """Tell whether a header was written by the HerMES map maker SMAP."""
    described = re.match(r"\d+ microns", str(header.get("DESC", "")))
    return bool(described) or any(key in header for key in SMAP_KEYS)


def zero_mean_layout(hdus, signal):
    """Name the layout if its maps are of zero mean by construction, or give None."""
    headers = (signal.header, hdus[0].header)
    if any(is_smap(header) for header in headers):
        return "HerMES SMAP"
    if find_named(hdus, ["nebfilt"]) is not None:
        return "HELP"
    if any(str(header.get("CREATOR", "")).startswith("SuperS") for header in headers):
        return "SuperSPIRE"
    return None


def find_unit(hdus, signal, path, configured):
    """Find the unit of a map.

    The order is BUNIT, SIGUNIT, QTTY____, UNITS (each in the signal's HDU, then in
    HDU 0), the configuration, and Jy/beam for SMAP files, which have no unit.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    signal : HDU
        Its signal.
    path : str or path-like
        Its name, for messages.
    configured : str or None
        The unit that the configuration gives.

    Returns
    -------
    unit : Unit
    origin : str
        Where it was found.
    """
    spelt = [("the configuration (unit)", configured)] if configured else []
    given = [
        (f"{key} of {label(hdus, hdu)}", hdu.header[key])
        for key in UNIT_KEYS
        for hdu in dict.fromkeys((signal, hdus[0]))
        if str(hdu.header.get(key, "")).strip()
    ]
    for origin, text in given + spelt:
        unit = parse_unit(text)
        if unit is not None:
            return unit, origin
    if not given and not spelt and is_smap(signal.header):
        return Unit(1.0, "beam"), "HerMES SMAP file without BUNIT"
    tried = "; ".join(f"{text!r} in {origin}" for origin, text in given + spelt)
    raise InputError(
        f"{path}: expected the unit of {label(hdus, signal)} in "
        f"{', '.join(UNIT_KEYS)} or the configuration (unit) as {EXPECTED_UNITS}, "
        f"found {tried or 'none'}"
    )


def apply_masks(hdus, signal, data, path, mask_path, good):
    """Set masked pixels and pixels without coverage to NaN.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    signal : HDU
        Its signal.
    data : ndarray, shape (ny, nx)
        The pixels of the signal, changed in place.
    path : str or path-like
        Its name, for messages.
    mask_path : str or path-like or None
        A mask in a file of its own.
    good : {0, 1} or None
        Value of good pixels.

    Returns
    -------
    dict
        What was used: ``mask``, ``mask_good``, ``coverage``.
    """
    if good is None:
        good = 1 if is_hatlas(signal.header, path, mask_path) else 0
    used = {"mask": None, "mask_good": None, "coverage": None}
    mask = None
    if mask_path is not None:
        with open_fits(mask_path) as others:
            hdu = next((hdu for hdu in others if is_image(hdu)), None)
            if hdu is None:
                raise InputError(f"{mask_path}: expected a mask, found no image HDU")
            mask = pixels(others, hdu, mask_path, data.shape)
            used["mask"] = f"{Path(mask_path).name}, {label(others, hdu)}"
    elif (hdu := find_named(hdus, MASK)) is not None:
        mask = pixels(hdus, hdu, path, data.shape)
        used["mask"] = label(hdus, hdu)
    if mask is not None:
        used["mask_good"] = good
        bad = (mask == 0) if good else (mask != 0)
        data[bad | ~np.isfinite(mask)] = np.nan
    coverage = find_named(hdus, COVERAGE)
    if coverage is not None:
        used["coverage"] = label(hdus, coverage)
        data[~(pixels(hdus, coverage, path, data.shape) > 0)] = np.nan
    return used


def is_hatlas(header, *paths):
    """Tell whether files are of the H-ATLAS survey, whose masks are 1 where good."""
    texts = [Path(path).name for path in paths if path is not None]
    texts += [str(value) for value in header.values()]
    return any(re.search(r"H-?ATLAS", text, re.IGNORECASE) for text in texts)


def read_error(hdus, shape, path):
    """Read the standard deviation of the pixels, if the file holds it.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    shape : tuple of int
        Shape of the signal.
    path : str or path-like
        Its name, for messages.

    Returns
    -------
    error : ndarray, shape (ny, nx), or None
        In the unit of the signal; NaN where there is none.
    found : str or None
        The HDU, and whether it was a variance.
    """
    hdu = find_named(hdus, ERROR)
    if hdu is None:
        return None, None
    error = pixels(hdus, hdu, path, shape).astype(np.float64)
    error[~(error >= 0)] = np.nan
    if name(hdu) == "variance":
        return np.sqrt(error), f"{label(hdus, hdu)}, square root"
    return error, label(hdus, hdu)


def shift_level(data, level, layout, sky_level):
    """Shift a map to the sky level of the training maps, see `read_observation`.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
        Map [mJy/beam], changed in place.
    level : {"auto", "subtract", "keep"}
        What to do.
    layout : str or None
        Name of a layout of zero mean by construction.
    sky_level : float
        Level of the training maps [mJy/beam].

    Returns
    -------
    dict
        Measured, wanted and subtracted level [mJy/beam], clipped rms and the reason.
    """
    if level not in LEVELS:
        raise InputError(
            f"expected level of a field to be one of {', '.join(LEVELS)}, "
            f"found {level!r}"
        )
    measured, rms = background(data)
    kept = level == "keep" or (level == "auto" and layout is not None)
    offset = 0.0 if kept else measured - sky_level
    data -= np.float32(offset)
    reason = f"zero mean by construction ({layout})" if layout else "zero point unknown"
    return {
        "sky_measured_mjy_beam": measured,
        "sky_wanted_mjy_beam": float(sky_level),
        "sky_subtracted_mjy_beam": offset,
        "sky_reason": reason if level == "auto" else f"level: {level}",
        "rms_mjy_beam": rms,
    }
