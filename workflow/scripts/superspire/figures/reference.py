"""A super-resolved field against a published 450 µm catalogue."""

import numpy as np

from superspire.figures.style import MEAN_COLOUR, PAGE, plt

COLOURS = {"recovered": "#0072B2", "confirmed": "#D55E00"}
LABELS = {
    "recovered": "published sources recovered",
    "confirmed": "super-resolved sources published",
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
    left.plot(pairs["dx"], pairs["dy"], ".", ms=3, color="0.4")
    if len(pairs):
        left.plot(pairs["dx"].median(), pairs["dy"].median(), "+", color=MEAN_COLOUR)
        circle = pairs["separation"].quantile(0.68)
        left.add_patch(plt.Circle((0, 0), circle, fill=False, color=MEAN_COLOUR))
        left.set_title(f"68 % within {circle:.1f} arcsec")
    left.axhline(0, lw=0.5, color="0.7")
    left.axvline(0, lw=0.5, color="0.7")
    left.set(xlim=(radius, -radius), ylim=(-radius, radius), aspect="equal")
    left.set(
        xlabel="Offset to the west [arcsec]", ylabel="Offset to the north [arcsec]"
    )
    left.invert_xaxis()

    flux = pairs[["flux_reference", "flux_sr"]].to_numpy()
    middle.plot(*flux.T, ".", ms=3, color="0.4")
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
    right.legend(loc="best")
    return figure
