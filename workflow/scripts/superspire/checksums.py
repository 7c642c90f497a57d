"""SHA-256 sums of downloaded files, kept beside them in the format of ``sha256sum``."""

import hashlib
import os
import re
from pathlib import Path

from superspire.errors import InputError


def verify(path, sha256=None, file=None):
    """Check a file against the sum that it should have, if there is one.

    Parameters
    ----------
    path : str or path-like
        The file.
    sha256 : str, optional
        SHA-256 that it must have; by default the one recorded beside it
        (``.sha256``), if any.
    file : str or path-like, optional
        Where its bytes are, if not yet at `path`.

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
    with open(file or path, "rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if sha256:
        expected, origin = sha256.lower(), "configured in downloads"
        remedy = "correct the configured sum"
    else:
        expected, origin = read_sum(path), "of the first download"
        remedy = f"delete {sum_file(path)}"
    if expected not in (None, digest):
        raise InputError(
            f"{path}: expected the SHA-256 {expected} {origin}, found {digest}; "
            f"replace the file or, if it is right, {remedy}"
        )
    return digest


def sum_file(path):
    """Name of the file that records the sum of another."""
    return path.with_name(f"{path.name}.sha256")


def read_sum(path):
    """SHA-256 that is recorded beside a file, or None."""
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


def record_sum(path, digest):
    """Record the SHA-256 of a file beside it."""
    line, file = f"{digest}  {path.name}\n", sum_file(path)
    if not file.exists() or file.read_text(errors="replace") != line:
        new = file.with_name(f"{file.name}.new")
        new.write_text(line)
        os.replace(new, file)
