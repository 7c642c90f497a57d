"""The maps of a field as the network wants them, and how they were read."""

from superspire.checks.checks import corrected
from superspire.checksums import verify
from superspire.instruments import SPIRE
from superspire.maps.reader import read_observation

OPTIONS = ("unit", "hdu", "mask_good", "level")


def read_bands(inputs, options, sky_level):
    """Read the three maps of a field.

    Parameters
    ----------
    inputs : mapping of str to str
        Files ``map_250`` ..., and perhaps ``mask_250`` ..., ``error_250`` ...
    options : dict
        The section of the field in the configuration.
    sky_level : dict of str to float
        Level that the sky shall have in each band [mJy/beam].

    Returns
    -------
    maps : dict of int to superspire.io.Map
        [mJy/beam].
    records : dict of int to dict
        How each map was read, and the sha256 of its file.
    """
    kinds = ("map_", "mask_", "error_")
    sums = {key: verify(file) for key, file in inputs.items() if key.startswith(kinds)}
    chosen = {key: options[key] for key in OPTIONS if key in options}
    observations = {
        band: read_observation(
            inputs[f"map_{band}"],
            band,
            mask=inputs.get(f"mask_{band}"),
            error=inputs.get(f"error_{band}"),
            sky_level=sky_level[str(band)],
            **chosen,
        )
        for band in SPIRE
    }
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
