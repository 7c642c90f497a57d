"""What a network in training makes of cutouts that it is not trained on."""

import numpy as np
import pandas as pd
from keras import ops

from superspire.errors import InputError
from superspire.evaluation.cutout_metrics import catalogue
from superspire.photometry.matching import match
from superspire.unet.losses import loss_terms, total

MIN_FLUX = 6.0
"""Faintest target source that counts for the completeness [mJy]."""

TARGET_THRESHOLD = 5.0
"""Minimum S/N of the target sources, as in the paper's completeness (section 4)."""

COLLAPSED = 1e-5
"""Range of the normalised pixels below which a network's output is constant."""


class Validation:
    """Loss, completeness and purity on the validation cutouts.

    Parameters
    ----------
    batches : superspire.dataset.batches.Batches
        The validation cutouts of the simulated set.
    options : superspire.unet.losses.LossOptions
        Terms and weights of the loss.
    radius : float
        Maximum offset of a source that counts as recovered [pixel].
    threshold : float
        Minimum S/N of a generated source.
    min_flux : float
        Its minimum peak [mJy/beam].
    """

    def __init__(self, batches, options, radius, threshold, min_flux):
        self.batches, self.options, self.radius = batches, options, radius
        self.limits = {"threshold": threshold, "min_flux": min_flux}
        self.truth = [batches[i][1] for i in range(len(batches))]
        targets = np.concatenate([truth["target"] for truth in self.truth])
        self.sources = catalogue(
            self.flux_density(targets), TARGET_THRESHOLD, min_flux=0.5
        )

    def flux_density(self, images):
        """Undo the normalisation: images of shape (n, size, size) [mJy/beam]."""
        low, high = self.batches.target_low, self.batches.target_high
        return low + (high - low) * np.asarray(images)[..., 0]

    def measure(self, network):
        """Measure a network.

        Parameters
        ----------
        network : keras.Model

        Returns
        -------
        dict
            ``loss`` and its unweighted terms (eqs. 4 and 6); ``completeness`` of the
            target sources above 6 mJy and ``purity`` of the generated ones, within the
            radius; ``score``, their harmonic mean.

        Raises
        ------
        InputError
            If the network's output is constant.
        """
        generated, records = [], []
        for number, truth in enumerate(self.truth):
            images = ops.convert_to_numpy(network(self.batches[number][0]))
            terms = loss_terms(
                "simulated", truth, ops.convert_to_tensor(images), self.options
            )
            values = {name: float(ops.mean(term)) for name, term in terms.items()}
            values["loss"] = float(total(terms, self.options))
            records.append(values | {"images": len(images)})
            generated.append(images)
        generated = np.concatenate(generated)
        if not np.ptp(generated) > COLLAPSED:
            raise InputError(
                "training: the network has collapsed, its images are constant at "
                f"{generated.flat[0]:.3g} of the scale; lower training.learning_rate, "
                "or raise network.output_bias or loss.weights.pixel"
            )
        table = pd.DataFrame(records)
        weights = table.pop("images")
        means = {name: np.average(table[name], weights=weights) for name in table}
        return {**means, **self.recovery(generated)}

    def recovery(self, generated):
        """Measure completeness, purity and score of normalised images."""
        found = catalogue(self.flux_density(generated), **self.limits)
        bright = self.sources[self.sources["flux"] >= MIN_FLUX]
        recovered = match(bright, found, self.radius)[0] >= 0
        confirmed = match(found, self.sources, self.radius)[0] >= 0
        completeness = recovered.mean() if len(bright) else np.nan
        purity = confirmed.mean() if len(found) else 0.0
        both = completeness + purity
        return {
            "completeness": completeness,
            "purity": purity,
            "score": 2.0 * completeness * purity / both if both > 0 else 0.0,
        }
