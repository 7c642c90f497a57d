"""The two protocols of measurement, for one set of cutouts.

Paper: the true sources are those of the 450 µm map at S/N >= 5, recovered by any
source within 10 arcsec. Strict: the true sources are the injected galaxies above 1 mJy,
recovered by the nearest source within 4 arcsec. Both once more with fluxes within a
factor two: calibrated aperture fluxes in the paper's, calibrated peaks in the strict
protocol.
"""

import numpy as np
import pandas as pd

from superspire.evaluation.confusion import PAPER_CONFUSION
from superspire.evaluation.fluxes import (
    APERTURE,
    KEYS,
    PEAK,
    label_pairs,
    pair_fluxes,
)
from superspire.evaluation.measures import (
    FLUX_FACTOR,
    SUPER_RESOLVED,
    TRUE,
    recovered_fraction,
    source_offsets,
    trim_edges,
)

PAPER, STRICT = "paper", "strict"
POSITION, POSITION_FLUX = "position", "position and flux"
MEASURES = {POSITION: None, POSITION_FLUX: FLUX_FACTOR}
"""Maximum ratio of the two fluxes in each measure of a fraction."""

FLUX_SNR = 10.0
"""Minimum peak, in units of the background rms, of the sources of Fig. 4."""

OFFSET_FLUX = 10.0
"""Minimum flux of the true sources whose offsets are measured, and of stacks [mJy]."""

BELOW_CONFUSION = [(3.0, PAPER_CONFUSION[500][0])]
"""Range of flux below the confusion limit at 500 µm [mJy]."""


def with_flux(table, column):
    """Choose the column that holds the flux.

    Parameters
    ----------
    table : astropy.table.Table
        A catalogue with ``cutout``, ``x``, ``y``, ``weight``.
    column : str
        Name of the flux [mJy].

    Returns
    -------
    pandas.DataFrame
        ``cutout``, ``x``, ``y``, ``weight`` and ``flux``.
    """
    columns = {name: table[name].value for name in KEYS}
    return pd.DataFrame({**columns, "flux": table[column].value})


def with_fluxes(table, aperture, peak, flux):
    """Choose the columns that hold the two kinds of flux, and which one counts.

    Parameters
    ----------
    table : astropy.table.Table
        A catalogue with ``cutout``, ``x``, ``y``, ``weight``.
    aperture, peak : str
        Columns of the calibrated aperture flux and the calibrated peak [mJy].
    flux : {"aperture", "peak"}
        The one that the protocol calls the flux.

    Returns
    -------
    pandas.DataFrame
        ``cutout``, ``x``, ``y``, ``weight``, ``flux``, ``aperture`` and ``peak``.
    """
    kinds = {APERTURE: aperture, PEAK: peak}
    chosen = with_flux(table, kinds[flux])
    return chosen.assign(**{kind: table[name].value for kind, name in kinds.items()})


def label(tables, protocol):
    """Join tables by measure, with the protocol and the measure in front."""
    joined = pd.concat(tables.values(), keys=tables, names=["measure"])
    joined = joined.reset_index("measure").reset_index(drop=True)
    joined.insert(0, "protocol", protocol)
    return joined


def select(table, **values):
    """Take the rows of a table with given values in some columns."""
    for column, value in values.items():
        table = table[table[column] == value]
    return table


def read_protocol(path, protocol, **values):
    """Read what a table of measurements (CSV) holds of one protocol; see `select`."""
    return select(pd.read_csv(path), protocol=protocol, **values)


def flux_limit(target):
    """Estimate the flux down to which the target map shows sources.

    Parameters
    ----------
    target : astropy.table.Table
        Sources of the 450 µm map with ``peak`` [mJy/beam] and ``snr``.

    Returns
    -------
    float
        Minimum signal-to-noise ratio of the catalogue times its median noise [mJy].
    """
    if len(target) == 0:
        return np.inf
    noise = np.median(target["peak"].value / target["snr"])
    return float(noise * np.min(target["snr"]))


def measure_fractions(sources, truth, radius, depth=0.0):
    """Measure completeness and purity, by position and by position and flux.

    Parameters
    ----------
    sources, truth : pandas.DataFrame
        Super-resolved and true sources with ``flux`` [mJy].
    radius : float
        Radius of a match [pixel].
    depth : float
        Minimum flux of the true sources [mJy].

    Returns
    -------
    dict of dict of pandas.DataFrame
        ``completeness``, ``purity`` and ``confusion`` (completeness below the 500 µm
        confusion limit), by measure.
    """

    def by_measure(first, second, **options):
        return {
            name: recovered_fraction(first, second, radius, factor, **options)
            for name, factor in MEASURES.items()
        }

    return {
        "completeness": by_measure(truth, sources),
        "purity": by_measure(sources, truth, depth=depth),
        "confusion": by_measure(truth, sources, bins=BELOW_CONFUSION),
    }


def measure_offsets(sources, truth):
    """Measure the offsets of super-resolved sources, and of bright true ones.

    Parameters
    ----------
    sources, truth : pandas.DataFrame
        Super-resolved and true sources with ``flux`` [mJy].

    Returns
    -------
    pandas.DataFrame
        See `superspire.evaluation.measures.source_offsets`.
    """
    selections = ((SUPER_RESOLVED, 0.0), (TRUE, OFFSET_FLUX))
    return pd.concat(
        [source_offsets(sources, truth, *selection) for selection in selections],
        ignore_index=True,
    )


def paper_fluxes(sources, truth, found, target, radius):
    """Pair fluxes as the paper's Fig. 4 does, and by target sources beside it.

    Parameters
    ----------
    sources, truth : pandas.DataFrame
        What `with_fluxes` makes of `found` and `target`.
    found, target, radius
        See `measure_paper`.

    Returns
    -------
    pandas.DataFrame
        See `superspire.evaluation.fluxes.pair_fluxes`. Super-resolved sources above ten
        times the background rms of their image; all target sources, whose
        super-resolved aperture flux is measured at the position of the target.
    """
    clear = found["peak"].value > FLUX_SNR * np.asarray(found["background_rms"])
    clear_sources = sources[clear].reset_index(drop=True)
    forced = trim_edges(truth.assign(forced=target["flux_sr"].value))
    matched = pair_fluxes(sources, truth, radius, TRUE)
    parts = [
        pair_fluxes(clear_sources, truth, radius, SUPER_RESOLVED),
        label_pairs(forced, TRUE, APERTURE, forced[APERTURE], forced["forced"]),
        select(matched, measure=PEAK),
    ]
    return pd.concat(parts, ignore_index=True).assign(protocol=PAPER)


def measure_paper(found, target, radius):
    """Measure in the paper's protocol (section 4).

    Parameters
    ----------
    found : astropy.table.Table
        Super-resolved sources: ``peak`` and ``background_rms`` of the image
        [mJy/beam]; ``flux_aperture`` and ``flux``, calibrated aperture flux and peak
        [mJy].
    target : astropy.table.Table
        Sources of the 450 µm map with ``aperture_flux``, ``flux`` (peak), ``snr`` and
        ``flux_sr``, the calibrated aperture flux of the super-resolved map at the same
        position [mJy].
    radius : float
        Radius of a match [pixel].

    Returns
    -------
    dict of pandas.DataFrame
        ``completeness``, ``purity``, ``confusion``, ``offsets``, ``fluxes``.
    """
    sources = with_fluxes(found, "flux_aperture", "flux", APERTURE)
    truth = with_fluxes(target, "aperture_flux", "flux", APERTURE)
    fractions = measure_fractions(sources, truth, radius, flux_limit(target))
    tables = {name: label(parts, PAPER) for name, parts in fractions.items()}
    return tables | {
        "offsets": measure_offsets(sources, truth).assign(protocol=PAPER),
        "fluxes": paper_fluxes(sources, truth, found, target, radius),
    }


def measure_strict(found, injected, radius):
    """Measure in the strict protocol, against the injected sources.

    Parameters
    ----------
    found : astropy.table.Table
        Super-resolved sources, see `measure_paper`.
    injected : astropy.table.Table
        Injected sources with ``flux`` [mJy]. Each counts separately, however near
        another one it lies; the flux of a super-resolved source is compared with that
        of the brightest one within `radius`.
    radius : float
        Radius of a match [pixel].

    Returns
    -------
    dict of pandas.DataFrame
        ``completeness``, ``purity``, ``confusion``, ``offsets``, ``fluxes``.
    """
    sources = with_fluxes(found, "flux_aperture", "flux", PEAK)
    truth = with_fluxes(injected, "flux", "flux", PEAK)
    fractions = measure_fractions(sources, truth, radius)
    tables = {name: label(parts, STRICT) for name, parts in fractions.items()}
    pairs = [
        pair_fluxes(sources, truth, radius, SUPER_RESOLVED, brightest=True),
        pair_fluxes(sources, truth, radius, TRUE),
    ]
    fluxes = pd.concat(pairs, ignore_index=True)
    return tables | {
        "offsets": measure_offsets(sources, truth).assign(protocol=STRICT),
        "fluxes": fluxes.assign(protocol=STRICT),
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
        ``completeness``, ``purity``, ``confusion``, ``offsets``, ``fluxes``, each with
        a column ``protocol``.
    """
    tables = [measure_paper(found, target, match_radius)]
    if injected is not None:
        tables.append(measure_strict(found, injected, strict_radius))
    return {
        name: pd.concat([table[name] for table in tables], ignore_index=True)
        for name in tables[0]
    }
