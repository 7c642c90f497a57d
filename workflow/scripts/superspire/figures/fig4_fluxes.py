"""Figure 4: flux in the super-resolved against flux in the target map."""

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm

from superspire.evaluation.measures import equal_count_bins
from superspire.figures.style import (
    MEAN_COLOUR,
    TITLES,
    note,
    plt,
    width_of,
)

N_BINS = 10
LINEAR_BELOW = 1.0
"""Flux below which the axes are linear [mJy]."""

TICKS = (-1, 0, 1, 3, 10, 30, 100)


def flux_bins(tables):
    """Average the fluxes of each set of cutouts in bins of equal counts.

    Parameters
    ----------
    tables : dict of pandas.DataFrame
        Name of the set to its fluxes in the paper's protocol, ``flux``, ``flux_sr``
        [mJy] and ``weight``.

    Returns
    -------
    pandas.DataFrame
        ``dataset`` and the columns of `equal_count_bins`.
    """
    parts = [pd.DataFrame(columns=["dataset"])]
    for name, table in tables.items():
        table = table[table["flux"] > 0]
        columns = (table[key] for key in ("flux", "flux_sr", "weight"))
        bins = equal_count_bins(*columns, n_bins=N_BINS)
        parts.append(bins.assign(dataset=name))
    joined = pd.concat([part for part in parts[1:] if len(part)] or parts[:1])
    joined.insert(0, "dataset", joined.pop("dataset"))
    return joined.reset_index(drop=True)


def draw_fluxes(tables, bins):
    """Draw a grey 2-D histogram and the red means of each set of cutouts.

    Parameters
    ----------
    tables : dict of pandas.DataFrame
        See `flux_bins`.
    bins : pandas.DataFrame
        What `flux_bins` gives.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, grid = plt.subplots(
        1,
        len(tables),
        figsize=(width_of(len(tables)), 2.75 if len(tables) > 1 else 3.6),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for axes, (name, table) in zip(grid[0], tables.items(), strict=True):
        draw_panel(figure, axes, table, bins[bins["dataset"] == name])
        axes.set_title(TITLES[name])
        axes.set_xlabel("Target aperture flux [mJy]")
    grid[0][0].set_ylabel("Super-resolved aperture flux [mJy]")
    grid[0][0].legend(loc="upper left")
    return figure


def draw_panel(figure, axes, table, bins):
    """Draw one set of cutouts: histogram, means and the one-to-one line."""
    for scale in (axes.set_xscale, axes.set_yscale):
        scale("symlog", linthresh=LINEAR_BELOW, linscale=0.4)
    edges = np.concatenate([np.linspace(-1, 1, 9)[:-1], np.geomspace(1, 100, 45)])
    counts, _, _ = np.histogram2d(table["flux_sr"], table["flux"], [edges, edges])
    counts = np.where(counts > 0, counts, np.nan)
    mesh = axes.pcolormesh(
        edges,
        edges,
        counts,
        cmap="Greys",
        norm=LogNorm(0.5, max(np.nanmax(counts, initial=1.0), 2.0)),
        rasterized=True,
    )
    figure.colorbar(mesh, ax=axes, location="bottom", label="sources", aspect=25)
    axes.plot([-1, 100], [-1, 100], color="black", lw=0.6, ls="--", label="equal flux")
    if len(bins):
        axes.errorbar(
            bins["flux"],
            bins["mean"],
            bins["std"],
            fmt="o",
            color=MEAN_COLOUR,
            label="mean and st. dev.",
        )
    axes.set_xlim(0.5, 100)
    axes.set_ylim(-1, 100)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(TICKS, [str(tick) for tick in TICKS])
        axis.set_ticks([], minor=True)
    axes.set_xlim(0.5, 100)
    unique = table["weight"].sum()
    more = "" if np.isclose(unique, len(table)) else f" ({unique:.0f} distinct)"
    note(axes, f"n = {len(table)}{more}")
