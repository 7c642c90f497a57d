"""What a method may know of the sources: their colours and their confusion.

Both come from a simulated catalogue, never from the sky that is measured.
"""

import numpy as np

from superspire.errors import InputError
from superspire.instruments import SPIRE

COLOUR_FLUX = 5.0
"""Faintest source whose colour counts, at 450 µm [mJy]."""

CONFUSION_FLUX = 30.0
"""Brightest source of the confusion, at 450 µm [mJy]: the few brighter ones would make
up the power of a small sky."""


def source_statistics(catalogues, area):
    """Measure mean colours and the power of confusion.

    Parameters
    ----------
    catalogues : iterable of dict
        Fluxes of all sources of a sky by band, 250, 350, 450 and 500 [mJy].
    area : float
        Area of all of them [deg²].

    Returns
    -------
    dict
        ``colours``: mean of S/S450 for each SPIRE band, of sources above
        `COLOUR_FLUX`; ``confusion``: the Poisson power between the bands, the sum of
        S_i S_j over sources below `CONFUSION_FLUX` [mJy² arcsec⁻²], shape (3, 3).

    Raises
    ------
    InputError
        If no source is bright enough.
    """
    colours, count, power = np.zeros(3), 0, np.zeros((3, 3))
    for catalogue in catalogues:
        target = np.asarray(catalogue[450], float)
        fluxes = np.stack([np.asarray(catalogue[band], float) for band in SPIRE])
        bright, faint = target >= COLOUR_FLUX, target < CONFUSION_FLUX
        colours += np.sum(fluxes[:, bright] / target[bright], axis=1)
        count += int(bright.sum())
        power += fluxes[:, faint] @ fluxes[:, faint].T
    if count == 0:
        raise InputError(
            f"simulated catalogue: expected sources of {COLOUR_FLUX:g} mJy or more at "
            "450 µm, found none; raise simulation.field_area"
        )
    return {
        "colours": dict(zip(map(str, SPIRE), (colours / count).tolist(), strict=True)),
        "confusion": (power / (area * 3600.0**2)).tolist(),
    }
