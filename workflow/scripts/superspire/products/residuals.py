"""Residuals: whether the listed sources reproduce the native maps.

The sources are subtracted from each map through its beam. Unlisted sources belong to a
good fit: their confusion, the flux errors of the list and the limit above which a fit
is poor are measured on mock sky (`calibrate_residuals`).
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from astropy.io import fits
from scipy.ndimage import map_coordinates
from scipy.special import ndtr

from superspire.checks.extended import on_grid
from superspire.checks.noise import robust_rms
from superspire.instruments import FWHM_PER_SIGMA, SPIRE
from superspire.io import Map, append_image, map_header
from superspire.maps.positions import convert, pixel_sides
from superspire.products.writing import add_checksums, dated_cards
from superspire.sky.beams import GaussianBeam, beam_of

FLUXES = ("flux", "deboosted")
"""Prefixes of the fluxes that may be subtracted: unbiased or deboosted."""

QUANTILE = 0.999
"""Fraction of the sources on clean mock sky that count as well fitted in a band."""

DISC = 0.5 / np.sqrt(np.log(2.0))
"""Radius of a disc with the solid angle of a Gaussian beam [FWHM]."""

EXTENT = 2.5
"""Radius at which a component of a beam ends, at 2^-25 of its peak [FWHM]."""

FAINT_FRACTION = 0.5
"""Fraction of the observed pixels, those to which the listed sources contribute least,
whose median is the level."""

MIN_PIXELS = 3
"""Minimum number of observed pixels in a disc."""

BRIGHT = 10.0
"""Minimum brightness at the sources from which the relative error of their fluxes is
measured, in standard deviations of a pixel."""

MIN_BRIGHT = 20
"""Minimum number of such sources."""

MIN_NOISE = 0.1
"""Minimum noise that a fit assumes, as a fraction of the confusion."""

MIN_FLUX_ERROR = 0.01
"""Minimum relative error of the fluxes."""

BLOCK = 2**12
"""Sources that are handled at a time."""


@dataclass(frozen=True)
class Residual:
    """Native map of a band without the listed sources.

    Attributes
    ----------
    map : superspire.io.Map
        Map minus sources minus level [mJy/beam]; NaN where nothing was observed.
    model : ndarray of float32, shape (ny, nx)
        Listed sources seen through the beam [mJy/beam].
    level : float
        Level that was subtracted [mJy/beam].
    fwhm : float
        FWHM of the beam [arcsec].
    standardised : superspire.io.Map or None
        `map` over the standard deviation of a pixel, see `standardise`.
    noise, confusion : float or None
        Median white noise of a pixel and rms of the unlisted sources in it [mJy/beam].
    """

    map: Map
    model: np.ndarray
    level: float
    fwhm: float
    standardised: Map | None = None
    noise: float | None = None
    confusion: float | None = None

    def record(self):
        """List the numbers with their units, for JSON."""
        return {
            "level_mjy_beam": self.level,
            "noise_mjy_beam": self.noise,
            "confusion_mjy_beam": self.confusion,
        }


def render_sources(x, y, flux, shape, sides, beam):
    """Render point sources through a round beam integrated over the pixels.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Positions [pixel]; sources without a position are left out.
    flux : ndarray, shape (n,)
        Flux densities [mJy].
    shape : (int, int)
        Shape (ny, nx) of the map.
    sides : (float, float)
        Sides of a pixel along x and y [arcsec].
    beam : superspire.sky.beams.GaussianBeam
        The beam.

    Returns
    -------
    ndarray of float32, shape (ny, nx)
        [mJy/beam].
    """
    image = np.zeros(shape)
    for fwhm, amplitude in beam.components:
        reach = EXTENT * fwhm / np.asarray(sides)
        near = (x > -reach[0]) & (x < shape[1] + reach[0])
        near &= (y > -reach[1]) & (y < shape[0] + reach[1])
        own = np.flatnonzero(near)
        for first in range(0, len(own), BLOCK):
            part = own[first : first + BLOCK]
            columns, across = profile(x[part], fwhm / sides[0], shape[1])
            rows, along = profile(y[part], fwhm / sides[1], shape[0])
            along *= amplitude * flux[part, None]
            index = rows[:, :, None], columns[:, None, :]
            np.add.at(image, index, along[:, :, None] * across[:, None, :])
    return image.astype(np.float32)


def profile(position, fwhm, size):
    """Average a Gaussian of unit peak over the pixels around positions on an axis.

    Parameters
    ----------
    position : ndarray, shape (n,)
        Centres [pixel].
    fwhm : float
        [pixel].
    size : int
        Number of pixels of the axis.

    Returns
    -------
    pixels : ndarray of int, shape (n, m)
        On the axis.
    value : ndarray, shape (n, m)
        Zero for those that would not be on the axis.
    """
    half, sigma = int(np.ceil(EXTENT * fwhm)), fwhm / FWHM_PER_SIGMA
    pixels = np.round(position).astype(int)[:, None] + np.arange(-half, half + 1)
    low = (pixels - 0.5 - position[:, None]) / sigma
    value = np.sqrt(2.0 * np.pi) * sigma * (ndtr(low + 1.0 / sigma) - ndtr(low))
    inside = (pixels >= 0) & (pixels < size)
    return np.where(inside, pixels, 0), np.where(inside, value, 0.0)


def subtract_sources(map_, beam, wcs, sources, flux, mask=None):
    """Subtract sources and the level from a native map.

    Parameters
    ----------
    map_ : superspire.io.Map
        Native map [mJy/beam]; NaN where nothing was observed.
    beam : superspire.sky.beams.GaussianBeam
        Its beam.
    wcs : astropy.wcs.WCS
        Grid of the sources.
    sources : pandas.DataFrame
        ``x`` and ``y`` [pixel of `wcs`].
    flux : array_like, shape (n,)
        Their flux densities in this band [mJy].
    mask : superspire.io.Map, optional
        Sky that does not count for the level (`superspire.checks.extended`).

    Returns
    -------
    Residual
    """
    x, y = positions(map_, wcs, sources)
    flux = np.asarray(flux, float)
    model = render_sources(x, y, flux, map_.data.shape, pixel_sides(map_), beam)
    data = map_.data - model
    counted = np.isfinite(data)
    if mask is not None:
        clear = counted & (on_grid(mask, map_.wcs, data.shape) == 0)
        counted = clear if clear.any() else counted
    level = 0.0
    if counted.any():
        faint = model <= np.quantile(model[counted], FAINT_FRACTION)
        level = float(np.median(data[counted & faint]))
    data -= np.float32(level)
    return Residual(Map(data, map_.wcs, map_.header), model, level, beam.fwhm)


def positions(map_, wcs, sources):
    """Convert the positions of sources to the pixels of a map."""
    if len(sources) == 0:
        return np.empty(0), np.empty(0)
    x, y = (sources[axis].to_numpy(float) for axis in ("x", "y"))
    return convert(map_.wcs, wcs, x, y)


def standardise(residual, noise, confusion):
    """Divide a residual map by the standard deviation that a good fit leaves.

    Parameters
    ----------
    residual : Residual
        From `subtract_sources`.
    noise : float or ndarray, shape (ny, nx)
        White noise per native pixel [mJy/beam].
    confusion : float
        rms of the unlisted sources [mJy/beam].

    Returns
    -------
    Residual
        With `standardised`, `noise` and `confusion`.
    """
    error = np.hypot(noise, confusion)
    map_ = residual.map
    scaled = Map((map_.data / error).astype(np.float32), map_.wcs, map_.header)
    typical = float(np.nanmedian(noise))
    return replace(residual, standardised=scaled, noise=typical, confusion=confusion)


def goodness_of_fit(residual, x, y, noise, measured):
    """Compute a reduced chi-square over the beam area around each source.

    The covariance C of the n pixels of a disc has three parts: white noise; unlisted
    sources, correlated as the beam with itself; and a common relative error of the
    listed fluxes, the outer product of the model with itself. With the residual r,
    chi² = r C⁻¹ r / n. Unlisted sources are not normally distributed, so that limits
    must be measured.

    Parameters
    ----------
    residual : Residual
        From `subtract_sources`.
    x, y : ndarray, shape (n,)
        Positions of the sources [pixel].
    noise : float or ndarray, shape (ny, nx)
        White noise per native pixel [mJy/beam].
    measured : dict
        ``confusion_mjy_beam`` and ``flux_error`` of `calibrate_residuals`.

    Returns
    -------
    ndarray, shape (n,)
        NaN where fewer than three pixels were observed.
    """
    data, model, fwhm = residual.map.data, residual.model, residual.fwhm
    confusion = measured["confusion_mjy_beam"]
    variance = np.maximum(noise, MIN_NOISE * confusion) ** 2
    variance = np.broadcast_to(variance, data.shape)
    sides = pixel_sides(residual.map)
    offsets = disc_offsets(DISC * fwhm, sides)
    confused = confusion**2 * beam_correlation(offsets, fwhm, sides)
    chi2, known = np.full(len(x), np.nan), np.flatnonzero(np.isfinite(x + y))
    for first in range(0, len(known), BLOCK):
        part = known[first : first + BLOCK]
        index, inside = disc_pixels(x[part], y[part], offsets, DISC * fwhm, sides, data)
        r, m = (np.where(inside, image[index], 0.0) for image in (data, model))
        m *= measured["flux_error"]
        both = inside[:, :, None] & inside[:, None, :]
        covariance = np.where(both, confused + m[:, :, None] * m[:, None, :], 0.0)
        diagonal = np.where(inside, variance[index], 1.0)
        covariance += diagonal[:, :, None] * np.eye(len(offsets))
        total = np.sum(r * np.linalg.solve(covariance, r[:, :, None])[:, :, 0], axis=1)
        number = inside.sum(axis=1)
        enough = number >= MIN_PIXELS
        chi2[part] = np.where(enough, total / np.maximum(number, 1), np.nan)
    return chi2


def beam_correlation(offsets, fwhm, sides):
    """Correlation of pixels by the beam: that of confusion, if sources are Poissonian.

    Parameters
    ----------
    offsets : ndarray of int, shape (m, 2)
        Pixels, along x and y.
    fwhm : float
        FWHM of the beam [arcsec].
    sides : (float, float)
        Sides of a pixel along x and y [arcsec].

    Returns
    -------
    ndarray, shape (m, m)
    """
    separation = (offsets[:, None] - offsets) * sides
    variance = (fwhm / FWHM_PER_SIGMA) ** 2 + np.asarray(sides) ** 2 / 12.0
    return np.exp(-np.sum(separation**2 / (4.0 * variance), axis=-1))


def disc_offsets(radius, sides):
    """List the pixels that may lie in a disc around any position in the middle one.

    Parameters
    ----------
    radius : float
        [arcsec].
    sides : (float, float)
        Sides of a pixel along x and y [arcsec].

    Returns
    -------
    ndarray of int, shape (m, 2)
        Along x and y.
    """
    half = [int(np.ceil(radius / side)) for side in sides]
    dx, dy = np.mgrid[-half[0] : half[0] + 1, -half[1] : half[1] + 1].reshape(2, -1)
    offsets = np.column_stack([dx, dy])
    nearest = np.maximum(np.abs(offsets) - 0.5, 0.0) * sides
    return offsets[np.hypot(*nearest.T) <= radius]


def disc_pixels(x, y, offsets, radius, sides, data):
    """Find the observed pixels whose centres lie in discs.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Centres [pixel].
    offsets : ndarray of int, shape (m, 2)
        From `disc_offsets`.
    radius : float
        [arcsec].
    sides : (float, float)
        Sides of a pixel along x and y [arcsec].
    data : ndarray, shape (ny, nx)
        Map; NaN where nothing was observed.

    Returns
    -------
    index : tuple of ndarray of int, shape (n, m)
        Rows and columns of the map.
    inside : ndarray of bool, shape (n, m)
        Which of them are observed pixels of the disc.
    """
    columns, rows = (
        np.round(axis).astype(int)[:, None] + step
        for axis, step in zip((x, y), offsets.T, strict=True)
    )
    distance = np.hypot(
        (columns - x[:, None]) * sides[0], (rows - y[:, None]) * sides[1]
    )
    inside = (distance <= radius) & (rows >= 0) & (rows < data.shape[0])
    inside &= (columns >= 0) & (columns < data.shape[1])
    index = np.where(inside, rows, 0), np.where(inside, columns, 0)
    return index, inside & np.isfinite(data[index])


def judge_fit(maps, wcs, sources, calibration, noise, beams=None, mask=None):
    """Compare a field with its listed sources.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps of the SPIRE bands [mJy/beam].
    wcs : astropy.wcs.WCS
        Grid of the sources.
    sources : pandas.DataFrame
        ``x``, ``y`` [pixel of `wcs`] and the fluxes that `calibration` names [mJy].
    calibration : dict
        What `calibrate_residuals` gives.
    noise : float or dict of int to float or ndarray
        White noise per native pixel [mJy/beam], of all bands or by band.
    beams : dict of int to superspire.sky.beams.GaussianBeam, optional
        Beams, by default the Gaussians of Table 1.
    mask : superspire.io.Map, optional
        Sky that does not count for the level.

    Returns
    -------
    residuals : dict of int to Residual
        By band.
    fit : dict of str to ndarray, shape (n,)
        ``chi2_250``, ``chi2_350``, ``chi2_500`` and ``poor_fit``, which is true where
        one of them is above its limit.
    """
    residuals, fit, poor = {}, {}, np.zeros(len(sources), bool)
    for band in SPIRE:
        map_, measured = maps[band], calibration["bands"][str(band)]
        beam = beam_for(band, beams)
        flux = sources[f"{calibration['fluxes']}_{band}"]
        residual = subtract_sources(map_, beam, wcs, sources, flux, mask)
        own = noise_in(band, noise)
        residuals[band] = standardise(residual, own, measured["confusion_mjy_beam"])
        place = positions(map_, wcs, sources)
        chi2 = goodness_of_fit(residual, *place, own, measured)
        fit[f"chi2_{band}"] = chi2
        poor |= np.nan_to_num(chi2) > measured["max_chi2"]
    return residuals, fit | {"poor_fit": poor}


def gaussian_beams(records):
    """Make the beams of a field, Gaussians of the widths that were read.

    Parameters
    ----------
    records : dict of int to dict
        How each map was read (`superspire.checks.inputs.read_bands`).

    Returns
    -------
    dict of int to superspire.sky.beams.GaussianBeam
    """
    widths = {band: record["beam_fwhm_arcsec"] for band, record in records.items()}
    return {band: GaussianBeam(((fwhm, 1.0),), fwhm) for band, fwhm in widths.items()}


def beam_for(band, beams):
    """Give the beam of a band, by default the Gaussian of Table 1."""
    return (beams or {}).get(band) or beam_of(band)


def noise_in(band, noise):
    """Give the noise of a band where it may be one for all [mJy/beam]."""
    return noise[band] if isinstance(noise, dict) else noise


def calibrate_residuals(mocks, noise, beams=None):
    """Measure on clean mock sky what a good fit leaves.

    Parameters
    ----------
    mocks : sequence of (dict of int to superspire.io.Map, astropy.wcs.WCS, DataFrame)
        Native maps by band [mJy/beam], grid of the sources and their list of each mock
        field: ``x``, ``y`` [pixel of the grid] and ``flux_250`` ... or
        ``deboosted_250`` ..., or both [mJy].
    noise : float or dict of int to float
        White noise of these maps per native pixel [mJy/beam].
    beams : dict of int to superspire.sky.beams.GaussianBeam, optional
        Beams, by default the Gaussians of Table 1.

    Returns
    -------
    dict
        For `judge_fit` and JSON: ``fluxes``, the prefix of the fluxes that leave the
        smaller residuals, and ``rms_mjy_beam``, what each of them leaves by band;
        ``quantile`` and ``sources``, the number of sources; ``bands``, of each
        ``confusion_mjy_beam``, the rms of the unlisted sources, ``flux_error``, the
        relative error of the fluxes, and ``max_chi2``, the `QUANTILE` of the sources.
    """
    columns = mocks[0][2].columns
    measured = {
        fluxes: {band: leftover(mocks, band, fluxes, beams) for band in SPIRE}
        for fluxes in FLUXES
        if f"{fluxes}_{SPIRE[0]}" in columns
    }
    rms = {
        fluxes: {
            str(band): pooled_rms(residuals) for band, residuals in by_band.items()
        }
        for fluxes, by_band in measured.items()
    }
    best = min(rms, key=lambda fluxes: np.prod(list(rms[fluxes].values())))
    return {
        "fluxes": best,
        "rms_mjy_beam": rms,
        "quantile": QUANTILE,
        "sources": sum(len(sources) for _, _, sources in mocks),
        "bands": {
            str(band): calibrate_band(
                residuals,
                [positions(maps[band], wcs, table) for maps, wcs, table in mocks],
                noise_in(band, noise),
            )
            for band, residuals in measured[best].items()
        },
    }


def leftover(mocks, band, fluxes, beams):
    """Subtract the listed sources from the maps of a band, a list of `Residual`."""
    return [
        subtract_sources(
            maps[band], beam_for(band, beams), wcs, table, table[f"{fluxes}_{band}"]
        )
        for maps, wcs, table in mocks
    ]


def pooled_rms(residuals):
    """Compute the robust rms of residual maps together [mJy/beam]."""
    data = np.concatenate([r.map.data[np.isfinite(r.map.data)] for r in residuals])
    return robust_rms(data)


def calibrate_band(residuals, places, noise):
    """Measure what a good fit leaves in a band.

    Parameters
    ----------
    residuals : list of Residual
        From `subtract_sources`, one a mock field.
    places : list of (ndarray, ndarray)
        Positions of the listed sources of each [pixel].
    noise : float
        White noise per native pixel [mJy/beam].

    Returns
    -------
    dict
        See `calibrate_residuals`.
    """
    confusion = float(np.sqrt(max(pooled_rms(residuals) ** 2 - noise**2, 0.0)))
    measured = {
        "confusion_mjy_beam": confusion,
        "flux_error": relative_error(residuals, places, np.hypot(noise, confusion)),
    }
    chi2 = [
        goodness_of_fit(residual, *place, noise, measured)
        for residual, place in zip(residuals, places, strict=True)
    ]
    limit = np.nanquantile(np.concatenate(chi2), QUANTILE)
    return measured | {"max_chi2": float(limit)}


def relative_error(residuals, places, error):
    """Measure the relative error of the listed fluxes at the pixels of bright sources.

    Parameters
    ----------
    residuals, places
        See `calibrate_band`.
    error : float
        Standard deviation of a pixel [mJy/beam].

    Returns
    -------
    float
    """
    ratio, variance = [], []
    for residual, (x, y) in zip(residuals, places, strict=True):
        place = np.nan_to_num(np.stack([y, x]), nan=-9.0)
        model, left = (
            map_coordinates(image, place, order=0, cval=0.0)
            for image in (residual.model, residual.map.data)
        )
        bright = np.isfinite(left) & (model > BRIGHT * error)
        ratio.append(left[bright] / model[bright])
        variance.append((error / model[bright]) ** 2)
    ratio, variance = np.concatenate(ratio), np.concatenate(variance)
    if len(ratio) < MIN_BRIGHT:
        return MIN_FLUX_ERROR
    scatter = 1.4826 * np.median(np.abs(ratio))
    return float(np.sqrt(max(scatter**2 - np.median(variance), MIN_FLUX_ERROR**2)))


def write_residuals(path, residuals, cards):
    """Write the residual maps of a field, plain and standardised.

    Parameters
    ----------
    path : str or path-like
        FITS file to write, with the extensions RESIDUAL_250 [mJy/beam],
        STANDARDISED_250 and so on.
    residuals : dict of int to Residual
        From `judge_fit`.
    cards : dict
        Provenance cards.
    """
    primary = fits.PrimaryHDU()
    primary.header.update(dated_cards(cards))
    primary.writeto(path, overwrite=True)
    for band, residual in residuals.items():
        own = {
            "WAVELNTH": (float(band), "[um] wavelength"),
            "LEVEL": (residual.level, "[mJy/beam] level that was subtracted"),
            "NOISE": (residual.noise, "[mJy/beam] white noise of a pixel, median"),
            "CONFUSED": (residual.confusion, "[mJy/beam] rms of the unlisted sources"),
        }
        wcs = residual.map.wcs.celestial
        header = map_header(wcs, residual.fwhm, dated_cards(cards | own))
        header["EXTNAME"] = f"RESIDUAL_{band}"
        header["BUNIT"] = ("mJy/beam", "map minus listed sources minus LEVEL")
        append_image(Path(path), header, "f4", residual.map.data)
        header["EXTNAME"] = f"STANDARDISED_{band}"
        header["BUNIT"] = ("", "residual over the root of NOISE^2 + CONFUSED^2")
        append_image(Path(path), header, "f4", residual.standardised.data)
    add_checksums(path)
