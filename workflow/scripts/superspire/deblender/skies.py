"""Sky for the training: galaxies of the model, moved away from it, on the cells."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from superspire.instruments import BANDS, PAPER_BANDS, SPIRE, TARGET
from superspire.io import Map
from superspire.maps.cells import CELL, on_cells
from superspire.sky.beams import GaussianBeam
from superspire.sky.maps import field_wcs, make_map

MIN_FLUX = 1.0
"""Faintest source of the lists [mJy]."""

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
    """

    slope: float = 0.0
    amplitude: float = 0.0
    colour: float = 0.0
    scatter: float = 0.0
    beams: dict | None = None


def draw_perturbation(spread, rng):
    """Draw how a sky differs from the model.

    Parameters
    ----------
    spread : dict
        Standard deviations ``slope``, ``amplitude``, ``colour`` and ``beam``, and
        ``scatter``, the largest one.
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
    )


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


def observe_field(catalogue, fluxes, area, center, perturbation, rng):
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
        Of which the beams matter here.
    rng : numpy.random.Generator

    Returns
    -------
    dict
        ``signal``, float16 (n, n, 3): noiseless maps on the cells [mJy/beam];
        ``noise``, of the same shape: white noise of 1 mJy/beam per native pixel, as it
        arrives there; ``target``, float16 (4 n, 4 n): the 450 µm map [mJy/beam];
        ``sources``, float32 (m, 3): x, y [pixel of 1 arcsec] and flux [mJy] of the
        sources above 1 mJy.
    """
    side = 3600.0 * np.sqrt(area)
    wcs, n = field_wcs(center, side, 1.0)
    n -= n % CELL
    ra, dec = catalogue["RA"], catalogue["DEC"]
    signal, noise = [], []
    for band in SPIRE:
        fwhm = BANDS[band].fwhm
        width = fwhm * (perturbation.beams or {}).get(band, 1.0)
        beam = GaussianBeam(((width, 1.0),), fwhm)
        map_ = make_map(ra, dec, fluxes[band], band, center, side, beam)
        signal.append(np.nan_to_num(on_cells(map_, wcs, (n, n))))
        white = rng.standard_normal(map_.data.shape, dtype=np.float32)
        white = Map(white, map_.wcs)
        noise.append(np.nan_to_num(on_cells(white, wcs, (n, n))))
    target = make_map(ra, dec, fluxes[TARGET], TARGET, center, side).data[:n, :n]
    x, y = wcs.wcs_world2pix(ra, dec, 0)
    kept = (fluxes[TARGET] >= MIN_FLUX) & (np.minimum(x, y) > -0.5)
    kept &= np.maximum(x, y) < n - 0.5
    sources = np.column_stack([x[kept], y[kept], fluxes[TARGET][kept]])
    return {
        "signal": np.stack(signal, axis=-1).astype(np.float16),
        "noise": np.stack(noise, axis=-1).astype(np.float16),
        "target": target.astype(np.float16),
        "sources": sources.astype(np.float32),
    }


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
