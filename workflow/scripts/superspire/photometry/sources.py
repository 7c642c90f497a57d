"""Find sources and measure their fluxes: the one definition used everywhere."""

import warnings

import numpy as np
from astropy import units
from astropy.table import Table
from photutils.aperture import CircularAperture, aperture_photometry
from photutils.detection import DAOStarFinder, find_peaks
from photutils.utils.exceptions import NoDetectionsWarning
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.signal import fftconvolve
from scipy.spatial import cKDTree

from superspire.instruments import (
    APERTURE_RADIUS,
    BANDS,
    FWHM_PER_SIGMA,
    PIXEL,
    TARGET,
    beam_area,
)
from superspire.maps.background import background

PEAK_BOX = 9
"""Side of the box in which a peak must be the maximum [pixel], about one beam."""

TARGET_SNR = 3.0
"""Minimum signal-to-noise ratio of the target sources in eqs. 4 and 5."""

SAME_SOURCE = 0.25
"""Maxima nearer than this are one source, as on a saturated top [FWHM]."""

MIN_FLUX = 0.5
"""Faintest source that is looked for in a map without noise [mJy]."""

ANNULUS = (15.0, 30.0)
"""Radii of the ring whose median is the local background [arcsec]."""


def find_target_sources(image, snr):
    """Find the sources at which the loss functions compare fluxes (section 3.2).

    A source is a pixel above median + `snr` rms that is the maximum of the box of
    9 x 9 pixels (about one beam of 7.9 arcsec) around it.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Map [mJy/beam].
    snr : float
        Minimum signal-to-noise ratio of a peak.

    Returns
    -------
    x, y : ndarray of int, shape (n,)
        Pixels of the peaks.
    snr : ndarray of float, shape (n,)
        (peak - median) / rms.
    """
    median, rms = background(image)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        peaks = find_peaks(image, median + snr * rms, box_size=PEAK_BOX)
    if peaks is None:
        return np.empty(0, int), np.empty(0, int), np.empty(0)
    x, y = (np.asarray(peaks[name], dtype=int) for name in ("x_peak", "y_peak"))
    return x, y, (np.asarray(image, dtype=float)[y, x] - median) / rms


def aperture_fluxes(image, x, y, radius):
    """Sum an image inside circles, with the exact fraction of each pixel.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Map [mJy/beam].
    x, y : array_like, shape (n,)
        Centres [pixel].
    radius : float
        Radius of the circles [pixel].

    Returns
    -------
    ndarray, shape (n,)
        Sums [mJy/beam pixel]; divided by the area of the beam in pixels they are
        fluxes.
    """
    positions = np.column_stack([x, y]).astype(float)
    if len(positions) == 0:
        return np.empty(0)
    circles = CircularAperture(positions, radius)
    sums = aperture_photometry(image, circles, method="exact")["aperture_sum"]
    return np.asarray(sums, dtype=float)


def local_background(image, x, y, radii=ANNULUS):
    """Take the median of a ring around each position.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Map; the ring is cut at its edges and at NaN.
    x, y : array_like, shape (n,)
        Positions [pixel].
    radii : tuple of float
        Inner and outer radius of the ring [pixel].

    Returns
    -------
    ndarray, shape (n,)
        Medians, in the unit of the map.
    """
    reach = int(np.ceil(radii[1]))
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    distance = np.hypot(dx, dy)
    ring = (distance >= radii[0]) & (distance <= radii[1])
    padded = np.pad(np.asarray(image, dtype=np.float32), reach, constant_values=np.nan)
    columns = np.round(x).astype(int)[:, None] + dx[ring] + reach
    rows = np.round(y).astype(int)[:, None] + dy[ring] + reach
    return np.nanmedian(padded[rows, columns], axis=1).astype(float)


def point_source_fluxes(image, x, y, fwhm=BANDS[TARGET].fwhm):
    """Measure the fluxes of point sources in circles of 10 arcsec (section 3.2).

    The median of a ring of 15 to 30 arcsec is subtracted, the sum divided by the
    area of the beam and by the fraction of the beam inside the circle,
    1 - exp(-r² / 2 sigma²). The ring is taken from the map smoothed with the beam:
    the sky is skewed, so noise would move the median of single pixels, and fluxes in
    a map with noise would not compare with those in a super-resolved one.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Map of pixels of 1 arcsec [mJy/beam].
    x, y : array_like, shape (n,)
        Positions [pixel].
    fwhm : float
        Full width at half maximum of the beam [arcsec].

    Returns
    -------
    ndarray, shape (n,)
        Fluxes [mJy].
    """
    if len(x) == 0:
        return np.empty(0)
    radius = APERTURE_RADIUS / PIXEL
    image = np.asarray(image, dtype=float)
    observed = np.isfinite(image)
    filled = np.where(observed, image, np.median(image[observed]))
    smooth = gaussian_filter(filled, fwhm / FWHM_PER_SIGMA / PIXEL)
    level = local_background(np.where(observed, smooth, np.nan), x, y)
    sums = aperture_fluxes(np.where(observed, image, 0.0), x, y, radius)
    covered = aperture_fluxes(observed.astype(float), x, y, radius)
    inside = 1.0 - np.exp(-0.5 * (APERTURE_RADIUS * FWHM_PER_SIGMA / fwhm) ** 2)
    return (sums - level * covered) / (beam_area(fwhm) / PIXEL**2) / inside


def extract_sources(
    image,
    threshold,
    fwhm=BANDS[TARGET].fwhm,
    min_flux=MIN_FLUX,
    rms=None,
    border=0,
):
    """Extract the point sources of a map with `photutils.detection.DAOStarFinder`.

    DAOStarFinder fits the height of a Gaussian of the beam's width at every pixel.
    A source is a maximum of these heights; its signal-to-noise ratio is the height
    over the clipped scatter of all heights in the map, which holds instrument noise
    and confusion. No source is lost for being near another, unless within a quarter of
    the beam, or for its shape.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Map of pixels of 1 arcsec [mJy/beam]; NaN where nothing was observed.
    threshold : float
        Minimum signal-to-noise ratio: fitted height / `rms`.
    fwhm : float
        Full width at half maximum of a point source [arcsec].
    min_flux : float
        Minimum fitted height [mJy/beam]: the noise of a super-resolved map can be next
        to nothing, so `rms` is taken to be at least `min_flux` / `threshold`.
    rms : float, optional
        Noise of the fitted heights [mJy/beam]; measured by default.
    border : float
        Sources nearer to the edge than this are dropped [pixel].

    Returns
    -------
    astropy.table.Table
        ``x``, ``y`` centroids [pixel]; ``peak``, the map at the centroid above the
        median [mJy/beam]; ``aperture_flux``, see `point_source_fluxes` [mJy];
        ``snr``. Brightest first.
    """
    image = np.asarray(image, dtype=float)
    observed = np.isfinite(image)
    median = background(image)[0] if observed.any() else 0.0
    flat = np.where(observed, image - median, 0.0)
    if rms is None:
        rms = height_rms(flat, fwhm, observed)
    rms = max(rms, min_flux / threshold)
    x, y, height = fitted_peaks(flat, threshold * rms, fwhm, ~observed)
    ny, nx = image.shape
    kept = (x >= border) & (x <= nx - 1 - border)
    kept &= (y >= border) & (y <= ny - 1 - border)
    x, y, height = x[kept], y[kept], height[kept]
    order = np.argsort(-height, kind="stable")
    x, y, height = x[order], y[order], height[order]
    peak = map_coordinates(flat, [y, x], order=3, mode="nearest") if len(x) else x
    return Table(
        {
            "x": x * units.pix,
            "y": y * units.pix,
            "peak": peak * units.mJy / units.beam,
            "aperture_flux": point_source_fluxes(image, x, y, fwhm) * units.mJy,
            "snr": height / rms,
        }
    )


def gaussian_finder(height, fwhm):
    """Make the DAOStarFinder that loses no source (see `extract_sources`)."""
    return DAOStarFinder(
        height,
        fwhm / PIXEL,
        min_separation=0,
        scale_threshold=False,
        sharpness_range=None,
        roundness_range=None,
    )


def height_rms(image, fwhm, observed):
    """Measure the clipped scatter of the Gaussian heights fitted at every pixel.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Map above its background, zero where nothing was observed.
    fwhm : float
        Full width at half maximum of the Gaussian [arcsec].
    observed : ndarray of bool, shape (ny, nx)
        False where nothing was observed.

    Returns
    -------
    float
        Scatter, in the unit of the map; zero if nothing was observed.
    """
    if not observed.any():
        return 0.0
    kernel = gaussian_finder(1.0, fwhm).kernel.data
    heights = fftconvolve(image, kernel, mode="same")
    return background(np.where(observed, heights, np.nan))[1]


def fitted_peaks(image, height, fwhm, mask=None):
    """Find the maxima of the Gaussian heights that DAOStarFinder fits.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Map above its background.
    height : float
        Minimum height, in the unit of the map.
    fwhm : float
        Full width at half maximum of the Gaussian [arcsec].
    mask : ndarray of bool, shape (ny, nx), optional
        True where nothing was observed.

    Returns
    -------
    x, y, height : ndarray, shape (n,)
        Centroids [pixel] and fitted heights.
    """
    finder = gaussian_finder(height, fwhm)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        found = finder(image, mask=mask)
    if found is None:
        return np.empty(0), np.empty(0), np.empty(0)
    heights = height * 10.0 ** (-0.4 * np.asarray(found["daofind_mag"]))
    x, y = (np.asarray(found[name]) for name in ("x_centroid", "y_centroid"))
    kept = distinct(x, y, heights, SAME_SOURCE * fwhm / PIXEL)
    return x[kept], y[kept], heights[kept]


def distinct(x, y, height, separation):
    """Leave out maxima that lie next to a higher one.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Positions [pixel].
    height : ndarray, shape (n,)
        Heights.
    separation : float
        Maxima nearer than this are one source [pixel].

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    kept = np.ones(len(x), dtype=bool)
    pairs = cKDTree(np.column_stack([x, y])).query_pairs(separation)
    for pair in pairs:
        kept[min(pair, key=lambda i: (height[i], -i))] = False
    return kept
