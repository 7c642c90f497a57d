"""Super-resolve a field of any size: the output grid, tiles, and their blending."""

from itertools import product
from typing import NamedTuple

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from scipy.ndimage import binary_erosion, gaussian_filter
from tqdm import tqdm

from superspire.errors import InputError
from superspire.instruments import BANDS, CUTOUT, PIXEL, SPIRE
from superspire.maps.interpolation import interpolate
from superspire.maps.positions import convert

OVERLAP = 128
"""Minimum overlap of neighbouring tiles [pixel]."""

MARGIN = 24
"""Border of a tile whose output is not used where another tile is [pixel]."""

FILL_SIGMA = 15.0
"""Standard deviation of the Gaussian that fills gaps of the inputs [arcsec]."""

FILL_HALO = 45
"""Reach of that Gaussian, three standard deviations [arcsec]."""

FILL_FLOOR = 1e-3
"""Fraction of observed pixels below which a gap is filled with the mean sky, zero."""

EDGE_ROWS = 1024
"""Rows of a field in which the edge is looked for at a time [pixel]."""

COARSE_STEP = 6
"""Step of the first look at the common coverage [pixel]."""


def common_grid(maps, names):
    """Lay out the 1 arcsec TAN grid of the sky that all bands cover, north up.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        One map per band.
    names : dict of int to str
        Their names for messages.

    Returns
    -------
    wcs : astropy.wcs.WCS
        ICRS, tangent at the centre of the coverage of the first band.
    shape : tuple of int
        (ny, nx).

    Raises
    ------
    InputError
        If no sky is covered by all bands.
    """
    edges = {band: coverage_outline(map_) for band, map_ in maps.items()}
    wcs = tangent_wcs(centre(next(iter(edges.values()))))
    boxes = [
        [axis_range(axis) for axis in wcs.world_to_pixel(e)] for e in edges.values()
    ]
    low = np.ceil(np.max([[x[0], y[0]] for x, y in boxes], axis=0))
    high = np.floor(np.min([[x[1], y[1]] for x, y in boxes], axis=0))
    if np.all(high - low >= 1):
        wcs, shape = cut_grid(wcs, *low.astype(int), *high.astype(int))
        box = covered_box(maps, wcs, shape)
        if box is not None:
            return cut_grid(wcs, *box)
    centres = {band: centre(edge) for band, edge in edges.items()}
    where = ", ".join(
        f"{names[band]} ({band} µm) around RA {middle.ra.deg:.4f} "
        f"Dec {middle.dec.deg:+.4f}"
        for band, middle in centres.items()
    )
    raise InputError(
        f"{where}: expected maps that share observed sky in every band, found none"
    )


def coverage_outline(map_):
    """Find the sky positions of the observed pixels that border on unobserved ones."""
    observed = np.isfinite(map_.data)
    y, x = np.nonzero(observed & ~binary_erosion(observed))
    sky = SkyCoord(map_.wcs.pixel_to_world(x, y)).icrs
    return sky[np.isfinite(sky.ra)]


def centre(points):
    """Find the centre of sky positions (the direction of their mean vector)."""
    mean = points.cartesian.mean()
    middle = SkyCoord(mean, frame="icrs")
    return SkyCoord(middle.spherical.lon, middle.spherical.lat, frame="icrs")


def tangent_wcs(point):
    """Make an ICRS TAN projection of 1 arcsec pixels around a point, north up."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.crval = [point.ra.deg, point.dec.deg]
    wcs.wcs.cdelt = [-PIXEL / 3600.0, PIXEL / 3600.0]
    wcs.wcs.crpix = [1.0, 1.0]
    wcs.wcs.radesys = "ICRS"
    return wcs


def axis_range(values):
    """Give the extremes of finite values; an empty range if there are none."""
    values = values[np.isfinite(values)]
    return (values.min(), values.max()) if len(values) else (np.inf, -np.inf)


def shift_wcs(wcs, x0, y0):
    """Copy a WCS with the pixel (`x0`, `y0`) as its new origin."""
    shifted = wcs.deepcopy()
    shifted.wcs.crpix = wcs.wcs.crpix - [x0, y0]
    return shifted


def cut_grid(wcs, x0, y0, x1, y1):
    """Cut the grid to the pixels `x0` to `x1` and `y0` to `y1`, both included."""
    return shift_wcs(wcs, x0, y0), (int(y1 - y0 + 1), int(x1 - x0 + 1))


def covered_box(maps, wcs, shape):
    """Bound the common coverage of all bands, seen every 6 arcsec.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        One map per band.
    wcs : astropy.wcs.WCS
        The output grid.
    shape : tuple of int
        Its shape.

    Returns
    -------
    tuple of int or None
        x0, y0, x1, y1, both ends included; None if nothing is covered.
    """
    y, x = np.meshgrid(*(np.arange(0, n, COARSE_STEP) for n in shape), indexing="ij")
    common = np.ones(x.shape, bool)
    for map_ in maps.values():
        columns, rows = convert(map_.wcs, wcs, x, y)
        common &= observed_at(map_.data, columns, rows)
    if not common.any():
        return None
    x, y = x[common], y[common]
    return (
        max(x.min() - COARSE_STEP, 0),
        max(y.min() - COARSE_STEP, 0),
        min(x.max() + COARSE_STEP, shape[1] - 1),
        min(y.max() + COARSE_STEP, shape[0] - 1),
    )


def observed_at(data, x, y):
    """Decide whether the pixels nearest to some positions were observed."""
    ny, nx = data.shape
    inside = (x > -0.5) & (x < nx - 0.5) & (y > -0.5) & (y < ny - 0.5)
    columns = np.round(np.where(inside, x, 0)).astype(int)
    rows = np.round(np.where(inside, y, 0)).astype(int)
    return inside & np.isfinite(data[rows, columns])


class Tiling(NamedTuple):
    """How a field is cut into tiles.

    Attributes
    ----------
    side : int
        Side of the tiles [pixel].
    overlap : int
        Minimum overlap of neighbouring tiles [pixel].
    margin : int
        Border of a tile whose output is not used where another tile is [pixel].
    multiple : int
        What the first pixel of every tile is a multiple of.
    """

    side: int = CUTOUT
    overlap: int = OVERLAP
    margin: int = MARGIN
    multiple: int = 1


def tile_starts(size, tiling=None):
    """Place tiles along one axis.

    Neighbours overlap as much as `tiling` wants or more; the first and the last tile
    reach a margin beyond the field, so that its border is not at a tile's border.

    Parameters
    ----------
    size : int
        Length of the field [pixel].
    tiling : Tiling, optional
        By default that of the cutouts.

    Returns
    -------
    ndarray of int
        First pixel of each tile, perhaps negative.
    """
    side, shared, margin, multiple = tiling or Tiling()
    length = size + 2 * margin
    if length <= side:
        return np.array([-((side - size) // 2 // multiple * multiple)])
    count = int(np.ceil((length - shared) / (side - shared)))
    starts = np.linspace(-margin, size + margin - side, count)
    return np.round(starts / multiple).astype(int) * multiple


def tile_weights(size, tiling=None):
    """Compute the weights of the tiles along one axis.

    Each is flat with cosine flanks towards its neighbours; their sum is one at
    every pixel of the field. The weights of tiles on the plane are products.

    Parameters
    ----------
    size : int
        Length of the field [pixel].
    tiling : Tiling, optional
        By default that of the cutouts.

    Returns
    -------
    starts : ndarray of int, shape (n,)
        First pixel of each tile.
    weights : ndarray of float32, shape (n, side)
        Zero outside the field.
    """
    side, shared, margin, _ = tiling or Tiling()
    starts = tile_starts(size, tiling)
    inner = np.arange(side) + 0.5
    rise = np.sin(0.5 * np.pi * np.clip((inner - margin) / (shared - 2 * margin), 0, 1))
    total = np.zeros(size)
    weights = np.ones((len(starts), side))
    weights[1:] *= rise**2
    weights[:-1] *= rise[::-1] ** 2
    for start, weight in zip(starts, weights, strict=True):
        position, part = overlap(start, size, side)
        weight[: part.start] = weight[part.stop :] = 0.0
        total[position] += weight[part]
    for start, weight in zip(starts, weights, strict=True):
        position, part = overlap(start, size, side)
        weight[part] /= total[position]
    return starts, weights.astype(np.float32)


def overlap(start, size, side=CUTOUT):
    """Find the slices of a field and of a tile that are the same pixels."""
    first, last = max(start, 0), min(start + side, size)
    return slice(first, last), slice(first - start, last - start)


def fill_gaps(image, pixel=PIXEL):
    """Fill unobserved pixels with the Gaussian-weighted mean of observed ones.

    Far from all observed pixels the fill goes to zero, the mean of the sky.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Map; NaN where nothing was observed.
    pixel : float
        Side of its pixels [arcsec].

    Returns
    -------
    ndarray of float32, shape (ny, nx)
        Without NaN; observed pixels are unchanged.
    """
    observed = np.isfinite(image)
    if observed.all():
        return image.astype(np.float32)
    reach = int(np.ceil(FILL_HALO / pixel))
    settings = {"sigma": FILL_SIGMA / pixel, "mode": "constant", "radius": reach}
    fraction = gaussian_filter(observed.astype(np.float32), **settings)
    mean = gaussian_filter(np.where(observed, image, 0).astype(np.float32), **settings)
    return np.where(observed, image, mean / (fraction + FILL_FLOOR)).astype(np.float32)


def tile_inputs(maps, wcs, x0, y0):
    """Interpolate all bands to one tile and fill their gaps.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        One map per band [mJy/beam].
    wcs : astropy.wcs.WCS
        The grid of the field.
    x0, y0 : int
        First pixel of the tile.

    Returns
    -------
    inputs : ndarray of float32, shape (424, 424, 3)
        Without NaN where anything is covered [mJy/beam].
    covered : ndarray of bool, shape (424, 424)
        Where all bands were observed.
    """
    tile_wcs = shift_wcs(wcs, x0, y0)
    inputs = np.stack(
        [interpolate(maps[band], tile_wcs, (CUTOUT, CUTOUT)) for band in SPIRE], axis=-1
    )
    observed = np.isfinite(inputs)
    covered = observed.all(axis=-1)
    if not covered.any():
        return inputs, covered
    wide = shift_wcs(wcs, x0 - FILL_HALO, y0 - FILL_HALO)
    side = CUTOUT + 2 * FILL_HALO
    core = slice(FILL_HALO, FILL_HALO + CUTOUT)
    for channel, band in enumerate(SPIRE):
        if not observed[..., channel].all():
            image = fill_gaps(interpolate(maps[band], wide, (side, side)))
            inputs[..., channel] = image[core, core]
    return inputs, covered


def super_resolve_field(predict, maps, wcs, shape, *, batch=4, out=None, terminal=None):
    """Super-resolve a field of any size tile by tile.

    Only one batch of tiles is in memory beside the output.

    Parameters
    ----------
    predict : callable
        Maps (n, 424, 424, 3) [mJy/beam] to (n, 424, 424) [mJy/beam].
    maps : dict of int to superspire.io.Map
        The maps at 250, 350 and 500 µm [mJy/beam].
    wcs : astropy.wcs.WCS
        The output grid, from `common_grid`.
    shape : tuple of int
        Its shape (ny, nx).
    batch : int
        Tiles per call of `predict`.
    out : ndarray of float32, shape (ny, nx), optional
        Array for the output, for instance a memory map.
    terminal : file, optional
        Where progress is shown.

    Returns
    -------
    image : ndarray of float32, shape (ny, nx)
        The super-resolved map [mJy/beam]; NaN outside the common coverage.
    covered : ndarray of bool, shape (ny, nx)
        Where all bands were observed.
    """
    image = np.empty(shape, np.float32) if out is None else out
    image[:] = 0.0
    covered = np.zeros(shape, bool)
    rows, columns = tile_weights(shape[0]), tile_weights(shape[1])
    tiles = list(product(zip(*rows, strict=True), zip(*columns, strict=True)))
    with tqdm(
        total=len(tiles),
        desc="Super-resolving",
        unit="tile",
        file=terminal,
        disable=terminal is None,
    ) as progress:
        for first in range(0, len(tiles), batch):
            group = tiles[first : first + batch]
            blend_tiles(predict, maps, wcs, group, image, covered)
            progress.update(len(group))
    image[~covered] = np.nan
    return image, covered


def blend_tiles(predict, maps, wcs, tiles, image, covered):
    """Super-resolve some tiles and add them to the field.

    Parameters
    ----------
    predict, maps, wcs
        See `super_resolve_field`.
    tiles : list of ((int, ndarray), (int, ndarray))
        First pixel and weights of each tile along y and x.
    image, covered : ndarray, shape (ny, nx)
        The field, changed in place.
    """
    stack, places = [], []
    for (y0, weight_y), (x0, weight_x) in tiles:
        inputs, observed = tile_inputs(maps, wcs, x0, y0)
        rows, tile_rows = overlap(y0, image.shape[0])
        columns, tile_columns = overlap(x0, image.shape[1])
        part = (tile_rows, tile_columns)
        if not observed[part].any():
            continue
        covered[rows, columns] |= observed[part]
        stack.append(inputs)
        places.append(((rows, columns), part, np.outer(weight_y, weight_x)))
    if not stack:
        return
    for output, (position, part, weight) in zip(
        predict(np.stack(stack)), places, strict=True
    ):
        image[position] += output[part] * weight[part]


def near_edge(covered, x, y):
    """Find which sources lie within half a 500 µm beam of unobserved sky.

    Parameters
    ----------
    covered : array of bool, shape (ny, nx)
        Where all bands were observed.
    x, y : array_like, shape (n,)
        Positions [pixel].

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    radius = 0.5 * BANDS[500].fwhm / PIXEL
    reach = int(np.ceil(radius))
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.hypot(dx, dy) <= radius
    row, column = (np.round(np.asarray(axis, float)).astype(int) for axis in (y, x))
    near = np.ones(len(row), bool)
    for first in range(0, covered.shape[0], EDGE_ROWS):
        own = np.flatnonzero((row >= first) & (row < first + EDGE_ROWS))
        low = max(first - reach, 0)
        part = covered[low : first + EDGE_ROWS + reach]
        below = max(first + EDGE_ROWS + reach - covered.shape[0], 0)
        padded = np.pad(part, ((low - first + reach, below), (reach, reach)))
        rows = row[own, None] - first + dy[disc] + reach
        near[own] = ~padded[rows, column[own, None] + dx[disc] + reach].all(axis=1)
    return near
