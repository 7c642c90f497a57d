"""Style of all figures: names of the skies, colours, sizes, maps with their beams."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from astropy import units
from astropy.visualization.wcsaxes import SphericalCircle
from matplotlib.patches import Circle

DATASETS = ("simulated", "observed", "holdout", "independent")
COLOURS = {
    "simulated": "#0072B2",
    "observed": "#D55E00",
    "holdout": "#E69F00",
    "independent": "#009E73",
}
MARKERS = {"simulated": "o", "observed": "s", "holdout": "^", "independent": "D"}
PAPER_COLOUR = "#444444"
MEAN_COLOUR = "#CC2222"
COLUMN, PAGE = 3.35, 7.0
"""Widths of a column and of a page of MNRAS [inch]."""

STYLE = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.5,
    "errorbar.capsize": 1.5,
    "mathtext.fontset": "dejavusans",
    "pdf.fonttype": 42,
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "savefig.dpi": 250,
}
plt.rcParams.update(STYLE)


def sky_titles(mocked):
    """Name the skies of the sets of cutouts; a mock is called a mock.

    Parameters
    ----------
    mocked : bool
        Whether the observed field is a mock.

    Returns
    -------
    dict of str
        Title by set of cutouts.
    """
    field = "Mock COSMOS" if mocked else "Observed field"
    return {
        "simulated": "Simulated test sky",
        "observed": f"{field} (in-sample)",
        "holdout": f"{field} (hold-out)",
        "independent": "Independent mock sky",
    }


def width_of(panels):
    """Width of a figure with so many panels side by side [inch]."""
    return COLUMN if panels == 1 else PAGE


def save(figure, *paths):
    """Write a figure without dates, so that equal figures are equal files.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure; closed afterwards.
    *paths : str
        PDF and PNG files.
    """
    for path in paths:
        pdf = Path(path).suffix == ".pdf"
        figure.savefig(path, metadata={"CreationDate": None} if pdf else {})
    plt.close(figure)


def offset_extent(size):
    """Give the edges of a cutout in arcsec from its centre, East to the left."""
    half = size / 2
    return (half, -half, -half, half)


def show_map(axes, image, fwhm, **options):
    """Draw a cutout with its beam in the lower left corner.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    image : ndarray, shape (n, n)
        Map of pixels of 1 arcsec [mJy/beam].
    fwhm : float
        Full width at half maximum of the beam [arcsec].
    **options
        For `imshow`.

    Returns
    -------
    matplotlib.image.AxesImage
    """
    size = image.shape[0]
    shown = axes.imshow(
        image,
        origin="lower",
        extent=offset_extent(size),
        interpolation="nearest",
        rasterized=True,
        **options,
    )
    at = 0.5 * size - 0.06 * size - 0.5 * fwhm
    style = {"fc": "white", "ec": "black", "lw": 0.3}
    axes.add_patch(Circle((at, -at), 0.5 * fwhm, **style))
    axes.set_aspect("equal")
    return shown


def colour_bar(figure, axes, shown, side="top"):
    """Add a colour bar in mJy/beam that is as long as the map's side.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    axes : matplotlib.axes.Axes
        Axes of the map.
    shown : matplotlib.image.AxesImage
        The map.
    side : str
        ``top`` or ``right``.

    Returns
    -------
    matplotlib.colorbar.Colorbar
    """
    positions = {"top": (0.0, 1.03, 1.0, 0.05), "right": (1.03, 0.0, 0.05, 1.0)}
    direction = "horizontal" if side == "top" else "vertical"
    bar_axes = axes.inset_axes(positions[side])
    bar = figure.colorbar(shown, cax=bar_axes, orientation=direction)
    axis = bar_axes.xaxis if side == "top" else bar_axes.yaxis
    axis.set_ticks_position(side)
    axis.set_label_position(side)
    bar.set_label("mJy/beam", fontsize=6.5, labelpad=2)
    bar_axes.tick_params(labelsize=6, length=2)
    return bar


def mark_on_sky(axes, sources, radius, **options):
    """Circle positions on a panel with celestial coordinates.

    Parameters
    ----------
    axes : astropy.visualization.wcsaxes.WCSAxes
        Where to draw.
    sources : astropy.coordinates.SkyCoord
        Positions.
    radius : float
        Radius of the circles [arcsec].
    **options
        For `SphericalCircle`.
    """
    style = {"ec": "#56B4E9", "fc": "none", "lw": 0.4, **options}
    sky = axes.get_transform("icrs")
    for source in sources:
        centre = (source.ra, source.dec)
        circle = SphericalCircle(centre, radius * units.arcsec, transform=sky, **style)
        axes.add_patch(circle)


def mark_sources(axes, x, y, size, radius=10.0, **options):
    """Circle sources on a cutout drawn with `show_map`.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    x, y : array_like, shape (n,)
        Positions [pixel].
    size : int
        Side of the cutout [pixel].
    radius : float
        Radius of the circles [arcsec].
    **options
        For `Circle`.
    """
    half = (size - 1) / 2
    for column, row in zip(np.asarray(x), np.asarray(y), strict=True):
        position = (half - column, row - half)
        axes.add_patch(Circle(position, radius, fill=False, **options))


def error_bars(value, low, high):
    """Turn the ends of intervals into the lengths that `errorbar` takes."""
    value, low, high = (np.asarray(a, dtype=float) for a in (value, low, high))
    return np.clip([value - low, high - value], 0.0, None)


def note(axes, text, x=0.97, y=0.03):
    """Write a small remark into a lower corner of the axes."""
    side = "right" if x > 0.5 else "left"
    vertical = "top" if y > 0.5 else "bottom"
    position = {
        "transform": axes.transAxes,
        "ha": side,
        "va": vertical,
        "fontsize": 6.5,
    }
    axes.text(x, y, text, **position)
