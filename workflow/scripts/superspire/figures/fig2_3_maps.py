"""Figures 2 and 3: super-resolved, target and input maps of a few cutouts."""

import numpy as np

from superspire.figures.sky import label_bar, stretch
from superspire.figures.style import PAGE, colour_bar, mark_sources, plt, show_map
from superspire.instruments import BANDS, SPIRE, TARGET

LINEAR = 1.5
"""Least width of the linear part of the 450 µm maps' colours [mJy/beam]."""

MARKED_FLUX = 10.0
"""Faintest target source that is marked [mJy]."""

RANKS = (0.95, 0.5)
"""Ranks, by the scatter of the 450 map, of a rich and a typical cutout."""


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


def draw_maps(rows):
    """Draw one row of maps per cutout: super-resolved, 450, and the three inputs.

    Parameters
    ----------
    rows : sequence of dict
        ``title``, ``sr``, ``target`` (424, 424), ``inputs`` (424, 424, 3)
        [mJy/beam] and ``sources``, the target's with ``x``, ``y``, ``flux``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = ["Super-resolved", f"SCUBA-2 {TARGET} µm"]
    names += [f"SPIRE {band} µm" for band in SPIRE]
    shape = (len(rows), len(names))
    figure, grid = plt.subplots(
        *shape, figsize=(PAGE, 1.72 * shape[0] + 0.45), squeeze=False, sharey=True
    )
    for axes, row in zip(grid, rows, strict=True):
        draw_row(figure, axes, row)
        axes[0].set_ylabel(f"{row['title']}\nDec offset [arcsec]")
    for axes, name in zip(grid[0], names, strict=True):
        axes.set_title(name, pad=28)
    for axes in grid[-1]:
        axes.set_xlabel("RA offset [arcsec]")
    return figure


def draw_row(figure, axes, row):
    """Draw the five maps of one cutout with their colour bars."""
    inputs = np.moveaxis(np.asarray(row["inputs"]), -1, 0)
    images = [row["sr"], row["target"], *inputs]
    beams = [BANDS[band].fwhm for band in (TARGET, TARGET, *SPIRE)]
    shared = stretch(row["target"], LINEAR)
    bright = row["sources"][np.asarray(row["sources"]["flux"]) >= MARKED_FLUX]
    for i, (ax, image, fwhm) in enumerate(zip(axes, images, beams, strict=True)):
        norm = shared if i < 2 else stretch(image)
        shown = show_map(ax, image, fwhm, cmap="inferno", norm=norm)
        if i < 2:
            style = {"ec": "#56B4E9", "lw": 0.5}
            mark_sources(ax, bright["x"], bright["y"], len(image), **style)
        ax.set_xticks([-150, 0, 150])
        ax.set_yticks([-150, 0, 150])
        label_bar(colour_bar(figure, ax, shown), norm)
