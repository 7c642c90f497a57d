"""The figures of the conference poster that the paper has not: maps, and stacks."""

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.nddata import Cutout2D

from superspire.figures.sky import show_sky, stretch
from superspire.figures.style import (
    COLUMN,
    PAGE,
    colour_bar,
    mark_on_sky,
    plt,
    show_map,
)
from superspire.instruments import BANDS, SPIRE, TARGET
from superspire.maps.positions import pixel_size

SIDE = 600.0
"""Side of the sky that is shown [arcsec]."""

MARKED = 10.0
"""Radius of the circles around sources, the paper's apertures [arcsec]."""


def middle_of(map_):
    """Find the position at the centre of what a map observed.

    Parameters
    ----------
    map_ : superspire.io.Map
        A map; NaN where nothing was observed.

    Returns
    -------
    astropy.coordinates.SkyCoord
    """
    y, x = (axis.mean() for axis in np.nonzero(np.isfinite(map_.data)))
    return SkyCoord(map_.wcs.pixel_to_world(x, y))


def cut(map_, centre, side=SIDE):
    """Cut a square of sky out of a map, in its own pixels.

    Parameters
    ----------
    map_ : superspire.io.Map
        The map [mJy/beam].
    centre : astropy.coordinates.SkyCoord
        Centre of the square.
    side : float
        Its side [arcsec].

    Returns
    -------
    image : ndarray
        NaN outside the map [mJy/beam].
    wcs : astropy.wcs.WCS
        Of the image.
    pixel : float
        Side of its pixels [arcsec].
    """
    size = (side * units.arcsec,) * 2
    piece = Cutout2D(map_.data, centre, size, map_.wcs, mode="partial")
    return piece.data, piece.wcs, pixel_size(map_)


def draw_bands(maps, bands, centre, mocked, sources=None):
    """Draw maps side by side on the sky, sources circled.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps [mJy/beam].
    bands : sequence of int
        Which of them.
    centre : astropy.coordinates.SkyCoord
        Centre of the panels.
    mocked : bool
        Whether the field is a mock, as the titles then say.
    sources : astropy.coordinates.SkyCoord, optional
        Positions.

    Returns
    -------
    matplotlib.figure.Figure
    """
    number = len(bands)
    figure = plt.figure(figsize=(PAGE, 3.3) if number > 1 else (COLUMN, 3.9))
    for column, band in enumerate(bands):
        image, wcs, pixel = cut(maps[band], centre)
        axes = figure.add_subplot(1, number, column + 1, projection=wcs)
        show_sky(figure, axes, image, stretch(image), pixel, BANDS[band].fwhm)
        axes.set_title(band_title(band, mocked))
        ra, dec = axes.coords
        ra.set_axislabel("Right ascension")
        dec.set_axislabel("Declination" if column == 0 else " ")
        dec.set_ticklabel_visible(column == 0)
        ra.set_ticks(number=3)
        if sources is not None:
            mark_on_sky(axes, sources, MARKED)
    return figure


def band_title(band, mocked):
    """Name the map of a band; a mock is called a mock."""
    return f"{'Mock ' if mocked else ''}{BANDS[band].instrument} {band} µm"


def draw_inputs(maps, centre, mocked):
    """Draw the three SPIRE maps; see `draw_bands`."""
    return draw_bands(maps, SPIRE, centre, mocked)


def draw_target(maps, centre, mocked):
    """Draw the 450 µm map; see `draw_bands`."""
    return draw_bands(maps, (TARGET,), centre, mocked)


def draw_sources(maps, centre, mocked, sources):
    """Draw 450 µm sources on the 500 µm map; see `draw_bands`."""
    figure = draw_bands(maps, (500,), centre, mocked, sources)
    (axes,) = (panel for panel in figure.axes if hasattr(panel, "coords"))
    where = band_title(500, mocked).replace("Mock", "mock")
    axes.set_title(f"450 µm sources on {where}")
    return figure


def draw_stack(image, record, sky, title):
    """Draw the two-dimensional mean of the surroundings of sources.

    Parameters
    ----------
    image : ndarray, shape (n, n)
        The mean [mJy/beam].
    record : dict
        What `superspire.evaluation.stacking.combine_groups` gives: ``fwhm``, its
        error ``fwhm_error`` [arcsec] and ``n``.
    sky : str
        Name of the sky.
    title : str
        What was stacked.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plt.subplots(figsize=(COLUMN, 3.0))
    shown = show_map(axes, image, BANDS[TARGET].fwhm, cmap="inferno")
    levels = np.array([0.1, 0.25, 0.5, 0.75]) * np.nanmax(image)
    size = image.shape[0]
    grid = (size - 1) / 2 - np.arange(size)
    axes.contour(grid, -grid, image, levels, colors="white", linewidths=0.5)
    colour_bar(figure, axes, shown, side="right")
    width = "no fit"
    if record["fwhm"] is not None:
        width = f"FWHM {record['fwhm']:.2f} ± {record['fwhm_error']:.2f}″"
    axes.set_title(f"{title}, {sky.lower()}\n{width}, n = {record['n']}")
    axes.set_xlabel("RA offset [arcsec]")
    axes.set_ylabel("Dec offset [arcsec]")
    return figure
