"""Maps on the sky: stretch, beam, scale bar and colour bar of a panel."""

import numpy as np
from matplotlib.colors import AsinhNorm
from matplotlib.patches import Circle

from superspire.maps.background import background

CROWDED = 0.08
"""Minimum distance of the ticks of a colour bar, as a fraction of its length."""


def show_sky(figure, axes, data, norm, pixel, fwhm):
    """Draw a map on the sky with its beam, a scale bar and a colour bar below.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    axes : astropy.visualization.wcsaxes.WCSAxes
        The panel, with the projection of the map.
    data : ndarray, shape (ny, nx)
        The map [mJy/beam]; NaN where nothing was observed.
    norm : matplotlib.colors.AsinhNorm
        What `stretch` gives.
    pixel : float
        Side of a pixel [arcsec].
    fwhm : float
        Full width at half maximum of the beam [arcsec].
    """
    picture = axes.imshow(
        data, origin="lower", cmap="inferno", norm=norm, interpolation="nearest"
    )
    axes.set_facecolor("0.8")
    draw_scale(axes, data.shape, pixel, fwhm)
    bar = figure.colorbar(picture, ax=axes, orientation="horizontal", pad=0.02)
    bar.set_label("mJy/beam")
    label_bar(bar, norm)


def label_bar(bar, norm):
    """Write round values on a horizontal colour bar of an asinh stretch."""
    bar.set_ticks(round_ticks(norm), minor=False)
    bar.minorticks_off()
    bar.ax.xaxis.set_major_formatter("{x:g}")


def stretch(data, minimum=0.1):
    """Choose an asinh stretch: linear in the noise, up to the brightest pixel.

    Parameters
    ----------
    data : ndarray
        Map [mJy/beam]; NaN where nothing was observed.
    minimum : float
        Minimum width of the linear part [mJy/beam].

    Returns
    -------
    matplotlib.colors.AsinhNorm
    """
    median, rms = background(data)
    width = max(2.0 * rms, minimum)
    return AsinhNorm(
        linear_width=width,
        vmin=median - width,
        vmax=max(np.nanmax(data), median + 5 * width),
    )


def round_ticks(norm):
    """Choose round values whose positions on the colour bar do not crowd."""
    ticks = []
    for tick in (0, 1000, 300, 100, 30, 10, 3, 1, -10, -3, -1):
        inside = norm.vmin <= tick <= norm.vmax
        if inside and all(abs(norm(tick) - norm(t)) > CROWDED for t in ticks):
            ticks.append(tick)
    return sorted(ticks)


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
    position = (max(0.08 * nx, 1.3 * radius), max(0.08 * ny, 1.3 * radius))
    axes.add_patch(Circle(position, radius, fill=False, color="white", lw=1.2))
    lengths = np.array([10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200])
    length = lengths[np.argmin(np.abs(np.log(lengths / (0.25 * nx * pixel))))]
    end = 0.95 * nx
    start = end - length / pixel
    axes.plot([start, end], [0.05 * ny] * 2, color="white", lw=2, scalex=False)
    text = f"{length} arcsec" if length < 60 else f"{length // 60} arcmin"
    axes.text((start + end) / 2, 0.07 * ny, text, color="white", ha="center")
    axes.set_xlim(-0.5, nx - 0.5)
    axes.set_ylim(-0.5, ny - 0.5)
