"""Decide how a real map is read: signal, error, mask and its polarity, unit, beam."""

from dataclasses import dataclass, field

from superspire.errors import InputError
from superspire.maps.hdus import (
    COVERAGE,
    ERROR,
    HDU,
    MASK,
    SIGNAL,
    find_named,
    find_signal,
    headers,
    is_image,
    label,
    name,
    text,
)
from superspire.maps.surveys import (
    declared_band,
    find_beam,
    find_layout,
    is_matched_filtered,
    is_same_band,
    named_band,
)
from superspire.maps.units import (
    EXPECTED_UNITS,
    STANDARD_FACTORS,
    Unit,
    calibrated_picowatt,
    is_picowatt,
    parse_unit,
    parse_variance_unit,
)

UNIT_KEYS = ("BUNIT", "SIGUNIT", "QTTY____", "UNITS")


@dataclass
class Decision:
    """How a file is read.

    Attributes
    ----------
    signal : HDU
        The signal.
    layout : str
        Layout in which it was published.
    unit : Unit
        Its unit.
    unit_text, unit_from : str
        The unit as it is spelt, and where it was found.
    mask, coverage, error : HDU or None
        Companions in the same file.
    mask_good : {0, 1}
        Value of good pixels in the mask.
    matched : bool
        Whether it is matched-filtered.
    fwhm : float
        Full width at half maximum of its beam [arcsec].
    fwhm_from : str
        Where that was found.
    remarks : list of str
        What is unusual.
    """

    signal: HDU
    layout: str
    unit: Unit
    unit_text: str
    unit_from: str
    mask: HDU | None
    coverage: HDU | None
    error: HDU | None
    mask_good: int
    matched: bool
    fwhm: float
    fwhm_from: str
    remarks: list = field(default_factory=list)


def decide(hdus, path, band, unit=None, hdu=None, mask=None, mask_good=None, fcf=None):
    """Decide how a file is read: signal, error, mask and its polarity, unit, beam.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    path : str or path-like
        Its name.
    band, unit, hdu, mask, mask_good, fcf
        See `read_observation`.

    Returns
    -------
    Decision

    Raises
    ------
    InputError
        If the signal or its unit cannot be found, or it is of another band.
    """
    signal = find_signal(hdus, path, hdu)
    cards = headers(hdus, signal)
    remarks = []
    images = [name(each) or "unnamed" for each in hdus if is_image(each)]
    if hdu is None and name(signal) not in SIGNAL and len(images) > 1:
        remarks.append(
            f"no HDU is named {', '.join(SIGNAL)}: {label(hdus, signal)} is taken for "
            f"the signal, of {', '.join(images)}"
        )
    remarks += [
        f"{label(hdus, each)} is empty"
        for each in hdus
        if name(each) in {*MASK, *COVERAGE, *ERROR} and not is_image(each)
    ]
    check_band(hdus, signal, path, band)
    named = named_band(path)
    if named is not None and not is_same_band(named, band):
        remarks.append(f"the name of the file speaks of {named} µm, not of {band} µm")
    layout = find_layout(hdus, signal, path, mask)
    matched = is_matched_filtered(hdus, signal, path)
    fwhm, fwhm_from, unusual = find_beam(cards, layout, band, matched)
    remarks += unusual
    spelt, unit_text, unit_from, unusual = find_unit(
        hdus, signal, path, unit, layout, fcf
    )
    remarks += unusual
    partner = [f"{name(signal)}_{key}" for key in ERROR]
    return Decision(
        signal=signal,
        layout=layout,
        unit=spelt,
        unit_text=unit_text,
        unit_from=unit_from,
        mask=find_named(hdus, MASK),
        coverage=find_named(hdus, COVERAGE),
        error=find_named(hdus, [*partner, *ERROR]),
        mask_good=mask_good if mask_good is not None else int(layout == "H-ATLAS"),
        matched=matched,
        fwhm=fwhm,
        fwhm_from=fwhm_from,
        remarks=remarks,
    )


def check_band(hdus, signal, path, band):
    """Refuse a map whose header says that it is of another band."""
    for header in headers(hdus, signal):
        declared = declared_band(header)
        if declared is not None and not is_same_band(declared[1], band):
            where = label(hdus, signal if header is signal.header else hdus[0])
            raise InputError(
                f"{path}: expected a map at {band} µm, found {declared[0]} of "
                f"{where} for {declared[1]:g} µm"
            )


def find_unit(hdus, signal, path, configured, layout, fcf):
    """Find the unit of a map.

    The order is BUNIT, SIGUNIT, QTTY____, UNITS (each in the signal's HDU, then in
    an empty HDU 0), the configuration, and Jy/beam for SMAP files, which have none.

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
    layout : str
        Layout of the file.
    fcf : float or None
        Flux conversion factor [mJy/beam/pW].

    Returns
    -------
    unit : Unit
    spelt : str
        The unit as it was understood.
    origin : str
        Where it was found.
    remarks : list of str
        What contradicts it.

    Raises
    ------
    InputError
        If there is no unit, or it is pW without a flux conversion factor.
    """
    given = given_units(hdus, signal)
    if configured:
        given.append(("the configuration (unit)", str(configured)))
    read = [(origin, spelt, read_unit(spelt, fcf)) for origin, spelt in given]
    for origin, spelt, unit in read:
        if unit is None and is_picowatt(spelt):
            raise no_factor(path, spelt, origin)
        if unit is not None:
            break
    chosen = next((each for each in read if each[2] is not None), None)
    if chosen is None and not given and layout == "HerMES SMAP":
        return Unit(1.0, "beam"), "Jy/beam", "HerMES SMAP file without BUNIT", []
    if chosen is None:
        tried = "; ".join(f"{spelt!r} in {origin}" for origin, spelt in given)
        raise InputError(
            f"{path}: expected the unit of {label(hdus, signal)} in "
            f"{', '.join(UNIT_KEYS)} or the configuration (unit) as {EXPECTED_UNITS}, "
            f"found {tried or 'none'}"
        )
    origin, spelt, unit = chosen
    remarks = [
        f"the unit {other!r} in {where} "
        + ("is not understood" if read_as is None else "is another one")
        + f", {spelt!r} in {origin} is used"
        for where, other, read_as in read
        if read_as != unit
    ]
    if not is_picowatt(spelt):
        spelt = str(unit)
        if fcf is not None:
            remarks.append("fcf is not used, as the map is not in pW")
    else:
        spelt = f"pW with fcf {fcf:g} mJy/beam/pW"
    return unit, spelt, origin, remarks


def given_units(hdus, signal):
    """List the cards that give the unit of a map, best first, as (origin, text)."""
    empty = [] if signal is hdus[0] or is_image(hdus[0]) else [hdus[0]]
    return [
        (f"{key} of {label(hdus, hdu)}", text(hdu.header, key))
        for key in UNIT_KEYS
        for hdu in (signal, *empty)
        if text(hdu.header, key)
    ]


def read_unit(spelt, fcf):
    """Read a unit, pW by its flux conversion factor; None if it is not understood."""
    if not is_picowatt(spelt):
        return parse_unit(spelt)
    return None if fcf is None else calibrated_picowatt(fcf)


def no_factor(path, spelt, origin):
    """Make the error for a map in pW without a flux conversion factor."""
    return InputError(
        f"{path}: expected fcf [mJy/beam/pW], the flux conversion factor of a map in "
        f"pW ({STANDARD_FACTORS}), found {spelt!r} in {origin} and no fcf"
    )


def is_variance(header):
    """Tell from its name or its unit whether an error is a variance."""
    squares = (text(header, key) for key in UNIT_KEYS)
    return text(header, "EXTNAME").lower() == "variance" or any(
        is_picowatt(each, squared=True) or parse_variance_unit(each) is not None
        for each in squares
        if each
    )


def error_unit(header, variance, decision, fcf, path):
    """Find the unit of an error, by default that of the signal.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Header of the error.
    variance : bool
        Whether it is a variance.
    decision : Decision
        How the signal is read; gets remarks.
    fcf : float or None
        Flux conversion factor [mJy/beam/pW].
    path : str or path-like
        Name of the map, for messages.

    Returns
    -------
    Unit
        Of the standard deviation.
    """
    read = parse_variance_unit if variance else parse_unit
    for key in UNIT_KEYS:
        spelt = text(header, key)
        if not spelt:
            continue
        if is_picowatt(spelt, squared=variance):
            if fcf is None:
                raise no_factor(path, spelt, f"{key} of the error")
            return calibrated_picowatt(fcf)
        unit = read(spelt)
        if unit is not None:
            if unit != decision.unit:
                decision.remarks.append(f"the error is in {unit}, unlike the signal")
            return unit
        decision.remarks.append(
            f"the unit {spelt!r} in {key} of the error is not understood, that of the "
            "signal is used"
        )
    return decision.unit
