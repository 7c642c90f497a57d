"""What each band adds to SPIRE: one network that is shown some of its bands."""

import itertools

import numpy as np

from superspire.deblender.catalogue import RADIUS, list_sources
from superspire.deblender.inputs import noise_levels, takes_more
from superspire.deblender.prediction import predict
from superspire.deblender.training import (
    SCORES,
    best_threshold,
    log_scatter,
    observed_input,
    true_sources,
)
from superspire.evaluation.measures import binomial_interval
from superspire.instruments import SPIRE, TARGET
from superspire.maps.cells import CELL
from superspire.photometry.matching import match

FLUX_BINS = (3.0, 5.0, 6.0, 8.0, 10.0, np.inf)
"""Edges of the bins of true 450 µm flux [mJy]."""


def band_sets(bands):
    """List sets of bands: none besides SPIRE, each alone, PACS together, and all.

    Parameters
    ----------
    bands : iterable of int
        Bands of the network [µm].

    Returns
    -------
    list of tuple of int
        Bands other than SPIRE's.
    """
    extra = tuple(band for band in bands if band not in SPIRE)
    pacs = tuple(band for band in extra if band in (100, 160))
    sets = [(), *((band,) for band in extra if band not in pacs), pacs, extra]
    return list(dict.fromkeys(sets))


def measure_bands(network, field, noises):
    """Measure a network on sky of which it is shown some of the bands.

    Parameters
    ----------
    network : superspire.deblender.inference.Deblender
    field : superspire.deblender.skies.Field
        Sky that no training image touches.
    noises : sequence of float
        White noise per native SPIRE pixel [mJy/beam].

    Returns
    -------
    list of dict
        For every noise and set of bands, at the threshold on the score of the best F1:
        ``f1``; ``complete_3_5`` and so on in bins of true flux, with ``_error``, half
        the 68 % range; ``pure``; ``scatter``, half the 68 % range of the logarithm of
        predicted over true flux, and ``offset``, the median [arcsec], above 10 mJy.
        Matches are within 4 arcsec, for purity and F1 within a factor two as well.
    """
    depth, rows = network.meta["training"]["depth"], []
    for noise, shown in itertools.product(noises, band_sets(network.bands)):
        present = {b: value for b, value in depth.items() if int(b) in shown}
        levels = noise_levels(network.bands, noise, present)
        inputs = observed_input(field, levels, network.bands)
        outputs = predict(network.model, inputs)
        found = list_sources(outputs, beside=takes_more(network.bands))
        rows.append(
            {"noise": noise, "bands": "SPIRE" + "".join(f" + {b}" for b in shown)}
            | measure_list(found, true_sources(field), CELL * inputs.shape[0])
        )
    return rows


def measure_list(found, truth, side):
    """Measure a list of sources, see `measure_bands`."""
    found = found.assign(cutout=0, weight=1.0, flux=found[f"flux_{TARGET}"])
    best = best_threshold(found, truth, (side, side), SCORES)
    listed = found[found["score"] >= best["threshold"]].reset_index(drop=True)
    partner, distance = match(truth, listed, RADIUS)
    row = {"f1": best["f1"]}
    for low, high in itertools.pairwise(FLUX_BINS):
        seen = partner[truth["flux"].between(low, high, inclusive="left")] >= 0
        name = f"complete_{low:g}_{high:g}"
        lower, upper = binomial_interval(int(seen.sum()), len(seen))
        fraction = seen.mean() if len(seen) else np.nan
        row |= {name: fraction, f"{name}_error": 0.5 * (upper - lower)}
    bright = (truth["flux"] >= FLUX_BINS[-2]).to_numpy() & (partner >= 0)
    own = listed["flux"].to_numpy()[partner[bright]]
    row |= {
        "pure": best["purity"],
        "scatter": log_scatter(own, truth["flux"].to_numpy()[bright]),
        "offset": float(np.median(distance[bright])) if bright.any() else np.nan,
    }
    return row
