"""Read real maps, whatever their layout, as maps in mJy/beam.

The layouts: HerMES SMAP, HELP, Herschel Science Archive (HSA), H-ATLAS, JCMT
SCUBA-2 and plain FITS images, such as mosaics of Spitzer MIPS. What
`superspire.maps.reading.decide` chose is printed and returned as well.
"""

from dataclasses import dataclass

import numpy as np

from superspire.errors import InputError
from superspire.instruments import BANDS
from superspire.io import Map
from superspire.maps.archives import open_map
from superspire.maps.background import background
from superspire.maps.blanks import HUGE
from superspire.maps.coordinates import (
    celestial_wcs,
    check_positions,
    describe_pixels,
    pixel_areas,
)
from superspire.maps.masks import apply_masks, blank_pixels, read_companion
from superspire.maps.reading import decide, error_unit, is_variance
from superspire.maps.signals import ERROR
from superspire.maps.surveys import ZERO_MEAN, check_scatter
from superspire.maps.units import to_mjy_per_beam

LEVELS = ("auto", "subtract", "keep")


@dataclass(frozen=True)
class Observation:
    """A real map and how it was read.

    Attributes
    ----------
    map : superspire.io.Map
        The signal [mJy/beam] with its coordinates in ICRS; NaN where it was not
        observed or is masked.
    error : ndarray of float32, shape (ny, nx), or None
        Standard deviation [mJy/beam], if there is one.
    record : dict
        What was decided: layout, HDUs, mask and its polarity, unit and its origin,
        factor, beam, pixel scale, sky level; ``remarks`` has a sentence about
        everything unusual, ``warnings`` those that the user should see at once.
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
    error=None,
    fcf=None,
    blank="auto",
):
    """Read one real map as the network expects it.

    Parameters
    ----------
    path : str or path-like
        FITS file, perhaps compressed, or the folder or the archive of an observation
        (`superspire.maps.archives.open_map`).
    band : int
        Key of `superspire.instruments.BANDS` [µm].
    unit : str, optional
        Unit of the map, whatever its header says.
    hdu : str or int, optional
        EXTNAME or number of the signal's HDU; found separately by default.
    mask : str or path-like, optional
        File with the mask, if it is a file of its own (H-ATLAS).
    mask_good : {0, 1}, optional
        Value of good pixels in the mask; by default what its unobserved pixels show,
        else 1 for H-ATLAS and 0 for others.
    level : {"auto", "subtract", "keep"}
        Whether the map is shifted by a constant so that its clipped median becomes
        `sky_level`. ``"auto"`` keeps maps that are of zero mean by construction
        (HerMES SMAP, HELP and our own) and shifts all others, whose zero point is
        either absolute or arbitrary. Gradients are left in.
    sky_level : float
        Median, after clipping (`superspire.photometry.sources.background`), of the
        zero-mean maps of the band that the network was trained on [mJy/beam]:
        below zero, because the sources pull the mean above the median.
    error : str or path-like, optional
        File with the standard deviation, if it is a file of its own (SIGMA of
        H-ATLAS, rms of SCUBA-2); it goes before an error in the map's file.
    fcf : float, optional
        Flux conversion factor of maps in pW [mJy/beam/pW].
    blank : "auto", "none" or float
        Value of pixels that were not observed, besides NaN; by default found by
        `superspire.maps.blanks.find_blanks`.

    Returns
    -------
    Observation

    Raises
    ------
    InputError
        If the file cannot be read as a map of this band.
    """
    if level not in LEVELS:
        raise InputError(
            f"expected level of a field to be one of {', '.join(LEVELS)}, "
            f"found {level!r}"
        )
    with open_map(path, band) as file:
        decision = decide(file, band, unit, hdu, mask, mask_good, fcf)
        data = signal_pixels(file, decision.signal)
        wcs = celestial_wcs(file, decision.signal, data.shape)
        blanks = blank_pixels(file, decision.signal, data, blank)
        masked = apply_masks(file, decision, data, wcs, mask)
        check_observed(file, decision.signal, data, masked)
        check_positions(file, decision.signal, wcs, data)
        area = check_pixel(file, decision.signal, band, wcs, data)
        factor = to_mjy_per_beam(decision.unit, band, area)
        data *= factors(decision.unit, band, wcs, data.shape)
        sigma, label = read_error(file, decision, band, data.shape, wcs, error, fcf)
        check_error(data, sigma, file)
        shifted = shift_level(data, level, decision.layout, sky_level)
        file.remarks += check_scatter(shifted["rms_mjy_beam"], band)
        record = {
            "file": file.name,
            "found_in": None if file.path == str(path) else str(path),
            "band": band,
            "layout": decision.layout,
            "signal": file.label(decision.signal),
            "error": label,
            **masked,
            "blank": blanks,
            "unit": decision.unit_text,
            "unit_from": decision.unit_from,
            "mjy_per_beam_per_unit": factor,
            "beam_fwhm_arcsec": decision.fwhm,
            "beam_from": decision.fwhm_from,
            "beam_area_arcsec2": BANDS[band].effective_area,
            "matched_filtered": decision.matched,
            "pixel_arcsec": float(np.sqrt(area)),
            "shape": list(data.shape),
            "observed_fraction": float(np.isfinite(data).mean()),
            **shifted,
            "remarks": file.remarks,
            "warnings": file.warnings,
        }
    print_decision(record)
    return Observation(Map(data, wcs), sigma, record)


def print_decision(record):
    """Print how a map was read, one line, and every remark on a line of its own."""
    mask = record["mask"] and f"{record['mask']} ({record['mask_good']} is good)"
    print(
        f"{record['file']}: {record['layout']} at {record['band']} µm, "
        f"signal {record['signal']}, error {record['error'] or 'none'}, "
        f"mask {mask or 'none'}, coverage {record['coverage'] or 'none'}, "
        f"{record['unit']} from {record['unit_from']} = "
        f"{record['mjy_per_beam_per_unit']:.6g} mJy/beam, beam of "
        f"{record['beam_fwhm_arcsec']:.4g} arcsec ({record['beam_from']})"
    )
    for remark in record["remarks"]:
        print(f"{record['file']}: {remark}")


def signal_pixels(file, signal):
    """Read the signal as float32 with NaN for everything that is not a number."""
    with np.errstate(over="ignore", invalid="ignore"):
        data = file.pixels(signal).astype(np.float32)
    infinite = int(np.isinf(data).sum())
    if infinite:
        file.remark(f"{infinite} infinite pixels are not used")
        data[np.isinf(data)] = np.nan
    return data


def check_pixel(file, signal, band, wcs, data):
    """Measure the solid angle of a pixel [arcsec²]; refuse those that miss the beam."""
    area, unusual = describe_pixels(wcs, data)
    file.remarks += unusual
    size, fwhm = np.sqrt(area), BANDS[band].fwhm
    if not 0 < size <= fwhm:
        raise file.error(
            f"pixels smaller than the beam of {fwhm} arcsec in the WCS of "
            f"{file.label(signal)}",
            f"{size:.4g} arcsec",
        )
    if size > fwhm / 2.0:
        file.remark(
            f"pixels of {size:.4g} arcsec sample the beam of {fwhm} arcsec too coarsely"
        )
    return area


def check_observed(file, signal, data, masked):
    """Refuse a map without a single observed pixel."""
    if np.isfinite(data).any():
        return
    by = "" if masked["mask"] is None else f" after masking with {masked['mask']}"
    raise file.error(f"observed pixels in {file.label(signal)}", "only NaN", by)


def factors(unit, band, wcs, shape):
    """Compute what turns a map into mJy/beam: a number, or one for each pixel.

    Parameters
    ----------
    unit : superspire.maps.units.Unit
        Unit of the map.
    band : int
        Wavelength [µm].
    wcs : astropy.wcs.WCS
        Its coordinates.
    shape : tuple of int
        Its shape (ny, nx).

    Returns
    -------
    float32 or ndarray of float32, shape (ny, nx)
    """
    if unit.area != "pixel":
        return np.float32(to_mjy_per_beam(unit, band, 1.0))
    return np.float32(to_mjy_per_beam(unit, band, 1.0)) / pixel_areas(wcs, shape)


def read_error(file, decision, band, shape, wcs, error_path, fcf):
    """Read the standard deviation of the pixels, if there is one.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file; gets remarks.
    decision : superspire.maps.reading.Decision
        How it is read.
    band : int
        Wavelength [µm].
    shape : tuple of int
        Shape of the signal.
    wcs : astropy.wcs.WCS
        Coordinates of the signal.
    error_path : str or path-like or None
        An error in a file of its own.
    fcf : float or None
        Flux conversion factor [mJy/beam/pW].

    Returns
    -------
    error : ndarray of float32, shape (ny, nx), or None
        [mJy/beam]; NaN where there is none.
    label : str or None
        Where it was found.
    """
    if error_path is not None:
        error, label, text = read_companion(
            error_path, ERROR, shape, wcs, "an error", file
        )
    elif decision.error is not None:
        error, label = file.pixels(decision.error, shape), file.label(decision.error)
        text = file.cards(decision.error).text
    else:
        return None, None
    error = error.astype(np.float64)
    with np.errstate(invalid="ignore"):
        error[~((error >= 0) & (error < HUGE))] = np.nan
    variance = is_variance(text)
    if variance:
        error, label = np.sqrt(error), f"{label}, square root"
    unit = error_unit(text, variance, decision, fcf, file)
    return (error * factors(unit, band, wcs, shape)).astype(np.float32), label


def check_error(data, error, file):
    """Remark on observed pixels without an error."""
    if error is None:
        return
    observed = np.isfinite(data)
    missing = (observed & ~(error > 0)).sum() / observed.sum()
    if missing > 0:
        file.remark(f"{100 * missing:.2g} % of the observed pixels have no error")


def shift_level(data, level, layout, sky_level):
    """Shift a map to the sky level of the training maps, see `read_observation`.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
        Map [mJy/beam], changed in place.
    level : {"auto", "subtract", "keep"}
        What to do.
    layout : str
        Layout of the file.
    sky_level : float
        Level of the training maps [mJy/beam].

    Returns
    -------
    dict
        Measured, wanted and subtracted level [mJy/beam], clipped rms and the reason.
    """
    measured, rms = background(data)
    centred = layout in ZERO_MEAN
    kept = level == "keep" or (level == "auto" and centred)
    offset = 0.0 if kept else measured - sky_level
    data -= np.float32(offset)
    reason = (
        f"zero mean by construction ({layout})" if centred else "zero point unknown"
    )
    return {
        "sky_measured_mjy_beam": measured,
        "sky_wanted_mjy_beam": float(sky_level),
        "sky_subtracted_mjy_beam": offset,
        "sky_reason": reason if level == "auto" else f"level: {level}",
        "rms_mjy_beam": rms,
    }
