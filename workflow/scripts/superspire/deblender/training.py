"""What a deblender in training makes of sky that it is not trained on."""

import numpy as np
import pandas as pd

from superspire.deblender.calibration import HEATS, RADIUS
from superspire.deblender.catalogue import list_sources
from superspire.deblender.prediction import predict
from superspire.errors import InputError
from superspire.evaluation.methods import threshold_curve


def true_sources(field):
    """List the sources of a field as the functions of the evaluation want them."""
    x, y, flux = np.asarray(field.sources, float).T
    return pd.DataFrame({"cutout": 0, "x": x, "y": y, "flux": flux, "weight": 1.0})


def observed_cells(field, noise):
    """Observe a field with white noise per native pixel [mJy/beam]."""
    signal, white = (np.asarray(a, np.float32) for a in (field.signal, field.noise))
    return signal + np.float32(noise) * white


class FieldValidation:
    """Loss, completeness and purity on a field.

    Parameters
    ----------
    field : superspire.deblender.skies.Field
        Sky that no training image touches.
    crops : superspire.deblender.crops.Crops
        Images of it, for the loss.
    loss : superspire.deblender.losses.DeblenderLoss
    noise : float
        White noise per native pixel [mJy/beam].
    """

    def __init__(self, field, crops, loss, noise):
        self.batches = [crops[number] for number in range(len(crops))]
        self.loss = loss
        self.cells = observed_cells(field, noise)
        self.truth = true_sources(field)

    def measure(self, network):
        """Measure a network.

        Returns
        -------
        dict
            ``loss`` and its unweighted terms; ``completeness`` above 6 mJy and
            ``purity`` at the threshold of the best ``score``, their harmonic mean
            (`superspire.evaluation.methods.threshold_curve`), and this ``threshold``.

        Raises
        ------
        InputError
            If the network's answer is constant.
        """
        records = []
        for images, truth in self.batches:
            terms = self.loss.terms("simulated", truth, network(images))
            values = {name: float(np.mean(term)) for name, term in terms.items()}
            records.append(values | {"loss": float(self.loss.total(terms))})
        outputs = predict(network, self.cells)
        if not np.ptp(outputs[..., 0]) > 0:
            raise InputError(
                "training: the network has collapsed, its answer is constant; lower "
                "deblender.learning_rate"
            )
        found = list_sources(outputs)
        curve = threshold_curve(
            found.assign(cutout=0, weight=1.0),
            found["score"],
            self.truth,
            tuple(4 * n for n in self.cells.shape[:2]),
            RADIUS,
            HEATS[::2],
        )
        best = curve.loc[curve["f1"].idxmax()]
        return {
            **pd.DataFrame(records).mean().to_dict(),
            "completeness": float(best["completeness"]),
            "purity": float(best["purity"]),
            "score": float(best["f1"]),
            "threshold": float(best["threshold"]),
        }
