"""The files of a super-resolved field: FITS images and table, DS9 regions.

Every HDU with data has its name, its date and what made it, and all have checksums.
The date is the present one, or that of SOURCE_DATE_EPOCH (reproducible-builds.org),
with which equal products are equal files.
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table

from superspire import __version__
from superspire.instruments import BANDS, TARGET
from superspire.io import append_image, map_header

LONGEST = 68
"""Longest text of a card; its comment takes from the same space [character]."""

REGION_RADIUS = 5.0
"""Radius of the circles for DS9 [arcsec]."""

LABELS = 50
"""Most sources that are labelled, or nothing else would be seen."""

DOUBTFUL = ("NEAR_EDGE", "EXTENDED", "EXTRAPOLATED", "POOR_FIT")
"""Flags of sources that are drawn in yellow."""

FLAGS = (*DOUBTFUL, "BLENDED")
"""Flags of a catalogue, which need not have all of them."""


def creation_date():
    """Give the date for the headers (UTC, FITS 4.0, section 4.4.2.1)."""
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def dated_cards(cards):
    """Put the date of creation in front of provenance cards, and make them fit.

    Letters that FITS has not are written as their code points, as is the ampersand at
    the end of a long text, which would announce a CONTINUE card; a comment for which a
    text leaves no space is dropped, and texts that need more than a card are announced
    with LONGSTRN, as fitsverify wants it.
    """
    result = {"DATE": (creation_date(), "creation of this HDU, UTC")}
    for key, (value, comment) in cards.items():
        size = 0
        if isinstance(value, str):
            value = value.encode("ascii", "backslashreplace").decode().rstrip()
            size = len(value) + value.count("'")
            if size > LONGEST and value.endswith("&"):
                value = value[:-1] + r"\x26"
        if size > LONGEST:
            result["LONGSTRN"] = ("OGIP 1.0", "texts go on in CONTINUE cards")
        full = size <= LONGEST < size + 3 + len(comment)
        result[key] = value if full else (value, comment)
    return result


def add_checksums(path):
    """Write the sums of all HDUs of a file into their headers, in position."""
    with fits.open(path, mode="update", memmap=True) as hdus:
        for hdu in hdus:
            hdu.add_datasum(when="checksum of the data")
            hdu.add_checksum(when="checksum of the HDU", override_datasum=True)


def write_superresolved(
    path, image, covered, wcs, cards, *, level=0.0, noise=1.0, sigma=None
):
    """Write the calibrated super-resolved map, its signal-to-noise and its coverage.

    Beside its arguments this takes some 200 MB, however large the map is, whose images
    may also be of `superspire.storage`.

    Parameters
    ----------
    path : str or path-like
        File to write: IMAGE, the map [Jy/beam], in HDU 0; the extensions SNR, the map
        above its level over its noise, and COVERAGE with 1 where all three bands were
        observed.
    image : ndarray of float32, shape (ny, nx)
        Calibrated super-resolved map [mJy/beam].
    covered : ndarray of bool, shape (ny, nx)
        Coverage.
    wcs : astropy.wcs.WCS
        Celestial coordinates.
    cards : dict
        Provenance cards.
    level, noise : float
        What the S/N of the catalogue is measured with
        (`superspire.photometry.uncertainty.extraction_noise`) [mJy/beam].
    sigma : ndarray of float32, shape (ny, nx), optional
        Standard error of every pixel [mJy/beam], written as the extension UNCERTAINTY;
        SNR is then the map over it.
    """
    Path(path).unlink(missing_ok=True)
    header = map_header(wcs, BANDS[TARGET].fwhm, dated_cards(cards))
    header["EXTNAME"] = "IMAGE"
    milli = np.float32(1e-3)
    append_image(path, header, "f4", image, lambda rows: image[rows] * milli)
    if sigma is None:
        level32, inverse = np.float32(level), np.float32(1.0 / noise)

        def ratio(rows):
            return (image[rows] - level32) * inverse

        meaning = "signal-to-noise ratio of a point source's peak"
        header["LEVEL"] = (1e-3 * level, "[Jy/beam] subtracted from IMAGE")
        header["NOISE"] = (1e-3 * noise, "[Jy/beam] it was then divided by")
    else:

        def ratio(rows):
            return image[rows] / sigma[rows]

        meaning = "IMAGE over UNCERTAINTY"
        header["EXTNAME"] = "UNCERTAINTY"
        append_image(path, header, "f4", sigma, lambda rows: sigma[rows] * milli)
    header["EXTNAME"] = "SNR"
    header["BUNIT"] = ("", meaning)
    append_image(path, header, "f4", image, ratio)
    for key in ("BMAJ", "BMIN", "BPA", "LEVEL", "NOISE"):
        header.remove(key, ignore_missing=True)
    header["EXTNAME"] = "COVERAGE"
    header["BUNIT"] = ("", "1 where all bands were observed, 0 elsewhere")
    append_image(path, header, "u1", covered, lambda rows: covered[rows])
    add_checksums(path)


def write_catalogue(path, table, columns, cards):
    """Write a catalogue as a FITS table, each column with its meaning.

    Parameters
    ----------
    path : str or path-like
        File to write.
    table : astropy.table.Table
        The catalogue.
    columns : dict
        Its columns to (UCD, description), for TUCDn and TCOMMn, which TOPCAT shows.
    cards : dict
        Provenance cards.
    """
    described = {}
    for number, name in enumerate(table.colnames, 1):
        ucd, text = columns[name]
        described |= {f"TUCD{number}": ucd, f"TCOMM{number}": text}
    plain = Table(table, meta={})
    hdu = fits.table_to_hdu(plain, name="CATALOGUE")
    made = {
        "CREATOR": (f"SuperSPIRE {__version__}", "software"),
        "RADESYS": ("ICRS", "frame of RA and DEC"),
    }
    hdu.header.update(described | dated_cards(made | table.meta | cards))
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)
    add_checksums(path)


def is_doubtful(table):
    """Find the sources of a catalogue with a flag that makes them doubtful.

    Parameters
    ----------
    table : astropy.table.Table
        The catalogue.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    flags = [np.asarray(table[f], bool) for f in DOUBTFUL if f in table.colnames]
    return np.any(flags, axis=0)


def write_regions(path, table):
    """Write the sources as DS9 regions, the brightest with number and flux.

    Parameters
    ----------
    path : str or path-like
        File to write.
    table : astropy.table.Table
        The catalogue of a field. Its flags become tags, by which DS9 selects; sources
        near the edge, on extended emission, beyond the training or with a poor fit are
        yellow, blended ones dashed.
    """
    flags = [flag for flag in FLAGS if flag in table.colnames]
    lines = [
        "# Region file format: DS9 version 4.1",
        'global color=green width=1 font="helvetica 9 normal roman"',
        "icrs",
    ]
    for row, doubtful in zip(table, is_doubtful(table), strict=True):
        style = []
        if row["ID"] <= LABELS:
            style.append(f"text={{{row['ID']}: {row['S450']:.1f} mJy}}")
        if doubtful:
            style.append("color=yellow")
        if row["BLENDED"]:
            style.append("dash=1")
        style += [f"tag={{{flag}}}" for flag in flags if row[flag]]
        circle = f'circle({row["RA"]:.6f},{row["DEC"]:.6f},{REGION_RADIUS}")'
        lines.append(" ".join([circle, "#", *style] if style else [circle]))
    Path(path).write_text("\n".join(lines) + "\n")


def write_coverage(path, moc, cards):
    """Write the coverage of a field as a multi-order coverage map.

    Parameters
    ----------
    path : str or path-like
        File to write, in the ordering that readers of version 1 understand as well.
    moc : mocpy.MOC
        The sky.
    cards : dict
        Provenance cards.
    """
    with moc.serialize("fits", v1_compatible=True) as hdus:
        for hdu in hdus:
            hdu.header.update(dated_cards(cards if hdu is hdus[1] else {}))
        hdus.writeto(path, overwrite=True)
    add_checksums(path)
