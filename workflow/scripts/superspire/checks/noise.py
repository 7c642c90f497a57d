"""Instrument noise of a map, from its error map and from its own pixels."""

from dataclasses import asdict, dataclass

import numpy as np
from scipy import ndimage, signal

from superspire.instruments import BANDS, FWHM_PER_SIGMA
from superspire.maps.background import background
from superspire.maps.positions import map_matrix

HALF = 3
"""Half the side of the window in which a pixel is predicted [pixel]."""

RIDGE = 1e-3
"""Variance of the noise over that of the sky that the prediction assumes."""

CONSTANT = 1e3
"""Variance of the zero level over that of the sky: none of it is left."""

MIN_WINDOWS = 200
"""Minimum number of windows without a gap."""

TOLERANCE = 0.25
"""Difference of the noise from the training's that is worth a warning. At 2 mJy/beam
it changes confusion and noise together by less than 3 %."""

ERROR_TOLERANCE = 0.25
"""Difference of noise and error map that is worth a warning."""

MAD_SCATTER = 1.65
"""Standard error of the scaled median absolute deviation over that of the standard
deviation, for Gaussian noise (Rousseeuw & Croux 1993: an efficiency of 37 %)."""


@dataclass(frozen=True)
class Noise:
    """White noise of a map.

    Attributes
    ----------
    rms : float or None
        From the differences of the map's pixels [mJy/beam per pixel]; None if it
        cannot be measured.
    rms_error : float or None
        Its standard error [mJy/beam].
    floor : float or None
        What the sky leaves in these differences [mJy/beam]: less noise is not seen.
    error_map : float or None
        Median of the error map [mJy/beam].
    over_error : float or None
        Noise in units of the error map, pixel by pixel.
    pixel : float
        Side of a pixel [arcsec].
    """

    rms: float | None
    rms_error: float | None
    floor: float | None
    error_map: float | None
    over_error: float | None
    pixel: float

    @property
    def best(self):
        """The noise from the pixels, or else that of the error map [mJy/beam]."""
        return self.error_map if self.rms is None else self.rms

    def record(self):
        """List the attributes with their units, for JSON."""
        units = {"pixel": "pixel_arcsec", "over_error": "rms_over_error_map"}
        return {
            units.get(key, f"{key}_mjy_beam"): value
            for key, value in asdict(self).items()
        }


def prediction_filter(fwhm, pixel):
    """Make the filter that leaves of a map what its neighbours do not predict.

    A pixel of a confused sky is predicted from those around it by their covariance, a
    Gaussian of twice the variance of the beam (simple kriging; Rasmussen & Williams
    2006, eq. 2.25, with a constant of large variance added as in section 2.7). The
    beam lets nothing of the sky through beyond the telescope's diffraction limit, so
    the residual is noise.

    Parameters
    ----------
    fwhm : float
        FWHM of the beam [arcsec].
    pixel : float or ndarray, shape (2, 2)
        Side of a pixel [arcsec], or `superspire.maps.positions.pixel_matrix`.

    Returns
    -------
    weights : ndarray, shape (7, 7)
        Of unit sum of squares, which keeps the rms of white noise.
    leak : float
        Standard deviation of the filtered sky over that of the sky.
    """
    matrix = pixel if np.ndim(pixel) else pixel * np.eye(2)
    variance = (fwhm / FWHM_PER_SIGMA) ** 2 + abs(np.linalg.det(matrix)) / 12.0
    y, x = matrix @ np.mgrid[-HALF : HALF + 1, -HALF : HALF + 1].reshape(2, -1)[::-1]
    sky = np.exp(-((x[:, None] - x) ** 2 + (y[:, None] - y) ** 2) / (4.0 * variance))
    centre = np.zeros(len(x))
    centre[len(x) // 2] = 1.0
    weights = np.linalg.solve(sky + RIDGE * np.eye(len(x)) + CONSTANT, centre)
    weights /= np.linalg.norm(weights)
    leak = float(np.sqrt(weights @ sky @ weights))
    return weights.reshape(2 * HALF + 1, 2 * HALF + 1), leak


def noise_levels(maps):
    """Measure the white noise of maps of SPIRE.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps by band [mJy/beam].

    Returns
    -------
    dict of int to float
        Noise of each band per pixel of Table 1 [mJy/beam].
    """
    levels = {}
    for band, map_ in maps.items():
        instrument = BANDS[band]
        found = measure_noise(map_.data, map_matrix(map_), instrument.fwhm)
        levels[band] = found.best * found.pixel / instrument.pixel
    return levels


def measure_noise(data, pixel, fwhm, error=None, filtered=False):
    """Measure the white noise of a map from its error map and from its own pixels.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
        Map [mJy/beam]; NaN where nothing was observed.
    pixel : float or ndarray, shape (2, 2)
        Side of a pixel [arcsec], or `superspire.maps.positions.pixel_matrix`.
    fwhm : float
        FWHM of the beam [arcsec].
    error : ndarray, shape (ny, nx), optional
        Error map [mJy/beam].
    filtered : bool
        Whether the map is matched-filtered: its noise is then as smooth as its
        sources, and only the error map tells it.

    Returns
    -------
    Noise
    """
    seen = np.isfinite(data)
    known = None
    if error is not None:
        known = seen & np.isfinite(error) & (error > 0)
    from_error = (
        float(np.median(error[known])) if known is not None and known.any() else None
    )
    weights, leak = prediction_filter(fwhm, pixel)
    if np.ndim(pixel):
        pixel = float(np.sqrt(abs(np.linalg.det(pixel))))
    whole = ndimage.minimum_filter(seen, size=weights.shape, mode="constant", cval=0)
    if filtered or whole.sum() < MIN_WINDOWS:
        return Noise(None, None, None, from_error, None, pixel)
    flat = np.where(seen, data - np.median(data[seen]), 0.0)
    residual = signal.fftconvolve(flat, weights, mode="same")
    rms = robust_rms(residual[whole])
    sky = np.sqrt(max(background(data)[1] ** 2 - rms**2, 0.0))
    over = None
    if known is not None and (known & whole).sum() >= MIN_WINDOWS:
        over = robust_rms((residual / np.where(known, error, 1.0))[known & whole])
    lags = signal.correlate(weights, weights)
    independent = whole.sum() / np.sum(lags**2)
    return Noise(
        rms=rms,
        rms_error=float(rms * MAD_SCATTER / np.sqrt(2.0 * independent)),
        floor=float(leak * sky),
        error_map=from_error,
        over_error=over,
        pixel=pixel,
    )


def robust_rms(values):
    """Compute the scaled median absolute deviation."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def compare_noise(noise, training, band):
    """Compare the noise of a map with that of the sky that the network was trained on.

    White noise is compared per solid angle, as rms times the side of a pixel, so that
    pixels of different sizes are comparable. For the signal-to-noise ratio that it
    has on the training sky a source must be as many times as bright as the noise is
    higher, or less where confusion, which stays, adds in quadrature: the measured
    completeness and purity of the training's noise are to be read at a flux divided
    by a factor between the two.

    Parameters
    ----------
    noise : Noise
        Noise of the map.
    training : dict
        ``noise_mjy_beam`` per pixel of ``pixel_arcsec``, and ``confusion_mjy_beam``;
        ``noises_mjy_beam``, lowest and highest, if it was trained and calibrated at
        several.
    band : int
        Wavelength [µm].

    Returns
    -------
    record : dict
        The noise, the training's, their ratio per solid angle, and the ratio with
        confusion.
    warnings : list of str
        One sentence about everything that is unusual.
    """
    warnings = []
    record = noise.record()
    wanted, pixel = training["noise_mjy_beam"], training["pixel_arcsec"]
    record |= {
        "training_noise_mjy_beam": wanted,
        "training_pixel_arcsec": pixel,
        "ratio": None,
        "ratio_with_confusion": None,
    }
    if noise.best is None:
        warnings.append(
            f"{band} µm: the noise is not known, as there is no error map and "
            "the map is too small or filtered"
        )
        return record, warnings
    if noise.over_error is not None and abs(noise.over_error - 1.0) > ERROR_TOLERANCE:
        warnings.append(disagreement(noise, band))
    here = noise.best * noise.pixel / pixel
    record["equivalent_noise_mjy_beam"] = here
    confusion = training["confusion_mjy_beam"]
    with_confusion = float(np.hypot(confusion, here) / np.hypot(confusion, wanted))
    record["ratio_with_confusion"] = with_confusion
    found = (
        f"{band} µm: the noise of {noise.best:.2f} mJy/beam in pixels of "
        f"{noise.pixel:.4g} arcsec"
    )
    if wanted <= training.get("noise_floor_mjy_beam", 0.0):
        if here > training.get("noise_floor_mjy_beam", 0.0):
            warnings.append(
                f"{found} is none that the network was trained on, whose sky had "
                f"none: expect a completeness below that measured; train with "
                f"simulation.spire_noise: {here:.2g}"
            )
        return record, warnings
    ratio = record["ratio"] = here / wanted
    if "noises_mjy_beam" in training:
        low, high = training["noises_mjy_beam"]
        if not low / (1.0 + TOLERANCE) <= here <= high * (1.0 + TOLERANCE):
            warnings.append(
                f"{found} is not within the {low:g} to {high:g} mJy/beam that the "
                "network was trained and calibrated for: errors and probabilities are "
                "those at the nearest"
            )
        return record, warnings
    if ratio > 1.0 + TOLERANCE:
        warnings.append(
            f"{found} is {ratio:.2f} times that of the training per solid angle: "
            "expect at a flux S the completeness and purity measured between "
            f"S / {with_confusion:.2f} (if confusion adds in full) and S / {ratio:.2f} "
            f"(if noise alone decides); train with simulation.spire_noise: {here:.2g}"
        )
    elif ratio < 1.0 - TOLERANCE:
        warnings.append(
            f"{found} is {ratio:.2f} times that of the training per solid angle: "
            "expect the completeness and purity measured, and no gain from the depth "
            f"unless trained with simulation.spire_noise: {here:.2g}"
        )
    return record, warnings


def disagreement(noise, band):
    """Say that the differences of the pixels and the error map disagree."""
    reason = (
        "the error map leaves noise out"
        if noise.over_error > 1.0
        else "the map was smoothed or resampled, or its errors hold more than noise"
    )
    return (
        f"{band} µm: the noise in the map is {noise.over_error:.2f} times its error "
        f"map ({noise.rms:.2f} against {noise.error_map:.2f} mJy/beam): {reason}"
    )
