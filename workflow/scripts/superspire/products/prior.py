"""A list of known sources, rendered as the 24 µm map that shows them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.spatial import KDTree

from superspire.errors import InputError
from superspire.instruments import BANDS, PIXEL, PRIOR_BAND
from superspire.io import Map
from superspire.maps.background import background
from superspire.maps.interpolation import pixel_positions
from superspire.maps.positions import pixel_size, pixels_of, resampled
from superspire.maps.tiling import fill_gaps, observed_at, shift_wcs
from superspire.products.reference import NAMES, read_values
from superspire.products.residuals import render_sources
from superspire.sky.beams import beam_of
from superspire.sky.source_files import open_columns

USUAL = NAMES | {
    "flux": ("s24", "s_24", "flux_24", "f24", "f_24", "s24_deb", "flux24", "mips24")
}
"""Usual names of the columns, in any case; a plain flux may be of any wavelength."""

EQUAL_FLUX = 0.1
"""Flux of the sources of a list without fluxes [mJy]."""

DETECTION = 5.0
"""Signal-to-noise ratio of the faintest sources of a list."""

FAINT_QUANTILE = 0.05
"""Fraction of a list that may be fainter than its depth says."""

REACH = 180.0
"""Distance from the nearest source up to which sky counts as observed [arcsec]."""

BORDER = 30
"""What is rendered around the field [pixel of 1 arcsec]."""

BLOCK = 10
"""Side of the blocks in which that distance is measured [pixel]."""


@dataclass(frozen=True)
class Prior:
    """A list of known sources.

    Attributes
    ----------
    name : str
        Its file.
    ra, dec : ndarray, shape (n,)
        Positions (ICRS) [deg].
    flux : ndarray, shape (n,)
        Flux densities at 24 µm [mJy].
    depth : float
        Standard error of the flux of a point source in the map that the list was made
        from [mJy].
    has_fluxes : bool
        Whether the fluxes are those of the list.
    """

    name: str
    ra: np.ndarray
    dec: np.ndarray
    flux: np.ndarray
    depth: float
    has_fluxes: bool

    def record(self):
        """List its properties for JSON."""
        return {
            "file": self.name,
            "sources": len(self.ra),
            "has_fluxes": self.has_fluxes,
            "depth_mjy": self.depth,
        }


def read_prior(path, columns=None, unit=None, depth=None, notify=print):
    """Read a list of known sources.

    Parameters
    ----------
    path : path-like
        FITS, CSV or any other table (`superspire.sky.source_files.open_columns`).
    columns : dict, optional
        Names of the columns ra, dec and flux, where they are unusual; a flux of None
        means positions only.
    unit : {"Jy", "mJy", "uJy"}, optional
        Unit of the fluxes, if the file does not say it.
    depth : float, optional
        Standard error of the fluxes [µJy]; by default a fifth of the flux that 5 % of
        the sources do not reach.
    notify : callable
        Gets sentences about what the user should know.

    Returns
    -------
    Prior
        Every source has 0.1 mJy if the list has no fluxes.

    Raises
    ------
    InputError
        If the file, a column or a unit is not what it should be, or no source has a
        position and a flux.
    """
    columns = columns or {}
    keys = ["ra", "dec"]
    has_fluxes = find_fluxes(path, columns, notify)
    try:
        values = read_values(
            path,
            [*keys, "flux"] if has_fluxes else keys,
            columns,
            unit,
            notify,
            "prior",
            USUAL,
        )
    except InputError as error:
        raise InputError(str(error).replace("catalogue.", "prior.", 1)) from error
    ra, dec = values["ra"], values["dec"]
    flux = values["flux"] if has_fluxes else np.full(len(ra), EQUAL_FLUX)
    known = np.isfinite(ra) & (np.abs(dec) <= 90.0) & (flux > 0) & np.isfinite(flux)
    if not known.any():
        wanted = "positions and positive fluxes" if has_fluxes else "positions"
        raise InputError(f"{path}: expected sources with {wanted}, found none")
    if not known.all():
        notify(
            f"{path}: {np.sum(~known)} of {len(known)} sources have no position or no "
            "positive flux and are skipped"
        )
    ra, dec, flux = ra[known], dec[known], flux[known]
    if depth is None:
        depth_mjy = float(np.quantile(flux, FAINT_QUANTILE)) / DETECTION
    else:
        depth_mjy = 1e-3 * depth
    return Prior(Path(path).name, ra, dec, flux, depth_mjy, has_fluxes)


def find_fluxes(path, columns, notify):
    """Decide whether a list has fluxes; say so if none were found unasked."""
    if "flux" in columns:
        return columns["flux"] is not None
    declared, _ = open_columns(path)
    if {name.lower() for name in declared} & set(USUAL["flux"]):
        return True
    notify(
        f"{path}: no column of 24 µm fluxes ({', '.join(USUAL['flux'])}) was found and "
        f"none is named (prior.columns.flux): every source counts as {EQUAL_FLUX} mJy"
    )
    return False


def render_prior(prior, wcs, shape, sky_level=0.0):
    """Render the sources of a list as a 24 µm map.

    Parameters
    ----------
    prior : Prior
        The list.
    wcs : astropy.wcs.WCS
        Grid of the field, with pixels of 1 arcsec.
    shape : (int, int)
        Its shape (ny, nx).
    sky_level : float
        Clipped median of the map [mJy/beam].

    Returns
    -------
    superspire.io.Map
        [mJy/beam] in pixels of 1.2 arcsec, half an arcminute wider than the field; NaN
        farther than 3 arcmin from every source.

    Raises
    ------
    InputError
        If no source lies in the field.
    """
    band = BANDS[PRIOR_BAND]
    step = band.pixel / PIXEL
    grid = resampled(shift_wcs(wcs, -BORDER, -BORDER), step)
    size = tuple(int(np.ceil((n + 2 * BORDER) / step)) for n in shape)
    x, y = pixels_of(grid, prior.ra, prior.dec)
    reach = REACH / band.pixel
    near = (x > -reach) & (x < size[1] + reach) & (y > -reach) & (y < size[0] + reach)
    seen = near_sources(x[near], y[near], size, reach)
    if not seen.any():
        raise InputError(
            f"{prior.name}: expected sources in the field, found none within "
            f"{REACH / 60:g} arcmin of it"
        )
    sides = (band.pixel, band.pixel)
    data = render_sources(
        x[near], y[near], prior.flux[near], size, sides, beam_of(PRIOR_BAND)
    )
    data[~seen] = np.nan
    data -= np.float32(background(data)[0] - sky_level)
    return Map(data, grid)


def near_sources(x, y, shape, reach):
    """Find the pixels that are within reach of a source, in blocks of ten by ten.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Positions [pixel].
    shape : (int, int)
        Shape of the grid.
    reach : float
        [pixel].

    Returns
    -------
    ndarray of bool, shape `shape`
    """
    if not len(x):
        return np.zeros(shape, bool)
    rows, columns = (BLOCK * (np.arange(-(-n // BLOCK)) + 0.5) - 0.5 for n in shape)
    centres = np.stack(np.meshgrid(columns, rows), axis=-1)
    distance, _ = KDTree(np.column_stack([x, y])).query(centres)
    seen = np.kron(distance <= reach, np.ones((BLOCK, BLOCK), bool))
    return seen[: shape[0], : shape[1]]


def fill_with_prior(map_, depth, rendered, prior_depth):
    """Put the rendered list where a map observed nothing.

    Parameters
    ----------
    map_ : superspire.io.Map
        24 µm map [mJy/beam]; NaN where nothing was observed.
    depth : float or superspire.io.Map
        Its depth [mJy].
    rendered : superspire.io.Map
        What `render_prior` gives.
    prior_depth : float
        Depth of the list [mJy].

    Returns
    -------
    map_ : superspire.io.Map
        On the grid of the list; the map itself if it observed all of it.
    depth : float or superspire.io.Map
        [mJy].
    fraction : float
        Fraction of the sky of the result that is the list's.
    """
    shape = rendered.data.shape
    x, y = pixel_positions(map_.wcs, rendered.wcs, shape)
    x, y = np.nan_to_num(x, nan=-9.0), np.nan_to_num(y, nan=-9.0)
    seen = observed_at(map_.data, x, y)
    if seen.all():
        return map_, depth, 0.0
    filled = fill_gaps(map_.data, pixel_size(map_))
    own = map_coordinates(filled, [y, x], output=np.float32, mode="nearest")
    data = np.where(seen, own, rendered.data)
    if isinstance(depth, Map):
        depth = map_coordinates(depth.data, [y, x], order=0, mode="nearest")
    both = np.where(seen, depth, prior_depth).astype(np.float32)
    covered = np.isfinite(data)
    fraction = float((covered & ~seen).sum() / covered.sum())
    return Map(data, rendered.wcs), Map(both, rendered.wcs), fraction
