"""Astrometry of a field: the shifts between its bands, by cross-correlation."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RectBivariateSpline

from superspire.checks.correlation import (
    MIN_BEAMS,
    blocks,
    common_images,
    effective_sigma,
    jackknife_error,
    lagged_products,
    leave_one_out,
    normalise,
    standardise,
)
from superspire.instruments import FWHM_PER_SIGMA

REACH = 240.0
"""Maximum lag of a cross-correlation [arcsec]."""

SEARCH = 180.0
"""Maximum shift that is looked for [arcsec]."""


SAMPLES = 6
"""Pixels of the common grid across the FWHM of the common beam."""


PATCH = 4
"""Half the side of the patch on which the peak of a correlation is interpolated."""

REFERENCE = 250
"""Band with the best positions, to which others are moved."""

SHIFT_TOLERANCE = 2.0
"""Shift that is worth a warning [arcsec]: the pointing error of Herschel (1 sigma) and
half the radius of the strict match of positions."""

SHIFT_SIGMA = 5.0
"""Minimum significance of a shift that is worth a warning or a correction."""

PEAK_SIGMA = 4.5
"""Minimum significance of the correlation of two maps of the same sky: the highest of
the some 70 beams of the search reaches 2.5 by chance (at most 4.1 in 288 mock pairs),
and 5 or more in the smallest fields that are checked."""


NEAR = np.linspace(-2.0, 2.0, 41)
"""Places around the largest pixel where that peak is looked for [pixel]."""

NEWTON_STEPS = 4
"""Steps of Newton's method from the best of them."""


@dataclass(frozen=True)
class Shift:
    """How far the sources of one map lie from those of another.

    Attributes
    ----------
    east, north : float
        Position in the second map minus that in the first one [arcsec].
    east_error, north_error : float
        Their standard errors [arcsec].
    significance : float
        Peak of the cross-correlation in standard deviations of its values beyond the
        beam.
    correlation : float
        Pearson's coefficient of the maps at that shift; noise lowers it.
    """

    east: float
    north: float
    east_error: float
    north_error: float
    significance: float
    correlation: float


def measure_shift(maps, first, second, fwhm=None, names=None):
    """Measure how far the sources of one band lie from those of another.

    Each map is convolved with the other's beam and a wider background is subtracted;
    both are brought to one grid, and the position of the peak of their
    cross-correlation, divided by the number of pairs of observed pixels at each lag
    (Padfield 2012, IEEE Trans. Image Process. 21, 2706), is interpolated. The errors
    are those of the jackknife over nine blocks of equal observed area.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Maps [mJy/beam]; NaN where nothing was observed.
    first, second : int
        Their keys, bands [µm].
    fwhm : dict of int to float, optional
        FWHM of the beams [arcsec]; by default Table 1.
    names : dict of int to str, optional
        Names of the maps for messages.

    Returns
    -------
    Shift or None
        None if the maps share less sky than 100 of their common beams.

    Raises
    ------
    InputError
        If they share none.
    """
    pair = {band: maps[band] for band in (first, second)}
    sigma = {band: effective_sigma(pair[band], band, fwhm) for band in pair}
    total = np.hypot(*sigma.values())
    step = max(1, int(total * FWHM_PER_SIGMA / SAMPLES))
    kernels = {first: sigma[second], second: sigma[first]}
    images, observed = common_images(pair, kernels, total, step, names)
    good = observed[first] & observed[second]
    if good.sum() * step**2 < MIN_BEAMS * 2.0 * np.pi * total**2:
        return None
    one, two = (
        standardise(images[band], observed[band] & good) for band in (first, second)
    )
    reach = int(np.ceil(REACH / step))
    products, pairs = lagged_products(one, two, good, blocks(good), reach)
    total_correlation = normalise(products.sum(axis=0), pairs.sum(axis=0))
    lags = np.arange(-reach, reach + 1) * step
    near = np.hypot(lags[:, None], lags) <= SEARCH
    start = np.unravel_index(
        np.argmax(np.where(near, total_correlation, -np.inf)), near.shape
    )
    position, peak = refine_peak(total_correlation, start)
    rest = [
        refine_peak(normalise(p, n), start)[0]
        for p, n in leave_one_out(products, pairs)
    ]
    north, west = (position - reach) * step
    north_error, west_error = jackknife_error(np.array(rest)) * step
    distance = np.hypot(lags[:, None] - north, lags - west)
    beyond = total_correlation[distance > 2.0 * FWHM_PER_SIGMA * total]
    return Shift(
        east=float(-west),
        north=float(north),
        east_error=float(west_error),
        north_error=float(north_error),
        significance=float(peak / beyond.std()) if beyond.std() > 0 else 0.0,
        correlation=float(peak),
    )


def refine_peak(image, start):
    """Find the peak of a well sampled image near a pixel, by quintic splines.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        The image.
    start : (int, int)
        Row and column of its largest pixel.

    Returns
    -------
    position : ndarray, shape (2,)
        Row and column of the peak, within two pixels of `start`.
    height : float
    """
    corner = [
        int(np.clip(s - PATCH, 0, n - 2 * PATCH - 1))
        for s, n in zip(start, image.shape, strict=True)
    ]
    rows, columns = (c + np.arange(2 * PATCH + 1) for c in corner)
    spline = RectBivariateSpline(
        rows, columns, image[np.ix_(rows, columns)], kx=5, ky=5
    )
    fine = [
        np.clip(s + NEAR, c, c + 2 * PATCH) for s, c in zip(start, corner, strict=True)
    ]
    best = np.unravel_index(np.argmax(spline(*fine)), 2 * NEAR.shape)
    position = np.array([axis[i] for axis, i in zip(fine, best, strict=True)])
    for _ in range(NEWTON_STEPS):
        dy, dx, dyy, dxx, dyx = (
            spline(*position, dx=m, dy=n, grid=False).item()
            for m, n in ((1, 0), (0, 1), (2, 0), (0, 2), (1, 1))
        )
        if dyy >= 0 or dyy * dxx <= dyx**2:
            break
        step = np.linalg.solve([[dyy, dyx], [dyx, dxx]], [dy, dx])
        position = np.clip(position - step, position - NEAR[-1], position + NEAR[-1])
    return position, spline(*position, grid=False).item()


def judge_shifts(shifts, advice=""):
    """State what the shifts between the bands mean.

    Parameters
    ----------
    shifts : dict of (int, int) to Shift or None
        Shifts of pairs of bands.
    advice : str
        What to do about them.

    Returns
    -------
    warnings : list of str
    moves : dict of int to list of float
        Significant shifts relative to 250 µm, east and north [arcsec].
    """
    warnings, moves = [], {}
    for (first, second), shift in shifts.items():
        if shift is None:
            warnings.append(
                f"{first} and {second} µm: the maps share too little sky to check them "
                "against each other"
            )
        elif shift.significance < PEAK_SIGMA:
            warnings.append(
                f"{first} and {second} µm: the maps do not correlate (peak of "
                f"{shift.significance:.1f} sigma, expected {PEAK_SIGMA:g} or more): "
                f"they show different sky, lie more than {SEARCH:g} arcsec apart, or "
                "hold little but noise"
            )
        elif first == REFERENCE:
            size = np.hypot(shift.east, shift.north)
            error = size_error(shift)
            if size < SHIFT_SIGMA * error:
                continue
            moves[second] = [shift.east, shift.north]
            if size > SHIFT_TOLERANCE:
                east = "east" if shift.east > 0 else "west"
                north = "north" if shift.north > 0 else "south"
                warnings.append(
                    f"{second} µm: sources lie {size:.1f} ± {error:.1f} arcsec "
                    f"({abs(shift.east):.1f} {east}, {abs(shift.north):.1f} {north}) "
                    f"from those at {first} µm, tolerated are {SHIFT_TOLERANCE:g}"
                    + advice
                )
    return warnings, moves


def size_error(shift):
    """Compute the standard error of the length of a shift [arcsec]."""
    size = np.hypot(shift.east, shift.north)
    if size == 0:
        return float(np.hypot(shift.east_error, shift.north_error))
    return float(
        np.hypot(shift.east * shift.east_error, shift.north * shift.north_error) / size
    )
