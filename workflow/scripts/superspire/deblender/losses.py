"""Deblender loss: negative log-likelihoods of map, detection, flux and position."""

from dataclasses import dataclass, field

from keras import ops

from superspire.deblender.architecture import unpack
from superspire.deblender.labels import LABELS

WEIGHTS = {
    "pixel": 1.0,
    "sigma": 0.02,
    "detection": 0.2,
    "flux": 0.04,
    "position": 0.01,
}
"""Weights of the terms. The map leads; the sources' terms, whose noise comes from the
many sources that no one can see, would disturb it if they counted more."""

LOG_2 = 0.6931471805599453


@dataclass(frozen=True)
class DeblenderLoss:
    """The loss function.

    Attributes
    ----------
    logcosh_width : float
        Difference at which the pixels' loss turns from square to linear [mJy/beam].
    weights : dict of str to float
        Weight of each of the terms.
    """

    logcosh_width: float = 1.0
    weights: dict = field(default_factory=lambda: dict(WEIGHTS))

    def names(self, kind):
        """Names of the terms, whatever the kind of image."""
        return list(WEIGHTS)

    def terms(self, kind, truth, outputs):
        """Evaluate every term.

        Parameters
        ----------
        kind : str
            Kind of image, of no effect.
        truth : dict of str to tensor
            ``target`` (batch, n, n, 16), the 450 µm surface brightness of the pixels
            [mJy/beam]; ``labels`` (batch, n, n, 4, 8) of the fine cells, see
            `superspire.deblender.labels`; ``seen`` (batch, n, n), one where any band
            observed the sky and zero elsewhere, where nothing is asked for.
        outputs : tensor, shape (batch, n, n, OUTPUTS)
            Output of the network.

        Returns
        -------
        dict of str to tensor, shape (batch,)
            ``pixel``: w log cosh(d / w) of the difference d of the pixels;
            ``sigma``: Gaussian likelihood of d given its stated error;
            ``detection``: cross entropy of the smeared positions;
            ``flux``, ``position``: Gaussian likelihoods of the logarithm of the flux,
            on the average of its bands, and of the position of the sources.
        """
        prediction = unpack(outputs, ops)
        score, dx, dy, weight = (truth["labels"][..., i] for i in range(len(LABELS)))
        log_flux, seen = truth["labels"][..., len(LABELS) :], truth["seen"]
        difference = ops.abs(truth["target"] - prediction.image)
        scaled = difference / self.logcosh_width
        pixel = self.logcosh_width * (
            scaled + ops.log1p(ops.exp(-2.0 * scaled)) - LOG_2
        )
        log_sigma = ops.expand_dims(prediction.log_sigma, -1)
        known = ops.stop_gradient(difference)
        sigma = 0.5 * (known * ops.exp(-log_sigma)) ** 2 + log_sigma
        logit = prediction.logit
        detection = ops.softplus(logit) - score * logit
        flux = (log_flux - prediction.log_flux) * ops.exp(-prediction.log_error)
        flux = ops.mean(0.5 * flux**2 + prediction.log_error, axis=-1)
        distance2 = (dx - prediction.dx) ** 2 + (dy - prediction.dy) ** 2
        position = 0.5 * distance2 * ops.exp(-2.0 * prediction.log_pos_err)
        position = position + 2.0 * prediction.log_pos_err
        weight = weight * ops.expand_dims(seen, -1)
        asked = ops.sum(weight, axis=(1, 2, 3)) + 1.0

        def seen_mean(term):
            total = ops.sum(ops.mean(term, axis=-1) * seen, axis=(1, 2))
            return total / ops.maximum(ops.sum(seen, axis=(1, 2)), 1.0)

        return {
            "pixel": seen_mean(pixel),
            "sigma": seen_mean(sigma),
            "detection": seen_mean(detection),
            "flux": ops.sum(weight * flux, axis=(1, 2, 3)) / asked,
            "position": ops.sum(weight * position, axis=(1, 2, 3)) / asked,
        }

    def total(self, terms):
        """Weight the terms and average over the batch."""
        return sum(self.weights[name] * ops.mean(term) for name, term in terms.items())
