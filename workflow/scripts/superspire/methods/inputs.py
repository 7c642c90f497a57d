"""Read what a method may know from the files of the workflow."""

import numpy as np

from superspire.evaluation.catalogues import TRUTH_LIMIT
from superspire.io import read_columns, read_json
from superspire.methods.methods import MethodInputs


def read_inputs(files, params, positions=None):
    """Collect what a method may know.

    Parameters
    ----------
    files : snakemake.io.InputFiles
        ``statistics``; of a network ``network`` and ``calibration``; of the deblender
        ``levels`` in place of the latter.
    params : snakemake.io.Params
        ``realism``, ``threshold`` and ``min_flux`` of the configuration.
    positions : tuple of (ndarray, ndarray), optional
        True positions [deg], for the method that uses them.

    Returns
    -------
    superspire.methods.methods.MethodInputs
    """
    network, named = {}, files.keys()
    if "levels" in named:
        network = {"path": str(files.network), "calibration": str(files.levels)}
    elif "network" in named:
        network = {
            "path": str(files.network),
            "calibration": read_json(files.calibration),
            "extraction": {
                "threshold": params.threshold,
                "min_flux": params.min_flux,
            },
        }
    statistics = read_json(files.statistics)
    return MethodInputs(statistics, dict(params.realism), positions, network)


def true_positions(path):
    """Read the positions of the true sources of 1 mJy or more.

    Parameters
    ----------
    path : str
        Catalogue with ``RA``, ``DEC`` and ``S450``.

    Returns
    -------
    ra, dec : ndarray, shape (n,)
        [deg].
    """
    ra, dec, flux = read_columns(path, "RA", "DEC", "S450")
    kept = np.asarray(flux) >= TRUTH_LIMIT
    return ra[kept].astype(float), dec[kept].astype(float)
