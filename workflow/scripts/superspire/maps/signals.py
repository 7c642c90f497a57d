"""Which HDUs of a map file hold the signal, its error, its mask and its coverage."""

import re

from superspire.maps.files import is_flat, is_image
from superspire.maps.surveys import declared_band, is_same_band, named_band

SIGNAL = ("image", "signal", "primary")
MASK = ("mask", "flag", "flags", "goodmask", "good", "badpix", "bad")
COVERAGE = (
    *("coverage", "exposure", "exp_time", "exptime", "weight", "weights", "wht"),
    *("ivm", "ivar", "invvar", "hits", "nhits"),
)
ERROR = (
    *("error", "noise", "sigma", "rms", "stdev", "std", "stddev", "err"),
    *("uncertainty", "unc", "variance", "var"),
)

NOT_SIGNAL = re.compile(
    "mask|flag|qual|cover|expos|exp_?time|hits|err|noise|sigma|rms|var|unc|weight|wht|"
    "psf|beam|matchedfilter|std|ivm|inv|snr|s2n|signal.?to|model|resid|chi|bad|"
    r"good(?!s)|dq|count|sample|index|depth|(?:background|back|bkg|bg)(?!\w*sub)"
)
"""Parts of the names of HDUs that are never taken for the signal unasked."""


def find_signal(file, band, wanted=None):
    """Find the image that holds the signal of a band.

    By its band, if the file holds several; by EXTNAME (image, signal, primary), else
    the first image of two dimensions that is not known to be something else. An empty
    ``image`` is never replaced by another HDU.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file; gets a warning if the choice is a guess.
    band : int
        Wavelength [µm].
    wanted : str or int, optional
        EXTNAME or number of the HDU, when the user names it.

    Returns
    -------
    HDU

    Raises
    ------
    InputError
        If there is none.
    """
    if wanted is not None:
        return wanted_hdu(file, wanted)
    named = [hdu for key in SIGNAL[:2] for hdu in file.hdus if file.extname(hdu) == key]
    if named and not any(map(is_image, named)):
        raise file.error(f"an image in {file.label(named[0])}", "it empty")
    images = of_band(file, file.images, band)
    found = file.find_named(SIGNAL, images)
    if found is None:
        flat = [
            hdu
            for hdu in images
            if is_flat(hdu.shape) and not NOT_SIGNAL.search(file.extname(hdu))
        ]
        found = next(iter(flat), None)
        if len(flat) > 1 or (flat and len(images) > 1 and len(bands_of(file)) < 2):
            names = ", ".join(file.extname(hdu) or "unnamed" for hdu in images)
            note = file.warn if len(flat) > 1 else file.remark
            note(
                f"no HDU is named {', '.join(SIGNAL)}: {file.label(found)} is taken "
                f"for the signal, of {names}"
            )
    if found is None:
        raise file.error(
            "an image HDU named image, signal or primary, or one of shape (ny, nx)",
            f"the HDUs {file.list_hdus()}",
        )
    return found


def wanted_hdu(file, wanted):
    """Find the HDU that the user names, see `find_signal`."""
    if isinstance(wanted, int):
        found = file.hdus[wanted] if 0 <= wanted < len(file.hdus) else None
    else:
        found = file.find_named([wanted.strip().lower()])
    if found is None or not is_image(found):
        raise file.error(
            f"an image in HDU {wanted!r} (key hdu of the configuration)",
            f"the HDUs {file.list_hdus()}",
        )
    return found


def band_of(file, hdu):
    """Find out of which band an HDU is, by its name and its own header.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file.
    hdu : HDU
        One of its images.

    Returns
    -------
    float or None
        Wavelength [µm]; None if it does not say.
    """
    named = named_band(file.extname(hdu))
    if named is not None:
        return named
    declared = declared_band(lambda key: file.text(hdu, key))
    return None if declared is None else declared[1]


def bands_of(file):
    """List the different bands of the images of a file."""
    found = {band_of(file, hdu) for hdu in file.images} - {None}
    return sorted(found)


def of_band(file, images, band):
    """Choose among images those of a band, if the file holds several bands.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file.
    images : list of HDU
        Some of its images.
    band : int
        Wavelength [µm].

    Returns
    -------
    list of HDU

    Raises
    ------
    InputError
        If it holds several bands, but not this one.
    """
    bands = bands_of(file)
    if len(bands) < 2:
        return images
    known = {id(hdu): band_of(file, hdu) for hdu in images}
    own = [h for h in images if known[id(h)] and is_same_band(known[id(h)], band)]
    if not own and not any(is_same_band(each, band) for each in bands):
        listed = ", ".join(f"{each:g}" for each in bands)
        raise file.error(f"an HDU of {band} µm", f"HDUs of {listed} µm")
    return own


def find_companions(file, signal, names, band):
    """Find the images that go with the signal, by their names.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file.
    signal : HDU
        The signal.
    names : tuple of str
        What they may be called, best first; the name of the signal and one of these,
        joined by an underscore, comes before all others.
    band : int
        Wavelength [µm].

    Returns
    -------
    list of HDU
        Best first. Of a file of several bands, those of the band, and masks and
        coverages that name no band but have the shape of the signal.
    """
    others = [hdu for hdu in file.images if hdu is not signal]
    images = of_band(file, others, band)
    if len(bands_of(file)) > 1 and names is not ERROR:
        images += [
            hdu
            for hdu in others
            if band_of(file, hdu) is None and hdu.shape == signal.shape
        ]
    own = file.extname(signal)
    wanted = [*(f"{own}_{key}" for key in names), *names]
    found = [hdu for key in wanted for hdu in images if file.extname(hdu) == key]
    if len(bands_of(file)) > 1:
        pattern = re.compile(rf"(?<![a-z])(?:{'|'.join(names)})(?![a-z])")
        found += [
            hdu
            for hdu in images
            if hdu not in found and pattern.search(file.extname(hdu))
        ]
    return found
