"""Flux calibration: by pairs of sources, and by the two linear fits of section 4.

The paper ties super-resolved to 450 µm flux through the brightest pixels of the 500 µm
map. At its beam the two maps differ by the flux of all sources that the network misses,
not only by that of the ones it finds, and the slopes of the few bright pixels scatter
from sky to sky. Pairs of sources compare what is calibrated.
"""

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from superspire.evaluation.astrometry import weighted_quantile
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
"""Border in which the convolution lacks what lies outside the cutout [pixel]."""

STEP = 6
"""Spacing of the pixels used, a sixth of the beam [pixel]."""

PAIR_RADIUS = 4.0
"""Maximum separation of the pairs of sources that calibrate fluxes [pixel]."""

PAIR_FLUX = 9.0
"""Minimum true flux of these pairs [mJy], where the paper's Table 3 begins."""

PAIR_SNR = 5.0
"""Minimum S/N of their 450 µm sources, as in the paper's completeness (section 4)."""

PAIR_BORDER = 10.0
"""Border of a cutout without pairs, an aperture's radius [pixel]."""

MIN_PAIRS = 10
"""Minimum number of distinct pairs that a factor is taken from."""


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


def calibrate_maps(pixels, brightest_fraction):
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
        Fraction of the pixels that is used, brightest at 500 µm first.

    Returns
    -------
    dict
        ``slope_450``, ``offset_450``, ``slope_sr``, ``offset_sr`` with ``_error``
        (offsets in mJy per 36.6 arcsec beam), ``map_factor``, ``map_factor_error``,
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
        map_factor=factor,
        map_factor_error=slope_error / abs(record["slope_sr"]),
        offset=offset / beams,
        offset_error=offset_error / beams,
        n_pixels=int(used.sum()),
    )
    return record


def pair_sources(target, generated, index, threshold, min_flux):
    """Pair the sources of the 450 µm cutouts with those of the super-resolved ones.

    Parameters
    ----------
    target, generated : iterable of ndarray, each (n, ny, nx)
        450 µm and super-resolved maps [mJy/beam].
    index : pandas.DataFrame, n rows
        The cutouts: columns ``cutout``, ``sky``, ``x0``, ``y0``.
    threshold : float
        Minimum S/N of the super-resolved sources.
    min_flux : float
        Their minimum peak [mJy/beam].

    Returns
    -------
    pandas.DataFrame
        ``weight``, one over the number of cutouts that show the source; ``aperture``,
        ``peak`` and ``aperture_sr``, ``peak_sr``, fluxes in circles of 10 arcsec and
        peaks in the two maps [mJy]; only 450 µm sources with a partner.
    """
    columns = ["weight", "aperture", "peak", "aperture_sr", "peak_sr"]
    parts = [pd.DataFrame(columns=columns, dtype=float)]
    for cutout, *maps in zip(index["cutout"], target, generated, strict=True):
        true = extract_sources(maps[0], PAIR_SNR, border=PAIR_BORDER)
        found = extract_sources(maps[1], threshold, min_flux=min_flux)
        true["cutout"] = found["cutout"] = cutout
        partner, _ = match(true, found, PAIR_RADIUS)
        true, found = true[partner >= 0], found[partner[partner >= 0]]
        if len(true) == 0:
            continue
        part = {"weight": coverage_weights(index, true["cutout"], true["x"], true["y"])}
        for end, table in (("", true), ("_sr", found)):
            part[f"aperture{end}"] = table["aperture_flux"].value
            part[f"peak{end}"] = table["peak"].value
        parts.append(pd.DataFrame(part))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def source_factor(pairs, flux):
    """Median factor from super-resolved to true flux, at a given true flux.

    Chosen by their true flux, pairs have no Eddington bias from the scatter of the
    super-resolved flux.

    Parameters
    ----------
    pairs : pandas.DataFrame
        See `pair_sources`.
    flux : {"aperture", "peak"}
        Which flux. A network that is not sure of a position spreads the source over
        it: its aperture flux is kept, its peak is lowered.

    Returns
    -------
    factor, error : float
        NaN with fewer than ten distinct pairs.
    n_distinct : float
        Number of distinct pairs of at least 9 mJy.
    """
    pairs = pairs[pairs[flux] >= PAIR_FLUX]
    number = pairs["weight"].sum()
    if number < MIN_PAIRS:
        return np.nan, np.nan, number
    ratio = pairs[flux] / pairs[f"{flux}_sr"]
    low, centre, high = weighted_quantile(ratio, pairs["weight"], (0.16, 0.5, 0.84))
    return centre, np.sqrt(np.pi / 2 / number) * (high - low) / 2, number


def calibrate(pixels, pairs, method, brightest_fraction):
    """Find the factors of aperture fluxes and of peaks.

    Parameters
    ----------
    pixels : ndarray, shape (4, n)
        See `sample_cutouts`.
    pairs : pandas.DataFrame
        See `pair_sources`.
    method : {"sources", "maps"}
        Whether aperture fluxes are calibrated by the pairs, if there are enough, or as
        in section 4. Peaks, of which the paper makes no use, always are by the pairs.
    brightest_fraction : float
        Fraction of the pixels that the fits of section 4 use.

    Returns
    -------
    dict
        What `calibrate_maps` gives; ``aperture_factor`` of `source_factor`; the
        ``factor`` that is applied to aperture fluxes and maps, by ``method``;
        ``peak_factor``, the same as ``factor`` without enough pairs; each with
        ``_error``; and ``n_pairs``, distinct ones.
    """
    record = calibrate_maps(pixels, brightest_fraction)
    for flux in ("peak", "aperture"):
        factor, error, number = source_factor(pairs, flux)
        record.update({f"{flux}_factor": factor, f"{flux}_factor_error": error})
    if not np.isfinite(record["aperture_factor"]):
        method = "maps"
    chosen = "map" if method == "maps" else "aperture"
    for end in ("factor", "factor_error"):
        record[end] = record[f"{chosen}_{end}"]
        if not np.isfinite(record[f"peak_{end}"]):
            record[f"peak_{end}"] = record[end]
    return record | {"method": method, "n_pairs": number}
