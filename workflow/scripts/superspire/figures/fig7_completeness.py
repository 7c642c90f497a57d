"""Figure 7: completeness and purity."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from superspire.evaluation.protocols import PAPER, POSITION, POSITION_FLUX, STRICT
from superspire.figures.style import (
    COLOURS,
    MARKERS,
    PAPER_COLOUR,
    TITLES,
    error_bars,
    plt,
    width_of,
)

MIN_SOURCES = 5
"""Fewest distinct sources of a bin that is drawn."""


def gather(completeness, purity):
    """Join the tables of all sets of cutouts.

    Parameters
    ----------
    completeness, purity : dict of pandas.DataFrame
        Name of the set to its table of fractions.

    Returns
    -------
    pandas.DataFrame
        ``dataset``, ``quantity`` and the columns of the tables.
    """
    parts = []
    for quantity, tables in (("completeness", completeness), ("purity", purity)):
        for dataset, table in tables.items():
            part = table.copy()
            part.insert(0, "quantity", quantity)
            part.insert(0, "dataset", dataset)
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


TITLES_OF = {
    "completeness": "Real sources that are recovered",
    "purity": "Super-resolved sources that are real",
}


def draw_recovery(table, quantities=tuple(TITLES_OF)):
    """Draw completeness and purity, the paper's protocol above the strict one.

    Parameters
    ----------
    table : pandas.DataFrame
        What `gather` gives.
    quantities : sequence of str
        Which of the two, a column of panels each.

    Returns
    -------
    matplotlib.figure.Figure
    """
    panels = len(quantities)
    figure, grid = plt.subplots(
        2,
        panels,
        figsize=(width_of(panels), 5.3),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    table = table[np.isfinite(table["flux_max"])]
    for column, quantity in enumerate(quantities):
        for row, protocol in enumerate((PAPER, STRICT)):
            axes = grid[row, column]
            rows = table[table["quantity"] == quantity]
            draw_panel(axes, rows[rows["protocol"] == protocol])
            axes.set_ylabel(f"{quantity.capitalize()}, {protocol} protocol")
        DRAW_PAPER[quantity](grid[0, column])
        grid[0, column].set_title(TITLES_OF[quantity])
    for axes in grid[1]:
        axes.set_xlabel("Flux [mJy]")
        axes.set_xticks([3, 5, 10, 20, 40], ["3", "5", "10", "20", "40"])
        axes.set_xticks([], minor=True)
    names, markers = grid[0, 0].get_legend_handles_labels()[::-1]
    handles = [
        *markers,
        Line2D([], [], color="0.3", label="position"),
        Line2D([], [], color="0.3", ls="--", label="position and flux within 2×"),
        Line2D([], [], color="0.3", ls=":", label="position, chance"),
    ]
    labels = [*names, *(handle.get_label() for handle in handles[len(names) :])]
    figure.legend(handles, labels, loc="outside upper center", ncols=2 * panels)
    return figure


def draw_panel(axes, table):
    """Draw the fractions of one protocol with intervals and chance levels."""
    axes.set_xscale("log")
    axes.set_xlim(2.7, 52)
    axes.set_ylim(0, 1.05)
    shift = {name: 1.0 + 0.025 * (i - 1) for i, name in enumerate(COLOURS)}
    for (dataset, measure), rows in table.groupby(["dataset", "measure"], sort=False):
        rows = rows[(rows["n_unique"] >= MIN_SOURCES) & rows["measurable"]]
        if len(rows) == 0:
            continue
        flux = np.sqrt(rows["flux_min"] * rows["flux_max"]) * shift[dataset]
        first = measure == POSITION
        axes.errorbar(
            flux,
            rows["fraction"],
            error_bars(rows["fraction"], rows["low"], rows["high"]),
            color=COLOURS[dataset],
            marker=MARKERS[dataset],
            mfc=COLOURS[dataset] if first else "white",
            ls="-" if first else "--",
            label=TITLES[dataset] if first else None,
            zorder=3 if first else 2,
        )
        if measure != POSITION_FLUX:
            axes.plot(flux, rows["chance"], color=COLOURS[dataset], ls=":", lw=0.8)


def draw_paper_completeness(axes):
    """Overplot the completeness that the paper reports."""
    axes.plot([15, 52], [0.95, 0.95], color=PAPER_COLOUR, zorder=0)
    axes.plot(
        [10], [0.60], "^", color=PAPER_COLOUR, ms=5, label="paper: > 60 % at 10 mJy"
    )
    axes.annotate("paper: > 95 %", (50, 0.94), ha="right", va="top", fontsize=6.5)


def draw_paper_purity(axes):
    """Overplot the purity that the paper reports."""
    axes.plot([2.7, 52], [0.87, 0.87], color=PAPER_COLOUR, zorder=0)
    axes.annotate("paper: ≥ 87 %", (50, 0.86), ha="right", va="top", fontsize=6.5)


DRAW_PAPER = {
    "completeness": draw_paper_completeness,
    "purity": draw_paper_purity,
}
