"""Checks of the maps that a field has besides those of SPIRE: depth and astrometry.

Colours, beams and flux scales are compared between the bands of SPIRE alone.
"""

import numpy as np

from superspire.checks.checks import shift_record
from superspire.checks.registration import REFERENCE, judge_shifts, measure_shift
from superspire.errors import InputError
from superspire.instruments import EXTRA_BANDS
from superspire.io import Map
from superspire.maps.depth import measure_depth
from superspire.maps.positions import pixels_of
from superspire.maps.tiling import coverage_outline


def split_bands(observations):
    """Take the maps of SPIRE and SCUBA-2, and those of other bands, apart.

    Parameters
    ----------
    observations : dict of int to superspire.maps.reader.Observation

    Returns
    -------
    main, extra : dict of int to superspire.maps.reader.Observation
    """
    main = {b: each for b, each in observations.items() if b not in EXTRA_BANDS}
    return main, {b: each for b, each in observations.items() if b in EXTRA_BANDS}


def check_extra_bands(extra, reference, field=None):
    """Measure the depth of maps and their shift against 250 µm.

    Parameters
    ----------
    extra : dict of int to superspire.maps.reader.Observation
        Maps of `superspire.instruments.EXTRA_BANDS`.
    reference : superspire.maps.reader.Observation
        The map at 250 µm.
    field : str, optional
        Name in the configuration, for advice.

    Returns
    -------
    dict
        What is to be added to `superspire.checks.checks.check_maps`: ``files``,
        ``depths``, ``pairs``, ``corrections`` and ``warnings``.

    Raises
    ------
    InputError
        If a map shares no sky with that at 250 µm, or is too small.
    """
    advice = f"; add shift to fields.{field}.correct to correct it" if field else ""
    found = {"files": {}, "depths": {}, "pairs": {}, "corrections": {}, "warnings": []}
    for band, each in extra.items():
        name = each.record["file"]
        both = {REFERENCE: reference, band: each}
        shift = measure_shift(
            {b: o.map for b, o in both.items()},
            REFERENCE,
            band,
            {b: o.record["beam_fwhm_arcsec"] for b, o in both.items()},
            {b: o.record["file"] for b, o in both.items()},
        )
        warnings, moves = judge_shifts({(REFERENCE, band): shift}, advice)
        found["files"][str(band)] = name
        depth = named_depth(each, band, reference.map)
        found["depths"][str(band)] = {"depth_mjy": depth}
        found["pairs"][f"{REFERENCE}-{band}"] = shift_record(shift)
        move = moves.get(band, [0.0, 0.0])
        found["corrections"][str(band)] = {"shift_arcsec": move, "factor": 1.0}
        found["warnings"] += [f"{name}: {w}" for w in each.record["warnings"]]
        found["warnings"] += warnings
    return found


def named_depth(observation, band, reference):
    """Measure the depth of a map around another one [mJy]; an error names its file."""
    try:
        return measure_depth(
            near_field(observation.map, reference), band, observation.error
        )
    except InputError as error:
        raise InputError(f"{observation.record['file']}: {error}") from error


def near_field(map_, reference):
    """Leave of a map, which may be far larger, the box that holds another one.

    Parameters
    ----------
    map_, reference : superspire.io.Map
        Maps; NaN where nothing was observed.

    Returns
    -------
    superspire.io.Map
        `map_` with NaN outside of the box, in the same pixels.
    """
    outline = coverage_outline(reference)
    x, y = pixels_of(map_.wcs.celestial, outline.ra.deg, outline.dec.deg)
    if not np.isfinite(x + y).all():
        return map_
    data = np.full_like(map_.data, np.nan)
    box = tuple(
        slice(max(0, int(np.floor(axis.min()))), max(0, int(np.ceil(axis.max()))) + 1)
        for axis in (y, x)
    )
    data[box] = map_.data[box]
    return Map(data, map_.wcs)


def add_checks(checks, found):
    """Add what `check_extra_bands` found to the checks of a field, in place."""
    for key, value in found.items():
        if isinstance(value, list):
            checks[key] += value
        else:
            checks[key] = checks.get(key, {}) | value
