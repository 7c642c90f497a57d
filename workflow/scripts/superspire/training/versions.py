"""What a network was trained with."""

import platform
from importlib.metadata import version

import keras

from superspire import __version__

PACKAGES = ("numpy", "scipy", "photutils", "keras")


def versions():
    """Versions of everything that had a part in a training."""
    return {
        "superspire": __version__,
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "backend": keras.backend.backend(),
        "processor": platform.machine(),
    }
