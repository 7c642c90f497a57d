"""Every claim of the paper beside what we measure (`results/comparison.csv`)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from superspire.evaluation import claims
from superspire.evaluation.fluxes import PEAK
from superspire.evaluation.measures import TRUE
from superspire.evaluation.protocols import PAPER, POSITION_FLUX, STRICT, select

SIMULATED, INDEPENDENT = "simulated", "independent"
OBSERVED = ("observed", "holdout", INDEPENDENT)
"""Sets of cutouts whose 450 µm maps have noise."""


@dataclass(frozen=True)
class Claim:
    """One quantity of the comparison.

    Attributes
    ----------
    name : str
        Its name in the column ``claim``.
    quantity : str
        What it is, with its unit.
    measure : callable
        One of `superspire.evaluation.claims`.
    paper : str
        The paper's value; empty where the paper gives no number.
    strict : callable, optional
        The same in the strict protocol; `measure` by default.
    protocols : tuple of str
        Just the paper's where the protocol makes no difference.
    datasets : tuple of str
        Sets of cutouts that it is measured on; all by default.
    """

    name: str
    quantity: str
    measure: Callable
    paper: str = ""
    strict: Callable | None = None
    protocols: tuple = (PAPER, STRICT)
    datasets: tuple = (SIMULATED, *OBSERVED)


ALIKE = {"measure": POSITION_FLUX}

CLAIMS = (
    Claim(
        "completeness_15mjy",
        "completeness above 15 mJy",
        claims.bright_completeness,
        "> 0.95",
    ),
    Claim(
        "completeness_15mjy_flux",
        "completeness above 15 mJy, flux within a factor 2",
        partial(claims.bright_completeness, **ALIKE),
    ),
    Claim(
        "completeness_10mjy",
        "completeness at 10 mJy (8.5-12)",
        claims.completeness_at_ten,
        "> 0.60",
    ),
    Claim(
        "completeness_10mjy_flux",
        "completeness at 10 mJy (8.5-12), flux within a factor 2",
        partial(claims.completeness_at_ten, **ALIKE),
    ),
    Claim(
        "completeness_below_confusion",
        "completeness from 3 mJy to the 500 µm confusion limit (6.8 mJy)",
        claims.faint_completeness,
    ),
    Claim(
        "resolved_below_500_confusion",
        "fraction of confirmed sources below the 500 µm confusion limit (6.8 mJy)",
        claims.resolved_below_confusion,
        strict=partial(claims.resolved_below_confusion, measure=PEAK),
    ),
    Claim(
        "purity_min",
        "purity of the least pure flux bin",
        claims.min_purity,
        ">= 0.87",
    ),
    Claim(
        "purity_min_flux",
        "purity of the least pure flux bin, flux within a factor 2",
        partial(claims.min_purity, **ALIKE),
    ),
    Claim(
        "offsets_within_15arcsec",
        "fraction of found sources within 15 arcsec of a true one",
        claims.offsets_near,
        "0.99",
    ),
    Claim(
        "offsets_within_15arcsec_reverse",
        "fraction of true sources above 10 mJy within 15 arcsec of a found one",
        partial(claims.offsets_near, selection=TRUE),
    ),
    Claim(
        "offset_radius_68",
        "radius of 68 % of the offsets of found sources [arcsec]",
        claims.offset_radius,
    ),
    Claim(
        "offset_radius_68_reverse",
        "radius of 68 % of the offsets of true sources above 10 mJy [arcsec]",
        partial(claims.offset_radius, selection=TRUE),
    ),
    Claim(
        "offset_north_west",
        "mean offset to the north-west [arcsec]",
        claims.offset_north_west,
    ),
    Claim(
        "pull_median",
        "median pull of the flux, 9-24 mJy",
        claims.pull_median,
        "0.11 to 0.65",
        strict=partial(claims.pull_median, measure=PEAK),
    ),
    Claim(
        "pull_max",
        "maximum pull of the flux, 9-24 mJy",
        claims.pull_max,
        "1.02 (at 15.47 mJy; 0.65 without it)",
        strict=partial(claims.pull_max, measure=PEAK),
    ),
    Claim(
        "pull_above_one",
        "bins with a pull above one, 9-24 mJy",
        claims.pulls_above_one,
        "1",
        strict=partial(claims.pulls_above_one, measure=PEAK),
    ),
    Claim(
        "flux_ratio_simulated",
        "median flux ratio above 9 mJy of the sources of Fig. 4, simulated",
        claims.flux_ratio,
        strict=partial(claims.flux_ratio, measure=PEAK),
        datasets=(SIMULATED,),
    ),
    Claim(
        "flux_ratio_observed",
        "median flux ratio above 9 mJy of the sources of Fig. 4, with noise",
        claims.flux_ratio,
        strict=partial(claims.flux_ratio, measure=PEAK),
        datasets=OBSERVED,
    ),
    Claim(
        "flux_ratio_aperture",
        "median ratio of calibrated aperture fluxes, true sources above 9 mJy",
        partial(claims.flux_ratio, selection=TRUE),
    ),
    Claim(
        "flux_ratio_peak",
        "median ratio of calibrated peaks, true sources above 9 mJy",
        partial(claims.flux_ratio, selection=TRUE, measure=PEAK),
    ),
    Claim(
        "eddington_bias",
        "median flux ratio in the faintest bin of Fig. 4",
        claims.eddington_bias,
        strict=partial(claims.eddington_bias, measure=PEAK),
    ),
    Claim(
        "fwhm",
        "FWHM of the stacked super-resolved sources [arcsec]",
        partial(claims.stacked_width, stack="sr_at_sr"),
        "7.9",
        protocols=(PAPER,),
    ),
    Claim(
        "fwhm_at_true",
        "FWHM of the super-resolved map stacked at true sources [arcsec]",
        partial(claims.stacked_width, stack="sr_at_target"),
        strict=partial(claims.stacked_width, stack="sr_at_injected"),
    ),
    Claim(
        "fwhm_target",
        "FWHM of the stacked 450 µm sources [arcsec]",
        partial(claims.stacked_width, stack="target_at_target"),
        protocols=(PAPER,),
    ),
    Claim(
        "background_min",
        "lowest pixel of the super-resolved maps [mJy/beam]",
        claims.background_min,
        ">= 0",
        protocols=(PAPER,),
    ),
    Claim(
        "background_mean",
        "mean of the super-resolved minus that of the 450 µm maps [mJy/beam]",
        claims.mean_excess,
        protocols=(PAPER,),
    ),
)


def compare(datasets, rng, mocked):
    """Put the paper's claims beside ours.

    Parameters
    ----------
    datasets : dict
        Name of a set of cutouts to its ``completeness``, ``purity``, ``confusion``,
        ``offsets``, ``fluxes`` (tables with a column ``protocol``), ``stack`` and
        ``background``.
    rng : numpy.random.Generator
        Random numbers of the bootstraps.
    mocked : bool
        Whether the observed field is a mock.

    Returns
    -------
    pandas.DataFrame
        One row per claim, set of cutouts and protocol: ``claim``, ``quantity``,
        ``paper``, ``dataset``, ``mock`` (no real map was used), ``protocol``,
        ``value``, the ends ``low``, ``high`` of its 68 % interval, the ``chance``
        level, the number of sources ``n`` and of distinct ones ``n_distinct``.
    """
    rows = []
    for claim in CLAIMS:
        for name, dataset in datasets.items():
            if name not in claim.datasets:
                continue
            own = {
                "claim": claim.name,
                "quantity": claim.quantity,
                "paper": claim.paper,
                "dataset": name,
                "mock": bool(mocked or name in (SIMULATED, INDEPENDENT)),
            }
            for protocol, tables in split_protocols(dataset).items():
                if protocol not in claim.protocols:
                    continue
                strict = claim.strict if protocol == STRICT else None
                value = (strict or claim.measure)(tables, rng)
                rows.append(own | {"protocol": protocol} | value)
    return pd.DataFrame(rows)


def split_protocols(dataset):
    """Divide the tables of a set of cutouts by the protocols that were measured.

    Parameters
    ----------
    dataset : dict
        See `compare`.

    Returns
    -------
    dict of dict
        Protocol to the tables of it alone, and what knows no protocol.
    """
    protocols = [
        name
        for name in (PAPER, STRICT)
        if (dataset["completeness"]["protocol"] == name).any()
    ]
    return {
        protocol: {
            name: select(table, protocol=protocol) if "protocol" in table else table
            for name, table in dataset.items()
        }
        for protocol in protocols
    }


def readable(table):
    """Bring the comparison into few columns that people read.

    Parameters
    ----------
    table : pandas.DataFrame
        What `compare` gives, perhaps read from its file.

    Returns
    -------
    pandas.DataFrame
        One row per claim: ``quantity``, ``paper``; the value with its 68 % interval
        and the number of distinct sources in the paper's protocol on every set of
        cutouts; in the strict protocol on independent sky; and what chance gives in
        both there.
    """
    mocks = table.drop_duplicates("dataset").set_index("dataset")["mock"]
    rows = []
    for _, parts in table.groupby("claim", sort=False):
        first = parts.iloc[0]
        known = isinstance(first["paper"], str) and first["paper"]
        row = {"quantity": first["quantity"]}
        row["paper"] = first["paper"] if known else "–"
        cells = parts.set_index(["protocol", "dataset"])
        for name, mock in mocks.items():
            column = f"paper's protocol, {sky_name(name, mock)}"
            row[column] = cell(cells, PAPER, name)
        row["strict, independent mock sky"] = cell(cells, STRICT, INDEPENDENT)
        levels = select(parts, dataset=INDEPENDENT)["chance"].dropna()
        row["by chance"] = ", ".join(f"{level:.2f}" for level in levels) or "–"
        rows.append(row)
    return pd.DataFrame(rows)


def sky_name(dataset, mock):
    """Name the sky of a set of cutouts: a mock is called a mock."""
    names = {
        SIMULATED: "simulated test sky",
        "observed": "mock COSMOS, in-sample" if mock else "observed, in-sample",
        "holdout": "observed, hold-out",
        INDEPENDENT: "independent mock sky",
    }
    return names[dataset]


def cell(cells, protocol, dataset):
    """Write one cell of `readable`."""
    if (protocol, dataset) not in cells.index:
        return "–"
    return quoted(cells.loc[(protocol, dataset)])


def quoted(row):
    """Write a value with its interval and its number: 0.98 (+0.01 -0.02), n 450."""
    value, low, high = row["value"], row["low"], row["high"]
    if not np.isfinite(value):
        return "–"
    digits = 3 if abs(value) < 1.5 else 2
    text = f"{value:.{digits}f}" if np.isfinite(high - low) else f"{value:.3g}"
    if np.isfinite(high - low):
        above, below = (f"{d:.{digits}f}" for d in (high - value, value - low))
        text += f" ± {above}" if above == below else f" (+{above} -{below})"
    count = row["n_distinct"]
    return f"{text}, n {count:.0f}" if count >= 10 else f"{text}, n {count:.1f}"
