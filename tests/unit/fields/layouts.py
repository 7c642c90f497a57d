"""Replicas of the layouts in which SPIRE and SCUBA-2 maps are published."""

import numpy as np
from astropy.io import fits

RA, DEC = 150.12, 2.21
SHAPE = (40, 50)


def wcs_cards(pixel, shape=SHAPE, matrix=False, ra=RA, dec=DEC):
    cards = {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CRVAL1": ra,
        "CRVAL2": dec,
        "CRPIX1": (shape[1] + 1) / 2,
        "CRPIX2": (shape[0] + 1) / 2,
    }
    step = pixel / 3600.0
    if matrix:
        return {**cards, "CD1_1": -step, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": step}
    return {**cards, "CDELT1": -step, "CDELT2": step}


def signal(shape=SHAPE, seed=1):
    """A sky with noise of 1 unit, a source of 50 units and a corner of NaN."""
    data = np.random.default_rng(seed).normal(size=shape)
    data[shape[0] // 2, shape[1] // 2] += 50.0
    data[:5, :5] = np.nan
    return data


def image(data, cards, name=None, primary=False):
    header = fits.Header()
    header.update(cards)
    kind = fits.PrimaryHDU if primary else fits.ImageHDU
    hdu = kind(data, header)
    if name:
        hdu.header["EXTNAME"] = name
        hdu.name = name
        hdu.header["EXTNAME"] = name
    return hdu


def write(path, *hdus):
    if not isinstance(hdus[0], fits.PrimaryHDU):
        hdus = (fits.PrimaryHDU(), *hdus)
    fits.HDUList(list(hdus)).writeto(path)
    return path


def smap(path, data, bunit=None, mask_name="mask", pixel=6.0):
    cards = wcs_cards(pixel, data.shape, matrix=True)
    cards |= {"DESC": "250 microns", "WAVELN": 250, "SMAPSVN": "1032:1035M"}
    if bunit:
        cards["BUNIT"] = bunit
    mask = np.zeros(data.shape, np.uint32)
    mask[-3:] = 1
    return write(
        path,
        image(data, cards, "image"),
        image(np.full(data.shape, 0.002), cards, "error"),
        image(mask, cards, mask_name),
    )


def help_map(path, data, pixel=6.0):
    cards = {**wcs_cards(pixel, data.shape), "BUNIT": "Jy / beam"}
    mask = np.zeros(data.shape, np.int16)
    mask[0] = 2
    return write(
        path,
        image(data, cards, "IMAGE"),
        image(data - 1.0, cards, "NEBFILT"),
        image(np.ones(data.shape), cards, "ERROR"),
        image(None, {}, "EXPOSURE"),
        image(mask, cards, "MASK"),
        image(None, {}, "MFILT"),
    )


def hsa(path, data, unit, pixel=6.0, reverse=False, **cards):
    wcs = wcs_cards(pixel, data.shape)
    coverage = np.ones(data.shape)
    coverage[:, -4:] = 0.0
    hdus = [
        image(data, {**wcs, "BUNIT": unit, "QTTY____": unit}, "image"),
        image(np.abs(data), {**wcs, "BUNIT": unit}, "error"),
        image(coverage, {**wcs, "BUNIT": "1"}, "coverage"),
        fits.ImageHDU(name="History"),
    ]
    primary = fits.PrimaryHDU()
    primary.header.update({"DESC": "Final zero-level corrected map", **cards})
    return write(path, primary, *(hdus[::-1] if reverse else hdus))


def hatlas(path, data, pixel=6.0, **cards):
    cards = {**wcs_cards(pixel, data.shape), "UNITS": "Jy/beam", **cards}
    return write(path, image(data, cards, primary=True))


def scuba2(path, data, unit="mJy/beam", depth=1):
    cards = {**wcs_cards(1.0, data.shape), "BUNIT": unit}
    cards |= {"CTYPE3": "WAVE", "CRVAL3": 4.5e-4, "CRPIX3": 1.0, "CDELT3": 1e-6}
    cube = np.repeat(data[None], depth, axis=0)
    return write(
        path,
        image(cube, cards, primary=True),
        image(np.full(cube.shape, 9.0), {**cards, "BUNIT": f"({unit})**2"}, "VARIANCE"),
    )
