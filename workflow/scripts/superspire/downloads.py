"""Files of public archives: whole, and the same every time.

A transfer that stops is taken up where it stopped, and a file gets its name only when
all of it is there. The SHA-256 of the first download is kept beside the file, in the
format of ``sha256sum``, and holds from then on.
"""

import gzip
import hashlib
import http.client
import os
import re
import shutil
import ssl
import time
import warnings
import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from astropy.io import fits
from tqdm import tqdm

from superspire import __version__
from superspire.errors import InputError
from superspire.io import read_json, write_json

SCHEMES = ("http", "https", "file")
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
CHUNK = 2**18
HEAD = 512
LONGEST_PAUSE = 300.0
FITS_NAMES = (".fits", ".fit", ".fits.gz", ".fit.gz", ".fits.fz")
SIMPLE, GZIP = b"SIMPLE  =", b"\x1f\x8b"
BY_HAND = "correct its url in downloads or put the file there by hand"


class TransferError(Exception):
    """A failure that may pass; ``wait`` is the pause that the server asks for [s]."""

    def __init__(self, reason, wait=0.0):
        super().__init__(reason)
        self.wait = wait


class Part:
    """The first bytes of a file under way, and the version that they belong to.

    Attributes
    ----------
    file : pathlib.Path
        The bytes so far.
    url : str
        Where they come from.
    version : dict
        The ``etag``, ``modified`` and ``size`` [bytes] that the server gave with them;
        empty if they cannot be continued.
    """

    def __init__(self, path, url):
        self.file = path.with_name(f"{path.name}.part")
        self.record = path.with_name(f"{path.name}.part.json")
        self.url = url
        try:
            record = read_json(self.record)
            self.version = record["version"] if record["url"] == url else {}
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            self.version = {}

    @property
    def validator(self):
        """What names the version without doubt (RFC 9110, 13.1.5), or None."""
        etag = self.version.get("etag")
        strong = etag and not etag.startswith("W/")
        return etag if strong else self.version.get("modified")

    @property
    def size(self):
        """Number of bytes so far that can be continued."""
        usable = self.validator and self.file.exists()
        return self.file.stat().st_size if usable else 0

    @property
    def complete(self):
        """Whether nothing is missing."""
        return self.size > 0 and self.size == self.version["size"]

    def begin(self, headers, size):
        """Start from nothing with the version that some headers describe."""
        self.file.write_bytes(b"")
        self.version = {
            "etag": headers.get("ETag"),
            "modified": headers.get("Last-Modified"),
            "size": size,
        }
        write_json(self.record, {"url": self.url, "version": self.version})

    def continues(self, headers, offset):
        """Whether a partial answer goes on where the bytes end, in their version."""
        pattern = r"bytes (\d+)-\d+/(\d+|\*)"
        part = re.fullmatch(pattern, headers.get("Content-Range", ""))
        if not offset or not part or int(part[1]) != offset:
            return False
        if part[2] != "*" and self.version["size"] != int(part[2]):
            return False
        if self.validator == self.version["etag"]:
            return headers.get("ETag") == self.version["etag"]
        return headers.get("Last-Modified", self.validator) == self.validator

    def discard(self):
        """Forget the bytes."""
        self.file.unlink(missing_ok=True)
        self.record.unlink(missing_ok=True)
        self.version = {}


def download(
    url, path, sha256=None, *, retries=5, pause=1.0, timeout=60.0, terminal=None
):
    """Download a file, unless it is there, and check it.

    Parameters
    ----------
    url : str
        Where it is: http, https or file.
    path : str or path-like
        File to write. Beside it stand its sum (``.sha256``) and, as long as a part is
        missing, the bytes so far (``.part``, ``.part.json``).
    sha256 : str, optional
        SHA-256 that the file must have; by default that of the first download.
    retries : int
        Failures in a row, without a new byte, after which to give up.
    pause : float
        Pause after the first failure [s]; it doubles with each further one.
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
    if urlsplit(url).scheme not in SCHEMES:
        raise InputError(
            f"{path}: expected a url that begins with one of "
            f"{', '.join(f'{s}:' for s in SCHEMES)}, found {url!r}"
        )
    try:
        if path.exists():
            digest = verify(path, sha256)
            write_sum(path, digest)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = Part(path, url)
            with tqdm(
                desc=path.name,
                unit="B",
                unit_scale=True,
                file=terminal,
                disable=terminal is None,
            ) as bar:
                fetch(part, path, retries, pause, timeout, bar)
            digest = accept(part, path, sha256)
            write_sum(path, digest)
            os.replace(part.file, path)
            part.discard()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read or written ({words(error)})"
        ) from error
    return digest


def verify(path, sha256=None):
    """Check a file against the sum that it should have, if there is one.

    Parameters
    ----------
    path : str or path-like
        The file.
    sha256 : str, optional
        SHA-256 that it must have; by default that beside it (``.sha256``), if any.

    Returns
    -------
    str
        SHA-256 of the file.

    Raises
    ------
    InputError
        If it has another sum.
    """
    path = Path(path)
    digest = file_sum(path)
    compare(digest, path, sha256, "restore or delete the file")
    return digest


def accept(part, path, sha256):
    """Check all bytes of a file before it gets its name; give its SHA-256."""
    try:
        check_content(part.file, path, part.url)
        digest = file_sum(part.file)
        compare(digest, path, sha256, f"look whether the file at {part.url} changed")
    except InputError:
        part.discard()
        raise
    return digest


def fetch(part, path, retries, pause, timeout, bar):
    """Bring all bytes of a file, in as many attempts as it takes."""
    failures, furthest = 0, part.size
    while not part.complete:
        try:
            return transfer(part, path, timeout, bar)
        except TransferError as error:
            failures = 1 if part.size > furthest else failures + 1
            furthest = max(furthest, part.size)
            if failures > retries:
                raise InputError(
                    f"{path}: cannot be downloaded from {part.url} ({error}); try "
                    f"again later or put the file there by hand"
                ) from error
            wait = min(max(error.wait, pause * 2 ** (failures - 1)), LONGEST_PAUSE)
            print(f"{part.url}: {error}; trying again in {wait:g} s")
            bar.set_postfix_str(f"{error}; trying again in {wait:g} s")
            time.sleep(wait)


def transfer(part, path, timeout, bar):
    """Bring the missing bytes of a file, in one attempt."""
    response, offset = request(part, path, timeout)
    with response:
        chunk = read(response, HEAD)
        if response.status == http.client.PARTIAL_CONTENT:
            if not part.continues(response.headers, offset):
                part.discard()
                raise TransferError("the file changed on the server")
        else:
            check_start(chunk, path, part.url)
            offset = 0
            part.begin(response.headers, content_length(response.headers))
        size = part.version["size"]
        check_space(path, (size or 0) - offset)
        bar.reset(total=size)
        bar.n = bar.initial = bar.last_print_n = offset
        bar.set_postfix_str("", refresh=False)
        with open(part.file, "ab") as file:
            while chunk:
                file.write(chunk)
                bar.update(len(chunk))
                chunk = read(response)
            received = file.tell()
    if size is not None and received != size:
        raise TransferError(f"{size} bytes were announced and {received} arrived")


def request(part, path, timeout):
    """Ask a server for the bytes that are missing.

    Returns
    -------
    response : http.client.HTTPResponse
        Its answer.
    offset : int
        First byte that was asked for.
    """
    headers = {"User-Agent": f"SuperSPIRE/{__version__}"}
    offset = part.size
    if offset:
        headers |= {"Range": f"bytes={offset}-", "If-Range": part.validator}
    try:
        return urlopen(Request(part.url, headers=headers), timeout=timeout), offset
    except HTTPError as error:
        error.close()
        reason = f"{error.code} {error.reason}"
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and offset:
            part.discard()
        elif error.code not in TRANSIENT:
            raise refusal(path, part.url, reason) from error
        raise TransferError(reason, retry_after(error.headers)) from error
    except URLError as error:
        lasting = isinstance(error.reason, ssl.SSLCertVerificationError)
        if lasting or urlsplit(part.url).scheme == "file":
            raise refusal(path, part.url, words(error.reason)) from error
        raise TransferError(words(error.reason)) from error
    except http.client.InvalidURL as error:
        raise refusal(path, part.url, error) from error
    except (OSError, http.client.HTTPException) as error:
        raise TransferError(words(error)) from error


def read(response, size=None):
    """Read so many bytes of an answer, or those that are there."""
    try:
        return response.read1(CHUNK) if size is None else response.read(size)
    except (OSError, http.client.HTTPException) as error:
        raise TransferError(words(error)) from error


def words(error):
    """Say why something failed."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def refusal(path, url, reason):
    """Make the error of a file that cannot be had."""
    return InputError(f"{path}: expected a file at {url}, found '{reason}'; {BY_HAND}")


def content_length(headers):
    """Size of the answer that a server announces [bytes], or None."""
    length = headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def retry_after(headers):
    """Pause that a server asks for, in seconds or as a date (RFC 9110, 10.2.3) [s]."""
    value = headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        then = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max((then - datetime.now(UTC)).total_seconds(), 0.0)


def check_space(path, size):
    """Refuse to begin what the disk cannot hold."""
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise InputError(
            f"{path}: expected {size / 1e6:.1f} MB of free disk space, found "
            f"{free / 1e6:.1f} MB"
        )


def check_start(head, path, url):
    """Refuse a page in place of a file, by its first bytes."""
    if path.name.lower().endswith(FITS_NAMES):
        wrong = not any(s[: len(head)] == head[: len(s)] for s in (SIMPLE, GZIP))
        expected = "a FITS file"
    else:
        wrong = head.lstrip().lower().startswith((b"<!doctype html", b"<html"))
        expected = "a file"
    if wrong:
        found = head[:40].decode("ascii", "backslashreplace")
        raise InputError(
            f"{path}: expected {expected} at {url}, found something that begins with "
            f"{found!r}; {BY_HAND}"
        )


def check_content(file, path, url):
    """Refuse a FITS or gzip file that ends too early, and an empty one.

    A server that announces too small a size cuts a file short unnoticed; the structure
    of the file itself is what tells.
    """
    with open(file, "rb") as opened:
        head = opened.read(HEAD)
    if head.startswith(GZIP):
        whole = gzip_is_whole(file)
    elif path.name.lower().endswith(FITS_NAMES):
        whole = fits_is_whole(file)
    else:
        whole = len(head) > 0
    if not whole:
        raise InputError(
            f"{path}: expected a whole file at {url}, found {file.stat().st_size} "
            f"bytes that end too early; {BY_HAND}"
        )


def gzip_is_whole(file):
    """Whether a gzip file can be read to its end."""
    try:
        with gzip.open(file) as opened:
            while opened.read(CHUNK):
                pass
    except (EOFError, OSError, zlib.error):
        return False
    return True


def fits_is_whole(file):
    """Whether a FITS file holds all the blocks that its headers promise."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with fits.open(file, lazy_load_hdus=False) as hdus:
                last = hdus[-1].fileinfo()
        except (OSError, ValueError, KeyError, fits.VerifyError):
            return False
    corrupted = any("corrupted" in str(warning.message) for warning in caught)
    return not corrupted and last["datLoc"] + last["datSpan"] <= file.stat().st_size


def file_sum(path):
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sum_file(path):
    """File beside a file that keeps its sum."""
    return path.with_name(f"{path.name}.sha256")


def read_sum(path):
    """SHA-256 that is kept beside a file, or None."""
    file = sum_file(path)
    if not file.exists():
        return None
    text = file.read_text(errors="replace")
    found = re.match(r"\\?([0-9a-fA-F]{64})\b", text)
    if not found:
        raise InputError(
            f"{file}: expected a line as of sha256sum, found {text[:40]!r}; delete it "
            "to record the sum anew"
        )
    return found[1].lower()


def write_sum(path, digest):
    """Keep the SHA-256 of a file beside it, as ``sha256sum`` writes it."""
    line, file = f"{digest}  {path.name}\n", sum_file(path)
    if not file.exists() or file.read_text(errors="replace") != line:
        new = file.with_name(f"{file.name}.new")
        new.write_text(line)
        os.replace(new, file)


def compare(digest, path, sha256, advice):
    """Compare a sum with the configured or else the kept one."""
    if sha256:
        expected, origin = sha256.lower(), "configured in downloads"
        remedy = "or correct the configured sum"
    else:
        expected, origin = read_sum(path), "of the first download"
        remedy = f"or delete {sum_file(path)} to take it as it is"
    if expected not in (None, digest):
        raise InputError(
            f"{path}: expected the SHA-256 {expected} {origin}, found {digest}; "
            f"{advice} {remedy}"
        )
