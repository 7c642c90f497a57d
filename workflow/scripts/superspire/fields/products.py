"""The products of a super-resolved field: map, catalogue and DS9 regions."""

import warnings

import numpy as np
import pandas as pd
from astropy import units
from astropy.io import fits
from astropy.table import Table, vstack
from scipy.ndimage import map_coordinates, maximum_filter
from scipy.spatial import cKDTree

from superspire.evaluation.expectation import COLUMNS as EXPECTED
from superspire.evaluation.expectation import at_flux
from superspire.evaluation.sources import (
    MINIMUM_FLUX,
    background,
    extract_sources,
    height_rms,
)
from superspire.fields.tiling import near_edge
from superspire.instruments import APERTURE_RADIUS, BANDS, TARGET
from superspire.io import Map, map_header, write_map

BLOCK = 2048
"""Side of the pieces in which a large map is searched for sources [pixel]."""

HALO = 64
"""Rim around each piece, beyond any aperture and background ring [pixel]."""

SAMPLE = 2000
"""Side of the central piece that the noise of a map is taken from [pixel]."""

NOISE_RADIUS = 60
"""Half the side of the box in which the local noise is measured [pixel]."""

TOP_SHARE = 0.9
"""Share of the network's output range above which a flux is flagged."""

SCATTER_SOURCES = 20
"""Least number of matched sources from which a flux error is taken."""

SCATTER_BINS = 10
"""Most bins of flux in which it is."""

ONE_SIGMA = 0.683

BLEND_RADIUS = 2.0 * APERTURE_RADIUS
"""Separation below which the circles of two sources overlap [arcsec]."""

REGION_RADIUS = 5.0
"""Radius of the circles for DS9 [arcsec]."""

COLUMNS = {
    "ID": "Running number, brightest source first",
    "RA": "Right ascension (ICRS)",
    "DEC": "Declination (ICRS)",
    "S450": "450 micron flux of the point source, from its calibrated peak",
    "S450_ERR": "Standard error of S450; see NOISE",
    "S450_APER": "Calibrated flux in a circle of 10 arcsec, beam-corrected",
    "SNR": "Fitted height over the noise of the super-resolved map",
    "S500_PRED": "500 micron flux of simulated galaxies of this S450, median",
    "S500_PRED_ERR": "Half the 68 percent range of theirs, and S450_ERR",
    "COMPLETENESS": "Share of true sources of this flux found, on mock sky",
    "PURITY": "Share of sources of this flux that are true, on mock sky",
    "X": "Column in the super-resolved map, first pixel is 0",
    "Y": "Row in the super-resolved map, first pixel is 0",
    "NEAR_EDGE": "Within half a 500 micron beam of unobserved sky",
    "SATURATED": "Beyond the fluxes that the network was trained on",
    "BLENDED": "Another source within 20 arcsec, so that circles overlap",
}


def write_superresolved(path, image, covered, wcs, factor, cards):
    """Write the calibrated super-resolved map, its signal-to-noise and its coverage.

    Parameters
    ----------
    path : str or path-like
        File to write: the map [Jy/beam] in HDU 0, the extensions SNR, the map over
        the noise that the S/N of the catalogue is measured with, and COVERAGE with 1
        where all three bands were observed.
    image : ndarray of float32, shape (ny, nx)
        Output of the network [mJy/beam].
    covered : ndarray of bool, shape (ny, nx)
        Coverage.
    wcs : astropy.wcs.WCS
        Celestial coordinates.
    factor : float
        The calibration factor: 450 µm flux over network flux. The map is
        multiplied by it. The offset of the calibration, a difference of zero levels,
        is not added: the map keeps a sky of zero mean.
    cards : dict
        Provenance cards.
    """
    fwhm = BANDS[TARGET].fwhm
    calibrated = Map((image * np.float32(factor)).astype(np.float32), wcs)
    calfact = (factor, "network flux was multiplied by this")
    write_map(path, calibrated, fwhm, **cards, CALFACT=calfact)
    noise = fitted_noise(calibrated.data)
    header = map_header(wcs, fwhm, cards)
    header["BUNIT"] = ""
    header["NOISE"] = (noise / 1e3, "[Jy/beam] clipped scatter of fitted heights")
    snr = fits.ImageHDU(calibrated.data / np.float32(noise or np.nan), header, "SNR")
    for key in ("BUNIT", "BMAJ", "BMIN", "BPA", "NOISE"):
        del header[key]
    extension = fits.ImageHDU(covered.astype(np.uint8), header, "COVERAGE")
    with fits.open(path, mode="append") as hdus:
        hdus.append(snr)
        hdus.append(extension)


def build_catalogue(
    image,
    covered,
    wcs,
    *,
    factor,
    threshold,
    peak_factor=None,
    minimum_flux=MINIMUM_FLUX,
    top=np.inf,
    inputs=None,
    scatter=None,
    expectation=None,
):
    """Extract the sources of a super-resolved map with calibrated fluxes.

    Only the factor of the calibration enters the fluxes; its offset cancels in the
    subtraction of the local background.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        Output of the network [mJy/beam]; NaN outside the coverage.
    covered : ndarray of bool, shape (ny, nx)
        Coverage.
    wcs : astropy.wcs.WCS
        Celestial coordinates.
    factor : float
        450 µm flux over network flux.
    threshold : float
        Least signal-to-noise ratio.
    peak_factor : float, optional
        450 µm peak over network peak (`evaluation.calibration.peak_calibration`);
        `factor` by default.
    minimum_flux : float
        Least fitted height of a source, calibrated [mJy/beam].
    top : float
        Largest value that the network can give [mJy/beam].
    inputs : sequence of (superspire.io.Map, float), optional
        Each input map and the largest flux that the network was trained on
        [mJy/beam].
    scatter : tuple of (array_like, array_like), optional
        Flux [mJy] and fractional scatter of the flux against the truth, measured on
        independent sky; see `measured_scatter` and `flux_errors`.
    expectation : pandas.DataFrame, optional
        Completeness, purity and colour against flux
        (`superspire.evaluation.expectation`); NaN without it.

    Returns
    -------
    astropy.table.Table
        The columns of `COLUMNS` with units, brightest source first.
    """
    calibrated = image * np.float32(factor)
    found = extract_blocks(calibrated, threshold, minimum_flux)
    x, y, peak = (np.asarray(found[key], float) for key in ("x", "y", "peak"))
    flux = peak * (peak_factor or factor) / factor
    ra, dec = wcs.all_pix2world(x, y, 0) if len(x) else (x, y)
    error = flux_errors(flux, local_rms(calibrated, x, y), scatter)
    beyond = beyond_training(image, x, y, top)
    for map_, high in inputs or ():
        beyond |= exceeds(map_, ra, dec, high)
    table = Table(
        {
            "RA": ra * units.deg,
            "DEC": dec * units.deg,
            "S450": flux * units.mJy,
            "S450_ERR": error * units.mJy,
            "S450_APER": np.asarray(found["aperture_flux"], float) * units.mJy,
            "SNR": np.asarray(found["snr"], float),
            **expected_columns(flux, error, expectation),
            "X": x * units.pix,
            "Y": y * units.pix,
            "NEAR_EDGE": near_edge(covered, x, y),
            "SATURATED": beyond,
            "BLENDED": blended(x, y),
        }
    )
    table = table[np.argsort(-flux, kind="stable")]
    table.add_column(np.arange(1, len(table) + 1, dtype=np.int32), 0, name="ID")
    described = {f"TCOMM{i}": COLUMNS[k] for i, k in enumerate(table.colnames, 1)}
    noise = "local robust rms" if scatter is None else "scatter on independent sky"
    table.meta.update(described, NOISE=noise, CALFACT=factor)
    return table


def expected_columns(flux, error, expectation=None):
    """Give what mock sky lets expect of sources of these fluxes.

    Parameters
    ----------
    flux, error : ndarray, shape (n,)
        450 µm fluxes and their errors [mJy].
    expectation : pandas.DataFrame, optional
        See `superspire.evaluation.expectation`.

    Returns
    -------
    dict
        S500_PRED, S500_PRED_ERR [mJy], COMPLETENESS and PURITY; NaN where nothing was
        measured.
    """
    if expectation is None:
        expectation = pd.DataFrame(columns=EXPECTED)
    ratio, spread = at_flux(expectation, "S500/S450", flux)
    completeness, _ = at_flux(expectation, "completeness", flux, beyond=False)
    purity, _ = at_flux(expectation, "purity", flux, beyond=False)
    return {
        "S500_PRED": ratio * flux * units.mJy,
        "S500_PRED_ERR": np.hypot(spread * flux, ratio * error) * units.mJy,
        "COMPLETENESS": completeness,
        "PURITY": purity,
    }


def blended(x, y, radius=BLEND_RADIUS):
    """Tell which sources have another one within a radius [pixel of 1 arcsec]."""
    if len(x) < 2:
        return np.zeros(len(x), bool)
    points = np.column_stack([x, y])
    return cKDTree(points).query(points, k=2)[0][:, 1] < radius


def fitted_noise(image):
    """Measure the noise of the middle of a map, as `extract_sources` would.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Map [mJy/beam]; NaN where nothing was observed.

    Returns
    -------
    float
        Clipped scatter of the fitted heights [mJy/beam].
    """
    middle = tuple(
        slice(max(0, (side - SAMPLE) // 2), (side + SAMPLE) // 2)
        for side in image.shape
    )
    part = np.asarray(image[middle], dtype=float)
    observed = np.isfinite(part)
    level = background(part)[0] if observed.any() else 0.0
    flat = np.where(observed, part - level, 0.0)
    return height_rms(flat, BANDS[TARGET].fwhm, observed)


def extract_blocks(image, threshold, minimum_flux):
    """Extract the sources of a map of any size piece by piece, with one noise.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        Map [mJy/beam].
    threshold : float
        Least signal-to-noise ratio.
    minimum_flux : float
        Least fitted height [mJy/beam].

    Returns
    -------
    astropy.table.Table
        See `superspire.evaluation.sources.extract_sources`; without the sources whose
        background ring holds no observed pixel.
    """
    rms = fitted_noise(image)
    tables = []
    for y0 in range(0, image.shape[0], BLOCK):
        for x0 in range(0, image.shape[1], BLOCK):
            top, left = max(y0 - HALO, 0), max(x0 - HALO, 0)
            part = image[top : y0 + BLOCK + HALO, left : x0 + BLOCK + HALO]
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
                found = extract_sources(
                    part, threshold, minimum_flux=minimum_flux, rms=rms
                )
            x, y = found["x"].value + left, found["y"].value + top
            found["x"], found["y"] = x * units.pix, y * units.pix
            own = (x >= x0 - 0.5) & (x < x0 + BLOCK - 0.5)
            own &= (y >= y0 - 0.5) & (y < y0 + BLOCK - 0.5)
            tables.append(found[own & np.isfinite(found["aperture_flux"].value)])
    return vstack(tables, metadata_conflicts="silent")


def local_rms(image, x, y):
    """Measure the noise around positions: the scaled median absolute deviation.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Map [mJy/beam].
    x, y : ndarray, shape (n,)
        Positions [pixel].

    Returns
    -------
    ndarray, shape (n,)
        In a box of 121 x 121 pixels [mJy/beam].
    """
    rms = np.empty(len(x))
    corners = np.round(np.column_stack([x, y])).astype(int) - NOISE_RADIUS
    for i, (x0, y0) in enumerate(corners):
        side = 2 * NOISE_RADIUS + 1
        box = image[max(y0, 0) : y0 + side, max(x0, 0) : x0 + side]
        rms[i] = 1.4826 * np.nanmedian(np.abs(box - np.nanmedian(box)))
    return rms


def flux_errors(flux, rms, scatter=None):
    """Estimate the standard errors of the fluxes.

    The rms of a network's output says nothing about the flux that the network has
    put in the wrong place, so on its own it is a lower limit. With `scatter`, the
    fractional scatter of recovered against true fluxes on independent sky,
    interpolated in log flux, is added in quadrature: this is the error to use.

    Parameters
    ----------
    flux : ndarray, shape (n,)
        Fluxes [mJy].
    rms : ndarray, shape (n,)
        Local noise [mJy/beam], that of a peak.
    scatter : tuple of (array_like, array_like), optional
        Flux [mJy], increasing, and fractional scatter.

    Returns
    -------
    ndarray, shape (n,)
        [mJy].
    """
    if scatter is None:
        return rms
    known, fraction = (np.asarray(values, float) for values in scatter)
    bright = np.maximum(flux, known[0])
    return np.hypot(rms, np.interp(np.log(bright), np.log(known), fraction) * bright)


def measured_scatter(flux, flux_sr, per_bin=SCATTER_SOURCES):
    """Measure how far recovered fluxes lie from the truth, as a function of flux.

    In bins of equal numbers of sources, ordered by recovered flux: the fraction
    |true / recovered - 1| that holds for 68.3 % of them, bias included.

    Parameters
    ----------
    flux, flux_sr : array_like, shape (n,)
        True and recovered flux of matched sources [mJy], on sky that the network was
        not trained on.
    per_bin : int
        Least number of sources in a bin.

    Returns
    -------
    tuple of (ndarray, ndarray) or None
        Median recovered flux [mJy] and scatter of each bin, for `flux_errors`; None
        with fewer sources than one bin takes.
    """
    flux, flux_sr = (np.asarray(values, float) for values in (flux, flux_sr))
    known = flux_sr > 0
    order = np.argsort(flux_sr[known], kind="stable")
    if len(order) < per_bin:
        return None
    parts = np.array_split(order, max(1, min(SCATTER_BINS, len(order) // per_bin)))
    flux, flux_sr = flux[known], flux_sr[known]
    share = [np.quantile(np.abs(flux[p] / flux_sr[p] - 1), ONE_SIGMA) for p in parts]
    return np.array([np.median(flux_sr[p]) for p in parts]), np.array(share)


def beyond_training(image, x, y, top):
    """Tell where the network's output comes near the top of its range.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Output of the network [mJy/beam].
    x, y : ndarray, shape (n,)
        Positions [pixel].
    top : float
        Largest value that the network can give [mJy/beam].

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    brightest = maximum_filter(np.nan_to_num(image), size=5)
    rows, columns = np.round(y).astype(int), np.round(x).astype(int)
    return brightest[rows, columns] > TOP_SHARE * top


def exceeds(map_, ra, dec, high):
    """Tell at which sky positions a map is brighter than a limit.

    Parameters
    ----------
    map_ : superspire.io.Map
        Map [mJy/beam].
    ra, dec : ndarray, shape (n,)
        Positions [deg].
    high : float
        Limit [mJy/beam].

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    if len(ra) == 0:
        return np.zeros(0, bool)
    x, y = map_.wcs.all_world2pix(ra, dec, 0)
    values = map_coordinates(np.nan_to_num(map_.data), [y, x], order=1, cval=0.0)
    return values > high


def write_regions(path, table):
    """Write the sources as DS9 regions, labelled with their flux.

    Parameters
    ----------
    path : str or path-like
        File to write.
    table : astropy.table.Table
        From `build_catalogue`. Flagged sources are yellow.
    """
    lines = [
        "# Region file format: DS9 version 4.1",
        'global color=green width=1 font="helvetica 9 normal roman"',
        "icrs",
    ]
    for row in table:
        flagged = row["NEAR_EDGE"] or row["SATURATED"]
        lines.append(
            f'circle({row["RA"]:.6f},{row["DEC"]:.6f},{REGION_RADIUS}") '
            f"# text={{{row['ID']}: {row['S450']:.1f} mJy}}"
            + (" color=yellow" if flagged else "")
        )
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
