"""A super-resolved field against a published 450 µm catalogue."""

import numpy as np
from matplotlib.ticker import NullFormatter, ScalarFormatter

from superspire.evaluation.protocols import PAPER, POSITION, STRICT
from superspire.figures.style import MEAN_COLOUR, PAGE, error_bars, plt

COLOURS = {"recovered": "#0072B2", "confirmed": "#D55E00"}
LINES = {STRICT: {"fmt": "o-"}, PAPER: {"fmt": "o--", "mfc": "white"}}
NEAR, FAR = "0.3", "0.75"
"""Greys of the pairs within and beyond the strict radius."""

GUIDE = {"lw": 0.6, "color": "0.7", "zorder": 0}
FLUX_TICKS = (3, 5, 10, 20, 40)


def draw_reference(measures, pairs, ratios, radii):
    """Draw offsets, fluxes and recovered fractions.

    Parameters
    ----------
    measures, pairs : pandas.DataFrame
        From `superspire.products.reference.compare_with_reference`.
    ratios : pandas.DataFrame
        From `superspire.products.reference.summarise_pairs`.
    radii : dict of str to float
        Matching radius of each protocol [arcsec].

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(PAGE, 2.5))
    draw_offsets(left, pairs, radii)
    draw_fluxes(middle, pairs, ratios, radii)
    draw_shares(right, measures, radii)
    return figure


def draw_pairs(axes, pairs, x, y, radii):
    """Draw a dot for each pair, those within the strict radius darker."""
    alpha = min(1.0, 15.0 / max(1, len(pairs)) ** 0.5)
    near = pairs["separation"] <= radii[STRICT]
    for own, colour in ((pairs[~near], FAR), (pairs[near], NEAR)):
        axes.plot(own[x], own[y], "o", ms=2.5, mew=0, alpha=alpha, color=colour)


def draw_offsets(axes, pairs, radii):
    """Draw the positions of the field's sources around the published ones."""
    axes.axhline(0, **GUIDE)
    axes.axvline(0, **GUIDE)
    draw_pairs(axes, pairs, "dx", "dy", radii)
    axes.add_patch(plt.Circle((0, 0), radii[STRICT], fill=False, ls=":", lw=0.6))
    if len(pairs):
        middle = pairs["dx"].median(), pairs["dy"].median()
        axes.plot(*middle, "+", color=MEAN_COLOUR, ms=8, mew=1.5)
        within = pairs["separation"].quantile(0.68)
        style = {"fill": False, "color": MEAN_COLOUR, "zorder": 3}
        axes.add_patch(plt.Circle((0, 0), within, **style))
        axes.set_title(f"68 % within {within:.1f} arcsec")
    limits = (-radii[PAPER], radii[PAPER])
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set_xlabel("Offset to the west [arcsec]")
    axes.set_ylabel("Offset to the north [arcsec]")


def draw_fluxes(axes, pairs, ratios, radii):
    """Draw the fluxes of the pairs, and their median ratio in bins."""
    axes.set(xlabel="Published flux [mJy]", ylabel="Super-resolved flux [mJy]")
    flux = pairs[["flux_reference", "flux_sr"]].to_numpy()
    flux = flux[(flux > 0).all(axis=1)]
    if not len(flux):
        return
    ends = np.array([0.8 * flux.min(), 1.2 * flux.max()])
    axes.plot(ends, ends, **GUIDE)
    draw_pairs(axes, pairs, "flux_reference", "flux_sr", radii)
    bins = ratios[(ratios["protocol"] == STRICT) & (ratios["flux_min"] > 0)]
    top = bins["flux_max"].clip(upper=flux[:, 0].max())
    centre = np.sqrt(bins["flux_min"] * top)
    axes.errorbar(
        centre,
        bins["ratio"] * centre,
        bins["scatter"] * centre,
        fmt="o",
        color=MEAN_COLOUR,
        ms=4,
    )
    near = np.count_nonzero(pairs["separation"] <= radii[STRICT])
    axes.set_title(f"{near} pairs within {radii[STRICT]:g} arcsec")
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
    ticks = [t for t in (1, *FLUX_TICKS, 100) if ends[0] < t < ends[1]]
    for axis in (axes.xaxis, axes.yaxis):
        label_plainly(axis, ticks)


def draw_shares(axes, measures, radii):
    """Draw which sources have a partner in the other catalogue, and chance."""
    measures = measures[
        np.isfinite(measures["flux_max"])
        & (measures["n"] > 0)
        & measures["measurable"]
        & (measures["measure"] == POSITION)
    ]
    for (quantity, protocol), own in measures.groupby(["quantity", "protocol"]):
        colour = COLOURS[quantity]
        error = error_bars(own["fraction"], own["low"], own["high"])
        axes.errorbar(
            own["flux"],
            own["fraction"],
            error,
            **LINES[protocol],
            color=colour,
            ms=3,
            clip_on=False,
        )
        axes.plot(own["flux"], own["chance"], ":", color=colour)
    for quantity, colour in COLOURS.items():
        axes.plot([], [], "-", color=colour, label=quantity)
    for protocol, radius in reversed(radii.items()):
        style = dict(LINES[protocol])
        label = f"within {radius:g} arcsec"
        axes.plot([], [], style.pop("fmt"), **style, color="0.3", label=label)
    axes.plot([], [], ":", color="0.3", label="by chance")
    axes.set(xscale="log", ylim=(0, 1.05), xlabel="Flux [mJy]", ylabel="Share")
    label_plainly(axes.xaxis, FLUX_TICKS)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.08))


def label_plainly(axis, ticks):
    """Label a logarithmic axis at some values, not with powers of ten."""
    axis.set_major_formatter(ScalarFormatter())
    axis.set_minor_formatter(NullFormatter())
    axis.set_ticks(ticks)
