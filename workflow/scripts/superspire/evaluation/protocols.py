"""The two protocols of measurement, for one set of cutouts.

Paper: the true sources are those of the 450 µm map at S/N >= 5, recovered by any
source within 10 arcsec; fluxes are those of circles of 10 arcsec on both maps. Strict:
the true sources are the injected ones, recovered by the nearest source within 4 arcsec,
and once more within 4 arcsec and a factor two in flux; fluxes are calibrated peaks.
"""

import numpy as np
import pandas as pd

from superspire.evaluation.measures import (
    FLUX_FACTOR,
    matched_fluxes,
    recovered_fraction,
    source_offsets,
)

PAPER, STRICT = "paper", "strict"
POSITION, POSITION_FLUX = "position", "position and flux"

FLUX_SNR = 10.0
"""Least S/N of the target sources whose fluxes are compared (Fig. 4)."""

KEYS = ["cutout", "x", "y", "weight"]


def with_flux(table, column, factor=1.0):
    """Choose the column that a protocol calls the flux.

    Parameters
    ----------
    table : astropy.table.Table
        A catalogue with ``cutout``, ``x``, ``y``, ``weight``.
    column : str
        Name of the flux [mJy].
    factor : float
        Flux calibration.

    Returns
    -------
    pandas.DataFrame
        ``cutout``, ``x``, ``y``, ``weight`` and ``flux``.
    """
    columns = {name: table[name].value for name in KEYS}
    return pd.DataFrame({**columns, "flux": factor * table[column].value})


def label(tables, protocol):
    """Join tables by measure, with the protocol and the measure in front."""
    joined = pd.concat(tables.values(), keys=tables, names=["measure"])
    joined = joined.reset_index("measure").reset_index(drop=True)
    joined.insert(0, "protocol", protocol)
    return joined


def read_protocol(path, protocol):
    """Read what a table of measurements (CSV) holds of one protocol."""
    table = pd.read_csv(path)
    return table[table["protocol"] == protocol]


def flux_limit(target):
    """Estimate the flux down to which the target map shows sources.

    Parameters
    ----------
    target : astropy.table.Table
        Sources of the 450 µm map with ``peak`` [mJy/beam] and ``snr``.

    Returns
    -------
    float
        Least signal-to-noise ratio of the catalogue times its median noise [mJy].
    """
    if len(target) == 0:
        return np.inf
    noise = np.median(target["peak"].value / target["snr"])
    return float(noise * np.min(target["snr"]))


def measure_paper(found, target, radius):
    """Measure in the paper's protocol (section 4).

    Parameters
    ----------
    found : astropy.table.Table
        Super-resolved sources, ``flux_aperture`` calibrated [mJy].
    target : astropy.table.Table
        Sources of the 450 µm map with ``aperture_flux``, ``snr`` and ``flux_sr``, the
        calibrated aperture flux of the super-resolved map at the same place [mJy].
    radius : float
        Radius of a match [pixel].

    Returns
    -------
    dict of pandas.DataFrame
        ``completeness``, ``purity``, ``offsets``, ``fluxes``.
    """
    sources = with_flux(found, "flux_aperture")
    truth = with_flux(target, "aperture_flux")
    depth = flux_limit(target)
    bright = target["snr"] >= FLUX_SNR
    fluxes = truth[bright].assign(flux_sr=target["flux_sr"].value[bright])
    return {
        "completeness": label(
            {POSITION: recovered_fraction(truth, sources, radius)}, PAPER
        ),
        "purity": label(
            {POSITION: recovered_fraction(sources, truth, radius, depth=depth)}, PAPER
        ),
        "offsets": label({POSITION: source_offsets(truth, sources)}, PAPER),
        "fluxes": label({"aperture": fluxes}, PAPER),
    }


def measure_strict(found, injected, radius):
    """Measure in the strict protocol, against the injected sources.

    Parameters
    ----------
    found : astropy.table.Table
        Super-resolved sources, ``flux`` the calibrated peak [mJy].
    injected : astropy.table.Table
        Injected sources with ``flux`` [mJy]. Each counts by itself, however near
        another one it lies.
    radius : float
        Radius of a match [pixel].

    Returns
    -------
    dict of pandas.DataFrame
        ``completeness``, ``purity``, ``offsets``, ``fluxes``.
    """
    sources, truth = with_flux(found, "flux"), with_flux(injected, "flux")
    measures = {POSITION: None, POSITION_FLUX: FLUX_FACTOR}
    completeness = {
        name: recovered_fraction(truth, sources, radius, factor)
        for name, factor in measures.items()
    }
    purity = {
        name: recovered_fraction(sources, truth, radius, factor)
        for name, factor in measures.items()
    }
    return {
        "completeness": label(completeness, STRICT),
        "purity": label(purity, STRICT),
        "offsets": label({POSITION: source_offsets(truth, sources)}, STRICT),
        "fluxes": label({"peak": matched_fluxes(truth, sources, radius)}, STRICT),
    }


def measure(found, target, injected, match_radius, strict_radius):
    """Measure in the paper's protocol and, where the truth is known, the strict one.

    Parameters
    ----------
    found, target : astropy.table.Table
        See `measure_paper`.
    injected : astropy.table.Table or None
        See `measure_strict`.
    match_radius, strict_radius : float
        Radii of a match in the two protocols [pixel].

    Returns
    -------
    dict of pandas.DataFrame
        ``completeness``, ``purity``, ``offsets``, ``fluxes``, each with a column
        ``protocol``.
    """
    tables = [measure_paper(found, target, match_radius)]
    if injected is not None:
        tables.append(measure_strict(found, injected, strict_radius))
    return {
        name: pd.concat([table[name] for table in tables], ignore_index=True)
        for name in tables[0]
    }
