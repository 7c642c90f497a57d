"""The program egg-gencat of Schreiber et al. (2017) as a source of the sky."""

import shutil
import subprocess
from pathlib import Path

import numpy as np

from superspire.errors import InputError
from superspire.instruments import BANDS, PAPER_BANDS, SPIRE, TARGET

PROGRAM = "egg-gencat"
HOME = "github.com/cschreib/egg"
LAYOUT = {"RA", "DEC", "Z", "M", "PASSIVE", "LIR", "TDUST", "FLUX", "BANDS", "LAMBDA"}
"""Columns of its catalogues; the fluxes are in uJy, the masses log10."""

EGG_NAMES = {
    band: f"herschel-spire{band}" if band in SPIRE else f"scuba2-{band}"
    for band in PAPER_BANDS
}
OPTION = [
    f"{name}:range:{BANDS[band].lambda_min:g}:{BANDS[band].lambda_max:g}"
    if band == TARGET
    else name
    for band, name in EGG_NAMES.items()
]
"""How its option ``bands`` asks for them; it knows no filter of SCUBA-2."""

TOLERANCE = 0.05
"""Maximum relative distance of a band's mean wavelength from ours."""

REFERENCE = (180.0, 0.0)
"""RA and Dec [deg] that the program is asked for.

Its fields are rectangles in RA and Dec, which on the equator contain the square of the
same area in the tangent plane, all but filled; anywhere else they do not.
"""


def choose_bands(names, wavelengths):
    """Find our bands among those of a catalogue of EGG.

    Parameters
    ----------
    names : sequence of str
        Names of its bands.
    wavelengths : sequence of float
        Their mean wavelengths [um].

    Returns
    -------
    dict
        Band of ours to number in the catalogue.

    Raises
    ------
    InputError
        If it lacks one.
    """
    chosen = {}
    for band in PAPER_BANDS:
        distance = np.abs(np.asarray(wavelengths, float) / band - 1.0)
        named = [EGG_NAMES[band] in str(name) for name in names]
        best = int(np.argmax(named) if any(named) else np.argmin(distance))
        if not distance[best] <= TOLERANCE:
            raise InputError(
                f"catalogue.file: expected a band at {band} um in EGG's catalogue (for "
                f"instance by its option bands=[{','.join(OPTION)}]), found "
                f"{names[best]} ({wavelengths[best]:.4g} um) as the nearest"
            )
        chosen[band] = best
    return chosen


def command(area, seed, z_min, z_max, log_mass_min, emission_lines=False):
    """Make the command that runs the program.

    Parameters
    ----------
    area : float
        Area [deg²].
    seed : int
        Its seed.
    z_min, z_max : float
        Range of redshift.
    log_mass_min : float
        Lowest stellar mass [log10 Msun].
    emission_lines : bool
        Add lines, which need the stellar light as well: without it they are NaN.

    Returns
    -------
    list of str
        The catalogue, around REFERENCE, is catalogue.fits in the working directory.
    """
    options = {
        "area": area,
        "mmin": log_mass_min,
        "zmin": z_min,
        "zmax": z_max,
        "seed": seed,
        "ra0": REFERENCE[0],
        "dec0": REFERENCE[1],
        "bands": f"[{','.join(OPTION)}]",
        "out": "catalogue.fits",
    }
    flags = [] if emission_lines else ["no_stellar", "no_nebular"]
    return [PROGRAM, *(f"{key}={value}" for key, value in options.items()), *flags]


def run_program(arguments, folder):
    """Run the program, or say in one sentence why it cannot be run.

    Parameters
    ----------
    arguments : list of str
        See `command`.
    folder : path-like
        Working directory.

    Returns
    -------
    pathlib.Path
        Its catalogue.

    Raises
    ------
    InputError
        If it is not installed or fails.
    """
    if shutil.which(PROGRAM) is None:
        raise InputError(
            f"catalogue: expected the program {PROGRAM} in PATH for the catalogue egg, "
            f"found none (it comes from {HOME})"
        )
    run = subprocess.run(
        arguments,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    print(run.stdout, end="")
    path = Path(folder) / "catalogue.fits"
    if run.returncode or not path.is_file():
        lines = [line.strip() for line in run.stdout.splitlines() if line.strip()]
        lines = [line for line in lines if line.startswith("error")] or lines or [""]
        raise InputError(
            f"catalogue: expected {PROGRAM} to write a catalogue, found it to end with "
            f"status {run.returncode} and {lines[-1]!r}"
        )
    return path
