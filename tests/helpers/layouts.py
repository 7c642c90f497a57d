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


def smap(
    path,
    data,
    bunit=None,
    mask_name="mask",
    pixel=6.0,
    signal_name="image",
    exposure=False,
    band=250,
):
    """SMAP before v6, or v6 with `bunit`, ``mask_name="flag"`` and `exposure`."""
    cards = wcs_cards(pixel, data.shape, matrix=True)
    cards |= {"DESC": f"{band} microns", "WAVELN": band, "SMAPSVN": "1032:1035M"}
    unit = {"BUNIT": bunit} if bunit else {}
    mask = np.zeros(data.shape, np.uint32)
    mask[-3:] = 1
    seconds = np.ones(data.shape)
    seconds[:, -1] = 0.0
    hdus = [
        image(data, cards | unit, signal_name),
        image(np.full(data.shape, 0.002), cards | unit, "error"),
        image(mask, cards, mask_name),
    ]
    if exposure:
        hdus.insert(2, image(seconds, {**cards, "BUNIT": "s"}, "exposure"))
    primary = fits.PrimaryHDU()
    primary.header.update({"MAPMAKER": "SMAP"} if exposure else {})
    return write(path, primary, *hdus)


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


def help_filtered(path, data, pixel=6.0):
    """HELP with its matched-filtered map as well."""
    cards = {**wcs_cards(pixel, data.shape), "BUNIT": "Jy / beam"}
    arrays = {
        "IMAGE": 2.0 * data,
        "NEBFILT": 3.0 * data,
        "ERROR": np.ones(data.shape),
        "EXPOSURE": np.ones(data.shape),
        "MASK": np.zeros(data.shape, np.int16),
        "MFILT": data,
        "MFILT_ERROR": np.full(data.shape, 0.5),
        "Matchedfilter": np.ones(data.shape),
    }
    return write(path, *(image(array, cards, key) for key, array in arrays.items()))


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


def hatlas_set(folder, data, field="GAMA9", release=1, band=250, pixel=6.0):
    """The signal, the error and the mask (1 where good) of H-ATLAS."""
    good = np.ones(data.shape, np.int16)
    good[:, :10] = 0
    arrays = {"RAW": data, "SIGMA": np.full(data.shape, 0.007), "MASK": good}
    return {
        key: hatlas(
            folder / f"HATLAS_{field}_DR{release}_{key}{band}.FITS", array, pixel
        )
        for key, array in arrays.items()
    }


def studies(folder, data):
    """The matched-filtered STUDIES map, and its rms in a file of its own."""
    cards = {**wcs_cards(1.0, data.shape, matrix=True), "BUNIT": "mJy/beam"}
    name = "STUDIES+S2CLS+Casey_450_mf"
    return [
        write(folder / f"{name}{end}.fits", image(array, cards, primary=True))
        for end, array in (("", data), ("_rms", np.full(data.shape, 0.6)))
    ]


def scuba2(path, data, unit="mJy/beam", depth=1, **cards):
    cards = {**wcs_cards(1.0, data.shape), "BUNIT": unit, **cards}
    cards |= {"CTYPE3": "WAVE", "CRVAL3": 4.5e-4, "CRPIX3": 1.0, "CDELT3": 1e-6}
    cube = np.repeat(data[None], depth, axis=0)
    return write(
        path,
        image(cube, cards, primary=True),
        image(np.full(cube.shape, 9.0), {**cards, "BUNIT": f"({unit})**2"}, "VARIANCE"),
        image(np.full(cube.shape, 50.0), {**cards, "BUNIT": "s"}, "EXP_TIME"),
    )
