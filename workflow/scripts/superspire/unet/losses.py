"""The loss functions of section 3.2.

Images are normalised to between zero and one; fluxes are aperture sums over the area
of the target's beam, in the same unit.
"""

from dataclasses import dataclass

from keras import ops

from superspire.instruments import BANDS, PIXEL, TARGET, beam_area
from superspire.training.losses import log_cosh
from superspire.unet import detection, reference_detection

GENERATED_SNR = 1.0
"""Minimum signal-to-noise ratio of the generated sources in eq. 5."""


@dataclass(frozen=True)
class LossOptions:
    """What the loss functions are made of.

    Attributes
    ----------
    weights : dict of str to float
        Weight of each of `TERMS`.
    pixel : {"l1", "logcosh"}
        Pixel term: eq. 6, or the same with its corner rounded.
    logcosh_width : float
        Difference at which "logcosh" turns from square to linear, in normalised
        pixel values.
    detection : {"graph", "photutils"}
        Whether sources are found and measured in the training graph, or by photutils
        outside of it, which gives the same and takes longer.
    """

    weights: dict
    pixel: str = "l1"
    logcosh_width: float = 1.0
    detection: str = "graph"

    def names(self, kind):
        """Names of the terms of one kind of image."""
        names = ["aperture", "pixel", "mean", "median"]
        return [*names, "spurious"] if kind == "observed" else names

    def terms(self, kind, truth, generated):
        """Evaluate every term, see `loss_terms`."""
        return loss_terms(kind, truth, generated, self)

    def total(self, terms):
        """Weight the terms and average over the batch."""
        return total(terms, self)


def fluxes(images, marked, options):
    """Aperture fluxes of normalised images.

    Parameters
    ----------
    images : tensor, shape (batch, n, n, 1)
        Normalised images, or differences of them.
    marked : tensor, shape (batch, n, n, 1)
        1 where the flux is wanted, 0 elsewhere.
    options : LossOptions

    Returns
    -------
    tensor, shape (batch, n, n, 1)
        0 where nothing is marked.
    """
    beam = float(beam_area(BANDS[TARGET].fwhm)) / PIXEL**2
    if options.detection == "photutils":
        return reference_detection.aperture_sums(images, marked) / beam
    return detection.aperture_sums(images) * marked / beam


def generated_sources(generated, ordered, options):
    """Mark the sources of generated images at S/N > 1 (eq. 5)."""
    if options.detection == "photutils":
        return reference_detection.find_peaks(generated, GENERATED_SNR)
    return detection.find_peaks(generated, ordered, GENERATED_SNR)


def pixel_term(target, generated, options):
    """Mean absolute difference of the pixels (eq. 6).

    Parameters
    ----------
    target, generated : tensor, shape (batch, n, n, 1)
        Normalised images.
    options : LossOptions

    Returns
    -------
    tensor, shape (batch,)
        With "logcosh", w log cosh(d / w) in place of the absolute difference d.
    """
    difference = ops.abs(generated - target)
    if options.pixel == "logcosh":
        difference = log_cosh(difference, options.logcosh_width)
    return ops.mean(difference, axis=(1, 2, 3))


def simulated_aperture_term(target, generated, sources, options):
    """Sum of the flux differences of the target's sources (eq. 4).

    Parameters
    ----------
    target, generated : tensor, shape (batch, n, n, 1)
        Normalised images.
    sources : tensor, shape (batch, n, n, 1)
        1 at the target's sources.
    options : LossOptions

    Returns
    -------
    tensor, shape (batch,)
    """
    difference = fluxes(target - generated, sources, options)
    return ops.sum(ops.abs(difference), axis=(1, 2, 3))


def observed_aperture_terms(target, generated, sources, ordered, options):
    """Mean flux difference of the target's sources, and the spurious sources (eq. 5).

    Parameters
    ----------
    target, generated : tensor, shape (batch, n, n, 1)
        Normalised images.
    sources : tensor, shape (batch, n, n, 1)
        1 at the target's sources.
    ordered : tensor, shape (batch, n, n)
        Sorted pixels of the generated images.
    options : LossOptions

    Returns
    -------
    aperture, spurious : tensor, shape (batch,)
        The first and the second sum of eq. 5.
    """
    found = generated_sources(generated, ordered, options)
    both = ops.maximum(sources, found)
    difference = ops.abs(fluxes(target - generated, both, options))
    flux = fluxes(generated, found, options)
    number = ops.maximum(ops.sum(sources, axis=(1, 2, 3)), 1.0)
    aperture = ops.sum(difference * sources, axis=(1, 2, 3)) / number
    relative = found * difference / ops.maximum(flux, 1e-7)
    return aperture, ops.sum(relative, axis=(1, 2, 3))


def loss_terms(kind, truth, generated, options):
    """Evaluate every term of the loss of one kind of image.

    Parameters
    ----------
    kind : {"simulated", "observed"}
        Which of eqs. 4 and 5 is used.
    truth : dict of str to tensor
        ``target`` (batch, n, n, 1), the normalised images; ``sources``, of the same
        shape, 1 at their sources; ``median`` (batch,) of the images.
    generated : tensor, shape (batch, n, n, 1)
        Normalised images of the network.
    options : LossOptions

    Returns
    -------
    dict of str to tensor, shape (batch,)
        Unweighted terms.
    """
    target, sources = truth["target"], truth["sources"]
    ordered = detection.sorted_pixels(generated)
    terms = {}
    if kind == "simulated":
        terms["aperture"] = simulated_aperture_term(target, generated, sources, options)
    else:
        terms["aperture"], terms["spurious"] = observed_aperture_terms(
            target, generated, sources, ordered, options
        )
    terms["pixel"] = pixel_term(target, generated, options)
    terms["mean"] = ops.abs(ops.mean(target - generated, axis=(1, 2, 3)))
    terms["median"] = ops.abs(truth["median"] - detection.median(generated, ordered))
    return terms


def total(terms, options):
    """Weight the terms and average over the batch."""
    return sum(options.weights[name] * ops.mean(term) for name, term in terms.items())
