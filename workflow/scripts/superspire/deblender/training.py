"""Validation of a deblender in training, on sky that it is not trained on."""

import numpy as np
import pandas as pd

from superspire.deblender.catalogue import RADIUS, list_sources
from superspire.deblender.inputs import (
    FLUX_BANDS,
    LEAD,
    SPIRE_BANDS,
    make_input,
    signal_slices,
    takes_more,
)
from superspire.deblender.prediction import predict
from superspire.errors import InputError
from superspire.evaluation.methods import threshold_curve
from superspire.instruments import TARGET
from superspire.maps.cells import CELL
from superspire.photometry.matching import match

SCORES = np.round(np.arange(0.04, 0.9, 0.02), 2)
"""Thresholds on the score that are tried."""

BRIGHT = 10.0
"""450 µm flux of the sources whose fluxes are compared [mJy]."""


def true_sources(field):
    """List the sources of a field as the functions of the evaluation want them.

    Returns
    -------
    pandas.DataFrame
        ``cutout`` (0), ``x``, ``y`` [pixel of 1 arcsec], ``flux`` at 450 µm and
        ``flux_250`` and so on [mJy], ``weight`` (1).
    """
    x, y, *fluxes = np.asarray(field.sources, float).T
    return pd.DataFrame(
        {"cutout": 0, "x": x, "y": y, "flux": fluxes[LEAD], "weight": 1.0}
        | {f"flux_{band}": f for band, f in zip(FLUX_BANDS, fluxes, strict=True)}
    )


def observed_input(field, noise, bands=SPIRE_BANDS):
    """Observe a field with noise that the network is told.

    Parameters
    ----------
    field : superspire.deblender.skies.Field
    noise : float or array_like of shape (bands,)
        See `superspire.deblender.inputs.noise_levels`; zero for a band that is not
        observed.
    bands : dict of int to int
        See `superspire.deblender.inputs`.

    Returns
    -------
    ndarray of float32, shape (n, n, channels)
        What the network takes.
    """
    signal, white = (np.asarray(a, np.float32) for a in (field.signal, field.noise))
    levels = np.broadcast_to(np.asarray(noise, np.float32), len(bands))
    stated = np.empty((*signal.shape[:2], len(bands)), np.float32)
    for number, channels in enumerate(signal_slices(bands).values()):
        signal[..., channels] += levels[number] * white[..., channels]
        covered = (white[..., channels] != 0).all(axis=-1)
        stated[..., number] = np.where(covered, levels[number], 0.0)
    return make_input(signal, stated, bands)


class FieldValidation:
    """Loss, completeness, purity and fluxes on a field.

    Parameters
    ----------
    field : superspire.deblender.skies.Field
        Sky that no training image touches.
    crops : superspire.deblender.crops.Crops
        Images of it, for the loss.
    loss : superspire.deblender.losses.DeblenderLoss
    noises : dict of str to float or array_like of shape (bands,)
        Noise of the observations, see `observed_input`, by their names.
    bands : dict of int to int
        See `superspire.deblender.inputs`.
    """

    def __init__(self, field, crops, loss, noises, bands=SPIRE_BANDS):
        self.batches = [crops[number] for number in range(len(crops))]
        self.loss, self.beside = loss, takes_more(bands)
        self.inputs = {
            name: observed_input(field, noise, bands) for name, noise in noises.items()
        }
        self.truth = true_sources(field)

    def measure(self, network):
        """Measure a network.

        Returns
        -------
        dict
            ``loss`` and its unweighted terms; ``completeness`` above 6 mJy and
            ``purity`` at the threshold of the best ``score``, their harmonic mean
            (`superspire.evaluation.methods.threshold_curve`), this ``threshold``, and
            ``scatter_250`` and so on, half the 68 % range of the logarithm of the
            predicted over the true flux of sources above 10 mJy at 450 µm; all but the
            loss in every observation, whose name is appended.

        Raises
        ------
        InputError
            If the network's prediction is constant.
        """
        records = []
        for images, truth in self.batches:
            terms = self.loss.terms("simulated", truth, network(images))
            values = {name: float(np.mean(term)) for name, term in terms.items()}
            records.append(values | {"loss": float(self.loss.total(terms))})
        result = pd.DataFrame(records).mean().to_dict()
        for suffix, inputs in self.inputs.items():
            outputs = predict(network, inputs)
            if not np.ptp(outputs[..., 0]) > 0:
                raise InputError(
                    "training: the network has collapsed, its prediction is constant; "
                    "lower deblender.learning_rate"
                )
            found = list_sources(outputs, beside=self.beside)
            measured = self.compare(found.assign(cutout=0, weight=1.0))
            result |= {f"{name}{suffix}": value for name, value in measured.items()}
        return result

    def compare(self, found):
        """Compare sources with the true ones."""
        found = found.assign(flux=found[f"flux_{TARGET}"])
        side = CELL * next(iter(self.inputs.values())).shape[0]
        best = best_threshold(found, self.truth, (side, side), SCORES)
        listed = found[found["score"] >= best["threshold"]].reset_index(drop=True)
        bright = self.truth[self.truth["flux"] >= BRIGHT].reset_index(drop=True)
        partner = match(bright, listed, RADIUS)[0]
        own, true = listed.iloc[partner[partner >= 0]], bright[partner >= 0]
        return {
            "completeness": float(best["completeness"]),
            "purity": float(best["purity"]),
            "score": float(best["f1"]),
            "threshold": float(best["threshold"]),
            **{
                f"scatter_{band}": log_scatter(
                    own[f"flux_{band}"].to_numpy(), true[f"flux_{band}"].to_numpy()
                )
                for band in FLUX_BANDS
            },
        }


def best_threshold(found, truth, shape, scores):
    """Find the threshold on the score of the best F1, with what is reached there.

    Parameters
    ----------
    found, truth : pandas.DataFrame
        Sources with their ``score``, and true sources.
    shape : (int, int)
        Shape of the field [pixel of 1 arcsec].
    scores : array_like
        Thresholds that are tried.

    Returns
    -------
    pandas.Series
        A row of `superspire.evaluation.methods.threshold_curve`.
    """
    curve = threshold_curve(found, found["score"], truth, shape, RADIUS, scores)
    return curve.loc[curve["f1"].idxmax()]


def log_scatter(predicted, true):
    """Half the 68 % range of the logarithm of a ratio; zero for fewer than two."""
    if len(true) < 2:
        return 0.0
    low, high = np.quantile(np.log(predicted / true), [0.158655, 0.841345])
    return float(0.5 * (high - low))
