"""Decide how a real map is read: signal, error, mask and its polarity, unit, beam."""

from dataclasses import dataclass

from superspire.errors import InputError
from superspire.maps.files import HDU, is_image
from superspire.maps.signals import (
    COVERAGE,
    ERROR,
    MASK,
    find_companions,
    find_signal,
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


CONFIGURED = "the configuration (unit)"


@dataclass(frozen=True)
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
    overruled : list of Unit
        Units of the header that the user says are wrong.
    mask, error : HDU or None
        Companions in the same file.
    coverage : list of HDU
        Those that are zero where nothing was observed.
    mask_good : {0, 1}
        Value of good pixels in the mask.
    mask_given : bool
        Whether the user says so.
    matched : bool
        Whether it is matched-filtered.
    fwhm : float
        Full width at half maximum of its beam [arcsec].
    fwhm_from : str
        Where that was found.
    """

    signal: HDU
    layout: str
    unit: Unit
    unit_text: str
    unit_from: str
    overruled: list
    mask: HDU | None
    error: HDU | None
    coverage: list
    mask_good: int
    mask_given: bool
    matched: bool
    fwhm: float
    fwhm_from: str


def decide(file, band, unit=None, hdu=None, mask=None, mask_good=None, fcf=None):
    """Decide how a file is read: signal, error, mask and its polarity, unit, beam.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file; gets remarks and warnings.
    band, unit, hdu, mask, mask_good, fcf
        See `superspire.maps.reader.read_observation`.

    Returns
    -------
    Decision

    Raises
    ------
    InputError
        If the signal or its unit cannot be found, or it is of another band.
    """
    signal = find_signal(file, band, hdu)
    for each in file.hdus:
        if file.extname(each) in {*MASK, *COVERAGE, *ERROR} and not is_image(each):
            file.remark(f"{file.label(each)} is empty")
    check_band(file, signal, band)
    layout = find_layout(file, signal, mask)
    matched = is_matched_filtered(file, signal)
    fwhm, fwhm_from = find_beam(file, signal, layout, band, matched)
    spelt, unit_text, unit_from = find_unit(file, signal, unit, layout, fcf)
    wrong = [parse_unit(text) for _, text in given_units(file, signal) if unit]
    masks, errors = (
        find_companions(file, signal, names, band) for names in (MASK, ERROR)
    )
    return Decision(
        signal=signal,
        layout=layout,
        unit=spelt,
        unit_text=unit_text,
        unit_from=unit_from,
        overruled=[each for each in wrong if each not in (None, spelt)],
        mask=next(iter(masks), None),
        error=next(iter(errors), None),
        coverage=find_companions(file, signal, COVERAGE, band),
        mask_good=choose_polarity(file, layout, masks, mask_good),
        mask_given=mask_good is not None,
        matched=matched,
        fwhm=fwhm,
        fwhm_from=fwhm_from,
    )


def choose_polarity(file, layout, masks, given):
    """Choose the value of good pixels: as given, by the mask's name or the layout."""
    if given is not None:
        return given
    good = masks and file.extname(masks[0]).startswith("good")
    return int(bool(good) or layout == "H-ATLAS")


def check_band(file, signal, band):
    """Refuse a map whose header says that it is of another band."""
    for hdu in file.described_by(signal):
        declared = declared_band(lambda key, hdu=hdu: file.text(hdu, key))
        if declared is not None and not is_same_band(declared[1], band):
            raise file.error(
                f"a map at {band} µm",
                f"{declared[0]} of {file.label(hdu)} for {declared[1]:g} µm",
            )
    named = named_band(file.name)
    if named is not None and not is_same_band(named, band):
        file.warn(f"the name of the file speaks of {named} µm, not of {band} µm")


def find_unit(file, signal, configured, layout, fcf):
    """Find the unit of a map.

    The order is the configuration, then BUNIT, SIGUNIT, QTTY____, UNITS (each in the
    signal's HDU, then in an empty HDU 0), and Jy/beam for SMAP files, which have none.

    Parameters
    ----------
    file : superspire.maps.files.MapFile
        The file; gets a remark about every unit that differs, or a warning where it is
        the configuration's that the file contradicts.
    signal : HDU
        Its signal.
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

    Raises
    ------
    InputError
        If there is no unit, that of the configuration is not understood, or it is pW
        without a flux conversion factor.
    """
    own = [(CONFIGURED, str(configured))] if configured else []
    given = own + given_units(file, signal)
    read = [(origin, spelt, read_unit(spelt, fcf)) for origin, spelt in given]
    for origin, spelt, unit in read:
        if unit is None and is_picowatt(spelt):
            raise no_factor(file.path, spelt, origin)
        if unit is not None or origin == CONFIGURED:
            break
    chosen = next((each for each in read if each[2] is not None), None)
    if chosen is None and not given and layout == "HerMES SMAP":
        return Unit(1.0, "beam"), "Jy/beam", "HerMES SMAP file without BUNIT"
    if chosen is None or (own and read[0][2] is None):
        tried = "; ".join(f"{spelt!r} in {origin}" for origin, spelt in given)
        raise file.error(
            f"the unit of {file.label(signal)} in {', '.join(UNIT_KEYS)} or the "
            f"configuration (unit) as {EXPECTED_UNITS}",
            tried or "none",
        )
    origin, spelt, unit = chosen
    for where, other, read_as in read:
        if read_as != unit:
            another = read_as is not None or is_picowatt(other)
            note = file.warn if own and another else file.remark
            note(
                f"the unit {other!r} in {where} "
                + ("is not understood" if read_as is None else "is another one")
                + f", {spelt!r} in {origin} is used"
            )
    if not is_picowatt(spelt):
        spelt = str(unit)
        if fcf is not None:
            file.warn("fcf is not used, as the map is not in pW")
    else:
        spelt = f"pW with fcf {fcf:g} mJy/beam/pW"
    return unit, spelt, origin


def given_units(file, signal):
    """List the cards that give the unit of a map, best first, as (origin, text)."""
    return [
        (f"{key} of {file.label(hdu)}", file.text(hdu, key))
        for key in UNIT_KEYS
        for hdu in file.described_by(signal)
        if file.text(hdu, key)
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


def is_variance(text):
    """Report from its name or its unit whether an error is a variance.

    Parameters
    ----------
    text : callable
        From a keyword to the value of its card in the error's header.
    """
    squares = (text(key) for key in UNIT_KEYS)
    return text("EXTNAME").lower() in ("variance", "var") or any(
        is_picowatt(each, squared=True) or parse_variance_unit(each) is not None
        for each in squares
        if each
    )


def error_unit(text, variance, decision, fcf, file):
    """Find the unit of an error, by default that of the signal.

    Parameters
    ----------
    text : callable
        From a keyword to the value of its card in the error's header.
    variance : bool
        Whether it is a variance.
    decision : Decision
        How the signal is read.
    fcf : float or None
        Flux conversion factor [mJy/beam/pW].
    file : superspire.maps.files.MapFile
        The file of the signal; gets remarks.

    Returns
    -------
    Unit
        Of the standard deviation.
    """
    read = parse_variance_unit if variance else parse_unit
    for key in UNIT_KEYS:
        spelt = text(key)
        if not spelt:
            continue
        if is_picowatt(spelt, squared=variance):
            if fcf is None:
                raise no_factor(file.path, spelt, f"{key} of the error")
            return calibrated_picowatt(fcf)
        unit = read(spelt)
        if unit in decision.overruled:
            return decision.unit
        if unit is not None:
            if unit != decision.unit:
                file.remark(f"the error is in {unit}, unlike the signal")
            return unit
        file.remark(
            f"the unit {spelt!r} in {key} of the error is not understood, that of the "
            "signal is used"
        )
    return decision.unit
