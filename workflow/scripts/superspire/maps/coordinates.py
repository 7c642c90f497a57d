"""Coordinates of real maps: any celestial WCS, brought to ICRS."""

import warnings

import numpy as np
from astropy import units
from astropy.coordinates import ICRS, SkyCoord
from astropy.wcs import WCS, FITSFixedWarning
from astropy.wcs.utils import proj_plane_pixel_area, wcs_to_celestial_frame

from superspire.errors import InputError
from superspire.maps.hdus import headers, label

SAME_SKY = 0.05
"""Greatest error when a WCS is written in ICRS [arcsec]."""

SAME_GRID = 0.5
"""Greatest distance of two grids that are the same [pixel]."""

NO_WCS = "no celestial WCS (CTYPE1, CRVAL1, CD1_1 or CDELT1, ...)"


def celestial_wcs(hdus, hdu, path, shape):
    """Read the celestial WCS of an image, from its HDU or from an empty HDU 0.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    hdu : HDU
        The image.
    path : str or path-like
        Its name, for messages.
    shape : tuple of int
        Shape of the image (ny, nx).

    Returns
    -------
    wcs : astropy.wcs.WCS
        With two axes, in ICRS; distortions (SIP, lookup tables) are kept, so that
        only the ``all_`` methods are right.
    pixel_area : float
        Solid angle of the pixel in the middle [arcsec²].
    remarks : list of str
        What is unusual about it.

    Raises
    ------
    InputError
        If there is no WCS or it cannot be used.
    """
    wrong = NO_WCS
    for header in headers(hdus, hdu):
        try:
            wcs = usable_wcs(header, hdus, shape)
        except Exception as error:  # wcslib has many ways to refuse a header
            wrong = " ".join(str(error).split()) or type(error).__name__
            continue
        if wcs is not None:
            return wcs[0], pixel_area(wcs[0], shape), wcs[1]
    raise InputError(
        f"{path}: expected a celestial WCS in {label(hdus, hdu)}, found {wrong}"
    )


def usable_wcs(header, hdus, shape):
    """Read the WCS of a header in ICRS, with remarks; None if it is not celestial."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        wcs = WCS(header, hdus, naxis=2)
        if not wcs.has_celestial:
            return None
        icrs, remarks = to_icrs(wcs, shape)
    area = proj_plane_pixel_area(icrs)
    if not (np.isfinite(area) and area > 0):
        raise ValueError(f"pixels of {area:.4g} deg2")
    if not np.isfinite(icrs.all_pix2world(*middle(shape), 0)).all():
        raise ValueError("no position for the pixel in the middle")
    scale = np.linalg.norm(icrs.pixel_scale_matrix, axis=0)
    if abs(scale[0] / scale[1] - 1.0) > 0.01:
        sides = " x ".join(f"{3600.0 * side:.4g}" for side in scale)
        remarks.append(f"the pixels are not square ({sides} arcsec)")
    if icrs.has_distortion:
        remarks.append("the WCS has distortions, which are followed")
    return icrs, remarks


def to_icrs(wcs, shape):
    """Express a celestial WCS of any frame in ICRS.

    The native coordinates of the projection stay; LONPOLE and LATPOLE become the
    native coordinates of the ICRS pole (Calabretta & Greisen 2002, section 2.4).

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        With two axes, longitude first.
    shape : tuple of int
        Shape of the image (ny, nx), for a check against `astropy.coordinates`.

    Returns
    -------
    wcs : astropy.wcs.WCS
        The same object if it is in ICRS already.
    remarks : list of str
        The frame, if it is not ICRS or FK5.

    Raises
    ------
    ValueError
        If that is not possible.
    """
    names = " and ".join(map(repr, wcs.wcs.ctype))
    if wcs.wcs.lng != 0:
        raise ValueError(f"the latitude on axis 1 (CTYPE {names})")
    try:
        frame = wcs_to_celestial_frame(wcs)
    except ValueError:
        raise ValueError(
            f"an unknown frame (CTYPE {names}, RADESYS {wcs.wcs.radesys!r})"
        ) from None
    if isinstance(frame, ICRS):
        return wcs, []
    icrs = wcs.deepcopy()
    reference = SkyCoord(*wcs.wcs.crval, unit="deg", frame=frame).icrs
    pole = SkyCoord(0.0, 90.0, unit="deg", frame="icrs").transform_to(frame)
    pole = pole.spherical
    native = wcs.wcs.s2p([[pole.lon.deg, pole.lat.deg]], 0)
    codes = (ctype[4:].lstrip("-") for ctype in wcs.wcs.ctype)
    icrs.wcs.ctype = [
        f"{axis:-<5}{code}" for axis, code in zip(("RA", "DEC"), codes, strict=True)
    ]
    icrs.wcs.set_pv(
        [pv for pv in wcs.wcs.get_pv() if pv[0] != 1 or pv[1] not in (3, 4)]
    )
    icrs.wcs.crval = [reference.ra.deg, reference.dec.deg]
    icrs.wcs.lonpole, icrs.wcs.latpole = native["phi"][0], native["theta"][0]
    icrs.wcs.radesys, icrs.wcs.equinox = "ICRS", np.nan
    icrs.wcs.set()
    check_same(wcs, icrs, frame, shape)
    usual = frame.name == "fk5" and frame.equinox.jyear == 2000.0
    return icrs, [] if usual else [f"the WCS is in {frame.name}, taken to ICRS"]


def check_same(wcs, icrs, frame, shape):
    """Refuse an ICRS version of a WCS that is not as exact as it should be."""
    y, x = np.meshgrid(*(np.linspace(0, n - 1, 5) for n in shape), indexing="ij")
    lon, lat = wcs.all_pix2world(x.ravel(), y.ravel(), 0)
    ra, dec = icrs.all_pix2world(x.ravel(), y.ravel(), 0)
    known = np.isfinite(lon + lat)
    before = SkyCoord(lon[known], lat[known], unit="deg", frame=frame)
    after = SkyCoord(ra[known], dec[known], unit="deg", frame="icrs")
    error = before.icrs.separation(after).to_value(units.arcsec)
    if not error.max(initial=0.0) < SAME_SKY:
        raise ValueError(f"the frame {frame.name}, which cannot be written in ICRS")


def middle(shape):
    """Give the middle of an image as (x, y) [pixel]."""
    return (shape[1] - 1) / 2, (shape[0] - 1) / 2


def pixel_area(wcs, shape):
    """Compute the solid angle of the pixel in the middle of an image.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Celestial coordinates.
    shape : tuple of int
        Shape of the image (ny, nx).

    Returns
    -------
    float
        Norm of the product of the two vectors along its sides [arcsec²].
    """
    x, y = middle(shape)
    x, y = x + np.array([-0.5, 0.5, 0.0, 0.0]), y + np.array([0.0, 0.0, -0.5, 0.5])
    sky = SkyCoord(*wcs.all_pix2world(x, y, 0), unit="deg").cartesian.xyz.value
    sides = sky[:, 1] - sky[:, 0], sky[:, 3] - sky[:, 2]
    return float(np.linalg.norm(np.cross(*sides)) * np.degrees(1.0) ** 2 * 3600.0**2)


def check_grid(wcs, shape, hdus, hdu, path):
    """Refuse a companion image (mask, error) of other sky than the signal.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Coordinates of the signal.
    shape : tuple of int
        Shape of both images (ny, nx).
    hdus : astropy.io.fits.HDUList
        File of the companion.
    hdu : HDU
        The companion.
    path : str or path-like
        Its name.

    Returns
    -------
    list of str
        A remark if the companion has no WCS.
    """
    try:
        other, *_ = celestial_wcs(hdus, hdu, path, shape)
    except InputError:
        return [f"{path} has no usable WCS and is taken to lie pixel on pixel"]
    x, y = np.array([0, shape[1] - 1, 0]), np.array([0, 0, shape[0] - 1])
    ours, theirs = (
        SkyCoord(*w.all_pix2world(x, y, 0), unit="deg") for w in (wcs, other)
    )
    distance = ours.separation(theirs).to_value(units.arcsec)
    distance = distance.max() / np.sqrt(pixel_area(wcs, shape))
    if not distance < SAME_GRID:
        raise InputError(
            f"{path}: expected {label(hdus, hdu)} on the pixels of the signal, found "
            f"its corners {distance:.4g} pixels away"
        )
    return []
