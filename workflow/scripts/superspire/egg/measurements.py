"""Statistics of a simulated field that are known of the original program, EGG."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from superspire.egg.sampling import (
    MIN_BEYOND,
    mean_error,
    percentile_errors,
)
from superspire.evaluation.counts import STERADIAN
from superspire.instruments import PAPER_BANDS
from superspire.photometry.correlation import Window, angular_correlation
from superspire.sky.beams import beam_of
from superspire.sky.maps import convolved_strips, field_wcs

COUNT_EDGES = 10.0 ** (0.1 * np.arange(-10, 31))
"""Edges of the bins of flux [mJy]."""

INTEGRAL_LIMITS = (1, 2, 5, 10, 20, 50)
"""Fluxes above which sources are counted [mJy]."""

REDSHIFT_LIMITS = (1, 2, 5, 10, 20)
"""Fluxes at 450 µm above which redshifts are summarised [mJy]."""

PERCENTS = (5, 16, 25, 50, 75, 84, 95)

LOG_LIR_LIMITS = (*np.arange(7, 9, 0.5), *np.arange(9, 11.5, 0.25), 11.5, 12)
"""Limits on the infrared luminosity [log10 Lsun]."""

CELLS = {250: 2.0, 350: 2.0, 450: 1.0, 500: 2.0}
"""Sides of the cells of the maps [arcsec]."""

BORDER = 1.5
"""Border of a map that is left out [FWHM]: there is no sky beyond it."""

BRIGHT = 50.0
"""Flux from which on sources are left out of the map for a steadier rms [mJy]."""

CORRELATED = (500, 5.0)
"""Band [µm] and minimum flux [mJy] of the sources whose clustering is measured."""

SEPARATIONS = 2.0 ** np.arange(3, 11)
"""Edges of the bins of separation [arcsec]."""

COUNTING_ERROR = 6.5
"""Maximum rms of the number of galaxies of a field: that of rounding at random the
numbers of two types in 84 slices of redshift."""

MAD_PER_SIGMA = 0.6744897501960817


@dataclass(frozen=True)
class PointSampled:
    """A beam seen at the centres of the cells instead of averaged over them.

    Attributes
    ----------
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        The beam.
    cell : float
        Side of a cell [arcsec].
    """

    beam: object
    cell: float

    @property
    def reach(self):
        """Radius of the beam [arcsec]."""
        return self.beam.reach

    @property
    def high_pass(self):
        """Whether the beam has no area."""
        return self.beam.high_pass

    def transfer(self, ky, kx):
        """Divide the transfer function of the beam by that of the cells."""
        cells = np.outer(np.sinc(ky * self.cell), np.sinc(kx * self.cell))
        return self.beam.transfer(ky, kx) / cells.astype(np.float32)


def sky_map(x, y, flux, side, cell, beam):
    """Convolve point sources with a beam, sampled at the centres of fine cells.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Positions in the square, from 0 to `side` [arcsec].
    flux : ndarray, shape (n,)
        Flux densities [mJy].
    side : float
        Side of the square [arcsec].
    cell : float
        Side of a cell [arcsec].
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        The beam.

    Returns
    -------
    ndarray of float32, shape (m, m)
        Surface brightness without the border of 1.5 FWHM [mJy/beam].
    """
    n = int(np.floor(side / cell + 1e-6))
    sampled = PointSampled(beam, cell)
    strips = convolved_strips(x / cell - 0.5, y / cell - 0.5, flux, n, 1, cell, sampled)
    image = np.concatenate([rows for _, rows in strips])
    border = int(np.ceil(BORDER * beam.fwhm / cell))
    return image[border : n - border, border : n - border]


def row(group, quantity, value, poisson=np.nan, **columns):
    """Make one row of the table of a field (see `measure_field`)."""
    record = {"group": group, "quantity": quantity, "band_um": None, "unit": ""}
    record |= {"low": np.nan, "high": np.nan, "n": np.nan}
    return record | columns | {"value": value, "poisson": poisson}


def measure_counts(flux, area):
    """Measure background, differential and integral counts of one band."""
    flux = np.asarray(flux, float)
    total, shot = flux.sum() / area, np.sqrt(np.sum(flux**2)) / area
    for unit, scale in (("mJy deg-2", 1.0), ("MJy/sr", 1e-9 * STERADIAN)):
        name = f"background in {unit}"
        yield row("background", name, total * scale, shot * scale, unit=unit)
    numbers = np.histogram(flux, COUNT_EDGES)[0]
    for low, high, n in zip(COUNT_EDGES[:-1], COUNT_EDGES[1:], numbers, strict=True):
        yield row(
            *("counts", bin_name(low, high), n / area, np.sqrt(n) / area),
            **{"unit": "deg-2", "low": low, "high": high, "n": n},
        )
    for limit in INTEGRAL_LIMITS:
        n = np.count_nonzero(flux > limit)
        name = f"above {limit} mJy"
        columns = {"unit": "deg-2", "low": limit, "n": n}
        yield row("integral counts", name, n / area, np.sqrt(n) / area, **columns)


def bin_name(low, high):
    """Name a bin of flux."""
    return f"{low:.4g}-{high:.4g} mJy"


def measure_redshifts(z, flux):
    """Measure mean and percentiles of the redshifts above limits of flux.

    They are missing if too few sources give them an error.
    """
    for limit in REDSHIFT_LIMITS:
        name = f"S450 > {limit} mJy"
        sample = np.asarray(z[flux > limit], float)
        if len(sample) < MIN_BEYOND:
            sample = np.full(1, np.nan)
        yield row("redshifts", f"{name}: mean", sample.mean(), mean_error(sample))
        errors = percentile_errors(sample, PERCENTS)
        values = np.where(np.isnan(errors), np.nan, np.percentile(sample, PERCENTS))
        for percent, value, error in zip(PERCENTS, values, errors, strict=True):
            yield row("redshifts", f"{name}: p{percent}", value, error)


def measure_luminosity_cuts(log_lir, fluxes):
    """Measure the fractions of the galaxies and of the background above limits of L_IR.

    The error of a fraction f of the background is that of independent fluxes S: the
    variance is [(1 - f)² sum S² (kept) + f² sum S² (rest)] / (sum S)².
    """
    ones = np.ones(len(log_lir))
    for band, flux in [(None, ones), *fluxes.items()]:
        flux = np.asarray(flux, float)
        total, squares = flux.sum(), np.sum(flux**2)
        what = "galaxies" if band is None else "background"
        for limit in LOG_LIR_LIMITS:
            kept = flux[log_lir >= limit]
            fraction, part = kept.sum() / total, np.sum(kept**2)
            variance = (1 - fraction) ** 2 * part + fraction**2 * (squares - part)
            name = f"share of the {what} with log L_IR > {limit:g}"
            error = np.sqrt(variance) / total
            yield row("luminosity cuts", name, fraction, error, band_um=band)


def measure_maps(x, y, fluxes, side, positions):
    """Measure rms and median absolute deviation of the noise-free maps."""
    for band, flux in fluxes.items():
        beam, cell = beam_of(band), CELLS[band]
        for sources, chosen in (("all", slice(None)), ("S < 50 mJy", flux < BRIGHT)):
            image = sky_map(x[chosen], y[chosen], flux[chosen], side, cell, beam)
            widths = {"sigma": image.std(dtype=np.float64)}
            if sources == "all":
                deviation = np.abs(image - np.median(image))
                widths["MAD sigma"] = np.median(deviation) / MAD_PER_SIGMA
            for name, value in widths.items():
                quantity = f"{name}, {positions} positions, {sources}"
                columns = {"band_um": band, "unit": "mJy/beam"}
                yield row("confusion", quantity, float(value), **columns)


def measure_clustering(x, y, flux, side):
    """Measure the angular correlation function of the bright sources."""
    band, limit = CORRELATED
    bright = flux > limit
    window = Window.square(side)
    table = angular_correlation(x[bright], y[bright], window, SEPARATIONS)
    for line in table.itertuples():
        name = f"w of S{band} > {limit:g} mJy at {line.low:g}-{line.high:g} arcsec"
        columns = {"band_um": band, "low": line.low, "high": line.high, "n": line.pairs}
        yield row("correlation", name, line.w, line.error, **columns)


def measure_field(catalogue, rng):
    """Measure everything that is known of EGG's fields.

    Parameters
    ----------
    catalogue : astropy.table.Table
        Galaxies of a square field without a limit on the luminosity
        (`superspire.sky.catalogue.simulate_catalogue`).
    rng : numpy.random.Generator
        Source of the random positions that the maps are compared with.

    Returns
    -------
    pandas.DataFrame
        One row per quantity: ``group``, ``quantity``, ``band_um`` (missing if there is
        none), ``unit``, ``low`` and ``high`` (bin of flux [mJy] or separation
        [arcsec]), ``n`` (objects in the bin), ``value`` and ``poisson``, its error
        from the numbers of galaxies, where that is known.
    """
    area, n = catalogue.meta["AREA"], len(catalogue)
    side = 3600.0 * np.sqrt(area)
    center = (catalogue.meta["RA0"], catalogue.meta["DEC0"])
    wcs, size = field_wcs(center, side, 1.0)
    x, y = wcs.wcs_world2pix(catalogue["RA"], catalogue["DEC"], 0)
    x, y = (np.clip(a + 0.5 * (side - size + 1), 0.0, side) for a in (x, y))
    fluxes = {band: np.asarray(catalogue[f"S{band}"]) for band in PAPER_BANDS}
    log_lir, z = (np.asarray(catalogue[name]) for name in ("LOGLIR", "Z"))
    rows = [row("total", "galaxies", n / area, COUNTING_ERROR / area, unit="deg-2")]
    for band, flux in fluxes.items():
        rows += [r | {"band_um": band} for r in measure_counts(flux, area)]
    rows += [r | {"band_um": 450} for r in measure_redshifts(z, fluxes[450])]
    rows += measure_luminosity_cuts(log_lir, fluxes)
    rows += measure_clustering(x, y, fluxes[CORRELATED[0]], side)
    rows += measure_maps(x, y, fluxes, side, "clustered")
    x, y = rng.uniform(0.0, side, (2, n))
    rows += measure_maps(x, y, fluxes, side, "random")
    return pd.DataFrame(rows).astype({"band_um": "Int64"})
