"""Every method by its name, run in the same way."""

from dataclasses import dataclass, field

import numpy as np

from superspire.instruments import SPIRE
from superspire.io import read_map
from superspire.methods.blind import find_blindly
from superspire.methods.forced import force
from superspire.methods.matched_filter import find_filtered
from superspire.sky.beams import beam_of

FLOOR = 1.0
"""Minimum signal-to-noise ratio that any method reports; each has its own threshold."""

POSITION_SNR = 1.5
"""Minimum signal-to-noise ratio at 250 µm of the positions of `forced`."""


@dataclass(frozen=True)
class MethodInputs:
    """What a method may know besides the maps.

    Attributes
    ----------
    statistics : dict
        Colours and confusion of simulated sources, see
        `superspire.methods.statistics.source_statistics`.
    realism : dict
        The section of the configuration that gives the beams.
    positions : tuple of (ndarray, ndarray) or None
        True right ascensions and declinations [deg], for `forced_true` alone.
    network : dict
        For networks alone: ``path``, ``calibration`` and, of the paper's network,
        ``extraction`` of `superspire.methods.networks.find_by_network`.
    """

    statistics: dict
    realism: dict = field(default_factory=dict)
    positions: tuple | None = None
    network: dict = field(default_factory=dict)


def find(name, maps, inputs):
    """Find the sources of a field by one method.

    Parameters
    ----------
    name : str
        Key of `superspire.methods.TITLES`, or any name if `inputs` holds a
        network.
    maps : dict of int to superspire.io.Map
        Native maps of 250, 350 and 500 µm [mJy/beam].
    inputs : MethodInputs
        What the method may know besides.

    Returns
    -------
    astropy.table.Table
        ``ra``, ``dec`` [deg], ``flux`` at 450 µm [mJy], ``snr`` of at least `FLOOR`.
    """
    if inputs.network:
        from superspire.methods import networks

        find_by = networks.find_by_network
        if "extraction" not in inputs.network:
            find_by = networks.find_by_deblender
        return find_by(maps, **inputs.network, least_snr=FLOOR)
    beams = {band: beam_of(band, inputs.realism) for band in SPIRE}
    statistics = inputs.statistics
    if name.startswith("blind_"):
        band = int(name.removeprefix("blind_"))
        colour = statistics["colours"][str(band)]
        return find_blindly(maps[band], beams[band], colour, FLOOR)
    if name == "deconvolution":
        from superspire.methods.deconvolution import find_deconvolved

        colour = statistics["colours"]["250"]
        return find_deconvolved(maps[250], beams[250], colour, FLOOR)
    if name == "matched_filter":
        return find_filtered(maps, beams, statistics, (250,), FLOOR)
    if name == "multiband_filter":
        return find_filtered(maps, beams, statistics, SPIRE, FLOOR)
    if name == "forced":
        found = find_filtered(maps, beams, statistics, (250,), POSITION_SNR)
        positions = np.asarray(found["ra"]), np.asarray(found["dec"])
    else:
        positions = inputs.positions
    table = force(maps, beams, statistics, *positions)
    return table[table["snr"] >= FLOOR]


def find_in_files(name, files, inputs, threads=None):
    """Run a method on the maps of some files, for instance in a process of its own.

    Parameters
    ----------
    name : str
        See `find`.
    files : dict of int to str
        FITS file of each band.
    inputs : MethodInputs
        What the method may know besides.
    threads : int, optional
        Threads of a network.

    Returns
    -------
    astropy.table.Table
        See `find`.
    """
    if inputs.network and threads:
        from superspire.training.backend import set_threads

        set_threads(threads)
    return find(name, {band: read_map(file) for band, file in files.items()}, inputs)
