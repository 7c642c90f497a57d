"""What a field gives besides its SPIRE maps, as its network takes it."""

from superspire.checks.inputs import read_extra_bands
from superspire.checksums import verify
from superspire.instruments import PRIOR_BAND, SPIRE
from superspire.products.prior import fill_with_prior, read_prior, render_prior


def configured_prior(path, section, notify=print):
    """Read the list of known sources of a field.

    Parameters
    ----------
    path : path-like
        Its file.
    section : dict
        ``prior`` of the field in the configuration.
    notify : callable
        Gets sentences about what the user should know.

    Returns
    -------
    superspire.products.prior.Prior
    """
    verify(path)
    options = {key: section.get(key) for key in ("columns", "unit", "depth")}
    return read_prior(path, **options, notify=notify)


def unused_bands(options, network):
    """List what a field gives and its network does not take, a sentence for each.

    Parameters
    ----------
    options : dict
        The section of the field in the configuration.
    network : iterable of int
        Bands that the network takes [µm].

    Returns
    -------
    list of str
    """
    given = {band: f"the {band} µm map" for band in map(int, options.get("maps", {}))}
    if options.get("prior"):
        named = "the list of known sources (prior)"
        both = PRIOR_BAND in given
        given[PRIOR_BAND] = f"{given[PRIOR_BAND]} and {named}" if both else named
    return [
        f"{what} {'are' if ' and ' in what else 'is'} not used: the network does not "
        f"take {band} µm"
        for band, what in given.items()
        if band not in (*SPIRE, *network)
    ]


def gather_extra_bands(
    inputs, options, checks, network, wcs, shape, sky_level, notify=print
):
    """Read the further maps of a field and its list of known sources.

    Parameters
    ----------
    inputs : mapping of str to str
        Files ``map_24``, ``mask_24``, ``error_24`` ... and ``prior``, of what there is.
    options : dict
        The section of the field in the configuration.
    checks : dict
        What the checks of the field found.
    network : iterable of int
        Bands that the network takes [µm].
    wcs : astropy.wcs.WCS
        Grid of the field, with pixels of 1 arcsec.
    shape : (int, int)
        Its shape (ny, nx).
    sky_level : dict of str to float
        Level that the sky shall have in each band, by default zero [mJy/beam].
    notify : callable
        Gets sentences about what the user should know.

    Returns
    -------
    maps : dict of int to superspire.io.Map
        [mJy/beam]; of the bands that the network takes.
    depths : dict of int to float or superspire.io.Map
        Standard error of the flux of a point source [mJy].
    records : dict of int to dict
        How each was made.
    """
    for sentence in unused_bands(options, network):
        notify(sentence)
    maps, depths, records = read_extra_bands(
        inputs, options, checks, sky_level, network
    )
    if options.get("prior") and PRIOR_BAND in network:
        prior = configured_prior(inputs["prior"], options["prior"], notify)
        level = sky_level.get(str(PRIOR_BAND), 0.0)
        rendered = render_prior(prior, wcs, shape, level)
        add_prior(prior, rendered, maps, depths, records)
    return maps, depths, records


def add_prior(prior, rendered, maps, depths, records):
    """Add a rendered list to the maps of a field, or fill their map with it, in place.

    Parameters
    ----------
    prior : superspire.products.prior.Prior
        The list.
    rendered : superspire.io.Map
        Its map [mJy/beam].
    maps, depths, records
        See `gather_extra_bands`.
    """
    band, record = PRIOR_BAND, prior.record()
    if band not in maps:
        maps[band], depths[band] = rendered, prior.depth
        records[band] = {"band": band, "prior": record | {"fraction": 1.0}}
        return
    maps[band], depths[band], fraction = fill_with_prior(
        maps[band], depths[band], rendered, prior.depth
    )
    records[band]["prior"] = record | {"fraction": fraction}
