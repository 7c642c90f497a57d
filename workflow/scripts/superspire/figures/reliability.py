"""Reliability diagrams of a catalogue's errors and probabilities."""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np

from superspire.figures.style import PAGE, error_bars

PANELS = {
    "flux": ("Stated interval of flux", "Fraction of true fluxes inside"),
    "position": ("Stated circle", "Fraction of true positions inside"),
    "probability": ("Stated probability", "Fraction of real sources"),
}
LOOKS = (
    ("#D55E00", "*"),
    ("#0072B2", "o"),
    ("#009E73", "s"),
    ("#000000", "^"),
    ("#CC79A7", "D"),
    ("#56B4E9", "v"),
)
"""Colours (Okabe & Ito 2008) and markers."""

SPARSE = 3
"""One of so many levels has a marker."""


def draw_reliability(table, counts):
    """Draw stated against measured shares, and corrected against true counts.

    Parameters
    ----------
    table : pandas.DataFrame
        ``title`` of the sky and the columns of
        `superspire.deblender.diagram.reliability_diagram`.
    counts : pandas.DataFrame
        ``title``, ``flux`` [mJy], ``ratio`` of corrected and true counts, ``error``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, grid = plt.subplots(2, 2, figsize=(PAGE, 6.4))
    titles = list(dict.fromkeys(table["title"]))
    looks = dict(zip(titles, cycle(LOOKS), strict=False))
    for axes, (quantity, (stated, measured)) in zip(
        grid.flat, PANELS.items(), strict=False
    ):
        for title, (colour, marker) in looks.items():
            rows = table[(table["quantity"] == quantity) & (table["title"] == title)]
            axes.errorbar(
                rows["stated"],
                rows["fraction"],
                error_bars(rows["fraction"], rows["low"], rows["high"]),
                color=colour,
                marker=marker,
                markevery=1 if quantity == "probability" else SPARSE,
                errorevery=1 if quantity == "probability" else SPARSE,
                lw=0.9,
                label=title,
            )
        minimum = 0.45 if quantity == "probability" else 0.0
        axes.plot([minimum, 1], [minimum, 1], color="0.6", lw=0.6, zorder=0)
        axes.set(xlim=(minimum, 1.01), ylim=(minimum, 1.01))
        axes.set(xlabel=stated, ylabel=measured)
    axes = grid[1, 1]
    for i, (title, (colour, marker)) in enumerate(looks.items()):
        rows = counts[counts["title"] == title]
        shift = 1.0 + 0.015 * (i - 0.5 * len(looks))
        axes.errorbar(
            rows["flux"] * shift,
            rows["ratio"],
            rows["error"],
            color=colour,
            marker=marker,
            lw=0.9,
        )
    axes.axhspan(0.9, 1.1, color="0.92", zorder=0)
    axes.axhline(1.0, color="0.6", lw=0.6, zorder=0)
    axes.set_xscale("log")
    ticks = np.array([4, 6, 10, 15, 20, 30])
    axes.set_xticks(ticks, [f"{tick}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set(ylim=(0.4, 1.6), xlabel="S450 [mJy]", ylabel="Corrected / true counts")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure
