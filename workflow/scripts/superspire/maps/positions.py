"""Where pixels are on the sky: the geometry of any celestial WCS, at the field.

Nothing is taken from the reference point of a projection, which may be far away, or
from its plane, whose scale is not that of the sky.
"""

import numpy as np
from astropy.coordinates import (
    FK4,
    FK5,
    ICRS,
    BarycentricMeanEcliptic,
    FK4NoETerms,
    Galactic,
    SkyCoord,
    Supergalactic,
)
from astropy.wcs import Sip
from scipy.spatial.transform import Rotation

from superspire.io import Map

TOLERANCE = 1e-3
"""Error of positions on a map with distortions [pixel]."""

HALF = 0.4
"""Half the distance over which a pixel is measured [pixel]: less than half a pixel, for
some projections have no position on the axes of their plane."""

RADIAN = np.degrees(1.0) * 3600.0
"""One radian [arcsec]."""

SAME_POLE = 1e-9
"""Error of the native pole that is none [rad]."""

EQUATORIAL = {"FK4": FK4, "FK4-NO-E": FK4NoETerms, "FK5": FK5, "ICRS": ICRS}
FRAMES = {
    ("GLON", "GLAT"): Galactic,
    ("SLON", "SLAT"): Supergalactic,
}
NO_LONPOLE = ("TPV",)
"""Projections in which PV1_3 and PV1_4 are no coordinates of the pole."""


def celestial_frame(wcs):
    """Find the frame of a WCS, by its axes first and then by RADESYS and EQUINOX.

    Ecliptic coordinates are those of the mean ecliptic and equinox, without the annual
    aberration, like mean positions in FK5 (Calabretta & Greisen 2002, section 3.1).

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        With a celestial part.

    Returns
    -------
    astropy.coordinates.BaseCoordinateFrame

    Raises
    ------
    ValueError
        If it is not known.
    """
    prm = wcs.wcs
    axes = tuple(prm.ctype[i][:4].rstrip("-") for i in (prm.lng, prm.lat))
    if axes in FRAMES:
        return FRAMES[axes]()
    equinox = None if np.isnan(prm.equinox) else prm.equinox
    system = prm.radesys.strip().upper() or default_system(equinox)
    if axes == ("RA", "DEC") and system in EQUATORIAL:
        if system == "ICRS" or equinox is None:
            return EQUATORIAL[system]()
        epoch = "B" if system.startswith("FK4") else "J"
        return EQUATORIAL[system](equinox=f"{epoch}{equinox!r}")
    if axes == ("ELON", "ELAT") and system in ("FK5", "ICRS"):
        return BarycentricMeanEcliptic(equinox=f"J{equinox or 2000.0!r}")
    names = " and ".join(map(repr, prm.ctype))
    raise ValueError(f"an unknown frame (CTYPE {names}, RADESYS {system!r})")


def default_system(equinox):
    """Give the RADESYS of a header without one (FITS 4.0, section 8.3)."""
    if equinox is None:
        return "ICRS"
    return "FK4" if equinox < 1984.0 else "FK5"


def sky_positions(wcs, x, y):
    """Find where pixels are on the sky.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Celestial coordinates of any frame.
    x, y : array_like, shape (n,)
        Pixels.

    Returns
    -------
    ndarray, shape (n, 3)
        Unit vectors in ICRS; NaN where a pixel has no position.
    """
    lon, lat = wcs.all_pix2world(x, y, 0)
    frame = celestial_frame(wcs)
    if isinstance(frame, ICRS):
        return unit_vectors(lon, lat)
    known = np.isfinite(lon + lat)
    vectors = np.full((len(lon), 3), np.nan)
    sky = SkyCoord(lon[known], lat[known], unit="deg", frame=frame).icrs
    vectors[known] = unit_vectors(sky.ra.deg, sky.dec.deg)
    return vectors


def unit_vectors(lon, lat):
    """Turn angles [deg] into unit vectors, shape (..., 3)."""
    lon, lat = np.radians(lon), np.radians(lat)
    return np.stack(
        [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1
    )


def angles(vectors):
    """Turn vectors, shape (..., 3), into longitude and latitude [deg]."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(
        np.arctan2(z, np.hypot(x, y))
    )


def tangent_axes(vector):
    """Give the unit vectors to the east and north of a direction, shape (2, 3)."""
    east = np.array([-vector[1], vector[0], 0.0])
    length = np.linalg.norm(east)
    east = east / length if length > 0 else np.array([0.0, 1.0, 0.0])
    return np.stack([east, np.cross(vector, east)])


def field_pixel(data):
    """Find an observed pixel at the centre of a map.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
        Map; NaN where nothing was observed.

    Returns
    -------
    (float, float)
        Column and row; those of the centre of the image if nothing was observed.
    """
    observed = np.isfinite(data)
    rows = np.flatnonzero(observed.any(axis=1))
    if not len(rows):
        return 0.5 * (data.shape[1] - 1), 0.5 * (data.shape[0] - 1)
    row = rows[len(rows) // 2]
    columns = np.flatnonzero(observed[row])
    return float(columns[len(columns) // 2]), float(row)


def pixel_matrix(wcs, x, y):
    """Measure the sides of a pixel on the sky.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Celestial coordinates of any frame.
    x, y : float
        The pixel.

    Returns
    -------
    ndarray, shape (2, 2)
        Offset to the east (first row) and north (second row) of one pixel along x
        (first column) and along y [arcsec].
    """
    near = HALF * np.array([[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]]).T
    sky = sky_positions(wcs, x + near[0], y + near[1])
    sides = np.stack([sky[2] - sky[1], sky[4] - sky[3]], axis=1) / (2.0 * HALF)
    return RADIAN * tangent_axes(sky[0]) @ sides


def map_matrix(map_):
    """Measure the sides of the pixels of a map at the centre of what was observed.

    Parameters
    ----------
    map_ : superspire.io.Map
        The map.

    Returns
    -------
    ndarray, shape (2, 2)
        See `pixel_matrix`.
    """
    return pixel_matrix(map_.wcs.celestial, *field_pixel(map_.data))


def pixel_size(map_):
    """Measure the side of a map's pixels: the root of their solid angle [arcsec]."""
    return float(np.sqrt(abs(np.linalg.det(map_matrix(map_)))))


def pixel_sides(map_):
    """Measure the lengths of a map's pixels along x and y [arcsec], shape (2,)."""
    return np.linalg.norm(map_matrix(map_), axis=0)


def rotated(wcs, turn, names=None):
    """Rotate the sky under a projection, whose native coordinates stay.

    LONPOLE and LATPOLE become the native coordinates of the new pole (Calabretta &
    Greisen 2002, section 2.4).

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        With two axes, longitude first.
    turn : scipy.spatial.transform.Rotation
        From directions of before to those of after.
    names : (str, str), optional
        New names of the axes, RA and DEC, whose frame is then ICRS.

    Returns
    -------
    astropy.wcs.WCS
    """
    new = wcs.deepcopy()
    new.wcs.set()
    pole = angles(turn.inv().apply([0.0, 0.0, 1.0]))
    phi, theta = native(new, *pole)
    native_pole = turn.apply(native_pole_of(new))
    codes = [ctype[4:].lstrip("-") for ctype in new.wcs.ctype]
    new.wcs.crval = angles(turn.apply(unit_vectors(*new.wcs.crval)))
    if not set(NO_LONPOLE) & set(codes):
        new.wcs.set_pv(
            [pv for pv in new.wcs.get_pv() if pv[0] != 1 or pv[1] not in (3, 4)]
        )
    if names:
        new.wcs.ctype = [
            f"{name:-<5}{code}" for name, code in zip(names, codes, strict=True)
        ]
        new.wcs.radesys, new.wcs.equinox = "ICRS", np.nan
    new.wcs.lonpole, new.wcs.latpole = phi, theta
    new.wcs.set()
    if np.linalg.norm(native_pole_of(new) - native_pole) > SAME_POLE:
        # Near a pole of the sky, CRVAL leaves the native pole uncertain: name it.
        pvs = [pv for pv in new.wcs.get_pv() if pv[0] != 1 or pv[1] > 2]
        new.wcs.set_pv([*pvs, (1, 0, 0.0), (1, 1, 0.0), (1, 2, 90.0)])
        new.wcs.crval = angles(native_pole)
        new.wcs.set()
    return new


def native_pole_of(wcs):
    """Give the direction of the native pole of a WCS that was set, shape (3,)."""
    lon, colatitude = wcs.wcs.cel.euler[:2]
    return unit_vectors(lon, 90.0 - colatitude)


def native(wcs, lon, lat):
    """Compute the native coordinates of a direction [deg].

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Celestial coordinates that were set.
    lon, lat : float
        Direction [deg].

    Returns
    -------
    phi, theta : float
        Native longitude and latitude [deg] (Calabretta & Greisen 2002, eq. 5).
    """
    lon_pole, colatitude, phi_pole = np.radians(wcs.wcs.cel.euler[:3])
    lon, lat = np.radians(lon) - lon_pole, np.radians(lat)
    sin_pole, cos_pole = np.cos(colatitude), np.sin(colatitude)
    x = np.sin(lat) * cos_pole - np.cos(lat) * sin_pole * np.cos(lon)
    y = -np.cos(lat) * np.sin(lon)
    z = np.sin(lat) * sin_pole + np.cos(lat) * cos_pole * np.cos(lon)
    phi = phi_pole + np.arctan2(y, x)
    return (np.degrees(phi) + 180.0) % 360.0 - 180.0, np.degrees(
        np.arctan2(z, np.hypot(x, y))
    )


def moved(map_, east, north):
    """Move the sources of a map.

    Parameters
    ----------
    map_ : superspire.io.Map
        Map with a WCS in ICRS.
    east, north : float
        By how much, at the centre of what was observed [arcsec]; all of the map turns
        with it as on a sphere.

    Returns
    -------
    superspire.io.Map
        The same pixels with another WCS.
    """
    wcs = map_.wcs.celestial
    centre = sky_positions(wcs, *np.transpose([field_pixel(map_.data)]))[0]
    direction = np.array([east, north]) @ tangent_axes(centre)
    turn = Rotation.from_rotvec(np.cross(centre, direction) / RADIAN)
    return Map(map_.data, rotated(wcs, turn), map_.header)


def has_tables(wcs):
    """Decide whether a WCS has distortions by lookup tables."""
    tables = wcs.cpdis1, wcs.cpdis2, wcs.det2im1, wcs.det2im2
    return any(table is not None for table in tables)


def resampled(wcs, step):
    """Make the WCS of other pixels that begin at the same edges.

    Distortions are functions of the pixels, which are scaled with them.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        With two axes.
    step : float or (float, float)
        Side of the new pixels along x and y [old pixel].

    Returns
    -------
    astropy.wcs.WCS
    """
    step = np.broadcast_to(np.asarray(step, float), 2)

    def rescale(position):
        return (np.asarray(position) - 0.5) / step + 0.5

    new = wcs.deepcopy()
    new.wcs.crpix = rescale(wcs.wcs.crpix)
    if wcs.wcs.has_cd():
        new.wcs.cd = wcs.wcs.cd * step
    elif step[0] == step[1]:
        new.wcs.cdelt = wcs.wcs.cdelt * step
    else:
        new.wcs.pc = wcs.wcs.get_pc() * step
    if wcs.sip is not None:
        new.sip = resampled_sip(wcs.sip, step, rescale(wcs.sip.crpix))
    for axis, names in enumerate((("cpdis1", "det2im1"), ("cpdis2", "det2im2"))):
        for table in (getattr(new, name) for name in names):
            if table is not None:
                table.crval = tuple(rescale(table.crval))
                table.cdelt = tuple(np.asarray(table.cdelt) / step)
                table.data = (table.data / step[axis]).astype(np.float32)
    new.wcs.set()
    return new


def resampled_sip(sip, step, crpix):
    """Scale the polynomials of a SIP distortion (Shupe et al. 2005) to other pixels."""

    def rescale(coefficients, axis):
        if coefficients is None:
            return None
        powers = np.arange(len(coefficients))
        return (
            coefficients * np.outer(step[0] ** powers, step[1] ** powers) / step[axis]
        )

    return Sip(
        rescale(sip.a, 0),
        rescale(sip.b, 1),
        rescale(sip.ap, 0),
        rescale(sip.bp, 1),
        crpix,
    )


def pixels_of(wcs, lon, lat):
    """Find the pixels of sky positions in the frame of a WCS.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Celestial coordinates.
    lon, lat : array_like
        Positions [deg].

    Returns
    -------
    x, y : ndarray
        [pixel]; NaN where there is none, be it that the projection ends or that its
        distortions cannot be inverted.
    """
    undistorted = wcs.wcs_world2pix(lon, lat, 0)
    if not (wcs.has_distortion and np.isfinite(undistorted).any()):
        return undistorted
    found = wcs.all_world2pix(lon, lat, 0, quiet=True)
    with np.errstate(invalid="ignore"):
        error = np.hypot(*np.subtract(wcs.pix2foc(*found, 0), undistorted))
        return [np.where(error < TOLERANCE, axis, np.nan) for axis in found]


def convert(source, wcs, x, y):
    """Convert pixel positions from one grid to another through the sky.

    Parameters
    ----------
    source : astropy.wcs.WCS
        Coordinates of the grid on which positions are wanted, of any frame.
    wcs : astropy.wcs.WCS
        Coordinates of the pixels, of any frame.
    x, y : array_like
        Pixels.

    Returns
    -------
    x, y : ndarray
        Positions on the source grid [pixel]; NaN where it has none.
    """
    source, wcs = source.celestial, wcs.celestial
    lon, lat = wcs.all_pix2world(x, y, 0)
    frame, wanted = celestial_frame(wcs), celestial_frame(source)
    if not frame.is_equivalent_frame(wanted):
        sky = SkyCoord(lon, lat, unit="deg", frame=frame).transform_to(wanted)
        lon, lat = sky.spherical.lon.deg, sky.spherical.lat.deg
    return pixels_of(source, lon, lat)
