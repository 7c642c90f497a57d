"""Two looks at the same sky: repeated sources, their offsets and fluxes."""

import numpy as np

from superspire.figures.style import MEAN_COLOUR, PAGE, error_bars, plt
from superspire.products.repeatability import expected_within

GUIDE = {"lw": 0.6, "color": "0.6", "zorder": 0}
COLOUR, CHANCE_COLOUR = "#0072B2", "0.5"
MAX_SEPARATION = 3.5
"""Largest separation that is drawn, in joint standard errors."""


def draw_repeatability(fractions, pairs, names):
    """Draw the repeated fraction, the offsets and the fluxes.

    Parameters
    ----------
    fractions, pairs : pandas.DataFrame
        From `superspire.products.repeatability.summarise_looks`.
    names : sequence of str
        Names of the two looks.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(PAGE, 2.5))
    draw_fractions(left, fractions)
    draw_separations(middle, pairs)
    draw_fluxes(right, pairs, names)
    return figure


def draw_fractions(axes, fractions):
    """Draw the repeated fraction against the stated probability."""
    rows = fractions[
        (fractions["of"] == "both")
        & (fractions["quantity"] == "probability")
        & (fractions["n"] > 0)
    ]
    bars = error_bars(rows["repeated"], rows["low"], rows["high"])
    axes.plot([0, 1], [0, 1], **GUIDE)
    axes.errorbar(
        rows["stated"], rows["repeated"], bars, fmt="o-", color=COLOUR, label="repeated"
    )
    axes.plot(
        rows["stated"], rows["chance"], "--", color=CHANCE_COLOUR, label="by chance"
    )
    axes.set(xlim=(0.3, 1.02), ylim=(0, 1.05))
    axes.set(xlabel="Stated probability", ylabel="Found in the other observation")
    axes.legend(loc="upper left")


def draw_separations(axes, pairs):
    """Draw the cumulative separations, and what right errors give."""
    known = pairs[np.isfinite(pairs["pos_err"])]
    if len(known):
        axes.ecdf(known["separation"] / known["pos_err"], color=COLOUR, label="found")
        grid = np.linspace(0.0, MAX_SEPARATION, 100)
        error = known["pos_err"].to_numpy()
        expected = [expected_within(ratio, error) for ratio in grid]
        axes.plot(grid, expected, "--", color=CHANCE_COLOUR, label="expected")
        axes.legend(loc="lower right")
    axes.axhline(0.5, **GUIDE)
    axes.set(xlim=(0, MAX_SEPARATION), ylim=(0, 1.02))
    axes.set(xlabel="Separation / joint POS_ERR", ylabel="Fraction of pairs within")


def draw_fluxes(axes, pairs, names):
    """Draw the fluxes of both looks; red where they differ by over 2 joint errors."""
    limits = 3.0, 1.3 * max(30.0, pairs[["flux_1", "flux_2"]].max().max())
    far = np.abs(pairs["flux_2"] - pairs["flux_1"]) > 2.0 * pairs["error"]
    for own, colour in ((pairs[~far], COLOUR), (pairs[far], MEAN_COLOUR)):
        axes.plot(own["flux_1"], own["flux_2"], "o", ms=2.5, mew=0, color=colour)
    axes.plot(limits, limits, **GUIDE)
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    axes.set(xlabel=f"S450 in {names[0]} [mJy]", ylabel=f"S450 in {names[1]} [mJy]")
