"""Pointing of a field: the offset of its sources from positions that are known well."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from superspire.checks.correlation import (
    HIGH_PASS,
    effective_sigma,
    jackknife_error,
    resample,
)
from superspire.checks.noise import robust_rms
from superspire.checks.registration import refine_peak
from superspire.maps.grid import coarse_grid

BAND = 250
"""Band with the best positions."""

STEP = 3.0
"""Pixel on which the map is stacked [arcsec]."""

LAGS = np.arange(-8, 9)
"""Offsets that are tried along each axis [pixel]; a peak at the ends is none."""

CEILING = 5.0
"""Standard deviations of the map that a position counts at most, so that no chance
neighbour decides alone."""

MIN_SIGNIFICANCE = 5.5
"""Minimum significance of an offset; a single position cannot reach it."""

MAX_POSITIONS = 4000
"""Maximum number of positions that are stacked, evenly chosen in declination."""

GROUPS = 20
"""Maximum number of groups of the jackknife, of neighbouring declinations."""

MIN_GROUPS = 8
"""Number of positions from which on the error is that of the jackknife."""

SHIFTS = [
    (radius * np.cos(angle), radius * np.sin(angle))
    for radius in (60.0, 90.0, 120.0)
    for angle in np.arange(0.0, 2.0 * np.pi, np.pi / 4.0)
]
"""Shifts of all positions that show what chance gives [arcsec]."""

TOLERANCE = 2.0
"""Offset that is worth a warning [arcsec]: the pointing error of Herschel (1 sigma)."""


@dataclass(frozen=True)
class Pointing:
    """Offset of the sources of a field from known positions.

    Attributes
    ----------
    number : int
        Positions on observed sky.
    east, north : float
        Position in the field minus the known one [arcsec]; NaN without positions.
    east_error, north_error : float
        Standard errors [arcsec].
    significance : float
        Sum of the map at the positions moved by the offset, each `CEILING` at most, in
        its standard deviations.
    chance : float
        Highest significance of 24 sets of positions shifted by 1 to 2 arcmin.
    """

    number: int
    east: float = np.nan
    north: float = np.nan
    east_error: float = np.nan
    north_error: float = np.nan
    significance: float = 0.0
    chance: float = 0.0

    @property
    def measured(self):
        """Whether the offset is significant."""
        return self.significance >= max(MIN_SIGNIFICANCE, self.chance)

    @property
    def length(self):
        """Length of the offset [arcsec]."""
        return float(np.hypot(self.east, self.north))

    @property
    def length_error(self):
        """Standard error of the length [arcsec]."""
        errors = np.hypot(self.east * self.east_error, self.north * self.north_error)
        return float(errors / self.length) if self.length else self.east_error


def measure_pointing(map_, ra, dec, fwhm=None):
    """Measure how far the sources of a map lie from known positions.

    The map is smoothed with its beam and a wider background is subtracted. The mean of
    its surroundings of all positions peaks at the offset, which neither needs a match
    of single sources nor is drawn aside by unrelated ones; what else lies near a
    position only adds noise.

    Parameters
    ----------
    map_ : superspire.io.Map
        Map at 250 µm; NaN where nothing was observed.
    ra, dec : ndarray, shape (n,)
        Known positions (ICRS) of sources, of any wavelength [deg].
    fwhm : float, optional
        FWHM of the beam [arcsec]; by default Table 1.

    Returns
    -------
    Pointing

    Raises
    ------
    InputError
        If nothing was observed.
    """
    image, wcs, beam = matched_map(map_, fwhm)
    x, y = (np.nan_to_num(a, nan=-9.0) for a in wcs.all_world2pix(ra, dec, 0))
    seen = ndimage.map_coordinates((image != 0).astype(np.uint8), [y, x], order=0) > 0
    x, y = x[seen], y[seen]
    order = np.argsort(y)
    chosen = order[:: max(1, -(-len(order) // MAX_POSITIONS))]
    if not len(chosen):
        return Pointing(0)
    return stacked_offset(image, x[chosen], y[chosen], beam, len(order))


def matched_map(map_, fwhm=None):
    """Smooth a map with its beam, without its background, in units of its scatter.

    Returns
    -------
    image : ndarray, shape (ny, nx)
        Zero where nothing was observed.
    wcs : astropy.wcs.WCS
        Its grid, north up.
    beam : float
        Standard deviation of the beam [arcsec].
    """
    beam = effective_sigma(map_, BAND, None if fwhm is None else {BAND: fwhm})
    wcs, shape = coarse_grid({BAND: map_}, STEP)
    high_pass = HIGH_PASS * np.sqrt(2.0) * beam
    image, seen = resample(map_, beam, high_pass, wcs, shape)
    scatter = robust_rms(image[seen])
    return np.where(seen, image / scatter if scatter > 0 else 0.0, 0.0), wcs, beam


def stacked_offset(image, x, y, beam, number):
    """Find the offset at which the map is brightest around positions.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        From `matched_map`.
    x, y : ndarray, shape (n,)
        Positions [pixel], in the order in which they are grouped.
    beam : float
        Standard deviation of the beam [arcsec].
    number : int
        Number of positions of which these were chosen.

    Returns
    -------
    Pointing
    """
    n = len(x)
    patches, weights = surroundings(image, x, y)
    total = patches.sum(axis=0)
    start = np.unravel_index(np.argmax(total), total.shape)
    if not 0 < min(start) <= max(start) < len(LAGS) - 1:
        return Pointing(number)
    position, peak = refine_peak(total, start)
    north, west = STEP * (position - len(LAGS) // 2)
    errors = np.full(2, np.sqrt(2.0) * beam * np.sqrt((weights**2).sum()) / peak)
    if n >= MIN_GROUPS:
        groups = np.array_split(patches, min(GROUPS, n))
        rest = [refine_peak(total - g.sum(axis=0), start)[0] for g in groups]
        errors = np.maximum(errors, STEP * jackknife_error(np.array(rest)))
    chance = max(
        surroundings(image, x + dx / STEP, y + dy / STEP)[0].sum(axis=0).max()
        for dx, dy in SHIFTS
    )
    return Pointing(
        number=number,
        east=float(-west),
        north=float(north),
        east_error=float(errors[1]),
        north_error=float(errors[0]),
        significance=float(peak / np.sqrt(n)),
        chance=float(chance / np.sqrt(n)),
    )


def surroundings(image, x, y):
    """Cut out what surrounds positions, none of it brighter than `CEILING`.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        From `matched_map`.
    x, y : ndarray, shape (n,)
        Positions [pixel].

    Returns
    -------
    patches : ndarray, shape (n, 17, 17)
        The map at the `LAGS`, times the weight.
    weights : ndarray, shape (n,)
        Ones, or less for what is brighter.
    """
    rows = y[:, None, None] + LAGS[:, None]
    columns = x[:, None, None] + LAGS
    at = np.broadcast_arrays(rows, columns)
    patches = ndimage.map_coordinates(image, at, order=1)
    weights = CEILING / np.maximum(patches.max(axis=(1, 2)), CEILING)
    return patches * weights[:, None, None], weights


def judge_pointing(pointing, reference, advice=""):
    """Describe the pointing of a field.

    Parameters
    ----------
    pointing : Pointing
        What was measured.
    reference : str
        File of the positions.
    advice : str
        What to do about an offset.

    Returns
    -------
    record : dict
        For JSON; ``offset_arcsec``, to the east and north, is None if it is not
        significant.
    warnings : list of str
    """
    record = {
        "reference": reference,
        "positions": pointing.number,
        "offset_arcsec": None,
        "offset_error_arcsec": None,
        "significance": pointing.significance,
        "chance": pointing.chance,
    }
    if not pointing.measured:
        expected = max(MIN_SIGNIFICANCE, pointing.chance)
        return record, [
            f"pointing: the {pointing.number} positions of {reference} in the field "
            f"give no offset ({pointing.significance:.1f} sigma, expected "
            f"{expected:.1f} or more)"
        ]
    record["offset_arcsec"] = [pointing.east, pointing.north]
    record["offset_error_arcsec"] = [pointing.east_error, pointing.north_error]
    if pointing.length < TOLERANCE:
        return record, []
    east = "east" if pointing.east > 0 else "west"
    north = "north" if pointing.north > 0 else "south"
    return record, [
        f"pointing: the field lies {pointing.length:.1f} ± {pointing.length_error:.1f} "
        f"arcsec ({abs(pointing.east):.1f} {east}, {abs(pointing.north):.1f} {north}) "
        f"from {pointing.number} positions of {reference}{advice}"
    ]
