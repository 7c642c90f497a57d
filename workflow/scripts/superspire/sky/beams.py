"""Beams: what a telescope and its data reduction make of a point source."""

import re
import warnings
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.wcs import WCS, FITSFixedWarning
from scipy import ndimage

from superspire.errors import InputError
from superspire.fields.hdus import is_flat, is_image, label, open_fits, pixels
from superspire.instruments import BANDS, FWHM_PER_SIGMA, TARGET, beam_area

SCUBA2_BEAM = ((7.9, 0.94), (25.0, 0.06))
"""FWHM [arcsec] and peak amplitude of SCUBA-2's beam (Dempsey et al. 2013)."""

ERROR_BEAMS = ((3.0, 0.6), (10.0, 0.4))
"""SPIRE's error beams: FWHM over that of the core, share of the missing area."""

LOG_FAINTEST = -25.0
"""Log2 of the profile, relative to its peak, below which a Gaussian ends."""

CORE = 0.8
"""Pixels above this share of the largest one tell where the peak of an image is."""

SAMPLING = 2.9
"""Least number of pixels across the FWHM of a beam's image."""

PIXEL_KEYS = ("PIXSCALE", "PIXSCAL", "PIXSCAL1")
CARD = re.compile(r"[^=]*=[\s']*([-+]?[\d.]+(?:[EeDd][-+]?\d+)?)[\s']*(?:/(.*))?")
"""Number and comment of a header card, whatever its columns."""


@dataclass(frozen=True)
class GaussianBeam:
    """Round beam of unit peak, a sum of concentric Gaussians.

    Attributes
    ----------
    components : tuple of (float, float)
        FWHM [arcsec] and amplitude of each; the amplitudes add up to one.
    fwhm : float
        Nominal FWHM [arcsec].
    high_pass : bool
        Whether the reduction takes large scales away, so that the area is zero.
    """

    components: tuple
    fwhm: float
    high_pass: bool = False

    @property
    def area(self):
        """Integral of the beam [arcsec²]."""
        return float(sum(a * beam_area(fwhm) for fwhm, a in self.components))

    @property
    def reach(self):
        """Radius beyond which each component is below 2^-25 of the peak [arcsec]."""
        return max(
            0.5 * fwhm * np.sqrt(max(0.0, np.log2(abs(a)) - LOG_FAINTEST))
            for fwhm, a in self.components
        )

    def transfer(self, ky, kx):
        """Fourier transform of the beam.

        Parameters
        ----------
        ky, kx : ndarray, shape (m,) and (n,)
            Spatial frequencies [cycles/arcsec].

        Returns
        -------
        ndarray of float32, shape (m, n)
            Transfer function [arcsec²].
        """
        total = np.zeros((len(ky), len(kx)), np.float32)
        for fwhm, amplitude in self.components:
            decay = -2.0 * (np.pi * fwhm / FWHM_PER_SIGMA) ** 2
            rows = amplitude * beam_area(fwhm) * np.exp(decay * ky**2)
            columns = np.exp(decay * kx**2)
            total += np.outer(rows.astype(np.float32), columns.astype(np.float32))
        return total

    def high_passed(self, scale):
        """Take a smoothed background away and correct the peak for it.

        The background is the image smoothed with a Gaussian of unit area, so that
        every component of FWHM f gets a negative one of FWHM (f² + F²)^0.5 with the
        opposite integral, as in SCUBA-2's matched filter (Geach et al. 2017).

        Parameters
        ----------
        scale : float
            FWHM F of the smoothing [arcsec].

        Returns
        -------
        GaussianBeam
            Of unit peak, with a negative ring and zero integral.
        """
        widths = [(fwhm**2, a) for fwhm, a in self.components]
        negative = [(f2 + scale**2, -a * f2 / (f2 + scale**2)) for f2, a in widths]
        peak = sum(a for _, a in widths + negative)
        parts = tuple((f2**0.5, a / peak) for f2, a in widths + negative)
        return GaussianBeam(parts, self.fwhm, high_pass=True)


class ImageBeam:
    """Beam of unit peak that is known by its image.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Any multiple of the beam, sampled at points.
    step : (float, float)
        Distance of neighbouring rows to the north and of neighbouring columns to the
        west [arcsec]; negative if they go the other way.
    fwhm : float
        Nominal FWHM [arcsec].

    Attributes
    ----------
    image : ndarray, shape (ny, nx)
        The beam, of unit peak.
    y, x : ndarray, shape (ny,) and (nx,)
        Distances of its rows and columns to the north and west of the peak [arcsec].
    """

    high_pass = False

    def __init__(self, image, step, fwhm):
        image = np.where(np.isfinite(image), image, 0.0)
        peak, row, column = locate_peak(image)
        self.image = image / peak
        self.y = (np.arange(image.shape[0]) - row) * step[0]
        self.x = (np.arange(image.shape[1]) - column) * step[1]
        self.step = np.abs(step)
        self.fwhm = fwhm
        self._cache = (None, None)

    @property
    def area(self):
        """Integral of the beam [arcsec²]."""
        return float(self.image.sum() * self.step.prod())

    @property
    def reach(self):
        """Distance of the peak from the farthest edge of the image [arcsec]."""
        return float(max(np.abs(self.y).max(), np.abs(self.x).max()))

    def transfer(self, ky, kx):
        """Fourier transform of the beam, zero beyond the image's Nyquist frequency.

        The last result is kept, because the strips of a map ask for the same one.

        Parameters
        ----------
        ky, kx : ndarray, shape (m,) and (n,)
            Spatial frequencies to the north and west [cycles/arcsec].

        Returns
        -------
        ndarray of complex64, shape (m, n)
            Transfer function [arcsec²].
        """
        key = (ky.tobytes(), kx.tobytes())
        if self._cache[0] != key:
            self._cache = (key, self._transform(ky, kx))
        return self._cache[1]

    def _transform(self, ky, kx):
        """Evaluate the discrete Fourier transform of the image at any frequencies."""
        result = np.zeros((len(ky), len(kx)), np.complex64)
        rows, columns = (
            np.flatnonzero(2 * step * np.abs(k) <= 1)
            for step, k in zip(self.step, (ky, kx), strict=True)
        )
        waves_y, waves_x = (
            np.exp(-2j * np.pi * np.outer(k, place)).astype(np.complex64)
            for k, place in ((ky[rows], self.y), (kx[columns], self.x))
        )
        image = (self.image * self.step.prod()).astype(np.complex64)
        result[np.ix_(rows, columns)] = np.linalg.multi_dot(
            [waves_y, image, np.ascontiguousarray(waves_x.T)]
        )
        return result


def locate_peak(image):
    """Locate the peak of a beam between the pixels.

    The logarithm of the core is fitted by a parabola, which is exact for elliptical
    Gaussians and does not follow the noise of single pixels.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Finite.

    Returns
    -------
    value, row, column : float
        Height and place [pixel] of the peak.

    Raises
    ------
    InputError
        If the image has no positive peak inside.
    """
    top = np.unravel_index(image.argmax(), image.shape)
    if image[top] <= 0 or not all(
        0 < i < n - 1 for i, n in zip(top, image.shape, strict=True)
    ):
        raise InputError(
            "expected a positive peak inside the image of a beam, found the maximum "
            f"{image[top]:.3g} at row {top[0]}, column {top[1]} of {image.shape}"
        )
    regions, _ = ndimage.label(image > CORE * image[top])
    core = regions == regions[top]
    core[top[0] - 1 : top[0] + 2, top[1] - 1 : top[1] + 2] = True
    y, x = np.nonzero(core & (image > 0))
    value = image[y, x] / image[top]
    y, x = y - top[0], x - top[1]
    terms = np.stack([np.ones(len(x)), x, y, x**2, x * y, y**2], axis=1)
    fit, _, rank, _ = np.linalg.lstsq(terms * value[:, None], np.log(value) * value)
    curvature = np.array([[2 * fit[5], fit[4]], [fit[4], 2 * fit[3]]])
    concave = rank == len(fit) and np.linalg.eigvalsh(curvature).max() < 0
    shift = -np.linalg.solve(curvature, fit[[2, 1]]) if concave else np.inf
    if (np.abs(shift) > [np.abs(y).max(), np.abs(x).max()]).any():
        raise InputError(
            "expected the image of a beam to fall off around its maximum at row "
            f"{top[0]}, column {top[1]}, found no peak there"
        )
    height = image[top] * np.exp(fit[0] + 0.5 * fit[[2, 1]] @ shift)
    return height, top[0] + shift[0], top[1] + shift[1]


def read_beam(path, band):
    """Read the beam of a band from the first image of a FITS file.

    Its values may be in any unit. It is laid on the sky as its WCS says, or, with
    nothing but a pixel scale, with north up and east to the left.

    Parameters
    ----------
    path : str or path-like
        FITS file. The pixel scale comes from the WCS (CDELT, CD or PC) or from
        PIXSCALE or PIXSCAL [deg, unless the comment says arcsec].
    band : int
        Wavelength of the band [µm].

    Returns
    -------
    ImageBeam

    Raises
    ------
    InputError
        If there is no such file, image, pixel scale or peak, or if the pixels are too
        large or the width is not that of the band's beam.
    """
    name = f"realism.spire_beams.{band}"
    with open_fits(path) as hdus:
        hdu = next((h for h in hdus if is_image(h) and is_flat(h.shape)), None)
        if hdu is None:
            raise InputError(
                f"{name}: expected an image of a beam in {path}, found no HDU of shape "
                "(ny, nx)"
            )
        where = f"{label(hdus, hdu)} of {path}"
        image = pixels(hdus, hdu, path).astype(float)
        matrix = pixel_matrix(hdu.header)
    if matrix is None:
        raise InputError(
            f"{name}: expected a pixel scale (CDELT1, CD1_1, or PIXSCALE in deg) in "
            f"{where}, found none that can be used"
        )
    fwhm = BANDS[band].fwhm
    scales = np.hypot(*matrix)
    if scales.max() > fwhm / SAMPLING:
        raise InputError(
            f"{name}: expected pixels of at most {fwhm / SAMPLING:.2f} arcsec, a third "
            f"of the FWHM, in {where}, found {scales.max():.6g} arcsec"
        )
    image, step = lay_north_up(np.where(np.isfinite(image), image, 0.0), matrix)
    try:
        beam = ImageBeam(image, step, fwhm)
    except InputError as error:
        raise InputError(f"{name}: {error} ({where})") from error
    width = 2 * np.sqrt((beam.image > 0.5).sum() * beam.step.prod() / np.pi)
    if not 0.5 < width / fwhm < 2:
        raise InputError(
            f"{name}: expected a beam of FWHM {fwhm} arcsec, within a factor of two, "
            f"in {where}, found {width:.4g} arcsec"
        )
    return beam


def pixel_matrix(header):
    """Read how the pixels of an image lie on the sky.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Header of the image.

    Returns
    -------
    ndarray, shape (2, 2), or None
        Offset to the west (first row) and north (second row) of one pixel along x
        (first column) and along y [arcsec].
    """
    if any(key in header for key in ("CDELT1", "CD1_1", "CD1_2")):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FITSFixedWarning)
                wcs = WCS(header).sub(2)
            units = [u.Unit(unit or "deg") for unit in wcs.world_axis_units]
            scale = np.array([[unit.to("arcsec")] for unit in units])
        except Exception:  # wcslib has many ways to refuse a header
            return None
        matrix = scale * wcs.pixel_scale_matrix * [[-1.0], [1.0]]
    else:
        matrix = keyword_scale(header) * np.eye(2)
    usable = np.isfinite(matrix).all() and abs(np.linalg.det(matrix)) > 0
    return matrix if usable else None


def keyword_scale(header):
    """Read the side of a pixel from a keyword, even from a card that breaks the rules.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Header of the image.

    Returns
    -------
    float
        Side of a pixel [arcsec]; NaN if there is no such keyword.
    """
    for key in (key for key in PIXEL_KEYS if key in header):
        card = str(header.cards[key].image)
        match = CARD.match(card)
        if match:
            unit = "arcsec" if "arcsec" in (match[2] or "").lower() else "deg"
            value = float(match[1].upper().replace("D", "E"))
            return abs(value) * u.Unit(unit).to("arcsec")
    return np.nan


def lay_north_up(image, matrix):
    """Turn the image of a beam so that its rows go from west to east.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        The image.
    matrix : ndarray, shape (2, 2)
        See `pixel_matrix`.

    Returns
    -------
    image : ndarray
        The same if its axes are parallel to those of the sky, else resampled by
        cubic splines.
    step : (float, float)
        See `ImageBeam`.
    """
    scales = np.hypot(*matrix)
    if max(abs(matrix[0, 1]), abs(matrix[1, 0])) < 1e-4 * scales.min():
        return image, (matrix[1, 1], matrix[0, 0])
    step = scales.min()
    to_pixel = np.linalg.inv(matrix)[::-1, ::-1] * step
    n = int(np.ceil(np.hypot(*image.shape) * scales.max() / step))
    middle = 0.5 * (np.array(image.shape) - 1)
    offset = middle - to_pixel @ [0.5 * (n - 1), 0.5 * (n - 1)]
    return ndimage.affine_transform(image, to_pixel, offset, (n, n)), (step, step)


def beam_of(band, realism=None):
    """Make the beam of a band.

    Parameters
    ----------
    band : int
        Wavelength of the band [µm].
    realism : dict, optional
        Of the section `realism` of the configuration the keys ``spire_beams``
        (``"gaussian"`` of Table 1, ``"extended"``, or the files by band),
        ``scuba2_beam`` (``"gaussian"``, or ``"two_component"`` of Dempsey et al. 2013)
        and ``scuba2_filter`` [arcsec].

    Returns
    -------
    GaussianBeam or ImageBeam

    Raises
    ------
    InputError
        If a value is unknown or a file cannot be used.
    """
    realism = realism or {}
    fwhm = BANDS[band].fwhm
    table1 = GaussianBeam(((fwhm, 1.0),), fwhm)
    if band == TARGET:
        kind = realism.get("scuba2_beam") or "gaussian"
        known = {"gaussian": table1, "two_component": GaussianBeam(SCUBA2_BEAM, fwhm)}
        beam = choose("realism.scuba2_beam", kind, known)
        scale = realism.get("scuba2_filter")
        return beam.high_passed(scale) if scale else beam
    kind = realism.get("spire_beams") or "gaussian"
    if isinstance(kind, dict):
        files = {str(key): path for key, path in kind.items()}
        return read_beam(choose("realism.spire_beams", str(band), files), band)
    known = {"gaussian": table1, "extended": extended_beam(band)}
    return choose("realism.spire_beams", kind, known)


def choose(key, value, known):
    """Take what a key of the configuration names."""
    if value not in known:
        raise InputError(f"{key}: expected one of {', '.join(known)}, found {value!r}")
    return known[value]


def extended_beam(band):
    """Add to the core of a SPIRE beam what makes its area the true one.

    A Gaussian with the FWHM of Table 1 has 18 to 26 % less than the area of the beam.
    What is missing is shared by the two Gaussians of ERROR_BEAMS, the shares and
    widths of which follow the encircled energy of Neptune at 250 µm from 15 to 120
    arcsec to 2 %.

    Parameters
    ----------
    band : int
        Wavelength of the band [µm].

    Returns
    -------
    GaussianBeam
    """
    fwhm = BANDS[band].fwhm
    missing = BANDS[band].effective_area / beam_area(fwhm) - 1.0
    missing /= 1.0 - sum(share / width**2 for width, share in ERROR_BEAMS)
    errors = [
        (width * fwhm, float(missing * share / width**2))
        for width, share in ERROR_BEAMS
    ]
    core = 1.0 - sum(amplitude for _, amplitude in errors)
    return GaussianBeam(((fwhm, core), *errors), fwhm)
