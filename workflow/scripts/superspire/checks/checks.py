"""Checks of a field before it is used: astrometry, beams, flux scale and noise."""

from itertools import combinations

import numpy as np

from superspire.checks.beam_width import check_beams, measure_beam
from superspire.checks.correlation import clip
from superspire.checks.flux_scale import (
    COMMON_FWHM,
    check_scales,
    measure_fluctuations,
)
from superspire.checks.noise import compare_noise, measure_noise
from superspire.checks.registration import judge_shifts, measure_shift
from superspire.errors import InputError
from superspire.instruments import BANDS, SPIRE
from superspire.io import Map
from superspire.maps.positions import map_matrix, moved, pixel_size


def expected_sky(maps):
    """Measure what the checks compare a field with on simulated maps.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Simulated maps with their noise [mJy/beam].

    Returns
    -------
    dict
        For JSON: amplitude of the sky on the common beam, noise and confusion of each
        band, and the beam of SPIRE's; slope of each pair and scatter about it.

    Raises
    ------
    InputError
        If the maps are too small.
    """
    fluctuations = measure_fluctuations(maps)
    if fluctuations is None:
        raise InputError(
            "expected simulated maps of 8 arcmin or more with one sky in all bands "
            "(simulation.field_area) to compare fields with, found smaller ones"
        )
    bands = {}
    for band, map_ in maps.items():
        pixel = pixel_size(map_)
        noise = measure_noise(map_.data, pixel, BANDS[band].fwhm)
        rms = float(clip(map_.data, np.isfinite(map_.data)).std())
        bands[str(band)] = {
            "amplitude_mjy": fluctuations.amplitude[band],
            "amplitude_error_mjy": fluctuations.error(band),
            "noise_mjy_beam": noise.rms,
            "noise_floor_mjy_beam": noise.floor,
            "pixel_arcsec": pixel,
            "confusion_mjy_beam": np.sqrt(max(rms**2 - noise.rms**2, 0.0)),
        }
    for band in SPIRE:
        fwhm, error = measure_beam(maps[band], BANDS[band].fwhm)
        known = np.isfinite(fwhm)
        bands[str(band)]["beam_fwhm_arcsec"] = fwhm if known else None
        bands[str(band)]["beam_error_arcsec"] = error if known else None
    pairs = {}
    for first, second in combinations(sorted(maps), 2):
        slope, error = fluctuations.slope(first, second)
        pairs[f"{first}-{second}"] = {
            "slope": slope,
            "slope_error": error,
            "scatter_mjy": fluctuations.scatter[first, second],
        }
    return {"common_fwhm_arcsec": COMMON_FWHM, "bands": bands, "pairs": pairs}


def check_maps(observations, expected, field=None):
    """Check the maps of a field against each other and against the simulated sky.

    Parameters
    ----------
    observations : dict of int to superspire.maps.reader.Observation
        Maps at 250, 350, 500 and perhaps 450 µm.
    expected : dict
        See `expected_sky`.
    field : str, optional
        Name in the configuration, for advice.

    Returns
    -------
    dict
        For JSON: ``beams``, ``pairs`` (shifts [arcsec] and slopes), ``scales``,
        ``noise``, ``corrections`` (see `corrected`) and ``warnings``, a list of
        sentences, of which those about the reading come first. If bands seem to be
        exchanged, there are no scales and no noise.

    Raises
    ------
    InputError
        If the maps share no sky.
    """
    records = {band: each.record for band, each in observations.items()}
    maps = {band: each.map for band, each in observations.items()}
    fwhm = {band: record["beam_fwhm_arcsec"] for band, record in records.items()}
    names = {band: record["file"] for band, record in records.items()}
    advice = {
        key: f"; add {key} to fields.{field}.correct to correct it" if field else ""
        for key in ("shift", "scale")
    }
    beams, ordered, about_beams = check_beams(maps, fwhm, expected)
    shifts = {
        (first, second): measure_shift(maps, first, second, fwhm, names)
        for first, second in combinations(sorted(maps), 2)
    }
    about_shifts, moves = judge_shifts(shifts, advice["shift"])
    scales, slopes, noise = {}, {}, {}
    warnings = [
        f"{names[band]}: {warning}"
        for band, record in records.items()
        for warning in record.get("warnings", [])
    ]
    warnings += about_beams + about_shifts
    if not ordered:
        moves = {}
    else:
        scales, slopes, about_scales = check_scales(
            {b: moved(m, *-np.array(moves.get(b, [0, 0]))) for b, m in maps.items()},
            fwhm,
            names,
            expected,
            [band for band, record in records.items() if record["matched_filtered"]],
            advice["scale"],
        )
        noise, about_noise = check_noise(observations, scales, expected)
        warnings += about_scales + about_noise
    return {
        "field": field,
        "files": {str(band): name for band, name in names.items()},
        "beams": beams,
        "pairs": {
            f"{a}-{b}": shift_record(shift) | slopes.get((a, b), {})
            for (a, b), shift in shifts.items()
        },
        "scales": scales,
        "noise": noise,
        "corrections": {
            str(band): {
                "shift_arcsec": moves.get(band, [0.0, 0.0]),
                "factor": scales.get(str(band), {}).get("correction", 1.0),
            }
            for band in maps
        },
        "warnings": warnings,
    }


def check_noise(observations, scales, expected):
    """Compare the noise of the SPIRE maps with that of the training.

    Parameters
    ----------
    observations : dict of int to superspire.maps.reader.Observation
        The maps.
    scales : dict of str to dict
        The noise is judged after their ``correction``.
    expected : dict
        See `expected_sky`.

    Returns
    -------
    record : dict
    warnings : list of str
    """
    record, warnings = {}, []
    for band in SPIRE:
        each = observations[band]
        factor = np.float32(scales.get(str(band), {}).get("correction", 1.0))
        noise = measure_noise(
            each.map.data / factor,
            map_matrix(each.map),
            each.record["beam_fwhm_arcsec"],
            None if each.error is None else each.error / factor,
            each.record["matched_filtered"],
        )
        training = expected["bands"][str(band)]
        record[str(band)], sentences = compare_noise(noise, training, band)
        warnings += sentences
    return record, warnings


def shift_record(shift):
    """Make the record of a shift for JSON."""
    if shift is None:
        return {"shift_arcsec": None}
    return {
        "shift_arcsec": [shift.east, shift.north],
        "shift_error_arcsec": [shift.east_error, shift.north_error],
        "significance": shift.significance,
        "correlation": shift.correlation,
    }


def corrected(map_, checks, band, correct=("shift", "scale"), level=0.0):
    """Correct a map for what the checks found, relative to 250 µm and the other bands.

    Shifts below five standard errors and factors within the tolerance are left; the
    pointing, which is that of all bands, is corrected if its offset was measured.

    Parameters
    ----------
    map_ : superspire.io.Map
        Map of a band [mJy/beam].
    checks : dict
        See `check_maps`.
    band : int
        Its wavelength [µm].
    correct : sequence of {"shift", "scale", "pointing"}
        What is corrected (`fields.NAME.correct`).
    level : float
        Sky level that scaling leaves alone [mJy/beam].

    Returns
    -------
    superspire.io.Map
    """
    correction = checks["corrections"][str(band)]
    data = map_.data
    if "scale" in correct and correction["factor"] != 1.0:
        data = (level + (data - level) / correction["factor"]).astype(np.float32)
    move = np.zeros(2)
    if "shift" in correct:
        move -= correction["shift_arcsec"]
    if "pointing" in correct:
        move -= (checks.get("pointing") or {}).get("offset_arcsec") or 0.0
    result = Map(data, map_.wcs, map_.header)
    return moved(result, *move) if move.any() else result


def summary(checks):
    """List what the checks found, one line for each pair and band.

    Parameters
    ----------
    checks : dict
        See `check_maps`.

    Returns
    -------
    list of str
    """
    lines = []
    for pair, found in checks["pairs"].items():
        if found["shift_arcsec"] is None:
            continue
        (east, north), (east_error, north_error) = (
            found["shift_arcsec"],
            found["shift_error_arcsec"],
        )
        line = (
            f"{pair} µm: shift {east:+.2f} ± {east_error:.2f} arcsec east, "
            f"{north:+.2f} ± {north_error:.2f} arcsec north, peak of "
            f"{found['significance']:.0f} sigma"
        )
        if "slope" in found:
            line += (
                f", slope {found['slope']:.3f} ± {found['slope_error']:.3f}, expected "
                f"{found['expected_slope']:.3f}"
            )
        lines.append(line)
    pointing = checks.get("pointing")
    if pointing and pointing["offset_arcsec"]:
        (east, north), (east_error, north_error) = (
            pointing["offset_arcsec"],
            pointing["offset_error_arcsec"],
        )
        lines.append(
            f"pointing: {east:+.2f} ± {east_error:.2f} arcsec east, {north:+.2f} ± "
            f"{north_error:.2f} arcsec north of {pointing['positions']} positions"
        )
    for band, found in checks["noise"].items():
        lines.append(
            f"{band} µm: noise {shown(found['rms_mjy_beam'])} mJy/beam from the "
            f"pixels, {shown(found['error_map_mjy_beam'])} from the error map, "
            f"{shown(found['ratio'])} times the training's per solid angle"
        )
    for band, found in checks.get("depths", {}).items():
        depth = 1e3 * found["depth_mjy"]
        lines.append(f"{band} µm: depth of {depth:.3g} µJy (1 sigma, point sources)")
    return lines


def shown(value):
    """Write a number, or that it is not known."""
    return "unknown" if value is None else f"{value:.2f}"
