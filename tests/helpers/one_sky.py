"""One sky of point sources, painted in headers of all sorts."""

from dataclasses import dataclass, field

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS, DistortionLookupTable, Sip

from superspire.instruments import BANDS, SPIRE

SIDE = 540.0
"""Side of the maps [arcsec]."""

PIXELS = {250: 6.0, 350: 10.0, 500: 14.0}
"""Pixels of the Herschel Science Archive [arcsec]."""

COLOUR = {250: 1.0, 350: 0.8, 500: 0.5}

STERADIAN = (180.0 / np.pi * 3600.0) ** 2


def sources():
    """Offsets to the east and north [arcsec] of the sources, and their 250 µm flux.

    Twelve bright ones stand apart on a faint crowd, which the checks need.
    """
    rng = np.random.default_rng(7)
    crowd = rng.uniform(-0.6 * SIDE, 0.6 * SIDE, (2, 400))
    faint = 1.5 * rng.uniform(size=400) ** -0.6
    steps = np.array([-165.0, -45.0, 75.0, 185.0])
    x, y = (axis.ravel()[2:14] for axis in np.meshgrid(steps, steps))
    x, y = x + rng.uniform(-9, 9, 12), y + rng.uniform(-9, 9, 12)
    flux = np.concatenate([np.linspace(120.0, 250.0, 12), np.minimum(faint, 30.0)])
    return np.concatenate([x, crowd[0]]), np.concatenate([y, crowd[1]]), flux


EAST, NORTH, FLUX = sources()


@dataclass(frozen=True)
class Case:
    """How a header differs from a plain one.

    Attributes
    ----------
    centre : (float, float)
        Right ascension and declination of the field [deg].
    code : str
        Projection.
    axes : (str, str)
        Names of the axes.
    frame : str or frame
        What the axes are, for `astropy.coordinates`.
    reference : (float, float), optional
        Celestial coordinates of the reference point in that frame [deg], by default
        those of the centre.
    angle, parity : float
        Rotation [deg] and direction of the first axis.
    bend : "", "SIP" or "tables"
        Distortion.
    cards : dict
        Other cards.
    unit : str
        Unit of the map.
    change : callable, optional
        Changes the HDUs before they are written.
    """

    centre: tuple = (150.0, 2.2)
    code: str = "TAN"
    axes: tuple = ("RA--", "DEC-")
    frame: object = "icrs"
    reference: tuple | None = None
    angle: float = 0.0
    parity: float = -1.0
    bend: str = ""
    cards: dict = field(default_factory=dict)
    unit: str = "mJy/beam"
    change: object = None

    def wcs(self, pixel):
        """Lay out a map of the field; its WCS in the frame of the case, and shape."""
        middle = SkyCoord(*self.centre, unit="deg").transform_to(self.frame)
        lon, lat = middle.spherical.lon.deg, middle.spherical.lat.deg
        wcs = WCS(naxis=2)
        suffix = "-SIP" if self.bend == "SIP" else ""
        wcs.wcs.ctype = [f"{axis}-{self.code}{suffix}" for axis in self.axes]
        wcs.wcs.crval = self.reference or (lon, lat)
        wcs.wcs.set_pv(
            [(int(k[2]), int(k[4:]), v) for k, v in self.cards.items() if k[:2] == "PV"]
        )
        c, s = np.cos(np.radians(self.angle)), np.sin(np.radians(self.angle))
        scale, turn = [self.parity * pixel / 3600, pixel / 3600], [[c, -s], [s, c]]
        if self.code == "TPV":
            wcs.wcs.cd = np.diag(scale) @ turn
        else:
            wcs.wcs.cdelt, wcs.wcs.pc = scale, turn
        wcs.wcs.crpix = [1.0, 1.0]
        wcs.wcs.set()
        x, y = wcs.wcs_world2pix(lon, lat, 0)
        near = wcs.wcs_pix2world([x - 0.5, x + 0.5, x, x], [y, y, y - 0.5, y + 0.5], 0)
        left, right, low, high = SkyCoord(*near, unit="deg")
        across = left.separation(right).arcsec, low.separation(high).arcsec
        nx, ny = (int(np.ceil(SIDE / side)) for side in across)
        wcs.wcs.crpix = [1.0 - x + 0.5 * (nx - 1), 1.0 - y + 0.5 * (ny - 1)]
        if self.bend == "SIP":
            a, b = np.zeros((4, 4)), np.zeros((4, 4))
            size = 1.5 / (0.5 * nx) ** 2
            a[2, 0], a[1, 1], b[0, 2], b[2, 1] = size, -size, size, 0.5 * size / nx
            wcs.sip = Sip(a, b, None, None, wcs.wcs.crpix)
        if self.bend == "tables":
            rng = np.random.default_rng(3)
            for name in ("cpdis1", "cpdis2", "det2im1", "det2im2"):
                table = rng.normal(0, 0.4, (6, 6)).astype(np.float32)
                step = (nx / 4.0, ny / 4.0)
                table = DistortionLookupTable(table, (1, 1), (1, 1), step)
                setattr(wcs, name, table)
        wcs.wcs.set()
        return wcs, (ny, nx)

    def header(self, wcs):
        """Make the header of a map, and the HDUs of its distortions."""
        hdus = wcs.to_fits(relax=True)
        header = hdus[0].header
        for key in ("RADESYS", "EQUINOX", "MJDREF"):
            header.remove(key, ignore_missing=True)
        header.update({"BUNIT": self.unit, **self.cards})
        return header, list(hdus[1:])

    def paint(self, band):
        """Make the HDUs of the map of a band."""
        pixel = PIXELS[band]
        wcs, shape = self.wcs(pixel)
        y, x = (axis.ravel() for axis in np.indices(shape))
        lon, lat = wcs.all_pix2world(x, y, 0)
        sky = SkyCoord(lon, lat, unit="deg", frame=self.frame).icrs
        middle = SkyCoord(*self.centre, unit="deg")
        frame = middle.skyoffset_frame()
        sky = sky.transform_to(frame).cartesian.xyz.value.T
        stars = SkyCoord(
            EAST * units.arcsec, NORTH * units.arcsec, frame=frame
        ).cartesian.xyz.value.T
        image = np.zeros(len(sky))
        for star, flux in zip(stars, FLUX * COLOUR[band], strict=True):
            squared = ((sky - star) ** 2).sum(axis=1) * STERADIAN
            image += flux * np.exp(-0.5 * squared / BANDS[band].sigma ** 2)
        image *= self.per_mjy(band, wcs, x, y)
        header, tables = self.header(wcs)
        hdu = fits.PrimaryHDU(image.reshape(shape).astype(np.float32), header)
        return [hdu, *tables]

    def per_mjy(self, band, wcs, x, y):
        """Value of 1 mJy/beam in the unit of the map, at some pixels."""
        beam = BANDS[band].effective_area
        if self.unit == "MJy/sr":
            return 1e-9 * STERADIAN / beam
        if self.unit == "Jy/pixel":
            near = [(0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)]
            ends = [
                SkyCoord(*wcs.all_pix2world(x + dx, y + dy, 0), unit="deg").cartesian
                for dx, dy in near
            ]
            right, left, high, low = (end.xyz.value.T for end in ends)
            area = np.linalg.norm(np.cross(right - left, high - low), axis=1)
            return 1e-3 * area * STERADIAN / beam
        return 1.0

    def write(self, folder):
        """Write the maps of all bands; give their paths."""
        paths = {}
        for band in SPIRE:
            hdus = self.paint(band)
            paths[band] = folder / f"{band}.fits"
            if self.change is not None:
                hdus = self.change(hdus)
            fits.HDUList(hdus).writeto(paths[band], overwrite=True)
        return paths
