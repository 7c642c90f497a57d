"""Figure 4: flux in the super-resolved against flux in the target map."""

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm

from superspire.evaluation.fluxes import (
    APERTURE,
    LINEAR_BELOW,
    equal_count_bins,
)
from superspire.evaluation.measures import SUPER_RESOLVED, TRUE
from superspire.figures.style import (
    COLUMN,
    MEAN_COLOUR,
    note,
    plt,
    width_of,
)

TARGET_COLOUR = "#0072B2"
LINEAR_LENGTH = 0.25
"""Length of the axes from 0 to 1 mJy, in decades of their logarithmic part."""

CELLS = 22
"""Cells of the histogram in a decade of flux."""

PERCENT = (0.03, 0.1, 0.3, 1, 3)
"""Ticks of the colour bar."""

TICKS = (-1, 0, 1, 3, 10, 30, 100, 300)


def flux_bins(tables):
    """Average the fluxes of each set of cutouts in bins of equal numbers.

    Parameters
    ----------
    tables : dict of pandas.DataFrame
        Name of the set to its pairs of fluxes in the paper's protocol, ``selection``,
        ``measure``, ``flux``, ``flux_sr`` [mJy] and ``weight``.

    Returns
    -------
    pandas.DataFrame
        ``dataset``, ``selection`` (super-resolved: the paper's; true: target sources)
        and the columns of `equal_count_bins`, of aperture fluxes.
    """
    parts = []
    for name, table in tables.items():
        for selection in (SUPER_RESOLVED, TRUE):
            own = aperture_pairs(table, selection)
            bins = equal_count_bins(own["flux"], own["flux_sr"], own["weight"])
            bins.insert(0, "selection", selection)
            bins.insert(0, "dataset", name)
            parts.append(bins)
    filled = [part for part in parts if len(part)]
    return pd.concat(filled or parts, ignore_index=True)


def aperture_pairs(table, selection):
    """Take the pairs of aperture fluxes of one selection."""
    own = table[table["measure"] == APERTURE]
    return own[own["selection"] == selection]


def draw_fluxes(tables, bins, titles):
    """Draw a grey 2-D histogram and the means of each set of cutouts.

    Parameters
    ----------
    tables : dict of pandas.DataFrame
        See `flux_bins`.
    bins : pandas.DataFrame
        What `flux_bins` gives.
    titles : dict of str
        Name of each set, from `superspire.figures.style.sky_titles`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    panels = len(tables)
    figure, grid = plt.subplots(
        1,
        panels,
        figsize=(width_of(panels), 2.75 if panels > 1 else 1.15 * COLUMN),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    pairs = {name: aperture_pairs(t, SUPER_RESOLVED) for name, t in tables.items()}
    edges = cell_edges(pairs.values())
    for axes, (name, table) in zip(grid[0], pairs.items(), strict=True):
        mesh = draw_histogram(axes, table, edges)
        draw_means(axes, bins[bins["dataset"] == name])
        axes.set_title(titles[name])
        axes.set_xlabel("Target aperture flux [mJy]")
        note(axes, count_text(table))
    bar = figure.colorbar(mesh, ax=grid, label="Sources per cell [%]", aspect=25)
    bar.set_ticks(PERCENT, labels=[f"{tick:g}" for tick in PERCENT])
    bar.minorticks_off()
    grid[0][0].set_ylabel("Super-resolved aperture flux [mJy]")
    handles, labels = grid[0][0].get_legend_handles_labels()
    columns = len(handles) if panels > 1 else 1
    figure.legend(handles, labels, loc="outside upper center", ncols=columns)
    return figure


def count_text(table):
    """Write the number of sources and, where cutouts overlap, of distinct ones."""
    distinct = table["weight"].sum()
    if np.isclose(distinct, len(table)):
        return f"n = {len(table)}"
    return f"n = {len(table)} ({distinct:.0f} distinct)"


def cell_edges(tables):
    """Choose the cells of the histogram so that every source lies in one [mJy].

    Parameters
    ----------
    tables : iterable of pandas.DataFrame
        ``flux`` and ``flux_sr`` [mJy] of each set of cutouts.

    Returns
    -------
    ndarray
        Edges, linear below 1 mJy and logarithmic above, from a whole number of mJy
        below the faintest source to above the brightest.
    """
    both = [table[name] for table in tables for name in ("flux", "flux_sr")]
    fluxes = np.concatenate([*both, [0.0, 30.0]])
    low, high = np.floor(fluxes.min()), 1.2 * fluxes.max()
    linear = np.arange(low, LINEAR_BELOW, 0.25)
    cells = int(np.ceil(CELLS * np.log10(high / LINEAR_BELOW)))
    return np.concatenate([linear, np.geomspace(LINEAR_BELOW, high, cells)])


def draw_histogram(axes, table, edges):
    """Draw the density of the sources on axes that are linear below 1 mJy."""
    for scale in (axes.set_xscale, axes.set_yscale):
        scale("symlog", linthresh=LINEAR_BELOW, linscale=LINEAR_LENGTH)
    weight = table["weight"] / table["weight"].sum()
    percent, _, _ = np.histogram2d(
        table["flux_sr"], table["flux"], [edges, edges], weights=100.0 * weight
    )
    mesh = axes.pcolormesh(
        edges,
        edges,
        np.where(percent > 0, percent, np.nan),
        cmap="Greys",
        norm=LogNorm(0.3 * PERCENT[0], PERCENT[-1]),
        rasterized=True,
    )
    ends = edges[[0, -1]]
    axes.plot(ends, ends, color="black", lw=0.6, ls="--", label="equal flux")
    for draw in (axes.axvspan, axes.axhspan):
        draw(edges[0], LINEAR_BELOW, color="#F0E442", alpha=0.12, lw=0, zorder=0)
    axes.set_xlim(ends)
    axes.set_ylim(ends)
    for axis in (axes.xaxis, axes.yaxis):
        shown = [tick for tick in TICKS if ends[0] <= tick <= ends[1]]
        axis.set_ticks(shown, [f"{tick:g}".replace("-", "−") for tick in shown])
        axis.set_ticks([], minor=True)
    return mesh


def draw_means(axes, bins):
    """Draw means and standard deviations in bins, whose ranges are the wide bars."""
    styles = {
        SUPER_RESOLVED: ("selected in the super-resolved map", MEAN_COLOUR, "o", 4),
        TRUE: ("selected in the target map", TARGET_COLOUR, "D", 3),
    }
    for selection, (label, colour, marker, order) in styles.items():
        own = bins[bins["selection"] == selection]
        if len(own) == 0:
            continue
        first = selection == SUPER_RESOLVED
        axes.errorbar(
            own["flux"],
            own["mean"],
            own["std"] if first else None,
            [own["flux"] - own["flux_min"], own["flux_max"] - own["flux"]],
            fmt=marker,
            ms=2.2,
            mew=0.6,
            mfc=colour if first else "white",
            color=colour,
            elinewidth=0.7,
            capsize=0,
            label=label,
            zorder=order,
        )
    faint = bins[bins["selection"] == SUPER_RESOLVED].head(1)
    for row in faint.itertuples():
        axes.annotate(
            "Eddington\nbias",
            (row.flux, row.mean + row.std),
            (0.08, 0.9),
            textcoords="axes fraction",
            fontsize=6.5,
            va="top",
            arrowprops={"arrowstyle": "-", "lw": 0.5, "color": MEAN_COLOUR},
        )
