"""Figure 7: completeness and purity."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from superspire.evaluation.protocols import PAPER, POSITION, POSITION_FLUX, STRICT
from superspire.figures.style import (
    COLOURS,
    MARKERS,
    PAGE,
    PAPER_COLOUR,
    TITLES,
    error_bars,
    plt,
)

LEAST_SOURCES = 5
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


def draw_recovery(table):
    """Draw completeness and purity, the paper's protocol above the strict one.

    Parameters
    ----------
    table : pandas.DataFrame
        What `gather` gives.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, grid = plt.subplots(2, 2, figsize=(PAGE, 5.3), sharex=True, sharey=True)
    table = table[np.isfinite(table["flux_max"])]
    for row, protocol in enumerate((PAPER, STRICT)):
        for column, quantity in enumerate(("completeness", "purity")):
            axes = grid[row, column]
            rows = table[table["quantity"] == quantity]
            draw_panel(axes, rows[rows["protocol"] == protocol])
            axes.set_ylabel(f"{quantity.capitalize()}, {protocol} protocol")
    draw_paper(grid[0, 0], grid[0, 1])
    for axes in grid[1]:
        axes.set_xlabel("Flux [mJy]")
        axes.set_xticks([3, 5, 10, 20, 40], ["3", "5", "10", "20", "40"])
        axes.set_xticks([], minor=True)
    grid[0, 0].set_title("Real sources that are recovered")
    grid[0, 1].set_title("Super-resolved sources that are real")
    names, markers = grid[0, 0].get_legend_handles_labels()[::-1]
    handles = [
        *markers,
        Line2D([], [], color="0.3", label="position"),
        Line2D([], [], color="0.3", ls="--", label="position and flux within 2×"),
        Line2D([], [], color="0.3", ls=":", label="position, chance"),
    ]
    labels = [*names, *(handle.get_label() for handle in handles[len(names) :])]
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure


def draw_panel(axes, table):
    """Draw the fractions of one protocol with intervals and chance levels."""
    axes.set_xscale("log")
    axes.set_xlim(2.7, 52)
    axes.set_ylim(0, 1.05)
    shift = {name: 1.0 + 0.025 * (i - 1) for i, name in enumerate(COLOURS)}
    for (dataset, measure), rows in table.groupby(["dataset", "measure"], sort=False):
        rows = rows[(rows["n_unique"] >= LEAST_SOURCES) & rows["judged"]]
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


def draw_paper(completeness, purity):
    """Overplot what the paper reports."""
    style = {"color": PAPER_COLOUR, "lw": 1.0, "zorder": 0}
    completeness.plot([15, 52], [0.95, 0.95], **style)
    completeness.plot(
        [10], [0.60], "^", color=PAPER_COLOUR, ms=5, label="paper: > 60 % at 10 mJy"
    )
    completeness.annotate(
        "paper: > 95 % ", (15, 0.95), ha="right", va="center", fontsize=6.5
    )
    purity.plot([2.7, 52], [0.87, 0.87], **style)
    purity.annotate("paper: ≥ 87 %", (50, 0.86), ha="right", va="top", fontsize=6.5)
