"""One picture of a field: the SPIRE bands, the super-resolved map and the residuals."""

import warnings

import numpy as np
from astropy import units
from astropy.nddata import block_reduce
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from superspire.checks.extended import on_grid
from superspire.figures.sky import show_sky, stretch
from superspire.instruments import BANDS, PIXEL, SPIRE, TARGET
from superspire.maps.interpolation import interpolate
from superspire.maps.positions import resampled
from superspire.maps.tiling import shift_wcs
from superspire.products.writing import is_doubtful

WIDTH = 900
"""Most pixels along a side of a panel of the whole field."""

CLOSE_UP = 212
"""Side of the close-up [arcsec], half a tile."""

CIRCLES = 300
"""Most sources that are drawn in a panel."""

SOURCE_RADIUS = {"field": 10.0, "close-up": 5.0}
"""Radius of the circles [arcsec]."""

MAX_SIGMA = 5.0
"""Range of the standardised residuals that are drawn."""

DPI = 150


def write_quicklook(
    path, image, wcs, maps, table, title, extended=None, standardised=None
):
    """Draw the three input maps and the super-resolved map, whole and close up.

    Parameters
    ----------
    path : str or path-like
        PNG file to write.
    image : ndarray, shape (ny, nx)
        Calibrated super-resolved map [mJy/beam].
    wcs : astropy.wcs.WCS
        Its celestial coordinates.
    maps : dict of int to superspire.io.Map
        The input maps [mJy/beam].
    table : astropy.table.Table
        The catalogue, brightest source first.
    title : str
        Name of the field.
    extended : superspire.io.Map, optional
        Mask of what point sources cannot explain, which is outlined.
    standardised : dict of int to superspire.io.Map, optional
        Standardised residuals of the bands (`superspire.products.residuals`), which are
        drawn in a row below.
    """
    rows = 2 if standardised is None else 3
    figure = Figure(figsize=(17, 9.5 + 3.5 * (rows - 2)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(rows, 4, height_ratios=[4.75, 4.75, 3.5][:rows])
    figure.suptitle(title)
    views = {
        "field": reduced_view(image, wcs, maps),
        "close-up": close_view(image, wcs, maps, table),
    }
    norms = {band: stretch(data) for band, data in views["field"][0].items()}
    for row, (name, (panels, view_wcs, pixel)) in enumerate(views.items()):
        for column, (band, data) in enumerate(panels.items()):
            axes = figure.add_subplot(grid[row, column], projection=view_wcs)
            show_sky(figure, axes, data, norms[band], pixel, BANDS[band].fwhm)
            label_axes(axes, band, row, column)
            if extended is not None:
                outline(axes, extended, data.shape)
            if band == TARGET:
                draw_sources(axes, table, data.shape, pixel, SOURCE_RADIUS[name])
    if standardised is not None:
        panels, view_wcs, pixel = views["field"]
        draw_residuals(figure, grid, standardised, table, view_wcs, pixel, panels)
    figure.savefig(path, dpi=DPI)


def draw_residuals(figure, grid, standardised, table, wcs, pixel, panels):
    """Draw the standardised residuals of the bands and circle the poor fits.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    grid : matplotlib.gridspec.GridSpec
        Its panels; the last row is used.
    standardised, table
        See `write_quicklook`.
    wcs, pixel, panels
        What `reduced_view` gives.
    """
    for column, (band, map_) in enumerate(standardised.items()):
        axes = figure.add_subplot(grid[-1, column], projection=wcs)
        data = interpolate(map_, wcs, panels[band].shape)
        picture = axes.imshow(
            data, origin="lower", cmap="RdBu_r", vmin=-MAX_SIGMA, vmax=MAX_SIGMA
        )
        axes.set_facecolor("0.8")
        axes.set_title(f"Residual {band} µm")
        for axis in axes.coords:
            axis.set_ticklabel_visible(False)
            axis.set_axislabel(" ")
        poor = table[np.asarray(table["POOR_FIT"], bool)]
        radius = SOURCE_RADIUS["field"]
        draw_sources(axes, poor, data.shape, pixel, radius, "black", dashed=False)
        bar = figure.colorbar(picture, ax=axes, location="right", extend="both")
        bar.set_label("residual / (noise and confusion)")


def reduced_view(image, wcs, maps):
    """Bring the whole field to at most 900 pixels a side.

    Parameters
    ----------
    image, wcs, maps
        See `write_quicklook`.

    Returns
    -------
    panels : dict of int to ndarray
        One image per band [mJy/beam], SPIRE first.
    wcs : astropy.wcs.WCS
    pixel : float
        Side of a pixel [arcsec].
    """
    step = min(int(np.ceil(max(image.shape) / WIDTH)), *image.shape)
    coarse = resampled(wcs, step)
    small = reduced(image, step)
    panels = {band: interpolate(maps[band], coarse, small.shape) for band in SPIRE}
    return {**panels, TARGET: small}, coarse, step * PIXEL


def reduced(image, step):
    """Average the observed pixels of squares, strip by strip; what is left is cut off.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Map; NaN where nothing was observed.
    step : int
        Side of the squares [pixel].

    Returns
    -------
    ndarray of float32, shape (ny // step, nx // step)
    """
    rows = (slice(y, y + step) for y in range(0, len(image) - step + 1, step))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.concatenate(
            [block_reduce(image[strip], step, np.nanmean) for strip in rows]
        )


def close_view(image, wcs, maps, table):
    """Cut out the surroundings of the brightest source that is not near the edge.

    Parameters
    ----------
    image, wcs, maps, table
        See `write_quicklook`.

    Returns
    -------
    panels, wcs, pixel
        See `reduced_view`.
    """
    ny, nx = image.shape
    inner = table[~np.asarray(table["NEAR_EDGE"], bool)]
    x, y = (inner[0]["X"], inner[0]["Y"]) if len(inner) else (nx / 2, ny / 2)
    side_x, side_y = min(CLOSE_UP, nx), min(CLOSE_UP, ny)
    x0 = int(np.clip(x - side_x // 2, 0, nx - side_x))
    y0 = int(np.clip(y - side_y // 2, 0, ny - side_y))
    cut = shift_wcs(wcs, x0, y0)
    panels = {band: interpolate(maps[band], cut, (side_y, side_x)) for band in SPIRE}
    panels[TARGET] = image[y0 : y0 + side_y][:, x0 : x0 + side_x]
    return panels, cut, PIXEL


def label_axes(axes, band, row, column):
    """Title the panel and label the outer axes only."""
    ra, dec = axes.coords
    name = "SuperSPIRE" if band == TARGET else BANDS[band].instrument
    axes.set_title(f"{name} {band} µm" if row == 0 else f"{band} µm, close-up")
    ra.set_axislabel("Right ascension (ICRS)")
    dec.set_axislabel("Declination (ICRS)" if column == 0 else " ")
    dec.set_ticklabel_visible(column == 0)
    ra.set_ticklabel(exclude_overlapping=True)
    ra.set_ticks(number=4)


def outline(axes, extended, shape):
    """Outline what point sources cannot explain.

    Parameters
    ----------
    axes : WCSAxes
        The panel.
    extended : superspire.io.Map
        Mask.
    shape : tuple of int
        Shape of the panel's image.
    """
    inside = on_grid(extended, axes.wcs, shape) > 0
    if inside.any():
        axes.contour(inside, levels=[0.5], colors="white", linewidths=0.8)


def draw_sources(axes, table, shape, pixel, radius, color="cyan", dashed=True):
    """Circle the brightest sources.

    Parameters
    ----------
    axes : WCSAxes
        The panel.
    table : astropy.table.Table
        The catalogue.
    shape : tuple of int
        Shape of the panel's image.
    pixel : float
        Side of a pixel [arcsec].
    radius : float
        Radius of the circles [arcsec].
    color : str
        Their colour.
    dashed : bool
        Whether doubtful sources are dashed.
    """
    x, y = (
        axes.wcs.all_world2pix(
            table["RA"].quantity.to_value(units.deg),
            table["DEC"].quantity.to_value(units.deg),
            0,
        )
        if len(table)
        else (np.empty(0), np.empty(0))
    )
    inside = (x > -0.5) & (x < shape[1] - 0.5) & (y > -0.5) & (y < shape[0] - 0.5)
    flagged = is_doubtful(table) & dashed
    for i in np.flatnonzero(inside)[:CIRCLES]:
        axes.add_patch(
            Circle(
                (x[i], y[i]),
                radius / pixel,
                fill=False,
                color=color,
                lw=0.7,
                ls="--" if flagged[i] else "-",
            )
        )
