"""Figure 6: stacked sources, super-resolved and target."""

import numpy as np
from matplotlib.colors import AsinhNorm

from superspire.figures.style import (
    COLOURS,
    MARKERS,
    PAGE,
    colour_bar,
    plt,
    show_map,
)
from superspire.instruments import BANDS, TARGET

SHOWN = {"sr_at_sr": "Super-resolved", "target_at_target": f"{TARGET} µm target"}
"""The stacks that are drawn as images: each map on the positions of its own sources."""

PROFILES = {
    "sr_at_sr": "super-resolved",
    "sr_at_target": "super-resolved at target",
    "target_at_target": "target",
}

LINEAR = 0.3
"""Brightness below which the images' colours are linear [mJy/beam]."""


def draw_stacks(stacks, widths, table, titles):
    """Draw stacked images of every set of cutouts above their radial profiles.

    Parameters
    ----------
    stacks : dict
        Name of the set to a mapping of stacks [mJy/beam].
    widths : dict
        Name of the set to the records of `combine_groups`.
    table : pandas.DataFrame
        ``dataset``, ``stack`` and the columns of `stacked_profile`.
    titles : dict of str
        Name of each set, from `superspire.figures.style.sky_titles`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = plt.figure(figsize=(PAGE, 6.1))
    grid = figure.add_gridspec(3, len(stacks), height_ratios=(1, 1, 1.15))
    drawn = [images[name] for images in stacks.values() for name in SHOWN]
    peak = np.nanmax(drawn, initial=1.0)
    norm = AsinhNorm(LINEAR, -LINEAR, peak)
    for column, (dataset, images) in enumerate(stacks.items()):
        for row, (name, title) in enumerate(SHOWN.items()):
            axes = figure.add_subplot(grid[row, column])
            shown = show_map(
                axes, images[name], BANDS[TARGET].fwhm, cmap="inferno", norm=norm
            )
            axes.set_title(titles[dataset] if row == 0 else "")
            axes.set_ylabel(f"{title}\nDec offset [arcsec]" if column == 0 else "")
            for set_ticks in (axes.set_xticks, axes.set_yticks):
                set_ticks([-20, 0, 20])
            axes.tick_params(labelleft=column == 0, labelbottom=row == 1, color="white")
            if column == len(stacks) - 1:
                bar = colour_bar(figure, axes, shown, side="right")
                bar.set_ticks([0, 1, 3, 10], labels=["0", "1", "3", "10"])
                bar.minorticks_off()
        axes.set_xlabel("RA offset [arcsec]")
        axes = figure.add_subplot(grid[2, column])
        rows = table[table["dataset"] == dataset]
        draw_profiles(axes, rows, widths[dataset], dataset)
        axes.set_ylabel("Brightness / peak" if column == 0 else "")
        axes.tick_params(labelleft=column == 0)
    return figure


def draw_profiles(axes, table, widths, dataset):
    """Draw the radial profiles of one set, the target's noise and its beam."""
    styles = {
        "sr_at_sr": {"color": COLOURS[dataset], "marker": MARKERS[dataset], "ms": 2.5},
        "sr_at_target": {"color": COLOURS[dataset], "ls": ":"},
        "target_at_target": {"color": "black"},
    }
    for name, title in PROFILES.items():
        rows = table[table["stack"] == name]
        axes.errorbar(
            rows["radius"],
            rows["normalised"],
            rows["normalised_error"],
            label=f"{title}: {width_text(widths[name])}",
            capsize=0,
            elinewidth=0.8,
            lw=0.9,
            **styles[name],
        )
    radius = np.linspace(0, 30, 200)
    beam = np.exp(-0.5 * (radius / BANDS[TARGET].sigma) ** 2)
    axes.plot(radius, beam, color="0.5", ls="--", label=f"{BANDS[TARGET].fwhm}″ beam")
    target = widths["target_at_target"]
    if target["n"]:
        noise = target["noise"] / target["peak"]
        label = "noise of the target (1σ)"
        axes.axhspan(-noise, noise, color="0.85", lw=0, label=label, zorder=0)
    axes.axhline(0, color="0.6", lw=0.5, zorder=0)
    axes.set_xlim(0, 30)
    axes.set_ylim(-0.08, 1.08)
    axes.set_xlabel("Radius [arcsec]")
    axes.legend(fontsize=5.5, loc="upper right", handlelength=1.6)


def width_text(record):
    """Write the width of a stack with its error and the number of sources."""
    if record["fwhm"] is None:
        return f"no fit (n = {record['n']})"
    error = "" if record["fwhm_error"] is None else f" ± {record['fwhm_error']:.2f}"
    count = f"n = {record['n']}"
    if not np.isclose(record["n"], record["n_distinct"]):
        count += f", {record['n_distinct']:.0f} distinct"
    return f"{record['fwhm']:.2f}{error}″\n({count})"
