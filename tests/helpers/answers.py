"""Outputs of the deblender that are made by hand."""

import numpy as np

from superspire.deblender.architecture import (
    OUTPUTS,
    PRIOR_LOG_ERROR,
    PRIOR_LOG_FLUX,
    PRIOR_LOGIT,
)
from superspire.instruments import PAPER_BANDS

FLUXES = tuple(f"log_flux_{band}" for band in PAPER_BANDS)
ERRORS = tuple(f"log_error_{band}" for band in PAPER_BANDS)
HEADS = ("logit", "dx", "dy", "log_pos_err", *FLUXES, *ERRORS)

CHANNELS = {"image": slice(0, 16), "log_sigma": slice(16, 17)} | {
    name: slice(17 + 4 * i, 21 + 4 * i) for i, name in enumerate(HEADS)
}
"""Where the heads are; the layout of files of weights that are published."""

PRIORS = (
    {"logit": PRIOR_LOGIT}
    | dict.fromkeys(FLUXES, PRIOR_LOG_FLUX)
    | dict.fromkeys(ERRORS, PRIOR_LOG_ERROR)
)
"""What is added to the outputs."""

NOTHING = {"logit": -8.0, "log_pos_err": 0.3} | dict.fromkeys(FLUXES, 0.5)
"""Heads of an empty sky, and -1 for the errors of the fluxes."""


def squares(image, step):
    """Gather squares of pixels: (ny, nx) to (ny / step, nx / step, step²)."""
    ny, nx = (n // step for n in image.shape)
    return image.reshape(ny, step, nx, step).swapaxes(1, 2).reshape(ny, nx, step**2)


def pack(size, image=0.0, log_sigma=0.0, **heads):
    """Make the outputs of a network from images of its heads, side in cells.

    ``log_flux`` and ``log_error`` stand for all bands.
    """
    fine, pixels = (2 * size, 2 * size), (4 * size, 4 * size)
    for name, names in (("log_flux", FLUXES), ("log_error", ERRORS)):
        if name in heads:
            heads = dict.fromkeys(names, heads.pop(name)) | heads
    outputs = np.zeros((size, size, OUTPUTS), np.float32)
    outputs[..., :16] = squares(np.broadcast_to(image, pixels), 4)
    outputs[..., 16] = log_sigma
    for name in HEADS:
        default = -1.0 if name in ERRORS else NOTHING.get(name, 0.0)
        values = np.broadcast_to(heads.get(name, default), fine)
        outputs[..., CHANNELS[name]] = squares(values, 2) - PRIORS.get(name, 0.0)
    return outputs
