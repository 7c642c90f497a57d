"""A sky observed under a condition, and its true sources."""

import numpy as np

from superspire.evaluation.methods import field_catalogue
from superspire.instruments import BANDS, PAPER_BANDS, SPIRE, TARGET
from superspire.io import Map
from superspire.sky.beams import beam_of
from superspire.sky.cirrus import cirrus_field
from superspire.sky.maps import field_wcs, make_map


def observe(condition, galaxies, center, area, make_rng):
    """Observe a sky under a condition.

    Parameters
    ----------
    condition : Condition
    galaxies : mapping
        ``RA``, ``DEC`` [deg] and ``S250`` ... [mJy].
    center : (float, float)
        Centre of the field [deg].
    area : float
        Its area [deg²].
    make_rng : callable
        From names to a random generator.

    Returns
    -------
    maps : dict of int to superspire.io.Map
        Native maps of 250, 350 and 500 µm [mJy/beam].
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
    return maps


def truth_of(galaxies, center, area, min_flux=1.0):
    """List the true sources of a sky on its grid of 1 arcsec.

    Returns
    -------
    pandas.DataFrame
        ``cutout`` (zero), ``x``, ``y`` [pixel], ``flux`` at 450 µm, at least
        `min_flux`, and ``flux_250`` and so on [mJy], ``weight`` (one).
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
        for band in PAPER_BANDS
    }
    truth = field_catalogue(ra, dec, fluxes[f"flux_{TARGET}"], wcs).assign(**fluxes)
    return truth, size, wcs
