"""Equal pairs of sources on a confused sky: what separations a method resolves."""

import numpy as np
from scipy.spatial import cKDTree

from superspire.instruments import SPIRE, TARGET
from superspire.io import Map
from superspire.seeds import stream
from superspire.sky.maps import field_wcs, make_map

FLUX = 15.0
"""Flux of each member at 450 µm [mJy]."""

SEPARATIONS = (6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 24.0)
"""Separations of the members [arcsec]."""

ROWS = 16
"""Pairs along each side of the field."""

SPACING = 120.0
"""Distance of neighbouring pairs, more than three 500 µm beams [arcsec]."""

CENTRE = (0.0, 0.0)
FLUX_FACTOR = 2.0
RADIUS = 4.0
"""Maximum distance at which a member is found, unless half the separation is less."""


def place_pairs(separation, seed):
    """Place pairs of random direction on a shaken grid, the same at all separations.

    Parameters
    ----------
    separation : float
        Distance of the two members [arcsec].
    seed : int
        Configured seed.

    Returns
    -------
    ndarray, shape (n, 2, 2)
        For each pair and member the offset to the west and north of the field's
        centre [arcsec].
    """
    rng = stream(seed, "pairs", "places")
    line = SPACING * (np.arange(ROWS) - 0.5 * (ROWS - 1))
    centre = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    centre += rng.uniform(-0.1 * SPACING, 0.1 * SPACING, centre.shape)
    angle = rng.uniform(0.0, np.pi, len(centre))
    half = 0.5 * separation * np.column_stack([np.cos(angle), np.sin(angle)])
    return np.stack([centre - half, centre + half], axis=1)


def draw_background(catalogue, area, side, seed):
    """Draw sources of a simulated sky and put them anywhere.

    Parameters
    ----------
    catalogue : dict of int to ndarray
        Fluxes of the simulated sources by band [mJy].
    area : float
        Area that they lie in [deg²].
    side : float
        Side of the field [arcsec].
    seed : int
        Configured seed.

    Returns
    -------
    positions : ndarray, shape (n, 2)
        Offsets to the west and north of the field's centre [arcsec].
    fluxes : dict of int to ndarray, shape (n,)
        [mJy].
    """
    rng = stream(seed, "pairs", "background")
    n = rng.poisson(len(catalogue[TARGET]) / area * (side / 3600.0) ** 2)
    rows = rng.integers(len(catalogue[TARGET]), size=n)
    positions = rng.uniform(-0.5 * side, 0.5 * side, (n, 2))
    return positions, {band: flux[rows] for band, flux in catalogue.items()}


def to_sky(positions, side):
    """Turn offsets to the west and north of the centre [arcsec] into ra, dec [deg]."""
    wcs, n = field_wcs(CENTRE, side, 1.0)
    return wcs.all_pix2world(np.asarray(positions) + 0.5 * (n - 1), 0).T


def observe_pairs(pairs, background, colours, beams, noise, seed):
    """Make maps of pairs of mean colour on a zero-mean confused sky.

    The pairs do not move the level of the sky between them.

    Parameters
    ----------
    pairs : ndarray, shape (n, 2, 2)
        See `place_pairs`.
    background : (ndarray, dict)
        See `draw_background`.
    colours : dict
        Mean S/S450 of each SPIRE band, by its name.
    beams : dict of int to superspire.sky.beams.GaussianBeam or ImageBeam
        Beam of each band.
    noise : dict
        White noise of each band, by its name [mJy/beam].
    seed : int
        Configured seed.

    Returns
    -------
    dict of int to superspire.io.Map
        Maps of 250, 350 and 500 µm [mJy/beam].
    """
    side = field_side()
    sky = to_sky(background[0], side)
    members = to_sky(pairs.reshape(-1, 2), side)
    maps = {}
    for band in SPIRE:
        beam = beams[band]
        map_ = make_map(*sky, background[1][band], band, CENTRE, side, beam)
        flux = np.full(members.shape[1], FLUX * colours[str(band)])
        added = make_map(*members, flux, band, CENTRE, side, beam).data
        added = added - np.median(added)
        rng = stream(seed, "pairs", "noise", band)
        white = rng.normal(0.0, max(noise[str(band)], 0.0), map_.data.shape)
        maps[band] = Map((map_.data + added + white).astype(np.float32), map_.wcs)
    return maps


def field_side():
    """Side of the field that holds the pairs [arcsec]."""
    return (ROWS + 1) * SPACING


def resolved(found, pairs, separation):
    """Find which pairs are found as two sources of about the right flux.

    Parameters
    ----------
    found : astropy.table.Table
        ``ra``, ``dec`` [deg], ``flux`` [mJy].
    pairs : ndarray, shape (n, 2, 2)
        See `place_pairs`.
    separation : float
        Distance of the two members [arcsec].

    Returns
    -------
    ndarray of bool, shape (n,)
        Whether each member has a source of its own within `RADIUS` or half the
        separation and within a factor two in flux.
    """
    flux = np.asarray(found["flux"], float)
    alike = (flux >= FLUX / FLUX_FACTOR) & (flux <= FLUX * FLUX_FACTOR)
    if not alike.any():
        return np.zeros(len(pairs), bool)
    wcs, n = field_wcs(CENTRE, field_side(), 1.0)
    x, y = wcs.all_world2pix(found["ra"][alike], found["dec"][alike], 0)
    tree = cKDTree(np.column_stack([x, y]) - 0.5 * (n - 1))
    distance, row = tree.query(pairs)
    near = distance <= min(RADIUS, 0.5 * separation)
    return near.all(axis=1) & (row[:, 0] != row[:, 1])
