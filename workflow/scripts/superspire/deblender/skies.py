"""Sky for the training: galaxies of the model, moved away from it, on the cells."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from superspire.deblender.inputs import (
    FLUX_BANDS,
    SPIRE_BANDS,
    as_in_training,
    band_cells,
)
from superspire.instruments import (
    BANDS,
    FWHM_PER_SIGMA,
    PAPER_BANDS,
    SPIRE,
    TARGET,
)
from superspire.io import Map
from superspire.maps.cells import CELL
from superspire.sky.beams import GaussianBeam, extended_beam
from superspire.sky.cirrus import cirrus_field
from superspire.sky.maps import field_wcs, make_map

MIN_FLUX = 1.0
"""Faintest source of the lists [mJy]."""

MIN_BAND_FLUX = 0.1
"""Minimum flux of a listed source in every band [mJy]."""

PIVOT_FLUX = 5.0
"""450 µm flux that a change of the counts' slope leaves alone [mJy]."""

MAX_CHANGE = 3.0
"""Most by which such a change may multiply or divide a flux."""

MID_INFRARED = 70
"""Bands below this wavelength depart from the model in a way of their own [µm]."""

AGN_EXCESS = 2.0
DROPOUT_FAINTNESS = 4.0
"""Largest logarithm of what an active nucleus multiplies, and of what drops out of the
mid-infrared is divided by."""

BRIGHT_FLUXES = (20.0, 2000.0)
"""250 µm fluxes of the bright sources, uniform in the logarithm [mJy]."""

BRIGHT_POWERS = (-0.3, 3.0)
"""Powers of wavelength with which their fluxes fall: from lensed galaxies at high
redshift to stars and nearby galaxies."""

BRIGHT_MID_INFRARED = (-8.0, 2.0)
"""Logarithm of their mid-infrared flux over that at 250 µm."""

NOISE_FWHM = 2.5
"""Largest FWHM of the smoothing of the noise of a mosaic, not SPIRE's [arcsec]."""

LIST_LIMITS = (0.02, 0.4)
"""Fluxes of the faintest sources of lists [mJy]."""

LIST_FLUX = 0.1
"""Flux of sources of lists without fluxes [mJy]."""

MOST_WRONG = 0.5
"""Largest number of wrong sources, as a fraction of the true ones."""

FILES = ("signal", "noise", "target", "sources")


@dataclass(frozen=True)
class SourceList:
    """A list of mid-infrared sources that is rendered as a map, without noise.

    Attributes
    ----------
    limit : float
        Flux of the faintest source [mJy].
    with_fluxes : bool
        Whether their fluxes are known; if not, all have `LIST_FLUX`.
    wrong : float
        Number of sources at random positions, as a fraction of the true ones.
    """

    limit: float
    with_fluxes: bool
    wrong: float


@dataclass(frozen=True)
class Perturbation:
    """How a sky differs from the model.

    Attributes
    ----------
    slope : float
        Fluxes are multiplied by (S450 / 5 mJy) to this power.
    amplitude : float
        And by the exponential of this.
    colour : float
        Bands are multiplied by (450 µm / wavelength) to this power: warmer dust.
    scatter : float
        Standard deviation of that power from galaxy to galaxy.
    beams : dict of int to float
        Factor on each band's beam width.
    true_areas : bool
        Whether the beams have the areas of the true ones rather than of Gaussians.
    cirrus : float
        rms of Galactic cirrus at 250 µm [MJy/sr].
    mid_offset, mid_scatter : float
        Mean and standard deviation of the logarithm of a factor on the mid-infrared
        flux of each galaxy.
    agn, dropouts : float
        Fractions of galaxies whose mid-infrared flux an active nucleus raises, and that
        have little of it.
    bright : float
        Bright sources that are added [1/deg²].
    noise_fwhm : float
        FWHM of the smoothing of the noise of bands other than SPIRE's [arcsec].
    listed : SourceList or None
        What is rendered instead of a mid-infrared map.
    """

    slope: float = 0.0
    amplitude: float = 0.0
    colour: float = 0.0
    scatter: float = 0.0
    beams: dict | None = None
    true_areas: bool = False
    cirrus: float = 0.0
    mid_offset: float = 0.0
    mid_scatter: float = 0.0
    agn: float = 0.0
    dropouts: float = 0.0
    bright: float = 0.0
    noise_fwhm: float = 0.0
    listed: SourceList | None = None


def draw_perturbation(spread, rng):
    """Draw how a sky differs from the model.

    Parameters
    ----------
    spread : dict
        Standard deviations ``slope``, ``amplitude``, ``colour``, ``beam`` and
        ``mid_offset``; the largest ``scatter``, ``mid_scatter``, ``agn`` and
        ``dropouts``; ``listed``, the fraction with a list instead of a mid-infrared
        map; ``true_areas``, the fraction with true beam areas; ``cirrus``, the
        largest rms, up to which it is uniform in half of the skies while the others
        have none; ``bright``, the same in all of them.
    rng : numpy.random.Generator

    Returns
    -------
    Perturbation
    """
    return Perturbation(
        slope=rng.normal(0.0, spread["slope"]),
        amplitude=rng.normal(0.0, spread["amplitude"]),
        colour=rng.normal(0.0, spread["colour"]),
        scatter=rng.uniform(0.0, spread["scatter"]),
        beams={band: 1.0 + rng.normal(0.0, spread["beam"]) for band in PAPER_BANDS},
        true_areas=bool(rng.random() < spread["true_areas"]),
        cirrus=spread["cirrus"] * max(0.0, rng.uniform(-1.0, 1.0)),
        mid_offset=rng.normal(0.0, spread["mid_offset"]),
        mid_scatter=rng.uniform(0.0, spread["mid_scatter"]),
        agn=rng.uniform(0.0, spread["agn"]),
        dropouts=rng.uniform(0.0, spread["dropouts"]),
        bright=spread["bright"],
        noise_fwhm=rng.uniform(0.0, NOISE_FWHM),
        listed=draw_list(spread["listed"], rng),
    )


def draw_list(fraction, rng):
    """Draw the list of sources that stands for a map in a fraction of the fields."""
    drawn = SourceList(
        limit=np.exp(rng.uniform(*np.log(LIST_LIMITS))),
        with_fluxes=bool(rng.random() < 0.5),
        wrong=rng.uniform(0.0, MOST_WRONG),
    )
    return drawn if rng.random() < fraction else None


def perturbed_beam(band, perturbation):
    """Make the beam of a band of a sky that departs from the model.

    Parameters
    ----------
    band : int
        Wavelength [µm].
    perturbation : Perturbation

    Returns
    -------
    superspire.sky.beams.GaussianBeam
    """
    fwhm = BANDS[band].fwhm
    factor = (perturbation.beams or {}).get(band, 1.0)
    beam = GaussianBeam(((fwhm, 1.0),), fwhm)
    if perturbation.true_areas:
        beam = extended_beam(band)
    return GaussianBeam(tuple((factor * f, a) for f, a in beam.components), fwhm)


def perturb(fluxes, perturbation, rng):
    """Move the fluxes of galaxies away from the model.

    Parameters
    ----------
    fluxes : dict of int to ndarray, shape (n,)
        Fluxes by band [mJy].
    perturbation : Perturbation
    rng : numpy.random.Generator

    Returns
    -------
    dict of int to ndarray, shape (n,)
        [mJy].
    """
    change = (np.maximum(fluxes[TARGET], 1e-6) / PIVOT_FLUX) ** perturbation.slope
    change = np.clip(
        change * np.exp(perturbation.amplitude), 1 / MAX_CHANGE, MAX_CHANGE
    )
    power = perturbation.colour + perturbation.scatter * rng.standard_normal(
        len(change)
    )
    return {
        band: flux
        * change
        * (
            mid_infrared_factor(len(change), perturbation, rng)
            if band < MID_INFRARED
            else (TARGET / band) ** power
        )
        for band, flux in fluxes.items()
    }


def mid_infrared_factor(number, perturbation, rng):
    """Draw the factor on the mid-infrared flux of every galaxy, shape (number,)."""
    change = rng.normal(perturbation.mid_offset, perturbation.mid_scatter, number)
    chance = rng.random(number)
    agn, dropouts = perturbation.agn, perturbation.dropouts
    change += np.where(chance < agn, AGN_EXCESS * rng.random(number), 0.0)
    faint = DROPOUT_FAINTNESS * rng.random(number)
    return np.exp(change - np.where(chance > 1.0 - dropouts, faint, 0.0))


def add_bright(ra, dec, fluxes, area, center, density, rng):
    """Add bright sources, which the model has too few of to train on.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Positions [deg].
    fluxes : dict of int to ndarray, shape (n,)
        Fluxes by band [mJy].
    area : float
        Area of the square field [deg²].
    center : (float, float)
        Its centre [deg].
    density : float
        Bright sources [1/deg²], anywhere in the field.
    rng : numpy.random.Generator

    Returns
    -------
    ra, dec : ndarray
    fluxes : dict of int to ndarray
        The bright sources come last.
    """
    number = rng.poisson(density * area)
    wcs, n = field_wcs(center, 3600.0 * np.sqrt(area), 1.0)
    positions = wcs.wcs_pix2world(*rng.uniform(0.0, n - 1.0, (2, number)), 0)
    s250 = np.exp(rng.uniform(*np.log(BRIGHT_FLUXES), number))
    power = rng.uniform(*BRIGHT_POWERS, number)
    mid = np.exp(rng.uniform(*BRIGHT_MID_INFRARED, number))
    added = {
        band: s250 * (mid if band < MID_INFRARED else (250.0 / band) ** power)
        for band in fluxes
    }
    ra, dec = (np.concatenate(pair) for pair in zip((ra, dec), positions, strict=True))
    return ra, dec, {b: np.concatenate([f, added[b]]) for b, f in fluxes.items()}


def list_fluxes(ra, dec, flux, listed, rng):
    """Make a list of sources of their true fluxes.

    Parameters
    ----------
    ra, dec, flux : ndarray, shape (n,)
        Positions [deg] and fluxes [mJy] of all galaxies.
    listed : SourceList
    rng : numpy.random.Generator

    Returns
    -------
    ra, dec, flux : ndarray
        Those of the list. Each wrong source has the flux of a true one.
    """
    kept = flux >= listed.limit
    ra, dec, flux = ra[kept], dec[kept], flux[kept]
    wrong = rng.integers(len(flux), size=int(listed.wrong * len(flux)))
    added = (rng.uniform(each.min(), each.max(), len(wrong)) for each in (ra, dec))
    ra, dec = (np.concatenate(pair) for pair in zip((ra, dec), added, strict=True))
    flux = np.append(flux, flux[wrong])
    return ra, dec, flux if listed.with_fluxes else np.full(len(flux), LIST_FLUX)


def unit_noise(shape, band, fwhm, rng):
    """Draw noise of unit level, see `superspire.deblender.inputs`.

    Parameters
    ----------
    shape : (int, int)
        Shape of the native map [pixel].
    band : int
        Wavelength [µm].
    fwhm : float
        FWHM of a Gaussian that smooths the noise of a band other than SPIRE's [arcsec].
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32
        The flux of a point source by a fit of the Gaussian beam b, the sum of b times
        the map over that of b², has a standard error of one in bands other than
        SPIRE's.
    """
    noise = rng.standard_normal(shape, dtype=np.float32)
    if band in SPIRE:
        return noise
    pixel = BANDS[band].pixel
    noise = gaussian_filter(noise, fwhm / FWHM_PER_SIGMA / pixel)
    return noise / (2.0 * gaussian_filter(noise, BANDS[band].sigma / pixel).std())


def observe_field(ra, dec, fluxes, area, center, perturbation, rng, bands=SPIRE_BANDS):
    """Make what a field contributes to the training.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Positions of the galaxies [deg].
    fluxes : dict of int to ndarray, shape (n,)
        Their fluxes by band [mJy].
    area : float
        Area of the square field [deg²].
    center : (float, float)
        Its centre [deg].
    perturbation : Perturbation
        Of which beams, cirrus and noise matter here.
    rng : numpy.random.Generator
    bands : dict of int to int
        Bands of the input, see `superspire.deblender.inputs`.

    Returns
    -------
    dict
        ``signal``, float16 (n, n, signals): noiseless maps on the cells [mJy/beam];
        ``noise``, of the same shape: `unit_noise`, as it arrives there, zero where the
        map does not reach; ``target``, float16 (4 n, 4
        n): the 450 µm map [mJy/beam]; ``sources``, float32 (m, 6): x, y [pixel of 1
        arcsec] and the fluxes in `FLUX_BANDS` [mJy] of the sources above 1 mJy.
    """
    side = 3600.0 * np.sqrt(area)
    wcs, n = field_wcs(center, side, 1.0)
    n -= n % CELL
    clouds = rng.integers(2**63)
    signal, noise = [], []
    for band, pixels in bands.items():
        beam, foreground = perturbed_beam(band, perturbation), None
        if perturbation.cirrus:
            same = np.random.default_rng(clouds)
            foreground = cirrus_field(band, beam, side, perturbation.cirrus, same).rows
        sources = ra, dec, fluxes[band]
        listed = perturbation.listed if band < MID_INFRARED else None
        if listed:
            sources = list_fluxes(*sources, listed, rng)
        map_ = make_map(*sources, band, center, side, beam, foreground)
        white = unit_noise(map_.data.shape, band, perturbation.noise_fwhm, rng)
        white *= not listed
        for maps, native in ((signal, map_), (noise, Map(white, map_.wcs))):
            seen = as_in_training(native, band, pixels)
            maps.append(np.nan_to_num(band_cells(seen, wcs, (n, n), pixels)))
    target = make_map(ra, dec, fluxes[TARGET], TARGET, center, side).data[:n, :n]
    return {
        "signal": np.concatenate(signal, axis=-1).astype(np.float16),
        "noise": np.concatenate(noise, axis=-1).astype(np.float16),
        "target": target.astype(np.float16),
        "sources": list_truth(*wcs.wcs_world2pix(ra, dec, 0), fluxes, n),
    }


def list_truth(x, y, fluxes, n):
    """List positions and fluxes of the sources above 1 mJy on a grid of n pixels."""
    kept = (fluxes[TARGET] >= MIN_FLUX) & (np.minimum(x, y) > -0.5)
    kept &= np.maximum(x, y) < n - 0.5
    values = [np.maximum(fluxes[band], MIN_BAND_FLUX) for band in FLUX_BANDS]
    return np.column_stack([x, y, *values])[kept].astype(np.float32)


@dataclass(frozen=True)
class Field:
    """What `observe_field` makes, perhaps as memory maps."""

    signal: np.ndarray
    noise: np.ndarray
    target: np.ndarray
    sources: np.ndarray

    @classmethod
    def load(cls, folder):
        """Open the files of a field without reading them."""
        return cls(
            **{
                name: np.load(Path(folder) / f"{name}.npy", mmap_mode="r")
                for name in FILES
            }
        )

    def take(self, channels):
        """Keep some channels of the maps and their noise."""
        return replace(
            self, signal=self.signal[..., channels], noise=self.noise[..., channels]
        )

    def corner(self, cells):
        """Cut out the square of that many cells in the first corner, or take all."""
        inside = self.sources[:, :2].max(axis=1) < CELL * cells - 0.5
        return Field(
            self.signal[:cells, :cells],
            self.noise[:cells, :cells],
            self.target[: CELL * cells, : CELL * cells],
            self.sources[inside],
        )
