"""A super-resolving network as one more method, measured as on a field."""

import numpy as np
from astropy.table import Table
from scipy.stats import norm

from superspire.checks.noise import noise_levels
from superspire.deblender.calibration import MIN_PROBABILITY
from superspire.deblender.inference import deblend, load_deblender
from superspire.maps.tiling import common_grid, super_resolve_field
from superspire.photometry.uncertainty import extraction_noise
from superspire.products.catalogue import extract_blocks
from superspire.training.backend import set_precision
from superspire.unet.inference import load_network, super_resolve


def find_by_network(maps, path, calibration, extraction, least_snr):
    """Super-resolve maps and extract their sources.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps [mJy/beam].
    path : str
        Description of the trained network; its weights lie beside it.
    calibration : dict
        ``factor`` of the map and ``peak_factor`` of the peaks.
    extraction : dict
        ``threshold`` and ``min_flux`` of the configuration, which fix the least
        noise of a map.
    least_snr : float
        Minimum signal-to-noise ratio.

    Returns
    -------
    astropy.table.Table
        ``ra``, ``dec`` [deg], ``flux`` at 450 µm [mJy], ``snr``.
    """
    network = load_network(path)
    wcs, shape = common_grid(maps, {band: f"map {band}" for band in maps})
    image, _ = super_resolve_field(
        lambda inputs: super_resolve(network, inputs), maps, wcs, shape
    )
    image *= calibration["factor"]
    _, noise = extraction_noise(image, **extraction)
    found = extract_blocks(image, least_snr, least_snr * noise, noise)
    x, y, peak = (np.asarray(found[name], float) for name in ("x", "y", "peak"))
    ra, dec = wcs.all_pix2world(x, y, 0) if len(x) else (x, y)
    flux = peak * calibration["peak_factor"] / calibration["factor"]
    return Table({"ra": ra, "dec": dec, "flux": flux, "snr": np.asarray(found["snr"])})


def find_by_deblender(maps, path, calibration, least_snr):
    """List the sources that the deblender finds.

    Parameters
    ----------
    maps : dict of int to superspire.io.Map
        Native maps [mJy/beam].
    path : str
        Description of the trained network; its weights lie beside it.
    calibration : str
        Its calibration.
    least_snr : float
        Minimum that a source is given.

    Returns
    -------
    astropy.table.Table
        See `find_by_network`; the sources that a catalogue lists. What serves as their
        ``snr`` is the normal deviate of their probability of being real, counted from
        that of `MIN_PROBABILITY`, where and below which it is `least_snr`.
    """
    set_precision("auto")
    network = load_deblender(path, calibration)
    wcs, shape = common_grid(maps, {band: f"map {band}" for band in maps})
    *_, found = deblend(network, maps, wcs, shape, noise_levels(maps))
    deviate = norm.ppf(found["probability"]) - norm.ppf(MIN_PROBABILITY)
    found = found.assign(snr=least_snr + np.maximum(deviate, 0.0))
    x, y = found["x"].to_numpy(), found["y"].to_numpy()
    ra, dec = wcs.all_pix2world(x, y, 0) if len(x) else (x, y)
    columns = {name: found[name].to_numpy() for name in ("flux", "snr")}
    return Table({"ra": ra, "dec": dec} | columns)
