"""Which pixels of a map were not observed: by its mask, its coverage and its values."""

import numpy as np

from superspire.maps.blanks import find_blanks
from superspire.maps.cards import as_number
from superspire.maps.coordinates import check_grid
from superspire.maps.files import open_fits
from superspire.maps.signals import MASK

MUCH = 0.5
"""Fraction of the observed pixels above which masking them is worth a warning."""

CLEAR = 0.99
"""Fraction of the unobserved pixels that a mask of the right polarity takes away."""

SOME = 50
"""Unobserved pixels from which on they can tell the polarity of a mask."""


def blank_pixels(file, hdu, data, wanted="auto"):
    """Set pixels of a map that hold a value in place of an observation to NaN.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file; gets a warning about each value.
    hdu : HDU
        The signal.
    data : ndarray of float32, shape (ny, nx)
        Its pixels, changed in place.
    wanted : "auto", "none" or float
        What the user says about such values.

    Returns
    -------
    list of float
        The values.
    """
    blanks = find_blanks(data, wanted)
    floating = hdu.header.get("BITPIX", 0) < 0
    named = as_number(file.text(hdu, "BLANK"))
    if wanted == "auto" and floating and named is not None:
        blanks += find_blanks(data, named)
    for blank in blanks:
        file.warn(str(blank))
        data[blank.pixels] = np.nan
    return [blank.value for blank in blanks]


def apply_masks(file, decision, data, wcs, mask_path):
    """Set masked pixels and pixels without coverage to NaN.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file; gets remarks and warnings.
    decision : superspire.maps.reading.Decision
        How it is read.
    data : ndarray, shape (ny, nx)
        The pixels of the signal, changed in place.
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
            mask_path, MASK, data.shape, wcs, "a mask", file
        )
    elif decision.mask is not None:
        mask = file.pixels(decision.mask, data.shape)
        used["mask"] = file.label(decision.mask)
    if mask is not None:
        good = used["mask_good"] = polarity(file, decision, mask, data, used["mask"])
        bad = is_bad(mask, good)
        observed = np.isfinite(data)
        lost = (bad & observed).sum() / max(observed.sum(), 1)
        if lost > MUCH:
            file.warn(
                f"{used['mask']} takes away {100 * lost:.0f} % of the observed pixels: "
                "check mask_good"
            )
        data[bad] = np.nan
    if decision.coverage:
        used["coverage"] = ", ".join(map(file.label, decision.coverage))
    for hdu in decision.coverage:
        data[~(file.pixels(hdu, data.shape) > 0)] = np.nan
    return used


def is_bad(mask, good):
    """Find which pixels a mask takes away, if 0 or if anything else is good."""
    return ((mask == 0) if good else (mask != 0)) | ~np.isfinite(mask)


def polarity(file, decision, mask, data, label):
    """Find out whether good pixels are zero in a mask, or are not.

    Unobserved pixels tell it, if there are any: a mask takes them away.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file; gets a warning where they contradict the layout or the user.
    decision : superspire.maps.reading.Decision
        What the user or the layout says.
    mask, data : ndarray, shape (ny, nx)
        The mask, and the map with NaN where nothing was observed.
    label : str
        The mask as messages name it.

    Returns
    -------
    {0, 1}
    """
    unobserved = ~np.isfinite(data)
    if unobserved.sum() < SOME or unobserved.all():
        return decision.mask_good
    found = int((mask[unobserved] == 0).mean() > 0.5)
    clear = is_bad(mask, found)[unobserved].mean() >= CLEAR
    if not clear or is_bad(mask, found)[~unobserved].mean() > MUCH:
        return decision.mask_good
    if found == decision.mask_good:
        return found
    here, there = ("nonzero", "zero") if found else ("zero", "nonzero")
    fact = f"{label} is {here} where the map was observed and {there} elsewhere"
    if decision.mask_given:
        file.warn(
            f"{fact}, against mask_good {decision.mask_good} of the configuration"
        )
        return decision.mask_good
    file.warn(f"{fact}: mask_good {found} is used")
    return found


def read_companion(path, names, shape, wcs, kind, notes):
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
    notes : superspire.maps.files.MapFile
        The file of the signal, which gets what is unusual.

    Returns
    -------
    data : ndarray, shape `shape`
    label : str
        File and HDU.
    text : callable
        From a keyword to the value of its card in that HDU.
    """
    with open_fits(path) as file:
        first = next(iter(file.images), None)
        hdu = file.find_named(names) or first
        if hdu is None:
            raise file.error(kind, "no image HDU")
        data = file.pixels(hdu, shape)
        check_grid(wcs, shape, file, hdu)
        for remark in file.remarks:
            notes.remark(remark)
        cards = file.cards(hdu)
        return data, f"{file.name}, {file.label(hdu)}", cards.text
