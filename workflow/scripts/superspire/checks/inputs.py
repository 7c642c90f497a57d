"""The maps of a field as the network wants them, and how they were read."""

from superspire.checks.checks import corrected
from superspire.checksums import verify
from superspire.instruments import PAPER_BANDS, SPIRE
from superspire.maps.reader import read_observation

OPTIONS = ("unit", "hdu", "mask_good", "level")


def read_observations(inputs, options, reading):
    """Verify the files of a field and read its maps.

    Parameters
    ----------
    inputs : mapping of str to str
        Files ``map_250`` ..., and perhaps ``mask_250`` ..., ``error_250`` ...
    options : dict
        The section of the field in the configuration, of which OPTIONS hold for every
        band.
    reading : dict of str to dict
        Further arguments of `superspire.maps.reader.read_observation`, by band.

    Returns
    -------
    observations : dict of int to superspire.maps.reader.Observation
        The bands that have a map.
    sums : dict of str to str
        The sha256 of each file.
    """
    kinds = ("map_", "mask_", "error_")
    sums = {key: verify(file) for key, file in inputs.items() if key.startswith(kinds)}
    chosen = {key: options[key] for key in OPTIONS if key in options}
    observations = {
        band: read_observation(
            inputs[f"map_{band}"],
            band,
            **{key: inputs.get(f"{key}_{band}") for key in ("mask", "error")}
            | chosen
            | reading.get(str(band), {}),
        )
        for band in PAPER_BANDS
        if f"map_{band}" in sums
    }
    return observations, sums


def read_bands(inputs, options, sky_level):
    """Read the three maps of a field.

    Parameters
    ----------
    inputs, options
        See `read_observations`.
    sky_level : dict of str to float
        Level that the sky shall have in each band [mJy/beam].

    Returns
    -------
    maps : dict of int to superspire.io.Map
        [mJy/beam].
    records : dict of int to dict
        How each map was read, and the sha256 of its file.
    """
    levels = {band: {"sky_level": level} for band, level in sky_level.items()}
    observations, sums = read_observations(inputs, options, levels)
    maps = {band: observation.map for band, observation in observations.items()}
    return maps, {
        band: observation.record | {"sha256": sums[f"map_{band}"]}
        for band, observation in observations.items()
    }


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
    maps, records
        See `read_bands`.
    """
    maps, records = read_bands(inputs, options, sky_level)
    for band in SPIRE if options.get("correct") else ():
        maps[band] = corrected(
            maps[band], checks, band, options["correct"], sky_level[str(band)]
        )
    return maps, records


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
        See `read_bands`.

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
        cards[f"INPUT{band}"] = (record["file"], f"map at {band} um")
        level = record["sky_subtracted_mjy_beam"]
        cards[f"SKY{band}"] = (level, "[mJy/beam] constant subtracted from it")
    return cards
