"""Matched filters for point sources in confusion, in one band or in several.

With the beams times the colour of a source, b_i(k), and the cross-power C(k) of noise
and confusion, the filter of minimum variance among those that preserve the flux of a
source is F(k) = C(k)^-1 b(k) / A with A = sum over k of b^T C^-1 b; its variance is
1 / A. For one band this is Chapin et al. (2011, MNRAS 411, 505), appendix A; for
several, with known colours, Melin et al. (2006, A&A 459, 341).
"""

from dataclasses import dataclass

import numpy as np
from astropy.table import Table
from scipy import fft

from superspire.instruments import SPIRE
from superspire.maps.grid import STEP, coarse_grid, resample
from superspire.maps.positions import pixel_size
from superspire.methods.beams import response
from superspire.methods.peaks import local_maxima
from superspire.methods.spectra import noise_spectra, wavenumbers, white_noise

TABLE = 800
"""Wavenumbers at which a filter is tabulated."""


@dataclass(frozen=True)
class Filter:
    """Matched filter of n bands, not yet normalised.

    Attributes
    ----------
    k : ndarray, shape (m,)
        Wavenumbers, increasing [cycles/arcsec].
    weights : ndarray, shape (m, n)
        C^-1 b, zero beyond the Nyquist frequency of a band.
    signal : ndarray, shape (m, n)
        b: what a source of 1 mJy makes of each band [mJy/beam arcsec²].
    """

    k: np.ndarray
    weights: np.ndarray
    signal: np.ndarray


def make_filter(k, signal, spectra, nyquist):
    """Make the matched filter of one or more bands.

    Parameters
    ----------
    k : ndarray, shape (m,)
        Wavenumbers, increasing [cycles/arcsec].
    signal : ndarray, shape (m, n)
        See `Filter`.
    spectra : ndarray, shape (m, n, n)
        Noise and confusion [(mJy/beam)² arcsec²].
    nyquist : array_like, shape (n,)
        Wavenumber at which each band ends [cycles/arcsec].

    Returns
    -------
    Filter
    """
    weights = np.zeros_like(signal)
    passed = k[:, None] <= np.asarray(nyquist)
    for used in np.unique(passed, axis=0):
        rows, bands = np.all(passed == used, axis=1), np.flatnonzero(used)
        matrix = spectra[rows][:, bands[:, None], bands]
        part = signal[np.ix_(rows, bands)][..., None]
        weights[np.ix_(rows, bands)] = np.linalg.solve(matrix, part)[..., 0]
    return Filter(k, weights, signal)


def apply_filter(images, filter_, step):
    """Estimate at every pixel the flux of a source there.

    Parameters
    ----------
    images : sequence of ndarray, each (ny, nx)
        One map per band of the filter, all on one grid [mJy/beam].
    filter_ : Filter
        The filter.
    step : float
        Side of a pixel [arcsec].

    Returns
    -------
    flux : ndarray of float32, shape (ny, nx)
        [mJy].
    noise : float
        Its standard deviation, if the maps have the spectra of the filter [mJy].
    """
    shape = images[0].shape
    k = wavenumbers(shape, step)
    twice = np.full(k.shape[1], 2.0)
    twice[0] = 1.0
    if shape[1] % 2 == 0:
        twice[-1] = 1.0
    total, norm = np.zeros(k.shape, np.complex64), 0.0
    for image, weights, signal in zip(
        images, filter_.weights.T, filter_.signal.T, strict=True
    ):
        weight = np.interp(k, filter_.k, weights, right=0.0)
        weight[0, 0] = 0.0
        norm += float(np.sum(weight * np.interp(k, filter_.k, signal) * twice))
        spectrum = fft.rfft2(np.asarray(image, np.float32))
        total += weight.astype(np.float32) * spectrum
    norm /= shape[0] * shape[1] * step**2
    return fft.irfft2(total, shape) / np.float32(norm), norm**-0.5


def filter_of(maps, beams, statistics, bands):
    """Make the filter of some bands of a field.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps [mJy/beam].
    beams : dict of int to superspire.sky.beams.GaussianBeam or ImageBeam
        Their beams.
    statistics : dict
        See `superspire.methods.statistics.source_statistics`.
    bands : sequence of int
        The bands.

    Returns
    -------
    Filter
    """
    pixels = np.array([pixel_size(maps[band]) for band in bands])
    k = np.linspace(0.0, 0.5 / pixels.min(), TABLE)
    seen = [response(beams[b], p, k) for b, p in zip(bands, pixels, strict=True)]
    seen = np.stack(seen, axis=1)
    rows = [SPIRE.index(band) for band in bands]
    confusion = np.asarray(statistics["confusion"])[np.ix_(rows, rows)]
    noise = [white_noise(maps[band].data) for band in bands]
    spectra = noise_spectra(seen, confusion, noise, pixels)
    colours = [statistics["colours"][str(band)] for band in bands]
    return make_filter(k, seen * colours, spectra, 0.5 / pixels)


def find_filtered(maps, beams, statistics, bands, least_snr):
    """Find the sources of a field with the matched filter of some bands.

    Parameters
    ----------
    maps, beams, statistics, bands
        See `filter_of`.
    least_snr : float
        Minimum ratio of flux and noise, confusion included.

    Returns
    -------
    astropy.table.Table
        ``ra``, ``dec`` [deg], ``flux`` at 450 µm [mJy], ``snr``.
    """
    wcs, shape = coarse_grid({band: maps[band] for band in bands})
    images, observed = zip(
        *(resample(maps[band], wcs, shape) for band in bands), strict=True
    )
    filter_ = filter_of(maps, beams, statistics, bands)
    flux, noise = apply_filter(images, filter_, STEP)
    unseen = ~np.logical_and.reduce(observed)
    x, y, height = local_maxima(flux, least_snr * noise, unseen)
    ra, dec = wcs.all_pix2world(x, y, 0) if len(x) else (x, y)
    return Table({"ra": ra, "dec": dec, "flux": height, "snr": height / noise})
