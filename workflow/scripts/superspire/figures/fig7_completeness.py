"""Figure 7: completeness and purity."""

import numpy as np
import pandas as pd

from superspire.evaluation.protocols import (
    PAPER,
    POSITION,
    POSITION_FLUX,
    STRICT,
    select,
)
from superspire.figures.style import (
    COLOURS,
    MARKERS,
    PAGE,
    PAPER_COLOUR,
    error_bars,
    plt,
)

MIN_SOURCES = 5
"""Minimum number of distinct sources of a bin that is drawn."""

COLUMNS = {
    (PAPER, POSITION): "Paper: 450 µm sources,\nwithin 10″",
    (STRICT, POSITION): "Strict: injected galaxies,\nwithin 4″",
    (STRICT, POSITION_FLUX): "Strict: within 4″ and\na factor 2 in flux",
}
"""Protocol and measure of each column of panels, and its title."""

FLUXES = {"completeness": "True flux [mJy]", "purity": "Super-resolved flux [mJy]"}

NUDGE = 0.035
"""Distance of the sets' points about the centre of a bin, as a fraction of its flux."""


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


def draw_recovery(table, titles, quantities=tuple(FLUXES)):
    """Draw completeness and purity: a row each, a column for each protocol.

    Parameters
    ----------
    table : pandas.DataFrame
        What `gather` gives.
    titles : dict of str
        Name of each set, from `superspire.figures.style.sky_titles`.
    quantities : sequence of str
        Which of the two.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = len(quantities)
    figure, grid = plt.subplots(
        rows,
        len(COLUMNS),
        figsize=(PAGE, 2.45 * rows + 0.5),
        sharex=True,
        sharey="row",
        squeeze=False,
    )
    table = table[np.isfinite(table["flux_max"])]
    for row, quantity in zip(grid, quantities, strict=True):
        for axes, (protocol, measure) in zip(row, COLUMNS, strict=True):
            own = select(table, quantity=quantity, protocol=protocol, measure=measure)
            draw_panel(axes, own, titles)
            axes.set_xlabel(FLUXES[quantity])
            axes.tick_params(labelbottom=True)
        DRAW_PAPER[quantity](row[0])
        row[0].set_ylabel(quantity.capitalize())
    for axes, title in zip(grid[0], COLUMNS.values(), strict=True):
        axes.set_title(title)
    lines, names = grid[0, 0].get_legend_handles_labels()
    handles, labels = [*lines[1:], lines[0]], [*names[1:], names[0]]
    figure.legend(handles, labels, loc="outside upper center", ncols=len(handles))
    return figure


def draw_panel(axes, table, titles):
    """Draw the fractions of one protocol with intervals and chance levels."""
    axes.set_xscale("log")
    axes.set_xlim(2.7, 52)
    axes.set_ylim(0, 1.03)
    axes.set_xticks([3, 5, 10, 20, 40], ["3", "5", "10", "20", "40"])
    axes.set_xticks([], minor=True)
    axes.grid(axis="y", color="0.92", lw=0.5)
    axes.set_axisbelow(True)
    names = list(dict.fromkeys(table["dataset"]))
    for i, dataset in enumerate(names):
        rows = select(table, dataset=dataset)
        rows = rows[(rows["n_distinct"] >= MIN_SOURCES) & rows["measurable"]]
        center = np.sqrt(rows["flux_min"] * rows["flux_max"])
        nudged = center * (1.0 + NUDGE * (i - 0.5 * (len(names) - 1)))
        style = {"color": COLOURS[dataset], "lw": 0.9}
        axes.errorbar(
            nudged,
            rows["fraction"],
            error_bars(rows["fraction"], rows["low"], rows["high"]),
            marker=MARKERS[dataset],
            ms=3,
            elinewidth=0.9,
            capsize=0,
            label=titles[dataset],
            **style,
        )
        axes.plot(center, rows["chance"], ls=":", **style)
    axes.plot([], [], color="0.3", ls=":", label="by chance")


def draw_paper_completeness(axes):
    """Overplot the completeness that the paper reports."""
    axes.plot([15, 52], [0.95, 0.95], color=PAPER_COLOUR, lw=1.4, zorder=0)
    axes.plot([10], [0.60], "^", color=PAPER_COLOUR, ms=5, zorder=2)
    style = {"color": PAPER_COLOUR, "fontsize": 6.5}
    axes.annotate("paper: > 95 %", (50, 0.93), ha="right", va="top", **style)
    axes.annotate("paper:\n> 60 % at 10 mJy", (11, 0.6), va="center", **style)


def draw_paper_purity(axes):
    """Overplot the purity that the paper reports."""
    axes.plot([2.7, 52], [0.87, 0.87], color=PAPER_COLOUR, lw=1.4, zorder=0)
    style = {"color": PAPER_COLOUR, "fontsize": 6.5}
    axes.annotate("paper: ≥ 87 %", (50, 0.85), ha="right", va="top", **style)


DRAW_PAPER = {
    "completeness": draw_paper_completeness,
    "purity": draw_paper_purity,
}
