"""The trained network on maps of the sky."""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from scipy.stats import gmean

from superspire.deblender.architecture import build_deblender, fold_batchnorm
from superspire.deblender.bright import (
    LEAST_DEPTH,
    LEAST_NOISE,
    WINDOW,
    divide,
    find_peaks,
    multiply,
    near,
    quieter,
    replace_near,
)
from superspire.deblender.calibration import apply_at
from superspire.deblender.catalogue import (
    StripLister,
    list_sources,
    super_resolved,
)
from superspire.deblender.inputs import (
    as_in_training,
    band_cells,
    band_pixels,
    first_extra,
    make_input,
    noise_by_band,
    spire_channels,
    takes_more,
)
from superspire.deblender.prediction import predict_strips
from superspire.errors import InputError
from superspire.io import Map, read_json
from superspire.maps.cells import CELL, on_cells
from superspire.maps.tiling import shift_wcs

UNREADABLE = (KeyError, ValueError, OSError, EOFError, BadZipFile)
"""What reading weights raises that are damaged or of another network."""

STRIP = 1024
"""Rows of pixels of 1 arcsec that are interpolated at a time."""


@dataclass(frozen=True)
class Deblender:
    """A trained network with all that belongs to it.

    Attributes
    ----------
    model : keras.Model
        From `superspire.deblender.architecture.build_deblender`.
    meta : dict
        What network.json holds.
    calibration : dict
        What `superspire.deblender.calibration.apply_at` takes, if it was measured.
    """

    model: object
    meta: dict
    calibration: dict = field(default_factory=dict)

    @property
    def bands(self):
        """Bands that it takes, see `superspire.deblender.inputs`."""
        return band_pixels(self.meta["architecture"]["bands"])


def load_deblender(path, calibration=None, folded=True):
    """Load a trained network.

    Parameters
    ----------
    path : str or path-like
        network.json; the weights lie beside it, in network.weights.h5 as trained or in
        network.npz, in half precision, as they are published.
    calibration : str or path-like, optional
        Its calibration.
    folded : bool
        Make it faster by `superspire.deblender.architecture.fold_batchnorm`; its
        weights are then not those of the files.

    Returns
    -------
    Deblender

    Raises
    ------
    InputError
        If a file is missing or does not fit.
    """
    path = Path(path)
    trained, published = path.with_suffix(".weights.h5"), path.with_suffix(".npz")
    weights = trained if trained.exists() else published
    for file in (path, weights):
        if not file.exists():
            raise InputError(f"{file}: no such file; a trained network is expected")
    try:
        meta = read_json(path)
        model = build_deblender(**meta["architecture"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: expected the record of a network") from error
    try:
        if weights == trained:
            model.load_weights(weights)
        else:
            read_half(model, weights)
    except UNREADABLE as error:
        raise InputError(
            f"{weights}: these are not the weights of the network in {path}"
        ) from error
    if folded:
        model = fold_batchnorm(model, **meta["architecture"])
    return Deblender(model, meta, read_json(calibration) if calibration else {})


def write_half(model, path):
    """Write the weights of a network in half precision, by their names.

    Parameters
    ----------
    model : keras.Model
    path : str or path-like
        File to write (.npz).
    """
    arrays = {v.path: np.asarray(v).astype(np.float16) for v in model.variables}
    np.savez_compressed(path, **arrays)


def read_half(model, path):
    """Give a network the weights that `write_half` wrote."""
    with np.load(path) as arrays:
        if set(arrays.files) != {variable.path for variable in model.variables}:
            raise ValueError("arrays of another network")
        for variable in model.variables:
            variable.assign(arrays[variable.path].astype(np.float32))


def read_inputs(maps, noise, wcs, shape, bands, rows=None):
    """Bring maps to the cells of a field, strip by strip, with their noise.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps by band [mJy/beam]; NaN where nothing was observed. A band that is
        not there was not observed anywhere.
    noise : dict of int to float or superspire.io.Map
        Noise of each band, see `superspire.deblender.inputs`, or a map of it.
    wcs : astropy.wcs.WCS
        Grid of pixels of 1 arcsec.
    shape : (int, int)
        Its shape (ny, nx) [pixel].
    bands : dict of int to int
        See `superspire.deblender.inputs`.
    rows : slice, optional
        Rows of cells that are wanted, by default all.

    Returns
    -------
    ndarray of float32, shape (rows, columns, channels)
        What the network takes, in as many cells of 4 arcsec as cover the grid; the
        noise of a band is zero where it was not observed.
    """
    number, columns = cell_shape(shape)
    begin, end, _ = (rows or slice(None)).indices(number)
    strips = []
    for first, last in pairwise([*range(begin, end, STRIP // CELL), end]):
        grid = shift_wcs(wcs, 0, CELL * first), (CELL * (last - first), CELL * columns)
        signal, level = [], []
        for band, pixels in bands.items():
            if band not in maps:
                cells = tuple(side // CELL for side in grid[1])
                signal.append(np.zeros((*cells, pixels**2), np.float32))
                level.append(np.zeros(cells, np.float32))
                continue
            image = band_cells(maps[band], *grid, pixels)
            observed = np.isfinite(image).all(axis=-1)
            signal.append(image)
            level.append(np.where(observed, noise_cells(noise[band], *grid), 0.0))
        signal, level = np.concatenate(signal, axis=-1), np.stack(level, axis=-1)
        strips.append(make_input(signal, level, bands))
    return np.concatenate(strips)


def noise_cells(noise, wcs, shape):
    """Bring noise, a number or a map [mJy/beam], to the cells of a grid."""
    if not isinstance(noise, Map):
        return noise
    level = on_cells(noise, wcs, shape)
    typical = np.nanmedian(np.where(noise.data > 0, noise.data, np.nan))
    return np.where(np.isfinite(level) & (level > 0), level, typical)


def cell_shape(shape):
    """Count the cells, up and right, that cover a grid of a shape [pixel]."""
    return tuple(-(-side // CELL) for side in shape)


def deblend(deblender, maps, wcs, shape, noise=None, show=None, make=np.empty):
    """Super-resolve a field of any size and list its sources.

    Parameters
    ----------
    deblender : Deblender
        With its calibration.
    maps, wcs, shape
        See `read_inputs`.
    noise : float or dict of int to float or superspire.io.Map, optional
        See `read_inputs`; a number is that of SPIRE. What is left out is as in the
        validation of the network.
    show : callable, optional
        Called with the number of tiles done and the number of all.
    make : callable
        Makes an array of a shape and type for each image, whose rows are then set strip
        by strip; `superspire.storage.Storage` for images that are too large for
        memory.

    Returns
    -------
    image, sigma : array of float32, shape (ny, nx)
        Super-resolved map and its standard error [mJy/beam]; NaN where not all bands
        of SPIRE were observed.
    covered : array of bool, shape (ny, nx)
        Where they were.
    sources : pandas.DataFrame
        What `superspire.deblender.calibration.apply_at` gives of the sources on covered
        sky; without a calibration what `list_sources` gives.
    """
    ny, nx = shape
    bands = deblender.bands
    noise = noise_by_band(noise, deblender.meta["training"])
    maps = {
        band: as_in_training(maps[band], band, pixels)
        for band, pixels in bands.items()
        if band in maps
    }
    level, depth = (np.zeros(cell_shape(shape), np.float32) for _ in range(2))
    image, sigma = (make(shape, np.float32) for _ in range(2))
    covered = make(shape, bool)

    def read(rows):
        inputs = read_inputs(maps, noise, wcs, shape, bands, rows)
        level[rows], depth[rows] = told_noise(inputs, bands)
        return inputs

    lister = StripLister(level.shape[1], beside=takes_more(bands))
    for first, outputs in predict_strips(deblender.model, read, level.shape, show):
        lister.add(outputs)
        brightness, error = super_resolved(outputs)
        rows = slice(CELL * first, min(CELL * (first + len(outputs)), ny))
        size = rows.stop - rows.start, nx
        observed = in_pixels(level[first : first + len(outputs)] > 0, size)
        covered[rows] = observed
        image[rows] = np.where(observed, brightness[: size[0], :nx], np.nan)
        sigma[rows] = np.where(observed, in_pixels(error, size), np.nan)
    found = lister.sources()
    x, y = found["x"].to_numpy(), found["y"].to_numpy()
    here, deep = (at_sources(found, each) for each in (level, depth))
    kept = (here > 0) & (x < nx - 0.5) & (y < ny - 0.5)
    found = found[kept].reset_index(drop=True)
    if deblender.calibration:
        found = apply_at(found, deblender.calibration, here[kept], deep[kept])
        found = found.reset_index(drop=True)
    peaks = find_peaks(maps, wcs)
    if peaks:
        again = deblend_bright(
            deblender, maps, noise, wcs, shape, peaks, (image, sigma)
        )
        for peak, sources in zip(peaks, again, strict=True):
            found = replace_near(found, peak, sources)
    return image, sigma, covered, found


def deblend_bright(deblender, maps, noise, wcs, shape, peaks, images):
    """List the sources within the beams of bright ones, and correct the images there.

    Parameters
    ----------
    deblender, maps, noise, wcs, shape
        See `deblend`.
    peaks : list of superspire.deblender.bright.Peak
        The bright sources, one or more.
    images : (array, array)
        Super-resolved map and its standard error, changed in place.

    Returns
    -------
    list of pandas.DataFrame
        See `deblend`, for each of the bright sources.
    """
    bands, side = deblender.bands, CELL * WINDOW
    corners = [window_corner(peak) for peak in peaks]
    inputs = np.stack(
        [
            read_inputs(maps, noise, shift_wcs(wcs, *corner), (side, side), bands)
            for corner in corners
        ]
    )
    factor = np.array([peak.factor for peak in peaks])
    answers = [
        deblender.model.predict_on_batch(divide(cells, bands, each)[None])[0]
        for cells, each in zip(inputs, factor, strict=True)
    ]
    listed = [list_sources(answer) for answer in answers]
    here, deep = (
        np.concatenate([at_sources(*pair) for pair in zip(listed, cells, strict=True)])
        for cells in told_noise(inputs, bands)
    )
    found = pd.concat(listed, keys=range(len(peaks)))[here > 0]
    here, deep = here[here > 0], deep[here > 0]
    factor = pd.Series(factor[found.index.get_level_values(0)], found.index)
    if deblender.calibration:
        told = pd.DataFrame({"noise": here, "depth": deep}, found.index)
        found = apply_at(
            found,
            deblender.calibration,
            quieter(here, factor, LEAST_NOISE),
            quieter(deep, factor, LEAST_DEPTH),
        )
        found = found.assign(**told.loc[found.index])
    found = multiply(found, factor.loc[found.index])
    tables = []
    for number, (peak, (x0, y0)) in enumerate(zip(peaks, corners, strict=True)):
        replace_image(images, answers[number], peak, (x0, y0))
        own = found[found.index.get_level_values(0) == number]
        own = own.assign(x=own["x"] + x0, y=own["y"] + y0)
        inside = own["x"].between(-0.5, shape[1] - 0.5, inclusive="left")
        inside &= own["y"].between(-0.5, shape[0] - 0.5, inclusive="left")
        tables.append(own[inside & near(own, peak)])
    return tables


def window_corner(peak):
    """Find the first pixel (x, y) of the window around a bright source."""
    x, y = (CELL * (int(position / CELL) - WINDOW // 2) for position in peak[:2])
    return x, y


def replace_image(images, answer, peak, corner):
    """Put the answer for a bright source into the images, within its beam.

    Parameters
    ----------
    images : (array, array)
        Super-resolved map and its standard error, changed in place.
    answer : ndarray, shape (WINDOW, WINDOW, OUTPUTS)
        Answer of the network for the divided maps.
    peak : superspire.deblender.bright.Peak
        The bright source.
    corner : (int, int)
        First pixel (x, y) of the window in the images.
    """
    (ny, nx), (x0, y0), side = images[0].shape, corner, CELL * WINDOW
    rows = slice(max(y0, 0), min(y0 + side, ny))
    columns = slice(max(x0, 0), min(x0 + side, nx))
    own = tuple(
        slice(part.start - first, part.stop - first)
        for part, first in ((rows, y0), (columns, x0))
    )
    y, x = np.ogrid[rows, columns]
    close = np.hypot(x - peak.x, y - peak.y) < peak.radius
    brightness, error = super_resolved(answer)
    for image, values in zip(
        images, (brightness, in_pixels(error, (side, side))), strict=True
    ):
        strip = np.array(image[rows])
        part = strip[:, columns]
        change = close & np.isfinite(part)
        strip[:, columns] = np.where(change, peak.factor * values[own], part)
        image[rows] = strip


def told_noise(inputs, bands):
    """Take the typical noise of SPIRE and the depth of the first other band."""
    told, extra = inputs[..., -len(bands) :], first_extra(bands)
    level = typical_noise(told[..., spire_channels(bands)])
    depth = (
        np.zeros_like(level) if extra is None else told[..., list(bands).index(extra)]
    )
    return level, depth


def at_sources(found, cells):
    """Take the values of cells at the positions of sources, zero outside of them."""
    centre = (CELL - 1) / 2
    x, y = ((found[name].to_numpy() - centre) / CELL for name in ("x", "y"))
    return at_positions(cells, x, y)


def typical_noise(noise):
    """Average the noise of bands geometrically; zero where one was not observed."""
    return gmean(noise, axis=-1)


def typical_depth(depths, bands):
    """Give the depth of a field in the first band other than SPIRE's.

    Parameters
    ----------
    depths : dict of int to float or superspire.io.Map
        Standard error of the flux of a point source by band [mJy].
    bands : dict of int to int
        Bands of the network.

    Returns
    -------
    float
        Median of a map; zero if the field or the network lacks the band.
    """
    depth = depths.get(first_extra(bands), 0.0)
    if isinstance(depth, Map):
        return float(np.nanmedian(np.where(depth.data > 0, depth.data, np.nan)))
    return float(depth)


def in_pixels(cells, shape):
    """Repeat the values of cells in all their pixels, (ny, nx) of them."""
    return np.repeat(np.repeat(cells, CELL, axis=0), CELL, axis=1)[
        : shape[0], : shape[1]
    ]


def at_positions(image, x, y):
    """Take the values of an image at positions [pixel], zero outside of it."""
    ny, nx = image.shape
    column, row = (np.round(np.asarray(a)).astype(int) for a in (x, y))
    inside = (column >= 0) & (column < nx) & (row >= 0) & (row < ny)
    result = np.zeros(len(column), image.dtype)
    result[inside] = image[row[inside], column[inside]]
    return result


def join_fields(tables):
    """Put the sources of several fields into one table; ``cutout`` is their number."""
    parts = [table.assign(cutout=number) for number, table in enumerate(tables)]
    return pd.concat(parts, ignore_index=True)
