"""Terms that the losses of both networks share."""

from keras import ops

LOG_2 = 0.6931471805599453


def log_cosh(difference, width):
    """Penalise small differences by their square and large ones by their size.

    Parameters
    ----------
    difference : tensor
        Absolute difference d.
    width : float
        Difference w at which the penalty changes from quadratic to linear.

    Returns
    -------
    tensor
        w log cosh(d / w), without overflow.
    """
    scaled = difference / width
    return width * (scaled + ops.log1p(ops.exp(-2.0 * scaled)) - LOG_2)
