"""Cutouts of 424 arcsec and their split by sky region (sections 2.1 and 2.2)."""

import numpy as np
import pandas as pd

from superspire.errors import InputError
from superspire.instruments import BANDS, CUTOUT, SPIRE, TARGET
from superspire.io import Map

MARGIN = int(np.ceil(1.5 * BANDS[500].fwhm))
"""Border of a simulated map that no cutout touches [arcsec]."""

GUARD = int(np.ceil(2.0 * BANDS[500].fwhm))
"""Sky between the cutouts of two splits [arcsec]: no source reaches over it."""

HOLDOUT_STEP = CUTOUT // 8
"""Distance of the rows at which the tiling of a hold-out is tried [arcsec]."""

OBSERVED_SPLITS = ("paper", "holdout")
"""Splits whose inputs are renormalised to the simulated ones."""

SPLITS = ("train", "validation", "test")


def columns_of(size):
    """Count the non-overlapping cutouts along a side of `size` arcsec."""
    return max(0, (size - 2 * MARGIN) // CUTOUT)


def plan_simulated(size, skies, cutouts, validation_fraction, test_fraction):
    """Place non-overlapping cutouts and split them by sky region.

    Every field is filled row by row from the south: first the training cutouts,
    then, each beyond a guard strip of twice the largest beam, those of validation
    and test.

    Parameters
    ----------
    size : int
        Side of the square 450 µm map of a field [pixel of 1 arcsec].
    skies : sequence of str
        Names of the simulated skies.
    cutouts : int
        Number of cutouts, shared out evenly among the skies.
    validation_fraction, test_fraction : float
        Fractions of the cutouts that are kept from training.

    Returns
    -------
    pandas.DataFrame
        Columns sky, x0, y0 (first pixel of the cutout), split; sorted by split.

    Raises
    ------
    InputError
        If the fields do not hold so many cutouts, or a cutout is larger than them.
    """
    columns = columns_of(size)
    if columns == 0:
        raise InputError(
            f"a cutout of {CUTOUT} arcsec and its margins of {MARGIN} arcsec do not "
            f"fit in a simulated field of {size} arcsec: raise simulation.field_area"
        )
    fractions = {"validation": validation_fraction, "test": test_fraction}
    totals = {split: round(cutouts * fraction) for split, fraction in fractions.items()}
    totals["train"] = cutouts - sum(totals.values())
    rows = []
    for number, sky in enumerate(skies):
        y = MARGIN
        for split in SPLITS:
            count = (totals[split] + len(skies) - 1 - number) // len(skies)
            for i in range(count):
                row, column = divmod(i, columns)
                rows.append((sky, MARGIN + column * CUTOUT, y + row * CUTOUT, split))
            y += -(-count // columns) * CUTOUT + (GUARD if count else 0)
        if y - GUARD > size - MARGIN:
            raise InputError(
                f"{cutouts} cutouts do not fit in {len(skies)} simulated field(s) of "
                f"{size} arcsec ({columns} x {columns} each): lower simulation.cutouts "
                "or raise simulation.fields or simulation.field_area"
            )
    plan = pd.DataFrame(rows, columns=["sky", "x0", "y0", "split"])
    order = plan["split"].map(SPLITS.index)
    return plan.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)


def plan_independent(size, sky):
    """Tile a field that no training image touches with cutouts."""
    columns = columns_of(size)
    if columns == 0:
        raise InputError(
            f"a cutout of {CUTOUT} arcsec and its margins of {MARGIN} arcsec do not "
            f"fit in the independent field of {size} arcsec: raise independent.area"
        )
    y, x = np.divmod(np.arange(columns**2), columns)
    return pd.DataFrame(
        {
            "sky": sky,
            "x0": MARGIN + x * CUTOUT,
            "y0": MARGIN + y * CUTOUT,
            "split": "independent",
        }
    )


def plan_observed(shape, sky, grid, step):
    """Place the overlapping cutouts of the observed field (section 2.2).

    Parameters
    ----------
    shape : (int, int)
        Shape of the 450 µm map [pixel of 1 arcsec].
    sky : str
        Name of the observed sky.
    grid : int
        Positions along each side; 12 in the paper, 144 in all.
    step : int
        Distance of neighbouring positions [arcsec]; 12 in the paper.

    Returns
    -------
    pandas.DataFrame
        As `plan_simulated`, with split "paper": the unflipped cutouts are the
        paper's test set, their flips and rotations its training set.

    Raises
    ------
    InputError
        If the grid does not fit in the map.
    """
    extent = CUTOUT + (grid - 1) * step
    if extent > min(shape):
        raise InputError(
            f"{grid} x {grid} cutouts of {CUTOUT} arcsec in steps of {step} arcsec "
            f"span {extent} arcsec and do not fit in the observed 450 µm map of "
            f"{shape[1]} x {shape[0]} arcsec: raise observed.area or lower "
            "observed.grid or observed.step"
        )
    y0, x0 = ((side - extent) // 2 for side in shape)
    row, column = np.divmod(np.arange(grid**2), grid)
    return pd.DataFrame(
        {"sky": sky, "x0": x0 + column * step, "y0": y0 + row * step, "split": "paper"}
    )


def plan_holdout(observed, sky, training, guard=GUARD):
    """Tile the part of the observed field that no training image touches.

    The rows lie where most cutouts fit in them, and each row starts at its first free
    sky, so that the irregular outline of a survey is used well.

    Parameters
    ----------
    observed : ndarray of bool, shape (ny, nx)
        Pixels of the 450 µm map [1 arcsec] that every band has observed.
    sky : str
        Name of the observed sky.
    training : pandas.DataFrame
        The training cutouts, as `plan_observed` returns them.
    guard : int
        Sky between training and hold-out cutouts [arcsec].

    Returns
    -------
    pandas.DataFrame
        As `plan_simulated`, with split "holdout".

    Raises
    ------
    InputError
        If not a single cutout fits.
    """
    free = np.array(observed, dtype=bool)
    x0, y0 = training["x0"].min() - guard, training["y0"].min() - guard
    x1 = training["x0"].max() + CUTOUT + guard
    y1 = training["y0"].max() + CUTOUT + guard
    free[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = False
    positions = tile(free)
    if not positions:
        raise InputError(
            f"observed.maps: expected observed sky for a hold-out cutout of {CUTOUT} "
            f"arcsec beyond {guard} arcsec from the training cutouts, found none; "
            "lower observed.grid or observed.step, or set observed.holdout: false"
        )
    x, y = np.array(positions).T
    return pd.DataFrame({"sky": sky, "x0": x, "y0": y, "split": "holdout"})


def tile(free):
    """Place as many cutouts on free pixels as rows of any height above another hold.

    Parameters
    ----------
    free : ndarray of bool, shape (ny, nx)
        Pixels that a cutout may cover.

    Returns
    -------
    list of (int, int)
        First pixel (x, y) of each cutout.
    """
    best = {}
    for y in reversed(range(0, len(free), HOLDOUT_STEP)):
        above = best.get(y + HOLDOUT_STEP, [])
        row = [(x, y) for x in tile_row(free[y : y + CUTOUT])]
        row += best.get(y + CUTOUT, [])
        best[y] = max(above, row, key=len)
    return best[0]


def tile_row(free):
    """Place cutouts side by side on the free pixels, shape (424, nx), of one row."""
    if len(free) < CUTOUT:
        return []
    columns = np.concatenate([[0], np.cumsum(free.all(axis=0))])
    fits = np.flatnonzero(columns[CUTOUT:] - columns[:-CUTOUT] == CUTOUT)
    positions = []
    for x in fits:
        if not positions or x >= positions[-1] + CUTOUT:
            positions.append(int(x))
    return positions


def native_side(band):
    """Side of the native cutout that holds every pixel needed to fill 424 arcsec."""
    return int(np.ceil(CUTOUT / BANDS[band].pixel)) + 3


def cut(plan, maps):
    """Cut the planned cutouts out of the maps of one sky.

    Parameters
    ----------
    plan : pandas.DataFrame
        Rows of one sky, as `plan_simulated` returns them.
    maps : dict of int to Map
        Map of each band; 450 with pixels of 1 arcsec.

    Returns
    -------
    index : pandas.DataFrame
        The plan with ra, dec of the centres [deg] and, for every SPIRE band, x0_250,
        y0_250, ...: the first pixel of the native cutout in its map.
    stacks : dict of int to ndarray
        float32 cutouts [mJy/beam], (n, 424, 424) at 450 µm, native pixels otherwise;
        NaN beyond the edge of a map.
    """
    index = plan.copy()
    target = maps[TARGET].wcs
    centre = (CUTOUT - 1) / 2
    index["ra"], index["dec"] = target.wcs_pix2world(
        plan["x0"] + centre, plan["y0"] + centre, 0
    )
    stacks = {TARGET: take(maps[TARGET].data, plan["x0"], plan["y0"], CUTOUT)}
    for band in SPIRE:
        side = native_side(band)
        x, y = maps[band].wcs.wcs_world2pix(index["ra"], index["dec"], 0)
        index[f"x0_{band}"] = np.round(x - (side - 1) / 2).astype(int)
        index[f"y0_{band}"] = np.round(y - (side - 1) / 2).astype(int)
        stacks[band] = take(
            maps[band].data, index[f"x0_{band}"], index[f"y0_{band}"], side
        )
    return index, stacks


def take(image, x0, y0, side):
    """Cut squares out of an image, with NaN beyond its edges."""
    padded = np.pad(image, side, constant_values=np.nan)
    x0 = np.clip(np.asarray(x0) + side, 0, padded.shape[1] - side)
    y0 = np.clip(np.asarray(y0) + side, 0, padded.shape[0] - side)
    return np.stack(
        [padded[y : y + side, x : x + side] for x, y in zip(x0, y0, strict=True)]
    ).astype(np.float32)


def cutout_map(image, wcs, x0, y0):
    """Give a cutout the celestial coordinates of its position in a map.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        The cutout [mJy/beam].
    wcs : astropy.wcs.WCS
        Coordinates of the map that it was cut from.
    x0, y0 : int
        Its first pixel in that map.

    Returns
    -------
    Map
    """
    moved = wcs.deepcopy()
    moved.wcs.crpix = moved.wcs.crpix - np.array([x0, y0], dtype=float)
    return Map(image, moved)
