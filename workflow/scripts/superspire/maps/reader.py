"""Read real maps, whatever their layout, as maps in mJy/beam.

The layouts: HerMES SMAP, HELP, Herschel Science Archive (HSA), H-ATLAS, JCMT
SCUBA-2 and plain FITS images. What `superspire.maps.reading.decide` chose is
printed and returned as well.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.wcs.utils import proj_plane_pixel_area

from superspire.errors import InputError
from superspire.instruments import BANDS
from superspire.io import Map
from superspire.maps.background import background
from superspire.maps.coordinates import celestial_wcs, check_grid
from superspire.maps.hdus import (
    ERROR,
    MASK,
    find_named,
    is_image,
    label,
    open_fits,
    pixels,
)
from superspire.maps.reading import decide, error_unit, is_variance
from superspire.maps.surveys import ZERO_MEAN, check_scatter
from superspire.maps.units import to_mjy_per_beam

LEVELS = ("auto", "subtract", "keep")

MUCH = 0.5
"""Share of the observed pixels above which masking them is worth a remark."""


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
        everything unusual.
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
        Median, after clipping (`superspire.photometry.sources.background`), of the
        zero-mean maps of the band that the network was trained on [mJy/beam]:
        below zero, because the sources pull the mean above the median.
    error : str or path-like, optional
        File with the standard deviation, if it is a file of its own (SIGMA of
        H-ATLAS, rms of SCUBA-2); it goes before an error in the map's file.
    fcf : float, optional
        Flux conversion factor of maps in pW [mJy/beam/pW].

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
    with open_fits(path) as hdus:
        decision = decide(hdus, path, band, unit, hdu, mask, mask_good, fcf)
        signal, remarks = decision.signal, decision.remarks
        data = signal_pixels(hdus, signal, path, remarks)
        wcs, pixel_area, unusual = celestial_wcs(hdus, signal, path, data.shape)
        remarks += unusual
        check_pixel(hdus, signal, path, band, wcs, remarks)
        masked = apply_masks(hdus, decision, data, path, wcs, mask)
        factor = to_mjy_per_beam(decision.unit, band, pixel_area)
        sigma, found = read_error(hdus, decision, data.shape, path, wcs, error)
        if sigma is not None:
            spelt = error_unit(found["header"], found["variance"], decision, fcf, path)
            sigma *= to_mjy_per_beam(spelt, band, pixel_area)
        signal_label = label(hdus, signal)
    check_observed(data, path, signal_label, masked)
    data *= np.float32(factor)
    check_error(data, sigma, remarks)
    shifted = shift_level(data, level, decision.layout, sky_level)
    remarks += check_scatter(shifted["rms_mjy_beam"], band)
    record = {
        "file": Path(path).name,
        "band": band,
        "layout": decision.layout,
        "signal": signal_label,
        "error": None if sigma is None else found["label"],
        **masked,
        "unit": decision.unit_text,
        "unit_from": decision.unit_from,
        "mjy_per_beam_per_unit": factor,
        "beam_fwhm_arcsec": decision.fwhm,
        "beam_from": decision.fwhm_from,
        "beam_area_arcsec2": BANDS[band].effective_area,
        "matched_filtered": decision.matched,
        "pixel_arcsec": np.sqrt(pixel_area),
        "shape": list(data.shape),
        "observed_fraction": float(np.isfinite(data).mean()),
        **shifted,
        "remarks": remarks,
    }
    print_decision(record)
    if sigma is not None:
        sigma = sigma.astype(np.float32)
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


def signal_pixels(hdus, signal, path, remarks):
    """Read the signal as float32 with NaN for everything that is not a number."""
    with np.errstate(over="ignore", invalid="ignore"):
        data = pixels(hdus, signal, path).astype(np.float32)
    infinite = int(np.isinf(data).sum())
    if infinite:
        remarks.append(f"{infinite} infinite pixels are not used")
        data[np.isinf(data)] = np.nan
    return data


def check_pixel(hdus, signal, path, band, wcs, remarks):
    """Refuse pixels that cannot sample the beam: the WCS then lacks its scale."""
    size = 3600.0 * np.sqrt(proj_plane_pixel_area(wcs))
    fwhm = BANDS[band].fwhm
    if size > fwhm:
        raise InputError(
            f"{path}: expected pixels smaller than the beam of {fwhm} arcsec in the "
            f"WCS of {label(hdus, signal)}, found {size:.4g} arcsec"
        )
    if size > fwhm / 2.0:
        remarks.append(
            f"pixels of {size:.4g} arcsec sample the beam of {fwhm} arcsec too coarsely"
        )


def check_observed(data, path, signal_label, masked):
    """Refuse a map without a single observed pixel."""
    if np.isfinite(data).any():
        return
    by = "" if masked["mask"] is None else f" after masking with {masked['mask']}"
    raise InputError(
        f"{path}: expected observed pixels in {signal_label}, found only NaN{by}"
    )


def apply_masks(hdus, decision, data, path, wcs, mask_path):
    """Set masked pixels and pixels without coverage to NaN.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    decision : Decision
        How it is read; gets remarks.
    data : ndarray, shape (ny, nx)
        The pixels of the signal, changed in place.
    path : str or path-like
        Its name, for messages.
    wcs : astropy.wcs.WCS
        Coordinates of the signal.
    mask_path : str or path-like or None
        A mask in a file of its own.

    Returns
    -------
    dict
        What was used: ``mask``, ``mask_good``, ``coverage``.
    """
    used = {"mask": None, "mask_good": None, "coverage": None}
    mask = None
    if mask_path is not None:
        mask, used["mask"], _ = read_companion(
            mask_path, MASK, data.shape, wcs, "a mask", decision.remarks
        )
    elif decision.mask is not None:
        mask = pixels(hdus, decision.mask, path, data.shape)
        used["mask"] = label(hdus, decision.mask)
    if mask is not None:
        good = used["mask_good"] = decision.mask_good
        bad = ((mask == 0) if good else (mask != 0)) | ~np.isfinite(mask)
        observed = np.isfinite(data)
        lost = (bad & observed).sum() / max(observed.sum(), 1)
        if lost > MUCH:
            decision.remarks.append(
                f"{used['mask']} takes away {100 * lost:.0f} % of the observed pixels: "
                "check mask_good"
            )
        data[bad] = np.nan
    if decision.coverage is not None:
        used["coverage"] = label(hdus, decision.coverage)
        data[~(pixels(hdus, decision.coverage, path, data.shape) > 0)] = np.nan
    return used


def read_companion(path, names, shape, wcs, kind, remarks):
    """Read a mask or an error that is a file of its own.

    Parameters
    ----------
    path : str or path-like
        The file.
    names : tuple of str
        Names that its HDU may have; by default it is the first image.
    shape : tuple of int
        Shape of the signal.
    wcs : astropy.wcs.WCS
        Coordinates of the signal.
    kind : str
        What is expected, for messages.
    remarks : list of str
        Gets what is unusual.

    Returns
    -------
    data : ndarray, shape `shape`
    found : str
        File and HDU.
    header : astropy.io.fits.Header
        Of that HDU.
    """
    with open_fits(path) as hdus:
        first = next((hdu for hdu in hdus if is_image(hdu)), None)
        hdu = find_named(hdus, names) or first
        if hdu is None:
            raise InputError(f"{path}: expected {kind}, found no image HDU")
        data = pixels(hdus, hdu, path, shape)
        remarks += check_grid(wcs, shape, hdus, hdu, path)
        return data, f"{Path(path).name}, {label(hdus, hdu)}", hdu.header


def read_error(hdus, decision, shape, path, wcs, error_path):
    """Read the standard deviation of the pixels, if there is one.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    decision : Decision
        How it is read; gets remarks.
    shape : tuple of int
        Shape of the signal.
    path : str or path-like
        Its name, for messages.
    wcs : astropy.wcs.WCS
        Coordinates of the signal.
    error_path : str or path-like or None
        An error in a file of its own.

    Returns
    -------
    error : ndarray of float64, shape (ny, nx), or None
        In the unit that the header gives; NaN where there is none.
    found : dict or None
        ``label``, ``header``, and whether it was a ``variance``.
    """
    if error_path is not None:
        error, where, header = read_companion(
            error_path, ERROR, shape, wcs, "an error", decision.remarks
        )
    elif decision.error is not None:
        error = pixels(hdus, decision.error, path, shape)
        where, header = label(hdus, decision.error), decision.error.header
    else:
        return None, None
    variance = is_variance(header)
    error = error.astype(np.float64)
    with np.errstate(invalid="ignore"):
        error[~((error >= 0) & np.isfinite(error))] = np.nan
    if variance:
        error, where = np.sqrt(error), f"{where}, square root"
    return error, {"label": where, "header": header, "variance": variance}


def check_error(data, error, remarks):
    """Remark on observed pixels without an error."""
    if error is None:
        return
    observed = np.isfinite(data)
    missing = (observed & ~(error > 0)).sum() / observed.sum()
    if missing > 0:
        remarks.append(f"{100 * missing:.2g} % of the observed pixels have no error")


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
