"""The maps of a field as the network wants them, and how they were read."""

import numpy as np

from superspire.checks.checks import corrected
from superspire.checksums import verify
from superspire.errors import InputError
from superspire.instruments import BANDS, EXTRA_BANDS, PAPER_BANDS, SPIRE
from superspire.io import Map
from superspire.maps.archives import file_of
from superspire.maps.depth import depth_map
from superspire.maps.positions import pixel_size
from superspire.maps.reader import read_observation

OPTIONS = ("unit", "hdu", "mask_good", "level", "blank")
COMPANIONS = ("mask", "error")


def read_observations(inputs, options, reading=None, sky_level=None):
    """Read the maps of a field, each from an HDU of its own.

    Parameters
    ----------
    inputs : mapping of str to str
        Files ``map_250`` ..., and perhaps ``mask_250`` ..., ``error_250`` ...
    options : dict
        The section of the field in the configuration; a key may be given for each
        band. Those of ``EXTRA_BANDS`` have their own, in its part ``reading``.
    reading : dict of str to dict, optional
        What the configuration says of the map of each band.
    sky_level : dict of str to float, optional
        Level that the sky shall have in each band, by default zero [mJy/beam].

    Returns
    -------
    dict of int to superspire.maps.reader.Observation
        Their records hold the sha256 of the files as well.

    Raises
    ------
    InputError
        If a file cannot be read, or two bands are the same image.
    """
    known = sorted({*PAPER_BANDS, *EXTRA_BANDS})
    bands = [band for band in known if inputs.get(f"map_{band}")]
    reading = options.get("reading", {}) | (reading or {})
    sums = {band: verify(file_of(inputs[f"map_{band}"], band)) for band in bands}
    for key, file in inputs.items():
        if key.startswith(COMPANIONS):
            verify(file)
    found = {}
    for band in bands:
        files = {key: inputs.get(f"{key}_{band}") for key in COMPANIONS}
        shared = () if band in EXTRA_BANDS else OPTIONS
        chosen = {key: of_band(options[key], band) for key in shared if key in options}
        chosen |= files | reading.get(str(band), {})
        if sky_level is not None:
            chosen["sky_level"] = sky_level.get(str(band), 0.0)
        found[band] = read_observation(inputs[f"map_{band}"], band, **chosen)
        found[band].record["sha256"] = sums[band]
    refuse_same_image(found, inputs)
    return found


def of_band(option, band):
    """Give what an option is for a band, if it may be given for each."""
    return option.get(str(band)) if isinstance(option, dict) else option


def refuse_same_image(observations, inputs):
    """Refuse an image that is given for two bands."""
    seen = {}
    for band, observation in observations.items():
        record = observation.record
        image = (
            record["sha256"],
            record["found_in"] and record["file"],
            record["signal"],
        )
        if image in seen:
            raise InputError(
                f"{inputs[f'map_{band}']}: expected an image for each band, found "
                f"{record['signal']} of {record['file']} for {seen[image]} and {band} "
                "µm; name the HDU of each (hdu: {250: ..., 350: ..., 500: ...})"
            )
        seen[image] = band


def read_bands(inputs, options, sky_level):
    """Read the three maps of a field.

    Parameters
    ----------
    inputs, options, sky_level
        See `read_observations`.

    Returns
    -------
    maps : dict of int to superspire.io.Map
        [mJy/beam].
    records : dict of int to dict
        How each map was read, and the sha256 of its file.
    errors : dict of int to superspire.io.Map
        Error maps [mJy/beam], of the bands that have one.
    """
    found = read_observations(of_bands(inputs, SPIRE), options, sky_level=sky_level)
    maps = {band: found[band].map for band in SPIRE}
    errors = {
        band: Map(found[band].error, found[band].map.wcs)
        for band in SPIRE
        if found[band].error is not None
    }
    return maps, {band: found[band].record for band in SPIRE}, errors


def of_bands(inputs, bands):
    """Choose the files of maps, masks and errors of some bands."""
    return {
        f"{kind}_{band}": inputs[f"{kind}_{band}"]
        for kind in ("map", *COMPANIONS)
        for band in bands
        if inputs.get(f"{kind}_{band}")
    }


def read_extra_bands(inputs, options, checks, sky_level, bands=EXTRA_BANDS):
    """Read the maps that a field has besides those of SPIRE, and their depths.

    Parameters
    ----------
    inputs, options
        See `read_observations`.
    checks : dict
        What the checks of the field found: their depths, and shifts, which are
        corrected if the configuration wants it.
    sky_level : dict of str to float
        Level that the sky shall have in each band, by default zero [mJy/beam].
    bands : iterable of int
        Those of `superspire.instruments.EXTRA_BANDS` that are wanted [µm].

    Returns
    -------
    maps : dict of int to superspire.io.Map
        [mJy/beam].
    depths : dict of int to float or superspire.io.Map
        Standard error of the flux of a point source [mJy], see
        `superspire.maps.depth.measure_depth`; a map if there is an error map.
    records : dict of int to dict
        How each map was read, the sha256 of its file and its depth.
    """
    files = of_bands(inputs, [band for band in EXTRA_BANDS if band in bands])
    found = read_observations(files, options, sky_level=sky_level)
    maps, depths, records = {}, {}, {}
    for band, each in found.items():
        level = checks["depths"][str(band)]["depth_mjy"]
        map_ = corrected_extra(each.map, checks, band, options)
        depth = depth_map(level, map_, each.error)
        maps[band], depths[band] = map_, depth
        records[band] = each.record | {"depth_mjy": level}
    return maps, depths, records


def corrected_extra(map_, checks, band, options):
    """Move a map of another telescope onto the SPIRE maps, if that is wanted.

    Its own pointing is not SPIRE's: what is corrected of that, is of all bands only
    once they are moved onto each other.
    """
    wanted = options.get("correct", [])
    if "shift" not in wanted:
        return map_
    return corrected(map_, checks, band, [key for key in wanted if key != "scale"])


def read_corrected(inputs, options, checks, sky_level):
    """Read the three maps and correct them as the configuration wants it.

    Parameters
    ----------
    inputs, options, sky_level
        See `read_bands`.
    checks : dict
        What the checks of the field found.

    Returns
    -------
    maps, records, errors
        See `read_bands`.
    """
    maps, records, errors = read_bands(inputs, options, sky_level)
    for band, record in records.items():
        maps[band] = at_clear_level(maps[band], record, checks)
    for band in SPIRE if options.get("correct") else ():
        maps[band] = corrected(
            maps[band], checks, band, options["correct"], sky_level[str(band)]
        )
    return maps, records, errors


def noise_of_bands(checks, errors, default):
    """Give the noise of the maps, as a network that is told it wants it.

    Parameters
    ----------
    checks : dict
        What the checks of the field found.
    errors : dict of int to superspire.io.Map
        Error maps [mJy/beam], which say how the noise varies; its level is that which
        was measured.
    default : float
        Where nothing was measured [mJy/beam].

    Returns
    -------
    levels : dict of int to float
        White noise per pixel of Table 1 [mJy/beam].
    noise : dict of int to float or superspire.io.Map
        The same, varying over the map if there is an error map.
    """
    levels, noise = {}, {}
    for band in SPIRE:
        measured = checks["noise"][str(band)].get("equivalent_noise_mjy_beam")
        levels[band] = noise[band] = measured or default
        if band in errors:
            error = errors[band].data
            known = np.isfinite(error) & (error > 0)
            if known.any():
                relative = np.where(known, error, np.nan) / np.median(error[known])
                noise[band] = Map(levels[band] * relative, errors[band].wcs)
    return levels, noise


def native_noise(maps, noise):
    """Convert the noise of the maps to their own pixels.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps by band [mJy/beam].
    noise : dict of int to float or superspire.io.Map
        From `noise_of_bands`, in the pixels of `maps`.

    Returns
    -------
    dict of int to float or ndarray, shape (ny, nx)
        White noise per native pixel [mJy/beam]; the median where it is not known.
    """
    found = {}
    for band, own in noise.items():
        if isinstance(own, Map):
            own = np.where(np.isfinite(own.data), own.data, np.nanmedian(own.data))
        found[band] = own * BANDS[band].pixel / pixel_size(maps[band])
    return found


def at_clear_level(map_, record, checks):
    """Bring the clear sky of a map, not all of it, to the level that is wanted.

    Extended emission raises the level of a map; subtracted with it, the sky beside the
    emission is too dark. Maps whose level is kept are left alone.

    Parameters
    ----------
    map_ : superspire.io.Map
        Map [mJy/beam].
    record : dict
        How it was read; its subtracted level is updated.
    checks : dict
        What the checks of the field found.

    Returns
    -------
    superspire.io.Map
    """
    found = checks.get("extended", {}).get(str(record["band"]))
    if (
        not found
        or not found["excess_mjy_beam"]
        or not record["sky_subtracted_mjy_beam"]
    ):
        return map_
    excess = found["excess_mjy_beam"]
    record["sky_subtracted_mjy_beam"] -= excess
    record["sky_reason"] += ", of the clear sky"
    return Map(map_.data + np.float32(excess), map_.wcs, map_.header)


def provenance(field, seed, network_digest, records):
    """Make the header cards that tell what a product was made of.

    Parameters
    ----------
    field : str
        Name of the field.
    seed : int
        Configured seed.
    network_digest : str
        Start of the sha256 of the network's weights.
    records : dict of int to dict
        See `read_bands`; further ones are those of
        `superspire.products.extra_bands.gather_extra_bands`.

    Returns
    -------
    dict
    """
    cards = {
        "OBJECT": (field, "field of the configuration"),
        "NETWORK": (network_digest, "start of the sha256 of the network's weights"),
        "SEED": (seed, "seed of the simulation and the training"),
        "WAVELNTH": (450.0, "[um] wavelength"),
    }
    for band, record in records.items():
        if "file" in record:
            cards[f"INPUT{band}"] = (record["file"], f"map at {band} um")
            level = record["sky_subtracted_mjy_beam"]
            cards[f"SKY{band}"] = (level, "[mJy/beam] constant subtracted from it")
        if "depth_mjy" in record:
            depth = record["depth_mjy"]
            cards[f"DEPTH{band}"] = (depth, "[mJy] 1 sigma error of a point source")
        if "prior" in record:
            prior = record["prior"]
            cards["PRIOR"] = (prior["file"], f"list rendered at {band} um")
            cards["PRIORDEP"] = (
                prior["depth_mjy"],
                "[mJy] error of its fluxes",
            )
    return cards
