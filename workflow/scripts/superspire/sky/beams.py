"""Beams: what a telescope and its data reduction make of a point source."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from superspire.errors import InputError
from superspire.instruments import BANDS, FWHM_PER_SIGMA, SPIRE, TARGET, beam_area

SCUBA2_BEAM = ((7.9, 0.94), (25.0, 0.06))
"""FWHM [arcsec] and peak amplitude of SCUBA-2's beam (Dempsey et al. 2013)."""

ERROR_BEAMS = ((3.0, 0.6), (10.0, 0.4))
"""SPIRE's error beams: FWHM over that of the core, fraction of the missing area."""

LOG_MIN_PROFILE = -25.0
"""Log2 of the profile, relative to its peak, below which a Gaussian ends."""

CORE = 0.8
"""Pixels above this fraction of the largest one tell where the peak of an image is."""


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
            0.5 * fwhm * np.sqrt(max(0.0, np.log2(abs(a)) - LOG_MIN_PROFILE))
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

    @classmethod
    def on_axes(cls, image, y, x, step, fwhm):
        """Make a beam of an image of unit peak and the distances of its pixels."""
        beam = cls.__new__(cls)
        beam.image, beam.y, beam.x = image, y, x
        beam.step, beam.fwhm = step, fwhm
        beam._cache = (None, None)
        return beam

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
            np.exp(-2j * np.pi * np.outer(k, position)).astype(np.complex64)
            for k, position in ((ky[rows], self.y), (kx[columns], self.x))
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
        Height and position [pixel] of the peak.

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


def save_beam(path, beam):
    """Write the image of a beam that `load_beam` reads.

    Parameters
    ----------
    path : str or path-like
        File to write (npz).
    beam : ImageBeam
    """
    np.savez(path, image=beam.image, y=beam.y, x=beam.x, step=beam.step)


def load_beam(path, band):
    """Read a beam that `save_beam` wrote.

    Parameters
    ----------
    path : str or path-like
        The file (npz).
    band : int
        Wavelength of the band [µm].

    Returns
    -------
    ImageBeam
    """
    with np.load(path) as file:
        return ImageBeam.on_axes(**file, fwhm=BANDS[band].fwhm)


def beam_of(band, realism=None):
    """Make the beam of a band.

    Parameters
    ----------
    band : int
        Wavelength of the band [µm].
    realism : dict, optional
        Of the section `realism` of the configuration the keys ``spire_beams``
        (``"gaussian"`` of Table 1, ``"extended"``, or by band the files that
        `save_beam` wrote),
        ``scuba2_beam`` (``"gaussian"``, or ``"two_component"`` of Dempsey et al. 2013)
        and ``scuba2_filter`` [arcsec]. Bands other than the paper's are Gaussian.

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
    if band not in SPIRE:
        return table1
    kind = realism.get("spire_beams") or "gaussian"
    if isinstance(kind, dict):
        files = {str(key): path for key, path in kind.items()}
        return load_beam(choose("realism.spire_beams", str(band), files), band)
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
    missing /= 1.0 - sum(fraction / width**2 for width, fraction in ERROR_BEAMS)
    errors = [
        (width * fwhm, float(missing * fraction / width**2))
        for width, fraction in ERROR_BEAMS
    ]
    core = 1.0 - sum(amplitude for _, amplitude in errors)
    return GaussianBeam(((fwhm, core), *errors), fwhm)
