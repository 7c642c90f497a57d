"""One picture of a field: the three SPIRE bands beside the super-resolved map."""

import warnings

import numpy as np
from astropy import units
from astropy.nddata import block_reduce
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import AsinhNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from superspire.dataset.interpolation import interpolate
from superspire.evaluation.sources import background
from superspire.fields.tiling import shift_wcs
from superspire.instruments import BANDS, PIXEL, SPIRE, TARGET

WIDTH = 900
"""Most pixels along a side of a panel of the whole field."""

CLOSE_UP = 212
"""Side of the close-up [arcsec], half a tile."""

CIRCLES = 300
"""Most sources that are drawn in a panel."""

SOURCE_RADIUS = {"field": 10.0, "close-up": 5.0}
"""Radius of the circles [arcsec]."""

CROWDED = 0.08
"""Least distance of the ticks of a colour bar, as a share of its length."""

DPI = 150


def write_quicklook(path, image, wcs, maps, table, title):
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
    """
    figure = Figure(figsize=(17, 9.5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    views = {
        "field": reduced_view(image, wcs, maps),
        "close-up": close_view(image, wcs, maps, table),
    }
    norms = {band: stretch(data) for band, data in views["field"][0].items()}
    for row, (name, (panels, view_wcs, pixel)) in enumerate(views.items()):
        for column, (band, data) in enumerate(panels.items()):
            axes = figure.add_subplot(2, 4, 4 * row + column + 1, projection=view_wcs)
            picture = axes.imshow(
                data, origin="lower", cmap="inferno", norm=norms[band]
            )
            axes.set_facecolor("0.8")
            draw_scale(axes, data.shape, pixel, BANDS[band].fwhm)
            label_axes(axes, band, row, column)
            bar = figure.colorbar(picture, ax=axes, orientation="horizontal", pad=0.02)
            bar.set_label("mJy/beam")
            bar.set_ticks(round_ticks(norms[band]), minor=False)
            bar.minorticks_off()
            bar.ax.xaxis.set_major_formatter("{x:g}")
            if band == TARGET:
                draw_sources(axes, table, data.shape, pixel, SOURCE_RADIUS[name])
    figure.savefig(path, dpi=DPI)


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
    step = int(np.ceil(max(image.shape) / WIDTH))
    coarse = wcs.deepcopy()
    coarse.wcs.cdelt = wcs.wcs.cdelt * step
    coarse.wcs.crpix = (wcs.wcs.crpix - 0.5) / step + 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        small = block_reduce(image, step, np.nanmean) if step > 1 else image
    panels = {band: interpolate(maps[band], coarse, small.shape) for band in SPIRE}
    return {**panels, TARGET: small}, coarse, step * PIXEL


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
    panels[TARGET] = image[y0 : y0 + side_y, x0 : x0 + side_x]
    return panels, cut, PIXEL


def stretch(data):
    """Choose an asinh stretch: linear in the noise, up to the brightest pixel."""
    median, rms = background(data)
    width = max(2.0 * rms, 0.1)
    return AsinhNorm(
        linear_width=width,
        vmin=median - width,
        vmax=max(np.nanmax(data), median + 5 * width),
    )


def round_ticks(norm):
    """Choose round values whose places on the colour bar do not crowd."""
    ticks = []
    for tick in (0, 1000, 300, 100, 30, 10, 3, 1, -10, -3, -1):
        inside = norm.vmin <= tick <= norm.vmax
        if inside and all(abs(norm(tick) - norm(t)) > CROWDED for t in ticks):
            ticks.append(tick)
    return sorted(ticks)


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


def draw_scale(axes, shape, pixel, fwhm):
    """Draw the beam and a bar of a round length near the lower edge.

    Parameters
    ----------
    axes : WCSAxes
        The panel.
    shape : tuple of int
        Shape of its image.
    pixel : float
        Side of a pixel [arcsec].
    fwhm : float
        Full width at half maximum of the beam [arcsec].
    """
    ny, nx = shape
    radius = 0.5 * fwhm / pixel
    place = (max(0.08 * nx, 1.3 * radius), max(0.08 * ny, 1.3 * radius))
    axes.add_patch(Circle(place, radius, fill=False, color="white", lw=1.2))
    lengths = np.array([10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200])
    length = lengths[np.argmin(np.abs(np.log(lengths / (0.25 * nx * pixel))))]
    end = 0.95 * nx
    start = end - length / pixel
    axes.plot([start, end], [0.05 * ny] * 2, color="white", lw=2, scalex=False)
    text = f"{length} arcsec" if length < 60 else f"{length // 60} arcmin"
    axes.text((start + end) / 2, 0.07 * ny, text, color="white", ha="center")
    axes.set_xlim(-0.5, nx - 0.5)
    axes.set_ylim(-0.5, ny - 0.5)


def draw_sources(axes, table, shape, pixel, radius):
    """Circle the brightest sources; those with a flag are dashed.

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
    flagged = np.asarray(table["NEAR_EDGE"]) | np.asarray(table["SATURATED"])
    for i in np.flatnonzero(inside)[:CIRCLES]:
        axes.add_patch(
            Circle(
                (x[i], y[i]),
                radius / pixel,
                fill=False,
                color="cyan",
                lw=0.7,
                ls="--" if flagged[i] else "-",
            )
        )
