"""Figure 6: stacked sources, super-resolved and target."""

import numpy as np
import pandas as pd

from superspire.evaluation.stacking import radial_profile
from superspire.figures.style import (
    COLOURS,
    MARKERS,
    PAGE,
    TITLES,
    colour_bar,
    plt,
    show_map,
)
from superspire.instruments import BANDS, TARGET

SHOWN = {"sr_at_target": "super-resolved", "target_at_target": "450 µm target"}


def profiles(stacks):
    """Average the stacks in rings.

    Parameters
    ----------
    stacks : dict
        Name of the set to a mapping of stacks [mJy/beam].

    Returns
    -------
    pandas.DataFrame
        ``dataset``, ``stack``, ``radius`` [arcsec], ``brightness`` [mJy/beam] and
        ``normalised``, the brightness over that of the centre.
    """
    parts = []
    for dataset, images in stacks.items():
        for name in images:
            radius, value = radial_profile(images[name])
            columns = {"radius": radius, "brightness": value}
            part = pd.DataFrame(columns).assign(normalised=value / value[0])
            part.insert(0, "stack", name)
            part.insert(0, "dataset", dataset)
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def draw_stacks(stacks, widths, table):
    """Draw stacked images of every set of cutouts above their radial profiles.

    Parameters
    ----------
    stacks : dict
        Name of the set to a mapping of stacks [mJy/beam].
    widths : dict
        Name of the set to the records of `combine_groups`.
    table : pandas.DataFrame
        What `profiles` gives.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = plt.figure(figsize=(PAGE, 6.0))
    grid = figure.add_gridspec(3, len(stacks), height_ratios=(1, 1, 1.05))
    for column, (dataset, images) in enumerate(stacks.items()):
        for row, (name, title) in enumerate(SHOWN.items()):
            axes = figure.add_subplot(grid[row, column])
            shown = show_map(axes, images[name], BANDS[TARGET].fwhm, cmap="inferno")
            colour_bar(figure, axes, shown, side="right")
            axes.set_title(TITLES[dataset] if row == 0 else "")
            axes.set_ylabel(f"{title}\noffset [arcsec]" if column == 0 else "")
        axes.set_xlabel("RA offset [arcsec]")
        axes = figure.add_subplot(grid[2, column])
        rows = table[table["dataset"] == dataset]
        draw_profiles(axes, rows, widths[dataset], dataset)
        axes.set_ylabel("Normalised brightness" if column == 0 else "")
    return figure


def draw_profiles(axes, table, widths, dataset):
    """Draw the radial profiles of one set of cutouts and the beam of the target."""
    colours = {"sr_at_target": COLOURS[dataset], "target_at_target": "black"}
    for name, title in SHOWN.items():
        rows, width = table[table["stack"] == name], widths[name]
        marker = MARKERS[dataset] if name == "sr_at_target" else None
        fwhm = width["fwhm"] if width["fwhm"] is not None else np.nan
        label = f"{title}: {fwhm:.1f}″ (n = {width['n']})"
        axes.plot(
            rows["radius"],
            rows["normalised"],
            color=colours[name],
            label=label,
            marker=marker,
            ms=2.5,
        )
    radius = np.linspace(0, 30, 200)
    beam = np.exp(-0.5 * (radius / BANDS[TARGET].sigma) ** 2)
    axes.plot(radius, beam, color="0.6", ls="--", label=f"{BANDS[TARGET].fwhm}″ beam")
    axes.axhline(0, color="0.8", lw=0.5)
    axes.set_xlim(0, 30)
    axes.set_ylim(-0.1, 1.45)
    axes.set_xlabel("Radius [arcsec]")
    axes.legend(fontsize=5.5, loc="upper right", handlelength=1.2)
