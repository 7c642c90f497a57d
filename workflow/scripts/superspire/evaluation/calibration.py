"""The flux calibration of section 4: two linear fits against the 500 µm map."""

import numpy as np
from scipy.ndimage import gaussian_filter

from superspire.evaluation.catalogues import coverage_weights
from superspire.instruments import (
    BANDS,
    CUTOUT,
    FWHM_PER_SIGMA,
    PIXEL,
    TARGET,
    beam_area,
)
from superspire.photometry.matching import match
from superspire.photometry.sources import extract_sources

FROM_FWHM = BANDS[TARGET].fwhm
TO_FWHM = BANDS[500].fwhm
EDGE = 37
"""Rim in which the convolution lacks what lies outside the cutout [pixel]."""

STEP = 6
"""Spacing of the pixels used, a sixth of the beam [pixel]."""

PAIR_RADIUS = 4.0
"""Largest separation of the pairs that calibrate the peaks [pixel]."""

PAIR_FLUX = 5.0
"""Least super-resolved peak of these pairs [mJy/beam]."""

MIN_PAIRS = 10
"""Fewest pairs that a factor is taken from."""


def convolve_to_500(image):
    """Bring a map from the 450 µm beam to the 500 µm beam.

    The kernel is the Gaussian whose FWHM is sqrt(36.6² - 7.9²) arcsec; the unit goes
    from mJy per small to mJy per large beam.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Map of 7.9 arcsec resolution [mJy/beam].

    Returns
    -------
    ndarray, shape (ny, nx)
        Map of 36.6 arcsec resolution [mJy/beam].
    """
    sigma = np.sqrt(TO_FWHM**2 - FROM_FWHM**2) / FWHM_PER_SIGMA / PIXEL
    smooth = gaussian_filter(np.asarray(image, dtype=float), sigma, mode="reflect")
    return smooth * beam_area(TO_FWHM) / beam_area(FROM_FWHM)


def sample_positions(size=CUTOUT):
    """List the pixels of a cutout that the two fits use.

    Parameters
    ----------
    size : int
        Side of a cutout [pixel].

    Returns
    -------
    ndarray of int, shape (m,)
        Rows, which are also the columns, of a square grid.
    """
    return np.arange(EDGE, size - EDGE, STEP)


def sample_cutouts(map_500, target, generated, index):
    """Take the pixels that the two fits use.

    Parameters
    ----------
    map_500, target, generated : iterable of ndarray, each (n, ny, nx)
        500 µm, 450 µm and super-resolved maps [mJy/beam].
    index : pandas.DataFrame, n rows
        The cutouts: columns ``cutout``, ``sky``, ``x0``, ``y0``.

    Returns
    -------
    ndarray, shape (4, n_pixels)
        500 µm map, convolved 450 µm and super-resolved map [mJy/beam], and weight:
        one over the number of cutouts that show the pixel.
    """
    parts = []
    cutouts = zip(index["cutout"], map_500, target, generated, strict=True)
    for cutout, *maps in cutouts:
        at = np.ix_(*2 * [sample_positions(maps[0].shape[0])])
        y, x = np.broadcast_arrays(*at)
        maps = [maps[0], *map(convolve_to_500, maps[1:])]
        own = np.full(x.size, cutout)
        weight = coverage_weights(index, own, x.ravel(), y.ravel(), border=EDGE)
        parts.append(np.stack([*(image[at].ravel() for image in maps), weight]))
    return np.concatenate(parts, axis=1)


def fit_line(x, y, weight):
    """Fit y = slope x + offset by weighted least squares.

    The errors take as many independent points as there are 500 µm beams, because
    pixels within a beam are not independent.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Pixels [mJy/beam].
    weight : ndarray, shape (n,)
        Weights; their sum is the number of distinct pixels.

    Returns
    -------
    slope, offset, slope_error, offset_error : float
    """
    design = np.column_stack([x, np.ones_like(x)])
    normal = design.T @ (design * weight[:, None])
    slope, offset = np.linalg.solve(normal, design.T @ (weight * y))
    residual = y - slope * x - offset
    variance = np.sum(weight * residual**2) / np.sum(weight)
    per_beam = max(beam_area(TO_FWHM) / (STEP * PIXEL) ** 2, 1.0)
    errors = np.sqrt(np.diag(np.linalg.inv(normal)) * variance * per_beam)
    return float(slope), float(offset), float(errors[0]), float(errors[1])


def calibrate(pixels, brightest_fraction):
    """Relate the super-resolved to the 450 µm flux through the 500 µm map.

    With 450 = s_450 500 + o_450 and SR = s_SR 500 + o_SR, both fitted to the brightest
    pixels of the 500 µm map, 450 = a SR + b, where a = s_450 / s_SR and
    b = o_450 - a o_SR (section 4). Their errors are those of the fit of 450 - a SR to
    500, since the two fits scatter together. For a point source above its local
    background only the factor a applies; b is a difference of zero levels.

    Parameters
    ----------
    pixels : ndarray, shape (4, n)
        See `sample_cutouts` [mJy per 36.6 arcsec beam].
    brightest_fraction : float
        Share of the pixels that is used, brightest at 500 µm first.

    Returns
    -------
    dict
        ``slope_450``, ``offset_450``, ``slope_sr``, ``offset_sr`` with ``_error``
        (offsets in mJy per 36.6 arcsec beam), ``factor``, ``factor_error``,
        ``offset`` and ``offset_error`` (mJy per 7.9 arcsec beam), ``n_pixels``.
    """
    x, target, generated, weight = pixels
    used = x >= np.quantile(x, 1.0 - brightest_fraction)
    fits = {
        name: fit_line(x[used], y[used], weight[used])
        for name, y in (("450", target), ("sr", generated))
    }
    record = {}
    for name, values in fits.items():
        for key, value in zip(("slope", "offset"), values[:2], strict=True):
            record[f"{key}_{name}"] = value
        for key, value in zip(("slope", "offset"), values[2:], strict=True):
            record[f"{key}_{name}_error"] = value
    factor = record["slope_450"] / record["slope_sr"]
    rest = target[used] - factor * generated[used]
    _, offset, slope_error, offset_error = fit_line(x[used], rest, weight[used])
    beams = beam_area(TO_FWHM) / beam_area(FROM_FWHM)
    record.update(
        factor=factor,
        factor_error=slope_error / abs(record["slope_sr"]),
        offset=offset / beams,
        offset_error=offset_error / beams,
        n_pixels=int(used.sum()),
    )
    return record


def peak_calibration(target, generated, radius=PAIR_RADIUS, brightest=PAIR_FLUX):
    """Relate the peaks of super-resolved sources to those of the 450 µm map.

    A network that is not sure of a position spreads the source over it: its aperture
    flux is kept, its peak is lowered. The factor that undoes this on average is the
    median ratio of the peaks of pairs of sources, chosen by their super-resolved
    peak, as it is in use.

    Parameters
    ----------
    target, generated : iterable of ndarray, each (n, ny, nx)
        450 µm and super-resolved maps [mJy/beam].
    radius : float
        Largest separation of a pair [pixel].
    brightest : float
        Least super-resolved peak [mJy/beam].

    Returns
    -------
    dict
        ``peak_factor``, its error ``peak_factor_error`` and the number of pairs
        ``n_pairs``; the factor is NaN with fewer than ten pairs.
    """
    ratios = []
    for true_map, generated_map in zip(target, generated, strict=True):
        found = extract_sources(generated_map, 5.0, min_flux=brightest)
        true = extract_sources(true_map, 5.0)
        found["cutout"] = true["cutout"] = 0
        partner, _ = match(found, true, radius)
        near = partner >= 0
        ratios.append(true["peak"].value[partner[near]] / found["peak"].value[near])
    ratios = np.concatenate(ratios) if ratios else np.empty(0)
    enough = len(ratios) >= MIN_PAIRS
    error = np.sqrt(np.pi / 2 / len(ratios)) * np.std(ratios) if enough else np.nan
    return {
        "peak_factor": np.median(ratios) if enough else np.nan,
        "peak_factor_error": error,
        "n_pairs": len(ratios),
    }
