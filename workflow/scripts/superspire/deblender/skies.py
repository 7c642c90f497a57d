"""Sky for the training: galaxies of the model, moved away from it, on the cells."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from superspire.deblender.inputs import FLUX_BANDS, SPIRE_BANDS, band_cells
from superspire.instruments import BANDS, PAPER_BANDS, TARGET
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

FILES = ("signal", "noise", "target", "sources")


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
    """

    slope: float = 0.0
    amplitude: float = 0.0
    colour: float = 0.0
    scatter: float = 0.0
    beams: dict | None = None
    true_areas: bool = False
    cirrus: float = 0.0


def draw_perturbation(spread, rng):
    """Draw how a sky differs from the model.

    Parameters
    ----------
    spread : dict
        Standard deviations ``slope``, ``amplitude``, ``colour`` and ``beam``;
        ``scatter``, the largest one; ``true_areas``, the fraction with true beam areas;
        ``cirrus``, the largest rms, up to which it is uniform in half of the skies
        while the others have none.
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
    )


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
        band: flux * change * (TARGET / band) ** power for band, flux in fluxes.items()
    }


def observe_field(
    catalogue, fluxes, area, center, perturbation, rng, bands=SPIRE_BANDS
):
    """Make what a field contributes to the training.

    Parameters
    ----------
    catalogue : dict
        ``RA``, ``DEC`` of the galaxies [deg].
    fluxes : dict of int to ndarray
        Their fluxes by band [mJy].
    area : float
        Area of the square field [deg²].
    center : (float, float)
        Its centre [deg].
    perturbation : Perturbation
        Of which beams and cirrus matter here.
    rng : numpy.random.Generator
    bands : dict of int to int
        Bands of the input, see `superspire.deblender.inputs`.

    Returns
    -------
    dict
        ``signal``, float16 (n, n, signals): noiseless maps on the cells [mJy/beam];
        ``noise``, of the same shape: white noise of 1 mJy/beam per native pixel, as it
        arrives there, zero where the map does not reach; ``target``, float16 (4 n, 4
        n): the 450 µm map [mJy/beam]; ``sources``, float32 (m, 6): x, y [pixel of 1
        arcsec] and the fluxes in `FLUX_BANDS` [mJy] of the sources above 1 mJy.
    """
    side = 3600.0 * np.sqrt(area)
    wcs, n = field_wcs(center, side, 1.0)
    n -= n % CELL
    ra, dec = catalogue["RA"], catalogue["DEC"]
    clouds = rng.integers(2**63)
    signal, noise = [], []
    for band, pixels in bands.items():
        beam, foreground = perturbed_beam(band, perturbation), None
        if perturbation.cirrus:
            same = np.random.default_rng(clouds)
            foreground = cirrus_field(band, beam, side, perturbation.cirrus, same).rows
        map_ = make_map(ra, dec, fluxes[band], band, center, side, beam, foreground)
        white = rng.standard_normal(map_.data.shape, dtype=np.float32)
        for maps, native in ((signal, map_), (noise, Map(white, map_.wcs))):
            maps.append(np.nan_to_num(band_cells(native, wcs, (n, n), pixels)))
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

    def corner(self, cells):
        """Cut out the square of that many cells in the first corner, or take all."""
        inside = self.sources[:, :2].max(axis=1) < CELL * cells - 0.5
        return Field(
            self.signal[:cells, :cells],
            self.noise[:cells, :cells],
            self.target[: CELL * cells, : CELL * cells],
            self.sources[inside],
        )
