"""The trained network on maps of the sky."""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from superspire.deblender.architecture import build_deblender, fold_batchnorm
from superspire.deblender.calibration import apply, at_noise
from superspire.deblender.catalogue import StripLister, super_resolved
from superspire.deblender.prediction import predict_strips
from superspire.errors import InputError
from superspire.instruments import BANDS, SPIRE
from superspire.io import read_json
from superspire.maps.cells import CELL, match_pixel_smoothing, on_cells
from superspire.maps.tiling import FILL_HALO, fill_gaps, shift_wcs

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
        What `superspire.deblender.calibration.at_noise` takes, if it was measured.
    """

    model: object
    meta: dict
    calibration: dict = field(default_factory=dict)


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


def cells_of(maps, wcs, shape, rows=None):
    """Bring maps to the cells of a field, strip by strip, and fill their gaps.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps by band [mJy/beam]; NaN where nothing was observed.
    wcs : astropy.wcs.WCS
        Grid of pixels of 1 arcsec.
    shape : (int, int)
        Its shape (ny, nx) [pixel].
    rows : slice, optional
        Rows of cells that are wanted, by default all.

    Returns
    -------
    cells : ndarray of float32, shape (rows, columns, 3)
        Finite [mJy/beam]; as many cells of 4 arcsec as cover the grid.
    covered : ndarray of bool, shape (rows, columns)
        Where all bands were observed.
    """
    number, columns = cell_shape(shape)
    begin, end, _ = (rows or slice(None)).indices(number)
    cells = np.empty((end - begin, columns, len(SPIRE)), np.float32)
    covered = np.ones((end - begin, columns), bool)
    halo = -(-FILL_HALO // CELL)
    for first, last in pairwise([*range(begin, end, STRIP // CELL), end]):
        low, high = max(first - halo, 0), min(last + halo, number)
        strip_wcs = shift_wcs(wcs, 0, CELL * low)
        size = (CELL * (high - low), CELL * columns)
        own, inside = (
            slice(first - low, last - low),
            slice(first - begin, last - begin),
        )
        for channel, band in enumerate(SPIRE):
            image = on_cells(maps[band], strip_wcs, size)
            observed = np.isfinite(image)
            covered[inside] &= observed[own]
            if not observed.all():
                image = fill_gaps(image, CELL)
            cells[inside, :, channel] = image[own]
    return cells, covered


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
        See `cells_of`.
    noise : float, optional
        White noise of the maps per pixel of Table 1 [mJy/beam], by default that of the
        training.
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
        were observed.
    covered : array of bool, shape (ny, nx)
        Where they were.
    sources : pandas.DataFrame
        What `superspire.deblender.calibration.apply` gives of the sources on covered
        sky that are probable enough; without a calibration what `list_sources` gives.
    """
    ny, nx = shape
    maps = {
        band: match_pixel_smoothing(maps[band], BANDS[band].pixel) for band in SPIRE
    }
    seen = np.zeros(cell_shape(shape), bool)
    image, sigma = (make(shape, np.float32) for _ in range(2))
    covered = make(shape, bool)

    def read(rows):
        cells, seen[rows] = cells_of(maps, wcs, shape, rows)
        return cells

    lister = StripLister(seen.shape[1])
    for first, outputs in predict_strips(deblender.model, read, seen.shape, show):
        lister.add(outputs)
        brightness, error = super_resolved(outputs)
        rows = slice(CELL * first, min(CELL * (first + len(outputs)), ny))
        size = rows.stop - rows.start, nx
        observed = in_pixels(seen[first : first + len(outputs)], size)
        covered[rows] = observed
        image[rows] = np.where(observed, brightness[: size[0], :nx], np.nan)
        sigma[rows] = np.where(observed, in_pixels(error, size), np.nan)
    found = lister.sources()
    if deblender.calibration:
        level = at_noise(deblender.calibration, noise)
        found = apply(found[found["score"] >= level["min_score"]], level)
    x, y = found["x"].to_numpy(), found["y"].to_numpy()
    centre = (CELL - 1) / 2
    kept = on_true(seen, (x - centre) / CELL, (y - centre) / CELL)
    kept &= (x < nx - 0.5) & (y < ny - 0.5)
    return image, sigma, covered, found[kept].reset_index(drop=True)


def in_pixels(cells, shape):
    """Repeat the values of cells in all their pixels, (ny, nx) of them."""
    return np.repeat(np.repeat(cells, CELL, axis=0), CELL, axis=1)[
        : shape[0], : shape[1]
    ]


def on_true(mask, x, y):
    """Find which positions [pixel] lie on true pixels of a mask."""
    ny, nx = mask.shape
    column, row = (np.round(np.asarray(a)).astype(int) for a in (x, y))
    inside = (column >= 0) & (column < nx) & (row >= 0) & (row < ny)
    result = np.zeros(len(column), bool)
    result[inside] = mask[row[inside], column[inside]]
    return result


def join_fields(tables):
    """Put the sources of several fields into one table; ``cutout`` is their number."""
    parts = [table.assign(cutout=number) for number, table in enumerate(tables)]
    return pd.concat(parts, ignore_index=True)
