"""A sky observed under a condition, and its true sources."""

import numpy as np

from superspire.deblender.skies import SourceList, list_fluxes
from superspire.evaluation.methods import field_catalogue
from superspire.instruments import BANDS, PAPER_BANDS, SPIRE, TARGET
from superspire.io import Map
from superspire.methods.beams import square_profile
from superspire.methods.conditions import DROPOUT_FACTOR, MIPS
from superspire.sky.beams import beam_of, extended_beam
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.cirrus import cirrus_field
from superspire.sky.maps import field_wcs, make_map


def simulate(condition, center, area, rng, dust=None):
    """Simulate the galaxies of a condition.

    Parameters
    ----------
    condition, center, area
        See `observe`.
    rng : numpy.random.Generator
        Source of all random numbers.
    dust : superspire.sky.dust.DustLibrary, optional
        See `superspire.sky.catalogue.simulate_parts`.

    Returns
    -------
    astropy.table.Table
        With the flux at 24 µm if the condition has a depth there.
    """
    model = "2sfm" if condition.catalogue == "2sfm" else "egg"
    bands = (MIPS, *PAPER_BANDS) if condition.depth_24 else PAPER_BANDS
    options = {"model": model, "center": center, "dust": dust, "bands": bands}
    return simulate_catalogue(area, rng, **options)


def observe(condition, galaxies, center, area, make_rng):
    """Observe a sky under a condition.

    Parameters
    ----------
    condition : Condition
    galaxies : mapping
        ``RA``, ``DEC`` [deg] and ``S250`` ... [mJy], with ``S24`` if the condition has
        a depth at 24 µm.
    center : (float, float)
        Centre of the field [deg].
    area : float
        Its area [deg²].
    make_rng : callable
        From names to a random generator.

    Returns
    -------
    maps : dict of int to superspire.io.Map
        Native maps of 250, 350 and 500 µm, and of 24 µm if the condition has a depth
        there [mJy/beam].
    """
    side = 3600.0 * np.sqrt(area)
    ra, dec = (np.asarray(galaxies[name], float) for name in ("RA", "DEC"))
    maps = {}
    for band in SPIRE:
        beam = beam_of(band, {"spire_beams": condition.beams})
        foreground = None
        if condition.cirrus:
            rng = make_rng("cirrus")
            foreground = cirrus_field(band, beam, side, condition.cirrus, rng).rows
        flux = np.asarray(galaxies[f"S{band}"], float)
        pixel = condition.pixels.get(band, BANDS[band].pixel)
        map_ = make_map(ra, dec, flux, band, center, side, beam, foreground, pixel)
        white = make_rng("noise", band).standard_normal(map_.data.shape)
        data = condition.scale.get(band, 1.0) * map_.data + condition.noise * white
        maps[band] = Map(data.astype(np.float32), map_.wcs)
    if condition.depth_24:
        maps[MIPS] = observe_24(condition, galaxies, center, side, make_rng)
    return maps


def observe_24(condition, galaxies, center, side, make_rng):
    """Observe a sky at 24 µm, or render a list of its sources.

    Parameters
    ----------
    condition, galaxies, center, make_rng
        See `observe`.
    side : float
        Side of the field [arcsec].

    Returns
    -------
    superspire.io.Map
        Native map [mJy/beam].
    """
    beam = extended_beam(MIPS) if condition.beams == "extended" else beam_of(MIPS)
    ra, dec, flux = (np.asarray(galaxies[n], float) for n in ("RA", "DEC", f"S{MIPS}"))
    if condition.dropouts_24:
        faint = make_rng("dropouts").random(len(flux)) < condition.dropouts_24
        flux = np.where(faint, flux / DROPOUT_FACTOR, flux)
    if condition.listed_24:
        listed = SourceList(**condition.listed_24)
        ra, dec, flux = list_fluxes(ra, dec, flux, listed, make_rng("list"))
        return make_map(ra, dec, flux, MIPS, center, side)
    map_ = make_map(ra, dec, flux, MIPS, center, side, beam)
    white = make_rng("noise", MIPS).standard_normal(map_.data.shape)
    data = map_.data + pixel_noise(condition.depth_24, beam, BANDS[MIPS].pixel) * white
    return Map(data.astype(np.float32), map_.wcs)


def pixel_noise(depth, beam, pixel):
    """Give the white noise for which isolated sources have a given error.

    Parameters
    ----------
    depth : float
        Standard error of the flux of an isolated source that is fitted with the beam
        [mJy].
    beam : superspire.sky.beams.GaussianBeam or ImageBeam
        The beam.
    pixel : float
        Side of a pixel [arcsec].

    Returns
    -------
    float
        Noise per pixel [mJy/beam].
    """
    spread = square_profile(beam, pixel, pixel, 3.0 * beam.fwhm)
    return depth * float(np.sqrt(np.sum(spread**2)))


def truth_of(galaxies, center, area, min_flux=1.0):
    """List the true sources of a sky on its grid of 1 arcsec.

    Returns
    -------
    pandas.DataFrame
        ``cutout`` (zero), ``x``, ``y`` [pixel], ``flux`` at 450 µm, at least
        `min_flux`, and ``flux_250`` and so on, of every band that `galaxies` has [mJy],
        ``weight`` (one).
    size : int
        Side of the grid [pixel].
    wcs : astropy.wcs.WCS
        The grid.
    """
    wcs, size = field_wcs(center, 3600.0 * np.sqrt(area), 1.0)
    kept = np.asarray(galaxies[f"S{TARGET}"], float) >= min_flux
    ra, dec = (np.asarray(galaxies[name], float)[kept] for name in ("RA", "DEC"))
    fluxes = {
        f"flux_{band}": np.asarray(galaxies[f"S{band}"], float)[kept]
        for band in (MIPS, *PAPER_BANDS)
        if f"S{band}" in set(galaxies.keys())
    }
    truth = field_catalogue(ra, dec, fluxes[f"flux_{TARGET}"], wcs).assign(**fluxes)
    return truth, size, wcs
