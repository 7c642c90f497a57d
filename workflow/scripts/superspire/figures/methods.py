"""All methods on the same sky: one figure and one table."""

from itertools import cycle

import numpy as np
import pandas as pd

from superspire.evaluation.protocols import PAPER, POSITION, POSITION_FLUX, STRICT
from superspire.figures.style import PAGE, error_bars, plt

MIN_SOURCES = 5
"""Minimum number of sources of a bin that is drawn."""

STYLES = {
    "blind_500": ("#999999", "v"),
    "blind_250": ("#000000", "^"),
    "deconvolution": ("#E69F00", "s"),
    "matched_filter": ("#56B4E9", "D"),
    "forced": ("#009E73", "P"),
    "multiband_filter": ("#0072B2", "o"),
    "forced_true": ("#CC79A7", "X"),
    "deblender": ("#D55E00", "*"),
}
"""Colour (Okabe & Ito 2008) and marker of each method."""

OTHERS = (("#882255", "p"), ("#6B6B00", "h"), ("#332288", "8"))
"""Those of other networks."""

PANELS = (
    ("completeness", STRICT, POSITION, 'Completeness, 4"'),
    ("completeness", PAPER, POSITION, 'Completeness (paper), 10"'),
    ("completeness", STRICT, POSITION_FLUX, 'Completeness, 4", flux within 2×'),
    ("purity", STRICT, POSITION, 'Purity, 4"'),
    ("purity", PAPER, POSITION, 'Purity (paper), 10"'),
)

COLUMNS = {
    "complete_strict": ('Complete, 4"', ".2f"),
    "complete_strict_faint": ("at 6-8 mJy", ".2f"),
    "complete_paper": ('Complete, 10"', ".2f"),
    "complete_paper_faint": ('at 6-8 mJy (10")', ".2f"),
    "recovered": ('4" and factor 2', ".2f"),
    "pure": ('Pure, 4"', ".2f"),
    "ratio": ("Flux ratio", ".2f"),
    "scatter": ("Scatter", ".2f"),
    "offset": ('Offset ["]', ".1f"),
    "pairs_12": ('Pairs, 12"', ".2f"),
    "pairs_15": ('Pairs, 15"', ".2f"),
    "pairs_18": ('Pairs, 18"', ".2f"),
    "wall_s_per_deg2": ("s/deg²", ".1f"),
}
"""Column of the summary to its heading and format in the table."""


def styles(methods):
    """Give each method its colour and marker, those of networks in their order."""
    others = cycle(OTHERS)
    return {name: STYLES.get(name) or next(others) for name in methods}


def draw_methods(fractions, fluxes, counts, pairs, titles):
    """Draw completeness, purity, fluxes, counts and resolved pairs of all methods.

    Parameters
    ----------
    fractions, fluxes, counts, pairs : pandas.DataFrame
        ``method`` and the columns of `superspire.evaluation.methods.field_fractions`,
        `flux_ratios`, `recovered_counts`, and ``separation`` [arcsec], ``fraction``,
        ``low``, ``high``.
    titles : dict
        Name of each method to what readers call it.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, grid = plt.subplots(4, 2, figsize=(PAGE, 9.4))
    looks = styles(titles)
    for axes, (quantity, protocol, measure, text) in zip(
        grid.flat, PANELS, strict=False
    ):
        own = fractions[fractions["quantity"] == quantity]
        own = own[(own["protocol"] == protocol) & (own["measure"] == measure)]
        draw_fractions(axes, own, looks, titles)
        axes.set_ylabel(text)
    draw_ratios(grid[2, 1], fluxes, looks)
    draw_counts(grid[3, 0], counts, looks)
    draw_pairs(grid[3, 1], pairs, looks)
    for axes in list(grid.flat)[:7]:
        flux_axis(axes)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure


def flux_axis(axes):
    """Set the axis of fluxes."""
    axes.set_xscale("log")
    axes.set_xlim(2.7, 52)
    axes.set_xticks([3, 5, 10, 20, 40], ["3", "5", "10", "20", "40"])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("Flux [mJy]")


def points(axes, rows, value, low, high, look, x=None, **options):
    """Draw one method's points with intervals."""
    at = np.sqrt(rows["flux_min"] * rows["flux_max"]) if x is None else rows[x]
    axes.errorbar(
        at,
        rows[value],
        error_bars(rows[value], low, high),
        color=look[0],
        marker=look[1],
        lw=0.9,
        **options,
    )


def draw_fractions(axes, table, looks, titles):
    """Draw one panel of fractions, with chance levels where they are not next to 0."""
    for name, look in looks.items():
        rows = table[(table["method"] == name) & np.isfinite(table["flux_max"])]
        rows = rows[(rows["n"] >= MIN_SOURCES) & rows["measurable"]]
        low, high = rows["low"], rows["high"]
        points(axes, rows, "fraction", low, high, look, label=titles[name])
        at = np.sqrt(rows["flux_min"] * rows["flux_max"])
        axes.plot(at, rows["chance"], color=look[0], ls=":", lw=0.6)
    axes.set_ylim(0, 1.04)


def draw_ratios(axes, table, looks):
    """Draw the median ratio of found and true flux; bars are the scatter."""
    for i, (name, look) in enumerate(looks.items()):
        rows = table[(table["method"] == name) & (table["n"] >= MIN_SOURCES)]
        shift = 1.0 + 0.02 * (i - 0.5 * len(looks))
        rows = rows.assign(at=np.sqrt(rows["flux_min"] * rows["flux_max"]) * shift)
        low, high = rows["ratio"] - rows["scatter"], rows["ratio"] + rows["scatter"]
        points(axes, rows, "ratio", low, high, look, x="at")
    axes.axhline(1.0, color="0.6", lw=0.6, zorder=0)
    axes.set_ylim(0, 2.6)
    axes.set_ylabel("Found / true flux, scatter")


def draw_counts(axes, table, looks):
    """Draw the number of sources found over the true one."""
    for name, look in looks.items():
        rows = table[(table["method"] == name) & (table["n_true"] >= MIN_SOURCES)]
        error = rows["error"]
        low, high = rows["ratio"] - error, rows["ratio"] + error
        points(axes, rows, "ratio", low, high, look)
    axes.axhline(1.0, color="0.6", lw=0.6, zorder=0)
    axes.set_ylim(0, 3)
    axes.set_ylabel("Number found / true")


def draw_pairs(axes, table, looks):
    """Draw the fraction of equal pairs that are resolved."""
    for name, look in looks.items():
        rows = table[table["method"] == name]
        points(axes, rows, "fraction", rows["low"], rows["high"], look, x="separation")
    axes.set_ylim(0, 1.04)
    axes.set_xlabel("Separation [arcsec]")
    flux = table["flux"].iloc[0] if len(table) else 15.0
    axes.set_ylabel(f"Equal {flux:g} mJy pairs resolved")


def gather(fractions, fluxes, counts, pairs):
    """Join all that is drawn into one table.

    Parameters
    ----------
    fractions, fluxes, counts, pairs : pandas.DataFrame
        See `draw_methods`.

    Returns
    -------
    pandas.DataFrame
        ``panel`` and the columns of all.
    """
    parts = {"fractions": fractions, "fluxes": fluxes, "counts": counts, "pairs": pairs}
    return pd.concat(
        [table.assign(panel=name) for name, table in parts.items()], ignore_index=True
    ).pipe(lambda table: table[["panel", *table.columns.drop("panel")]])


def method_table(summary, titles):
    """Make the table of all methods.

    Parameters
    ----------
    summary : pandas.DataFrame
        ``method`` and the columns of `COLUMNS`.
    titles : dict
        Name of each method to what readers call it.

    Returns
    -------
    table : pandas.DataFrame
        As it shall be read.
    formats : dict
        Heading to format.
    """
    table = pd.DataFrame({"Method": summary["method"].map(titles)})
    for name, (heading, _) in COLUMNS.items():
        table[heading] = summary[name]
    return table, dict(COLUMNS.values())
