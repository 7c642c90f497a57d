"""Figures 2 and 3: super-resolved and target maps above the three input maps."""

import numpy as np

from superspire.figures.sky import round_ticks, stretch
from superspire.figures.style import mark_sources, plt, show_map
from superspire.instruments import BANDS, SPIRE, TARGET

LINEAR = 1.5
"""Minimum width of the linear part of the 450 µm maps' colours [mJy/beam]."""

MARKED_FLUX = 10.0
"""Minimum flux of the target sources that are marked [mJy]."""

RANKS = (0.95, 0.5)
"""Ranks, by the scatter of the 450 map, of a rich and a typical cutout."""

WIDTH, HEIGHT = 5.3, 4.6
"""Size of the maps of one cutout [inch]."""


def choose_cutouts(target, ranks=RANKS):
    """Choose a rich and a typical cutout by the scatter of the 450 µm map.

    Parameters
    ----------
    target : sequence of ndarray, each (ny, nx)
        450 µm maps [mJy/beam].
    ranks : sequence of float
        Ranks between 0 and 1.

    Returns
    -------
    list of int
        Different rows of `target`.
    """
    order = np.argsort([np.std(image) for image in target], kind="stable")
    rows = [order[round(rank * (len(order) - 1))] for rank in ranks]
    return list(dict.fromkeys(int(row) for row in rows))


def draw_maps(cutouts):
    """Draw the maps of each cutout: the two to compare, large, above the inputs.

    Parameters
    ----------
    cutouts : sequence of dict
        ``title``, ``sr``, ``target`` (424, 424), ``inputs`` (424, 424, 3), the
        interpolated maps that the network sees [mJy/beam], and ``sources``, the
        target's with ``x``, ``y``, ``flux``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    number = len(cutouts)
    figure = plt.figure(figsize=(WIDTH, HEIGHT * number))
    parts = np.atleast_1d(figure.subfigures(number, 1))
    for part, cutout in zip(parts, cutouts, strict=True):
        draw_cutout(part, cutout)
    return figure


def draw_cutout(figure, cutout):
    """Draw the five maps of one cutout, with a colour bar for each stretch."""
    figure.suptitle(cutout["title"], fontsize=9)
    grid = figure.add_gridspec(2, 6, height_ratios=(1.75, 1))
    shared = stretch(cutout["target"], LINEAR)
    outputs = {
        "Super-resolved": cutout["sr"],
        f"{BANDS[TARGET].instrument} {TARGET} µm": cutout["target"],
    }
    large = [figure.add_subplot(grid[0, 3 * i : 3 * i + 3]) for i in range(2)]
    for axes, (name, image) in zip(large, outputs.items(), strict=True):
        shown = draw_panel(axes, image, TARGET, shared)
        axes.set_title(name)
        axes.set_xlabel("RA offset [arcsec]")
        bright = cutout["sources"][np.asarray(cutout["sources"]["flux"]) >= MARKED_FLUX]
        style = {"ec": "#56B4E9", "lw": 0.6}
        mark_sources(axes, bright["x"], bright["y"], len(image), **style)
    large[0].set_ylabel("Dec offset [arcsec]")
    large[1].tick_params(labelleft=False)
    add_bar(figure, large, shown, shared, "right")
    for i, band in enumerate(SPIRE):
        axes = figure.add_subplot(grid[1, 2 * i : 2 * i + 2])
        image = np.asarray(cutout["inputs"])[..., i]
        norm = stretch(image)
        shown = draw_panel(axes, image, band, norm)
        axes.set_title(f"{BANDS[band].instrument} {band} µm")
        axes.tick_params(labelleft=False, labelbottom=False)
        add_bar(figure, axes, shown, norm, "bottom")


def draw_panel(axes, image, band, norm):
    """Draw one map with its beam and few ticks."""
    shown = show_map(axes, image, BANDS[band].fwhm, cmap="inferno", norm=norm)
    axes.set_xticks([150, 0, -150])
    axes.set_yticks([-150, 0, 150])
    axes.tick_params(color="white")
    return shown


def add_bar(figure, axes, shown, norm, side):
    """Add a colour bar with round values in mJy/beam."""
    bar = figure.colorbar(
        shown, ax=axes, location=side, label="mJy/beam", pad=0.02, aspect=25
    )
    ticks = round_ticks(norm)
    bar.set_ticks(ticks, labels=[f"{tick:g}".replace("-", "−") for tick in ticks])
    bar.minorticks_off()
