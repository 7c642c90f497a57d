"""Files of public archives: whole, and the same every time."""

import gzip
import shutil
import warnings
import zlib
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pooch
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from tqdm import tqdm

from superspire import __version__
from superspire.checksums import record_sum, verify
from superspire.errors import InputError

CHUNK = 2**18
"""Size of the pieces that are written to the disk [byte]."""

FITS_NAMES = (".fits", ".fit", ".fits.gz", ".fit.gz", ".fits.fz")


def download(url, path, sha256=None, *, retries=3, timeout=60.0, terminal=None):
    """Download a file, unless it is there, and check it.

    Parameters
    ----------
    url : str
        Where it is: http, https or file.
    path : str or path-like
        File to write; its sum is recorded beside it (``.sha256``).
    sha256 : str, optional
        SHA-256 that the file must have; by default that of the first download.
    retries : int
        How often to try again after a failure.
    timeout : float
        Silence of the server that counts as a failure [s].
    terminal : file, optional
        Where progress is shown.

    Returns
    -------
    str
        SHA-256 of the file.

    Raises
    ------
    InputError
        If the file cannot be had, is not what its name says, or has another sum. No
        file of that name appears then, and one that was there stays as it was.
    """
    path = Path(path)
    try:
        if not path.exists():
            with tqdm(
                desc=path.name,
                unit="B",
                unit_scale=True,
                file=terminal,
                disable=terminal is None,
            ) as bar:
                fetch(url, path, sha256, retries, timeout, bar)
        digest = verify(path, sha256)
        record_sum(path, digest)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be downloaded from {url} ({reason(error)}); try again "
            "later or put the file there by hand"
        ) from error
    return digest


def fetch(url, path, sha256, retries, timeout, bar):
    """Bring a file, which gets its name once its content and sum are right."""
    http = pooch.HTTPDownloader(
        progressbar=bar,
        chunk_size=CHUNK,
        timeout=timeout,
        headers={"User-Agent": f"SuperSPIRE/{__version__}"},
    )

    def bring(url, file, manager):
        bar.reset(total=1)  # pooch uses bars that are true, and then sets the total
        get = copy if urlsplit(url).scheme == "file" else http
        get(url, file, manager)
        check_content(file, path, url)
        verify(path, sha256, file)

    pooch.create(
        path=path.parent,
        base_url="",
        registry={path.name: None},
        urls={path.name: url},
        retry_if_failed=retries,
    ).fetch(path.name, downloader=bring)


def copy(url, file, _):
    """Copy a file of this machine."""
    shutil.copyfile(url2pathname(urlsplit(url).path), file)


def reason(error):
    """Root of an error, which network libraries wrap several times."""
    while error.__context__:
        error = error.__context__
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def check_content(file, path, url):
    """Refuse an empty file, a web page, and a FITS file that is cut short."""
    if path.name.lower().endswith(FITS_NAMES):
        expected, right = "a whole FITS file", is_fits(file)
    else:
        with open(file, "rb") as opened:
            start = opened.read(64).lstrip().lower()
        expected = "a file"
        right = start and not start.startswith((b"<!doctype html", b"<html"))
    if not right:
        with open(file, "rb") as opened:
            found = opened.read(40).decode("ascii", "backslashreplace")
        raise InputError(
            f"{path}: expected {expected} at {url}, found "
            f"{Path(file).stat().st_size} bytes that begin with {found!r}; correct its "
            "url in downloads or put the file there by hand"
        )


def is_fits(file):
    """Whether a file, perhaps compressed, holds what its FITS headers promise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyUserWarning)
        warnings.filterwarnings("error", "(?s).*corrupted", AstropyUserWarning)
        try:
            with fits.open(file, lazy_load_hdus=False) as hdus:
                last = hdus[-1].fileinfo()
            return last["datLoc"] + last["datSpan"] <= unpacked_size(file)
        except (OSError, EOFError, ValueError, KeyError, zlib.error, Warning):
            return False


def unpacked_size(file):
    """Size of a file without its compression by gzip [byte]."""
    with open(file, "rb") as opened:
        if opened.read(2) != b"\x1f\x8b":
            return Path(file).stat().st_size
    with gzip.open(file) as opened:
        return sum(len(chunk) for chunk in iter(lambda: opened.read(CHUNK), b""))
