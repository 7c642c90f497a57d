"""Figure 5: offset against position angle, with contours of their density."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from scipy.ndimage import gaussian_filter1d

from superspire.evaluation.astrometry import LEVELS, containment_radii
from superspire.figures.fig4_fluxes import count_text
from superspire.figures.style import COLOURS, plt, width_of

PAPER_RADIUS = 15.0
LINES = ("-", "--", ":")

REACH = 0.02, 60.0
"""Range of the offsets that is drawn at the least [arcsec]."""

CELL = 5.0, 0.02
"""Sides of a cell of the density: position angle [deg] and log10 of the offset."""

KERNEL = 25.0, 0.1
"""Standard deviations of the kernel for 1000 sources: angle [deg] and log10 of offset;
they grow as the number of distinct sources to the power of -1/6 (Scott 1992)."""

MIN_SOURCES = 20
"""Minimum number of distinct sources of a set with contours."""


def offset_density(table):
    """Estimate the density of sources in position angle and logarithm of offset.

    The kernel is a Gaussian, periodic in angle.

    Parameters
    ----------
    table : pandas.DataFrame
        ``separation`` [arcsec], ``angle`` [deg] and ``weight``; one source at least.

    Returns
    -------
    angle, offset : ndarray, shapes (m,), (n,)
        Centres of the cells [deg], [arcsec].
    density : ndarray, shape (n, m)
        Fraction of the sources in each cell.
    """
    angles = np.arange(0.0, 360.0 + 0.5 * CELL[0], CELL[0])
    widths = np.array(KERNEL) * (1000.0 / table["weight"].sum()) ** (1.0 / 6.0)
    shown = np.log10(np.maximum(table["separation"], REACH[0]))
    low, high = np.log10(REACH[0]), max(np.log10(REACH[1]), shown.max())
    margin = 3.0 * widths[1]
    logs = np.arange(low - margin, high + margin + CELL[1], CELL[1])
    counts, _, _ = np.histogram2d(
        shown, table["angle"] % 360.0, [logs, angles], weights=table["weight"]
    )
    counts = gaussian_filter1d(counts, widths[0] / CELL[0], axis=1, mode="wrap")
    counts = gaussian_filter1d(counts, widths[1] / CELL[1], axis=0, mode="constant")
    offset = 10.0 ** (0.5 * (logs[1:] + logs[:-1]))
    return 0.5 * (angles[1:] + angles[:-1]), offset, counts / counts.sum()


def density_thresholds(density, levels=LEVELS):
    """Find the densities whose contours hold given fractions of the sources.

    Parameters
    ----------
    density : ndarray
        Fraction of the sources in cells of equal size.
    levels : sequence of float
        Fractions.

    Returns
    -------
    ndarray, shape (len(levels),)
        The minimum dense cell that belongs to the densest ones that hold the fraction.
    """
    ordered = np.sort(density, axis=None)[::-1]
    held = np.cumsum(ordered)
    rows = np.searchsorted(held, np.asarray(levels) * held[-1])
    return ordered[np.minimum(rows, len(ordered) - 1)]


def offset_contours(tables):
    """Find the regions that hold 68, 95 and 99 % of the offsets.

    Parameters
    ----------
    tables : dict of pandas.DataFrame
        Name of the set to its offsets, ``separation`` [arcsec], ``angle`` [deg] and
        ``weight``.

    Returns
    -------
    pandas.DataFrame
        ``dataset``, ``level``, ``angle`` [deg], and ``low`` and ``high``, the ends of
        the region at that angle [arcsec], NaN where it has none; where ``angle`` is
        NaN, from zero to the radius that holds the fraction at all angles. No regions
        of sets with fewer than 20 distinct sources.
    """
    rows = []
    for name, table in tables.items():
        radii = containment_radii(table["separation"], table["weight"])
        for level, radius in zip(LEVELS, radii, strict=True):
            rows.append((name, level, np.nan, 0.0, radius))
        if table["weight"].sum() < MIN_SOURCES:
            continue
        angle, offset, density = offset_density(table)
        thresholds = density_thresholds(density)
        for level, threshold in zip(LEVELS, thresholds, strict=True):
            inside = np.where(density >= threshold, offset[:, None], np.nan)
            held = np.isfinite(inside).any(axis=0)
            ends = np.full((2, len(angle)), np.nan)
            ends[:, held] = np.nanmin(inside[:, held], 0), np.nanmax(inside[:, held], 0)
            rows += [(name, level, *row) for row in zip(angle, *ends, strict=True)]
    return pd.DataFrame(rows, columns=["dataset", "level", "angle", "low", "high"])


def draw_offsets(tables, titles):
    """Draw the offsets of each set of cutouts with the contours of their density.

    Parameters
    ----------
    tables : dict of pandas.DataFrame
        See `offset_contours`.
    titles : dict of str
        Name of each set, from `superspire.figures.style.sky_titles`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    panels = len(tables)
    figure, grid = plt.subplots(
        1,
        panels,
        figsize=(width_of(panels), 3.0),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for axes, (name, table) in zip(grid[0], tables.items(), strict=True):
        draw_panel(axes, table, COLOURS[name])
        axes.set_title(titles[name])
    axes = grid[0][0]
    axes.set_yscale("log")
    axes.set_xlim(0, 360)
    axes.set_xticks([0, 90, 180, 270, 360])
    farthest = max((t["separation"].max() for t in tables.values()), default=0.0)
    axes.set_ylim(REACH[0], max(REACH[1], 1.2 * np.nan_to_num(farthest)))
    ticks = [0.1, 0.3, 1, 3, 10, 30]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks([], minor=True)
    axes.set_ylabel("Offset [arcsec]")
    figure.supxlabel("Position angle [degrees anti-clockwise from West]", fontsize=8)
    columns = 4 if panels > 1 else 2
    figure.legend(handles=legend_lines(), loc="outside upper center", ncols=columns)
    return figure


def draw_panel(axes, table, colour):
    """Draw the offsets of one set; offsets below the axis lie on its lower end."""
    axes.plot(
        table["angle"],
        np.maximum(table["separation"], 1.05 * REACH[0]),
        ".",
        ms=2,
        color=colour,
        alpha=min(1.0, 1500 / max(len(table), 1)) ** 0.5,
        mew=0,
        rasterized=True,
    )
    distinct = table["weight"].sum()
    if distinct >= MIN_SOURCES:
        angle, offset, density = offset_density(table)
        thresholds = density_thresholds(density)[::-1]
        angle = np.concatenate([angle - 360.0, angle, angle + 360.0])
        axes.contour(
            angle,
            offset,
            np.tile(density, 3),
            thresholds,
            colors="black",
            linestyles=LINES[::-1],
            linewidths=0.9,
        )
    axes.axhline(PAPER_RADIUS, color="0.5", lw=0.8)
    near = table["weight"][table["separation"] <= PAPER_RADIUS].sum()
    text = f"{count_text(table)}\n{100 * near / max(distinct, 1e-9):.1f} % within 15″"
    box = {"fc": "white", "ec": "none", "alpha": 0.85, "pad": 1.0}
    style = {"transform": axes.transAxes, "ha": "right", "fontsize": 6.5, "bbox": box}
    axes.text(0.97, 0.03, text, **style)


def legend_lines():
    """Make the entries of the legend."""
    handles = [
        Line2D([], [], color="black", ls=line, label=f"{100 * level:.0f} %")
        for level, line in zip(LEVELS, LINES, strict=True)
    ]
    paper = Line2D([], [], color="0.5", lw=0.8, label="paper: 99 % within 15″")
    return [*handles, paper]
