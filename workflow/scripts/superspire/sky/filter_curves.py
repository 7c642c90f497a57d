"""Response of the photometric bands over wavelength."""

from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.io.votable import parse_single_table

from superspire.errors import InputError
from superspire.instruments import BANDS, PAPER_BANDS

PER_MICRON = {"µm": 1.0, "nm": 1e-3, "Å": 1e-4, "m": 1e6}
"""Micrometres in the units that response curves come in."""

TOLERANCE = 0.25
"""Maximum relative distance of a curve's mean wavelength from the band's."""

UNITY = 1e-3
"""EGG takes its curves as they are; their integrals differ from one by less."""


NODES = {
    24: (
        (20.0, 0.0),
        (20.5, 0.067),
        (21.0, 0.852),
        (22.0, 1.0),
        (23.6, 0.725),
        (24.4, 0.964),
        (26.0, 0.541),
        (28.0, 0.109),
        (31.0, 0.0),
    )
}
"""Wavelengths [µm] and responses in the bands that PAH features cross. At 24 µm a
least-squares fit to the curve of MIPS (Spitzer Science Center) with its integral, mean
and rms width: galaxies have its fluxes to 0.8 %, of a top-hat to 8 %."""


def normalised(wavelength, value):
    """Divide a response by its integral over wavelength, unless that is near one."""
    integral = np.trapezoid(value, wavelength)
    return wavelength, value if abs(integral - 1.0) < UNITY else value / integral


def top_hat(band):
    """Make the top-hat that stands for the response of a band.

    Parameters
    ----------
    band : int
        Nominal wavelength [µm], a key of `superspire.instruments.BANDS`.

    Returns
    -------
    wavelength, value : ndarray
        Nodes [µm] and response there [1/µm], linear in between and zero outside.
    """
    low, high, edge = (
        getattr(BANDS[band], name) for name in ("lambda_min", "lambda_max", "edge")
    )
    if edge:
        nodes = np.array([(1.0 - edge) * low, low, high, (1.0 + edge) * high])
        return normalised(nodes, np.array([0.0, 1.0, 1.0, 0.0]))
    return normalised(np.array([low, high]), np.array([1.0, 1.0]))


def standard_response(band):
    """Give the response that a band has without a file: `NODES` or a top-hat.

    Parameters
    ----------
    band : int
        Nominal wavelength [µm].

    Returns
    -------
    wavelength, value : ndarray
        See `top_hat`.
    """
    if band in NODES:
        wavelength, value = np.array(NODES[band]).T
        return normalised(wavelength, value)
    return top_hat(band)


def read_curve(path):
    """Read the two columns of a response curve.

    Parameters
    ----------
    path : path-like
        VOTable of the SVO Filter Profile Service (.xml, .vot), a filter of EGG (.fits,
        one row with the vectors LAM and RES), or text with two columns.

    Returns
    -------
    wavelength, value : ndarray, shape (n,)
        In the units of the file.

    Raises
    ------
    InputError
        If the file is none of these.
    """
    path = Path(path)
    try:
        if path.suffix in (".xml", ".vot"):
            table = parse_single_table(path).to_table()
            columns = [table[name] for name in table.colnames[:2]]
        elif ".fits" in path.suffixes:
            with fits.open(path) as hdus:
                columns = [np.ravel(hdus[1].data[name]) for name in ("LAM", "RES")]
        else:
            text = path.read_text().replace(",", " ").splitlines()
            rows = [line.split()[:2] for line in text if line.strip()[:1] not in "#"]
            header = int(not rows[0][0].replace(".", "").replace("e", "").isdigit())
            columns = np.array(rows[header:], dtype=float).T
        wavelength, value = (np.array(column, dtype=float) for column in columns)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError(
            f"response: expected a curve with the columns wavelength and response, "
            f"found {path}: {error}"
        ) from error
    return wavelength, value


def read_response(path, band):
    """Read the true response of a band.

    Parameters
    ----------
    path : path-like
        See `read_curve`. The unit of the wavelengths (µm, nm, Å or m) is the one that
        puts their mean at the band.
    band : int
        Nominal wavelength [µm].

    Returns
    -------
    wavelength, value : ndarray
        Nodes [µm] and response there [1/µm], linear in between and zero outside.

    Raises
    ------
    InputError
        If the curve is of another band or no response curve at all.
    """
    wavelength, value = read_curve(path)
    order = np.argsort(wavelength)
    wavelength, value = wavelength[order], value[order]
    valid = np.isfinite(wavelength).all() and np.isfinite(value).all()
    if not valid or len(value) < 2 or np.trapezoid(value, wavelength) <= 0.0:
        raise InputError(
            f"response.{band}: expected finite wavelengths and responses with a "
            f"positive integral, found others in {path}"
        )
    mean = np.trapezoid(value * wavelength, wavelength)
    mean /= np.trapezoid(value, wavelength)
    for factor in PER_MICRON.values():
        if abs(mean * factor / band - 1.0) < TOLERANCE:
            return normalised(wavelength * factor, value)
    raise InputError(
        f"response.{band}: expected a curve around {band} µm, found {path} with a mean "
        f"of {mean:g} (in none of {', '.join(PER_MICRON)} is that near the band)"
    )


def load_responses(files=None, bands=PAPER_BANDS):
    """Collect the responses of bands.

    Parameters
    ----------
    files : dict, optional
        Band to file; the other bands have their standard responses.
    bands : sequence of int, optional
        Nominal wavelengths [µm], keys of `superspire.instruments.BANDS`.

    Returns
    -------
    dict
        Band [µm] to (wavelength [µm], response [1/µm]).
    """
    files = {int(band): path for band, path in (files or {}).items()}
    return {
        band: read_response(files[band], band)
        if band in files
        else standard_response(band)
        for band in bands
    }
