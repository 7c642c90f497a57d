"""The map of a band in what an archive sends: a folder or a tar file of an observation.

The Herschel Science Archive lays out ``OBSID/level2/psrcPSW/hspirepsw....fits.gz``, and
so for level2_5 and level3, for PMW and PLW, and for the maps of extended emission
(extd) and of higher resolution (hires).
"""

import contextlib
import re
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath

from superspire.errors import InputError
from superspire.maps.files import open_fits
from superspire.maps.surveys import is_same_band, named_band

FITS = (".fits", ".fit", ".fits.gz", ".fit.gz", ".fits.fz", ".fits.bz2", ".fits.xz")
TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz")

NO_MAP = re.compile(
    r"mask|flag|error|noise|sigma|rms|std|cover|expos|weight|wht|hits|psf|beam|"
    r"variance|^\."
)
"""Parts of the names of files that are no maps of the signal."""

LEVELS = ("level3", "level2_5", "level2")
"""Levels of the archive with maps; the first are made of several observations."""

KINDS = ("psrc", "extd")
"""Maps of a level: calibrated for point sources, and for extended emission."""

LISTED = 4
"""Files that a message lists."""


@contextlib.contextmanager
def open_map(path, band):
    """Open the map of a band, perhaps out of a folder or a tar file.

    Parameters
    ----------
    path : str or path-like
        FITS file, folder or tar file.
    band : int
        Wavelength [µm].

    Yields
    ------
    superspire.maps.files.MapFile

    Raises
    ------
    InputError
        If there is no such file, or not exactly one map of the band in it.
    """
    source = Path(path)
    if source.is_dir():
        chosen = choose_in_folder(source, band)
        with open_fits(source / chosen, f"{path} ({chosen})") as file:
            yield file
    elif source.is_file() and source.name.lower().endswith(TAR):
        with (
            tempfile.TemporaryDirectory() as folder,
            extracted(source, band, folder) as (chosen, unpacked),
            open_fits(unpacked, f"{path} ({chosen})") as file,
        ):
            yield file
    else:
        with open_fits(path) as file:
            yield file


def file_of(path, band):
    """Find the file that holds the map of a band, be it an archive or in a folder.

    Parameters
    ----------
    path, band
        See `open_map`.

    Returns
    -------
    pathlib.Path
    """
    source = Path(path)
    return source / choose_in_folder(source, band) if source.is_dir() else source


def choose_in_folder(source, band):
    """Choose the map of a band in a folder; see `choose_map`."""
    names = [p.relative_to(source).as_posix() for p in sorted(source.rglob("*"))]
    return choose_map(source, names, band)


@contextlib.contextmanager
def extracted(source, band, folder):
    """Unpack the map of a band from a tar file into a folder, as (name, file)."""
    try:
        with tarfile.open(source) as archive:
            members = {m.name: m for m in archive.getmembers() if m.isfile()}
            chosen = choose_map(source, sorted(members), band)
            unpacked = Path(folder) / PurePosixPath(chosen).name
            packed = archive.extractfile(members[chosen])
            with packed, unpacked.open("wb") as file:
                shutil.copyfileobj(packed, file)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{source}: expected a whole tar file, found: {reason}"
        ) from error
    yield chosen, unpacked


def choose_map(source, names, band):
    """Choose the map of a band among the files of an observation.

    Parameters
    ----------
    source : path-like
        The folder or tar file, for messages.
    names : list of str
        Its files, with their folders.
    band : int
        Wavelength [µm].

    Returns
    -------
    str

    Raises
    ------
    InputError
        If there is none, or more than one of the best kind.
    """
    maps = [name for name in names if is_map(name) and is_of_band(name, band)]
    ranked = {name: rank(name) for name in maps}
    best = [name for name in maps if ranked[name] == min(ranked.values())]
    if len(best) == 1:
        return best[0]
    found = f"{len(best)}: {shortened(best)}" if best else f"none in {len(names)} files"
    raise InputError(f"{source}: expected one FITS map of {band} µm, found {found}")


def is_map(name):
    """Decide whether a file may be a map: FITS, and no error, mask or timeline."""
    path = PurePosixPath(name.lower())
    if not path.name.endswith(FITS):
        return False
    folders = {re.sub("[^a-z0-9_]", "", part) for part in path.parts[:-1]}
    if any(part.startswith(("hires", "level0", "level1", "calib")) for part in folders):
        return False
    return not NO_MAP.search(path.name)


def is_of_band(name, band):
    """Decide whether the name of a file or else of its folder names a band."""
    path = PurePosixPath(name)
    named = named_band(path.name) or named_band(path.parent.name)
    return named is not None and is_same_band(named, band)


def rank(name):
    """Rank a map: of the highest level, and then for point sources."""
    parts = PurePosixPath(name.lower()).parts
    levels = [i for i, level in enumerate(LEVELS) if level in parts]
    kinds = [
        i for i, kind in enumerate(KINDS) if any(p.startswith(kind) for p in parts)
    ]
    return min(levels, default=len(LEVELS)), min(kinds, default=len(KINDS))


def shortened(names):
    """List some files for a message."""
    return ", ".join(names[:LISTED]) + (", ..." if names[LISTED:] else "")
