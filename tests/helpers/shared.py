"""Real files to test with, which are not part of the project."""

import os
from pathlib import Path

import pytest

SHARED = Path(
    os.environ.get("SUPERSPIRE_SHARED") or Path(__file__).parents[3] / "shared"
)
"""Folder of these files; tests that need one skip where it is absent."""

REAL = SHARED / "real"


def real(pattern):
    """Find the first of some real files, or skip the test."""
    files = sorted(REAL.glob(pattern))
    if not files:
        pytest.skip("the real files are not here")
    return files[0]
