"""Figure 5: offset against position angle."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from superspire.evaluation.astrometry import LEVELS, containment_radii
from superspire.figures.style import COLOURS, TITLES, plt, width_of

SECTORS = 72
SMOOTHING = 30.0
"""Width of the sector whose offsets make each point of a contour [deg]."""

PAPER_RADIUS = 15.0
RADII = tuple(f"r{round(100 * level)}" for level in LEVELS)
LINES = ("-", "--", ":")
MIN_SOURCES = 20
"""Fewest distinct sources of a sector with a contour."""


def offset_contours(tables):
    """Find, per position angle, the separations that hold 68, 95 and 99 %.

    Parameters
    ----------
    tables : dict of pandas.DataFrame
        Name of the set to its offsets in the paper's protocol, ``separation``
        [arcsec], ``angle`` [deg] and ``weight``.

    Returns
    -------
    pandas.DataFrame
        ``dataset``, ``angle`` (NaN for all angles together) [deg], ``n`` and the
        radii ``r68``, ``r95``, ``r99`` [arcsec].
    """
    rows = []
    for dataset, table in tables.items():
        for angle in (np.nan, *np.arange(SECTORS + 1) * 360.0 / SECTORS):
            apart = np.abs((table["angle"] - angle + 180.0) % 360.0 - 180.0)
            near = table if np.isnan(angle) else table[apart <= SMOOTHING]
            radii = containment_radii(near["separation"], near["weight"])
            few = near["weight"].sum() < MIN_SOURCES
            radii = radii * np.nan if few and not np.isnan(angle) else radii
            record = {"dataset": dataset, "angle": angle, "n": len(near)}
            rows.append(record | dict(zip(RADII, radii, strict=True)))
    return pd.DataFrame(rows)


def draw_offsets(tables, contours):
    """Draw the offsets of each set of cutouts with their contours.

    Parameters
    ----------
    tables, contours : dict of pandas.DataFrame, pandas.DataFrame
        See `offset_contours`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, grid = plt.subplots(
        1,
        len(tables),
        figsize=(width_of(len(tables)), 3.0),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for axes, (name, table) in zip(grid[0], tables.items(), strict=True):
        lines = contours[contours["dataset"] == name]
        axes.plot(
            table["angle"],
            table["separation"],
            ".",
            ms=2,
            color=COLOURS[name],
            alpha=min(1.0, 800 / max(len(table), 1)) ** 0.5,
            mew=0,
            rasterized=True,
        )
        overall = lines[lines["angle"].isna()].iloc[0]
        sectors = lines[lines["angle"].notna()]
        for key, line in zip(RADII, LINES, strict=True):
            if sectors[key].notna().all():
                axes.plot(sectors["angle"], sectors[key], color="black", ls=line)
            else:
                axes.axhline(overall[key], color="black", ls=line)
        axes.axhline(PAPER_RADIUS, color="0.6", lw=0.6)
        radii = ", ".join(f"{overall[key]:.1f}" for key in RADII)
        unique = table["weight"].sum()
        more = "" if np.isclose(unique, len(table)) else f" ({unique:.0f} distinct)"
        count = f"n = {len(table)}{more}; {radii} arcsec"
        axes.set_title(f"{TITLES[name]}\n", fontsize=8)
        axes.text(0.5, 1.03, count, transform=axes.transAxes, ha="center", fontsize=6.5)
    handles = finish(grid[0][0])
    columns = 4 if len(tables) > 1 else 2
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)
    middle = grid[0][len(tables) // 2]
    middle.set_xlabel("Position angle [degrees anti-clockwise from West]")
    return figure


def finish(axes):
    """Set the ranges, and give the entries of the legend."""
    axes.set_xlim(0, 360)
    axes.set_xticks([0, 90, 180, 270, 360])
    axes.set_ylim(0, 30)
    axes.set_ylabel("Offset [arcsec]")
    levels = zip(LEVELS, LINES, strict=True)
    handles = [
        Line2D([], [], color="black", ls=line, label=f"{100 * level:.0f} %")
        for level, line in levels
    ]
    handles.append(Line2D([], [], color="0.6", lw=0.6, label="paper: 99 % within 15″"))
    return handles
