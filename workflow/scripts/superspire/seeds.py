"""Random streams that depend on the configured seed and on a name alone."""

from zlib import crc32

import numpy as np


def stream(seed, *names):
    """Make the random generator of one stage.

    Parameters
    ----------
    seed : int
        The configured seed.
    *names : str or int
        What the stream is for, for instance ``"catalogue", "simulated_0"``.

    Returns
    -------
    numpy.random.Generator
        Independent of every generator made with other names.
    """
    keys = [crc32(str(name).encode()) for name in names]
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=keys))
