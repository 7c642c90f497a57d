"""Flux scale of a field: how much its bands fluctuate, free of noise."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from superspire.checks.correlation import (
    MIN_BEAMS,
    SPLITS,
    blocks,
    clip,
    common_images,
    effective_sigma,
    jackknife_error,
)
from superspire.errors import InputError
from superspire.instruments import FWHM_PER_SIGMA, SPIRE, TARGET

COMMON_FWHM = 40.0
"""FWHM of the beam to which all bands are brought [arcsec]: just wider than that of
500 µm in pixels of 14 arcsec."""

STEP = 8
"""Side of the pixels of the common grid [arcsec]."""

PARTNERS = {250: (350, 500), 350: (250, 500), 500: (250, 350), 450: (350, 500)}
"""The bands that tell a band's fluctuations from its noise."""

SCALE_TOLERANCE = 0.15
"""Relative error of the flux scale that is worth a warning: true beams (5 %), the
colours of the simulated sky and the calibration of SPIRE (4 %) stay below it."""

TARGET_TOLERANCE = 1.0
"""The same at 450 µm, whose reductions take away what is wider than some beams."""

SCALE_SIGMA = 3.0
"""Minimum significance of an error of the flux scale."""

SKY_TOLERANCE = 1.0
"""The same for all bands together: cirrus and clusters add fluctuations."""

UNCHECKED = (
    "the flux scale{} could not be checked: the maps have too little sky in common"
)

UNIT_DEX = 0.5
"""Distance from a power of a thousand that tells a wrong prefix of the unit [dex]."""


@dataclass(frozen=True)
class Fluctuations:
    """How much the sky fluctuates in each band, free of noise.

    Attributes
    ----------
    amplitude : dict of int to float
        Standard deviation of the clipped map on the common beam [mJy per common beam].
    rest : dict of int to ndarray, shape (9,)
        The same without each jackknife block in turn.
    scatter : dict of (int, int) to float
        Standard deviation of the second band about its slope on the first one, noise
        included [mJy per common beam].
    """

    amplitude: dict
    rest: dict
    scatter: dict

    def error(self, band):
        """Compute the standard error of a band's amplitude [mJy per common beam]."""
        return float(jackknife_error(self.rest[band]))

    def slope(self, first, second):
        """Compute the slope of one band on another and its standard error."""
        slope = self.amplitude[second] / self.amplitude[first]
        return slope, float(jackknife_error(self.rest[second] / self.rest[first]))


def measure_fluctuations(maps, fwhm=None, names=None):
    """Measure the fluctuations of the sky in each band on a common beam.

    The noise of two bands is independent, so with the covariances C of three bands
    the variance of the first one's sky is C12 C13 / C23, and the slope of the second
    on the first one is C23 / C13: that of the third as an instrumental variable.
    Every map is convolved to a Gaussian beam of 40 arcsec and scaled to keep the
    fluxes of point sources; a wider background is subtracted, and what exceeds five
    robust standard deviations is clipped.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Maps of 250, 350, 500 and perhaps 450 µm [mJy/beam].
    fwhm : dict of int to float, optional
        FWHM of the beams [arcsec]; by default Table 1.
    names : dict of int to str, optional
        Names of the maps for messages.

    Returns
    -------
    Fluctuations or None
        None if the maps share too little sky, or have not enough in common.

    Raises
    ------
    InputError
        If a SPIRE band is missing, the maps share no sky or the beam of one is wider
        than 40 arcsec.
    """
    missing = [band for band in SPIRE if band not in maps]
    if missing:
        raise InputError(
            f"expected maps at 250, 350 and 500 µm, found none at {missing}"
        )
    total = COMMON_FWHM / FWHM_PER_SIGMA
    sigma = {band: effective_sigma(maps[band], band, fwhm) for band in maps}
    for band, width in sigma.items():
        if width >= total:
            raise InputError(
                f"expected beam and pixels at {band} µm below {COMMON_FWHM:g} arcsec "
                f"for the check of the flux scale, found {width * FWHM_PER_SIGMA:.4g}"
            )
    kernels = {band: float(np.sqrt(total**2 - s**2)) for band, s in sigma.items()}
    images, observed = common_images(maps, kernels, total, STEP, names)
    good = np.logical_and.reduce(list(observed.values()))
    if good.sum() * STEP**2 < MIN_BEAMS * 2.0 * np.pi * total**2:
        return None
    labels = blocks(good)[good]
    values = {
        band: clip(images[band], good)[good] * (total / sigma[band]) ** 2
        for band in maps
    }
    amplitude = amplitudes(values)
    rest = [
        amplitudes({band: v[labels != i] for band, v in values.items()})
        for i in range(SPLITS**2)
    ]
    if not np.isfinite([list(each.values()) for each in (amplitude, *rest)]).all():
        return None
    scatter = {
        (a, b): float(np.std(values[b] - amplitude[b] / amplitude[a] * values[a]))
        for a, b in combinations(sorted(maps), 2)
    }
    rest = {band: np.array([each[band] for each in rest]) for band in maps}
    return Fluctuations(amplitude, rest, scatter)


def amplitudes(values):
    """Compute the standard deviation of each band's sky, see `measure_fluctuations`.

    Parameters
    ----------
    values : dict of int to ndarray, shape (n,)
        Pixels of each band.

    Returns
    -------
    dict of int to float
        NaN for a band whose covariances are not those of a common sky.
    """

    def covariance(a, b):
        return np.cov(values[a], values[b])[0, 1]

    found = {}
    for band in values:
        one, two = PARTNERS[band]
        parts = covariance(band, one), covariance(band, two), covariance(one, two)
        good = min(parts) > 0
        found[band] = float(np.sqrt(parts[0] * parts[1] / parts[2])) if good else np.nan
    return found


def check_scales(maps, fwhm, names, expected, filtered=(), advice=""):
    """Compare the fluctuations of every band with the simulated ones.

    The bands are compared with each other: the middle one of the three factors over
    the simulated amplitudes counts as right, so that a single wrong band is named.
    All three together can only be judged within a factor of two.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        The maps [mJy/beam], one upon the other.
    fwhm, names : dict of int
        Their beams [arcsec] and names.
    expected : dict
        See `superspire.checks.checks.expected_sky`.
    filtered : collection of int
        Bands that are matched-filtered: 450 µm is then not judged.
    advice : str
        What to do about an error.

    Returns
    -------
    scales : dict of str to dict
        ``factor`` of each band's fluxes over those expected, relative to the middle
        SPIRE band, its ``error``, and the ``correction`` that divides them;
        ``all``: the factor of the middle band and its error.
    slopes : dict of (int, int) to dict
        Slopes of pairs and those expected.
    warnings : list of str
    """
    try:
        found = measure_fluctuations({band: maps[band] for band in SPIRE}, fwhm, names)
    except InputError as error:
        return {}, {}, [str(error)]
    if found is None:
        return {}, {}, [UNCHECKED.format("")]
    scales, slopes = band_factors(found, expected), pair_slopes(found, expected)
    warnings = judge_bands(scales, advice)
    if TARGET in maps:
        four = measure_fluctuations(maps, fwhm, names)
        if four is None:
            warnings.append(UNCHECKED.format(f" at {TARGET} µm"))
        else:
            slopes = pair_slopes(four, expected) | slopes
            here = {str(TARGET): band_factors(four, expected)[str(TARGET)]}
            about = judge_bands(here, advice)
            if TARGET not in filtered:
                scales |= here
                warnings += about
    scales["all"] = overall_factor(found, expected)
    return scales, slopes, warnings + judge_sky(scales, advice)


def pair_slopes(found, expected):
    """List the slopes of all pairs beside those expected."""
    slopes = {}
    for first, second in combinations(sorted(found.amplitude), 2):
        slope, error = found.slope(first, second)
        wanted = expected["pairs"][f"{first}-{second}"]
        slopes[first, second] = {
            "slope": slope,
            "slope_error": error,
            "expected_slope": wanted["slope"],
            "expected_slope_error": wanted["slope_error"],
        }
    return slopes


def relative(found, expected):
    """Divide the amplitudes by those expected, and find the middle SPIRE band."""
    ratio = {
        band: amplitude / expected["bands"][str(band)]["amplitude_mjy"]
        for band, amplitude in found.amplitude.items()
    }
    return ratio, sorted(SPIRE, key=ratio.get)[len(SPIRE) // 2]


def band_factors(found, expected):
    """Compute the factor of each band's fluxes over those expected.

    Parameters
    ----------
    found : Fluctuations
        Fluctuations of the field.
    expected : dict
        See `superspire.checks.checks.expected_sky`.

    Returns
    -------
    dict of str to dict
        ``factor`` relative to the middle SPIRE band, and its ``error``.
    """
    ratio, centre = relative(found, expected)
    factors = {str(centre): {"factor": 1.0, "error": 0.0}}
    for band in ratio.keys() - {centre}:
        slope, error = found.slope(centre, band)
        pair = expected["pairs"]["{}-{}".format(*sorted((centre, band)))]
        fraction = np.hypot(error / slope, pair["slope_error"] / pair["slope"])
        factor = ratio[band] / ratio[centre]
        factors[str(band)] = {"factor": factor, "error": factor * fraction}
    return dict(sorted(factors.items()))


def overall_factor(found, expected):
    """Compute the factor of the middle SPIRE band over what is expected."""
    ratio, centre = relative(found, expected)
    wanted = expected["bands"][str(centre)]
    fraction = np.hypot(
        found.error(centre) / found.amplitude[centre],
        wanted["amplitude_error_mjy"] / wanted["amplitude_mjy"],
    )
    return {"factor": ratio[centre], "error": ratio[centre] * fraction}


def judge_bands(scales, advice=""):
    """State which bands' fluxes are wrong, and add the ``correction`` of each.

    Parameters
    ----------
    scales : dict of str to dict
        See `band_factors`; changed in place.
    advice : str
        What to do about an error.

    Returns
    -------
    list of str
        Warnings.
    """
    warnings = []
    for band, scale in scales.items():
        factor, error = scale["factor"], scale["error"]
        tolerance = TARGET_TOLERANCE if int(band) == TARGET else SCALE_TOLERANCE
        wrong = exceeds(factor, error, tolerance)
        scale["correction"] = factor if wrong else 1.0
        if wrong:
            warnings.append(
                f"{band} µm: fluxes are {factor:.3g} ± {error:.2g} times what the "
                f"other bands suggest, tolerated are {100 * tolerance:.0f} %"
                f"{prefix_mistake(factor)[1]}{advice}"
            )
    return warnings


def judge_sky(scales, advice=""):
    """State whether all bands are wrong, by a power of a thousand that is corrected.

    Parameters
    ----------
    scales : dict of str to dict
        See `check_scales`; changed in place.
    advice : str
        What to do about an error.

    Returns
    -------
    list of str
        Warnings.
    """
    factor, error = scales["all"]["factor"], scales["all"]["error"]
    if not exceeds(factor, error, SKY_TOLERANCE):
        return []
    power, remark = prefix_mistake(factor)
    for band in scales.keys() - {"all"}:
        scales[band]["correction"] *= power
    if remark:
        remark += advice
    elif factor > 1.0:
        remark = ", more than sky without cirrus, clusters or bright galaxies"
    else:
        remark = ", less than any sky does: check the units"
    return [
        f"all bands: the sky fluctuates {factor:.3g} ± {error:.2g} times as much as "
        f"simulated{remark}"
    ]


def exceeds(factor, error, tolerance):
    """Decide whether a factor differs from one by more than tolerated, either way."""
    beyond = max(factor, 1.0 / factor) - 1.0 > tolerance
    return beyond and abs(factor - 1.0) > SCALE_SIGMA * error


def prefix_mistake(factor):
    """Find the power of a thousand near a factor, and what it means.

    Parameters
    ----------
    factor : float
        Fluxes over those expected.

    Returns
    -------
    power : float
        One if the factor is not near a power of a thousand.
    remark : str
    """
    power = round(np.log10(factor) / 3.0)
    if power == 0 or abs(np.log10(factor) - 3.0 * power) > UNIT_DEX:
        return 1.0, ""
    numbers, unit = ("mJy", "Jy") if power > 0 else ("Jy", "mJy")
    return 1e3**power, f": the file seems to hold {numbers} where its unit says {unit}"
