"""A super-resolved field against a published 450 µm catalogue."""

import numpy as np
from matplotlib.ticker import NullFormatter, ScalarFormatter

from superspire.figures.style import MEAN_COLOUR, PAGE, plt

COLOURS = {"recovered": "#0072B2", "confirmed": "#D55E00"}
LABELS = {
    "recovered": "recovered",
    "confirmed": "confirmed",
}


def draw_reference(measures, pairs, ratios, radius):
    """Draw offsets, fluxes and recovered fractions.

    Parameters
    ----------
    measures, pairs : pandas.DataFrame
        From `superspire.fields.reference.compare_with_reference`.
    ratios : pandas.DataFrame
        From `superspire.fields.reference.summarise_pairs`.
    radius : float
        Matching radius [arcsec].

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(PAGE, 2.5))
    dots = dict(
        color="0.4", ms=3, mew=0, alpha=min(1.0, 15 / max(1, len(pairs)) ** 0.5)
    )
    left.plot(pairs["dx"], pairs["dy"], "o", **dots)
    if len(pairs):
        middle_of = pairs["dx"].median(), pairs["dy"].median()
        left.plot(*middle_of, "+", color=MEAN_COLOUR, ms=8, mew=1.5)
        circle = pairs["separation"].quantile(0.68)
        ring = plt.Circle((0, 0), circle, fill=False, color=MEAN_COLOUR, zorder=3)
        left.add_patch(ring)
        left.set_title(f"68 % within {circle:.1f} arcsec")
    left.axhline(0, lw=0.5, color="0.7")
    left.axvline(0, lw=0.5, color="0.7")
    left.set(xlim=(-radius, radius), ylim=(-radius, radius), aspect="equal")
    left.set(
        xlabel="Offset to the west [arcsec]", ylabel="Offset to the north [arcsec]"
    )

    flux = pairs[["flux_reference", "flux_sr"]].to_numpy()
    middle.plot(*flux.T, "o", **dots)
    if len(flux):
        ends = np.array([max(1.0, 0.8 * np.nanmin(flux)), 1.2 * np.nanmax(flux)])
        middle.plot(ends, ends, color="0.7", lw=0.8)
        middle.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
        centre = np.sqrt(ratios["flux_min"] * ratios["flux_max"].clip(upper=ends[1]))
        middle.errorbar(
            centre,
            ratios["ratio"] * centre,
            ratios["scatter"] * centre,
            fmt="o",
            color=MEAN_COLOUR,
            ms=4,
        )
        middle.set_title(f"{len(flux)} pairs")
    middle.set(xlabel="Published flux [mJy]", ylabel="Super-resolved flux [mJy]")

    for name, own in measures.groupby("measure"):
        own = own[np.isfinite(own["flux_max"]) & (own["n"] > 0)]
        error = own["fraction"] - own["low"], own["high"] - own["fraction"]
        colour = COLOURS[name]
        right.errorbar(
            own["flux"], own["fraction"], error, fmt="o-", color=colour, ms=3
        )
        right.plot(own["flux"], own["chance"], ":", color=colour)
        right.plot([], [], "o-", color=colour, ms=3, label=LABELS[name])
    right.plot([], [], ":", color="0.3", label="by chance")
    right.set(xscale="log", ylim=(0, 1.05), xlabel="Flux [mJy]", ylabel="Share")
    right.xaxis.set_major_formatter(ScalarFormatter())
    right.xaxis.set_minor_formatter(NullFormatter())
    right.set_xticks([5, 10, 20, 40])
    right.legend(loc="lower right", bbox_to_anchor=(1.0, 0.25))
    return figure
