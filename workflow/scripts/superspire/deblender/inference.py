"""The trained network on maps of the sky."""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from superspire.deblender.architecture import build_deblender
from superspire.deblender.calibration import apply, at_noise
from superspire.deblender.catalogue import list_sources, super_resolved
from superspire.deblender.grid import CELL, on_cells
from superspire.deblender.prediction import answer
from superspire.errors import InputError
from superspire.fields.tiling import FILL_HALO, fill_gaps, shift_wcs
from superspire.instruments import SPIRE
from superspire.io import read_json

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


def load_deblender(path, calibration=None):
    """Load a trained network.

    Parameters
    ----------
    path : str or path-like
        network.json; the weights lie beside it, in network.weights.h5 as trained or in
        network.npz, in half precision, as they are published.
    calibration : str or path-like, optional
        Its calibration.

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


def cells_of(maps, wcs, shape):
    """Bring maps to the cells of a field, strip by strip, and fill their gaps.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps by band [mJy/beam]; NaN where nothing was observed.
    wcs : astropy.wcs.WCS
        Grid of pixels of 1 arcsec.
    shape : (int, int)
        Its shape (ny, nx) [pixel].

    Returns
    -------
    cells : ndarray of float32, shape (rows, columns, 3)
        Finite [mJy/beam]; as many cells of 4 arcsec as cover the grid.
    covered : ndarray of bool, shape (rows, columns)
        Where all bands were observed.
    """
    rows, columns = (-(-side // CELL) for side in shape)
    cells = np.empty((rows, columns, len(SPIRE)), np.float32)
    covered = np.ones((rows, columns), bool)
    halo = -(-FILL_HALO // CELL)
    edges = [*range(0, rows, STRIP // CELL), rows]
    for first, last in pairwise(edges):
        low, high = max(first - halo, 0), min(last + halo, rows)
        strip_wcs = shift_wcs(wcs, 0, CELL * low)
        size = (CELL * (high - low), CELL * columns)
        own = slice(first - low, last - low)
        for channel, band in enumerate(SPIRE):
            image = on_cells(maps[band], strip_wcs, size)
            observed = np.isfinite(image)
            covered[first:last] &= observed[own]
            if not observed.all():
                image = fill_gaps(image, CELL)
            cells[first:last, :, channel] = image[own]
    return cells, covered


def resolve(deblender, maps, wcs, shape, noise=None, show=None):
    """Super-resolve a field and list its sources.

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

    Returns
    -------
    image, sigma : ndarray of float32, shape (ny, nx)
        Super-resolved map and its standard error [mJy/beam]; NaN where not all bands
        were observed.
    covered : ndarray of bool, shape (ny, nx)
        Where they were.
    sources : pandas.DataFrame
        What `superspire.deblender.calibration.apply` gives of the sources on covered
        sky that are more probably real than not; without a calibration what
        `list_sources` gives.
    """
    cells, seen = cells_of(maps, wcs, shape)
    outputs = answer(deblender.model, cells, show)
    image, sigma = super_resolved(outputs)
    ny, nx = shape
    covered, sigma = (
        np.repeat(np.repeat(a, CELL, axis=0), CELL, axis=1)[:ny, :nx]
        for a in (seen, sigma)
    )
    image = np.where(covered, image[:ny, :nx], np.nan).astype(np.float32)
    sigma = np.where(covered, sigma, np.nan).astype(np.float32)
    found = list_sources(outputs)
    if deblender.calibration:
        level = at_noise(deblender.calibration, noise)
        found = apply(found[found["heat"] >= level["least_heat"]], level)
    kept = on_true(covered, found["x"], found["y"])
    return image, sigma, covered, found[kept].reset_index(drop=True)


def on_true(mask, x, y):
    """Tell which places [pixel] lie on true pixels of a mask."""
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
