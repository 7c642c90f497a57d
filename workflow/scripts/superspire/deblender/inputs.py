"""Input of the network: maps of any set of bands, and their noise, on its cells.

In every cell of 4 arcsec it has the pixels of each band (row by row, p² of a band
with p pixels along the side of a cell) [mJy/beam], and then the noise of each band,
zero where the band observed nothing: for SPIRE the white noise per native pixel
[mJy/beam]; for other bands the standard error of the flux of a point source [mJy].
"""

import numpy as np

from superspire.instruments import BANDS, SPIRE, TARGET
from superspire.maps.cells import CELL, match_pixel_smoothing, on_cells
from superspire.maps.interpolation import interpolate

FLUX_BANDS = (250, 350, 450, 500)
"""Bands in which the network predicts the flux of a source [µm]."""

LEAD = FLUX_BANDS.index(TARGET)
"""The one that positions and detections refer to."""

SPIRE_BANDS = {250: 1, 350: 1, 500: 1}
"""Pixels along the side of a cell, by band [µm]."""


def band_pixels(bands):
    """Sort bands by wavelength.

    Parameters
    ----------
    bands : dict
        Pixels along the side of a cell by wavelength, an int or a str of it [µm].

    Returns
    -------
    dict of int to int
    """
    return dict(sorted((int(band), int(pixels)) for band, pixels in bands.items()))


def noise_levels(bands, noise, depth=None):
    """Give the noise of every band, in their order.

    Parameters
    ----------
    bands : dict of int to int
        Pixels along the side of a cell by band.
    noise : float
        White noise per native pixel of the SPIRE bands [mJy/beam].
    depth : dict, optional
        Depth of other bands [mJy], by an int or a str of their wavelength; a band that
        is not in it was not observed.

    Returns
    -------
    ndarray of float32, shape (bands,)
        Zero for a band that was not observed.
    """
    depth = {int(band): value for band, value in (depth or {}).items()}
    levels = [noise if band in SPIRE else depth.get(band, 0.0) for band in bands]
    return np.array(levels, np.float32)


def noise_by_band(noise, training):
    """Give the noise of every band by its wavelength.

    Parameters
    ----------
    noise : None, float or dict of int to float or superspire.io.Map
        All of it, that of SPIRE, or by band.
    training : dict
        ``noise`` of SPIRE and, perhaps, ``depth`` of other bands that is taken where
        nothing is said.

    Returns
    -------
    dict of int to float or superspire.io.Map
    """
    depth = {int(band): value for band, value in training.get("depth", {}).items()}
    if not isinstance(noise, dict):
        noise = dict.fromkeys(SPIRE, noise or training["noise"])
    return dict.fromkeys(SPIRE, training["noise"]) | depth | noise


def first_extra(bands):
    """Name the first band other than SPIRE's, or None; its depth is calibrated for."""
    return next((band for band in bands if band not in SPIRE), None)


def takes_more(bands):
    """Tell whether a network takes more than SPIRE and lists what is beside a maximum.

    The positions of SPIRE alone are too uncertain for it: more of what is listed then
    is not real than the matched filter lists.
    """
    return first_extra(bands) is not None


def spire_channels(bands):
    """Locate the noise of the SPIRE bands among that of all bands, as a mask."""
    return np.array([band in SPIRE for band in bands])


def signal_slices(bands):
    """Locate the channels of each band.

    Returns
    -------
    dict of int to slice
    """
    ends = np.cumsum([pixels**2 for pixels in bands.values()]).tolist()
    return dict(zip(bands, map(slice, [0, *ends[:-1]], ends), strict=True))


def signals_of(bands, wanted):
    """Find the signal channels of some bands among those of all.

    Returns
    -------
    ndarray of int
    """
    slices, channels = signal_slices(bands), np.arange(count_signals(bands))
    return np.concatenate([channels[slices[band]] for band in wanted])


def count_signals(bands):
    """Count the channels of all bands without those of their noise."""
    return sum(pixels**2 for pixels in bands.values())


def count_channels(bands):
    """Count all channels of an input."""
    return count_signals(bands) + len(bands)


def band_of_channel(bands):
    """Give the number of the band of every signal channel.

    Returns
    -------
    ndarray of int, shape (signals,)
    """
    return np.repeat(np.arange(len(bands)), [pixels**2 for pixels in bands.values()])


def as_in_training(map_, band, pixels):
    """Make a map as sharp as in training; see `match_pixel_smoothing`.

    Parameters
    ----------
    map_ : superspire.io.Map
        Native map [mJy/beam].
    band : int
        Wavelength [µm].
    pixels : {1, 2, 4}
        Pixels of the band along the side of a cell; a map of finer ones is smoothed,
        or else noise would be sampled that the beam can do without.

    Returns
    -------
    superspire.io.Map
    """
    side = BANDS[band].pixel
    return match_pixel_smoothing(map_, max(side, CELL / pixels) if pixels > 1 else side)


def band_cells(map_, wcs, shape, pixels=1):
    """Bring the map of a band to the cells of the network.

    Parameters
    ----------
    map_ : superspire.io.Map
        What `as_in_training` gives [mJy/beam].
    wcs : astropy.wcs.WCS
        Grid of pixels of 1 arcsec.
    shape : (int, int)
        Its shape, multiples of 4 [pixel].
    pixels : {1, 2, 4}
        Pixels of the band along the side of a cell.

    Returns
    -------
    ndarray of float32, shape (ny / 4, nx / 4, pixels²)
        Surface brightness [mJy/beam]; NaN where the map does not reach.
    """
    if pixels == 1:
        return on_cells(map_, wcs, shape)[..., None]
    step = CELL // pixels
    fine = wcs.slice(tuple(slice(0, side, step) for side in shape))
    image = interpolate(map_, fine, tuple(side // step for side in shape))
    ny, nx = (side // CELL for side in shape)
    split = image.reshape(ny, pixels, nx, pixels).swapaxes(1, 2)
    return split.reshape(ny, nx, pixels**2)


def make_input(signal, noise, bands):
    """Put maps and their noise together.

    Parameters
    ----------
    signal : ndarray, shape (n, m, signals)
        Maps on the cells [mJy/beam]; anything where nothing was observed.
    noise : ndarray, shape (n, m, bands)
        Noise of each band, see above, zero where nothing was observed.
    bands : dict of int to int
        Pixels along the side of a cell by band.

    Returns
    -------
    ndarray of float32, shape (n, m, channels)
    """
    observed = (noise > 0)[..., band_of_channel(bands)]
    signal = np.where(observed, signal, 0.0)
    return np.concatenate([signal, noise], axis=-1, dtype=np.float32)


def turned_channels(bands, transform):
    """Order the channels of an input whose cells were flipped or rotated.

    Parameters
    ----------
    bands : dict of int to int
    transform : int
        See `superspire.deblender.crops.turn`.

    Returns
    -------
    ndarray of int, shape (channels,)
        The channel of the turned cells that each channel is to be taken from.
    """
    order, first = [], 0
    for pixels in (*bands.values(), *(1 for _ in bands)):
        own = first + np.arange(pixels**2).reshape(pixels, pixels)
        own = own.T if transform & 4 else own
        own = own[::-1] if transform & 1 else own
        own = own[:, ::-1] if transform & 2 else own
        order.append(own.ravel())
        first += pixels**2
    return np.concatenate(order)
