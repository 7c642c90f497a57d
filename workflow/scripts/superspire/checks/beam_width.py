"""Width of a map's beam, from the map itself: smoothed maps and exchanged bands."""

import numpy as np
from scipy.optimize import least_squares, linear_sum_assignment

from superspire.checks.correlation import (
    MIN_BEAMS,
    blocks,
    jackknife_error,
    lagged_products,
    leave_one_out,
    normalise,
    standardise,
)
from superspire.instruments import BANDS, FWHM_PER_SIGMA, SPIRE
from superspire.maps.positions import map_matrix

FIT_RADIUS = 1.5
"""Maximum lag in the fit of the beam [FWHM]."""

MIN_LAGS = 3.0
"""Minimum such lag [pixel]."""

BEAM_REACH = 120.0
"""Maximum lag of an autocorrelation [arcsec]."""

BEAM_LIMITS = (5.0, 80.0)
"""Beams that are looked for [arcsec]."""

BEAM_TOLERANCE = 0.25
"""Relative error of a beam that is worth a warning; the beams of neighbouring bands
differ by 38 % and more."""

BEAM_SIGMA = 3.0
"""Minimum significance of such an error."""

BEAM_PRECISION = 0.1
"""Relative standard error above which a measured beam is not used."""

ORDER_GAIN = 0.1
"""Decrease of the sum of squared log ratios of the beams that tells an exchange of
bands: that of 250 and 350 µm gives 0.2."""


def measure_beam(map_, nominal):
    """Measure the FWHM of a map's beam from its autocorrelation.

    Unclustered sources have the autocorrelation of their beam, a Gaussian of twice the
    variance; white noise adds to the lag zero alone, which is left out, and
    clustering little but a constant, which is fitted. Bright sources are clipped, so
    that the map must be limited by confusion or noise, as SPIRE's are.

    Parameters
    ----------
    map_ : superspire.io.Map
        Map [mJy/beam].
    nominal : float
        FWHM to start from [arcsec].

    Returns
    -------
    fwhm, error : float
        FWHM of the beam without the pixel, and its standard error [arcsec]; NaN
        where the map is too small or holds nothing but noise.
    """
    matrix = map_matrix(map_)
    pixel = float(np.sqrt(abs(np.linalg.det(matrix))))
    good = np.isfinite(map_.data)
    reach = int(np.ceil(BEAM_REACH / pixel))
    if good.sum() * pixel**2 < MIN_BEAMS * 2 * np.pi * (nominal / FWHM_PER_SIGMA) ** 2:
        return np.nan, np.nan
    image = standardise(np.nan_to_num(map_.data), good)
    products, pairs = lagged_products(image, image, good, blocks(good), reach)
    steps = np.arange(-reach, reach + 1)
    lag = np.hypot(*np.tensordot(matrix, np.meshgrid(steps, steps), axes=1))
    whole = normalise(products.sum(axis=0), pairs.sum(axis=0))
    fwhm = beam_of_autocorrelation(whole, lag, nominal)
    rest = [
        beam_of_autocorrelation(normalise(p, n), lag, fwhm)
        for p, n in leave_one_out(products, pairs)
    ]
    error = jackknife_error(np.array(rest))
    core = fwhm**2 - (pixel * FWHM_PER_SIGMA) ** 2 / 12.0
    if not core > 0:
        return np.nan, np.nan
    return float(np.sqrt(core)), float(error * fwhm / np.sqrt(core))


def beam_of_autocorrelation(correlation, lag, nominal):
    """Fit a Gaussian and a constant to an autocorrelation and tell its beam's FWHM."""
    pixel = np.sort(lag, axis=None)[1]
    fwhm = nominal
    for _ in range(10):
        used = (lag > 0) & (lag <= max(FIT_RADIUS * fwhm, MIN_LAGS * pixel))
        r2, values = lag[used] ** 2, correlation[used]
        fit = least_squares(
            lambda p, r2=r2, values=values: (
                p[0] * np.exp(-r2 / (4.0 * p[1] ** 2)) + p[2] - values
            ),
            [values.max(), fwhm / FWHM_PER_SIGMA, 0.0],
        )
        before, fwhm = (
            fwhm,
            float(np.clip(abs(fit.x[1]) * FWHM_PER_SIGMA, *BEAM_LIMITS)),
        )
        if abs(fwhm - before) < 0.01 * fwhm:
            break
    return fwhm


def check_beams(maps, fwhm, expected):
    """Compare the beams of the SPIRE maps with those expected; find exchanged bands.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        The maps.
    fwhm : dict of int to float
        Their nominal beams [arcsec].
    expected : dict
        See `expected_sky`: its beams say what clustering adds to them.

    Returns
    -------
    record : dict
        FWHM, its standard error and the expected one of each band [arcsec].
    ordered : bool
        Whether no bands seem to be exchanged.
    warnings : list of str
    """
    record = {}
    for band in SPIRE:
        width, error = measure_beam(maps[band], fwhm[band])
        simulated = expected["bands"][str(band)]["beam_fwhm_arcsec"]
        nominal = BANDS[band].fwhm
        record[str(band)] = {
            "fwhm_arcsec": width,
            "error_arcsec": error,
            "expected_arcsec": (simulated or nominal) * fwhm[band] / nominal,
        }
    known = {
        band: found
        for band in SPIRE
        if (found := record[str(band)])["error_arcsec"]
        < BEAM_PRECISION * found["fwhm_arcsec"]
    }
    exchanged = wrong_order(known)
    if exchanged is not None:
        return record, False, [exchanged]
    return record, True, [odd_beam(*item) for item in known.items() if is_odd(item[1])]


def wrong_order(known):
    """Say that the maps are in the wrong order if their beams fit better exchanged.

    Parameters
    ----------
    known : dict of int to dict
        Measured and expected beams of the SPIRE bands, see `check_beams`.

    Returns
    -------
    str or None
    """
    if len(known) < 2:
        return None
    bands = list(known)
    measured = [found["fwhm_arcsec"] for found in known.values()]
    wanted = [found["expected_arcsec"] for found in known.values()]
    cost = np.log(np.divide.outer(measured, wanted)) ** 2
    rows, columns = linear_sum_assignment(cost)
    if np.trace(cost) - cost[rows, columns].sum() < ORDER_GAIN:
        return None
    given, looks = (
        ", ".join(str(bands[i]) for i in order) for order in (rows, columns)
    )
    widths, usual = (
        ", ".join(f"{width:.1f}" for width in each) for each in (measured, wanted)
    )
    return (
        f"the maps are in the wrong order: their beams at {given} µm are {widths} "
        f"arcsec, expected {usual} arcsec, so that they look like {looks} µm"
    )


def is_odd(found):
    """Decide whether a measured beam is another than expected."""
    width, wanted = found["fwhm_arcsec"], found["expected_arcsec"]
    return (
        abs(width / wanted - 1.0) > BEAM_TOLERANCE
        and abs(width - wanted) > BEAM_SIGMA * found["error_arcsec"]
    )


def odd_beam(band, found):
    """Say that a measured beam is another than expected."""
    return (
        f"{band} µm: point sources are {found['fwhm_arcsec']:.1f} ± "
        f"{found['error_arcsec']:.1f} arcsec wide, expected "
        f"{found['expected_arcsec']:.1f} arcsec: the map is of another band or filtered"
    )
