"""Headers at random: positions as astropy's plain reading has them, or a sentence."""

import numpy as np
import pytest

from helpers.headers import SHAPE, as_astropy_reads, disguised, plain_header, write_map
from superspire.errors import InputError
from superspire.maps.positions import RADIAN, sky_positions
from superspire.maps.reader import read_observation

WITHIN = 0.3
"""Error of a position that is no error [arcsec]."""


def read_or_sentence(path, seed):
    """Read a header at random; give its largest error [arcsec] or the sentence."""
    rng = np.random.default_rng(seed)
    cards = plain_header(rng)
    lines, broken = disguised(rng, cards)
    data = rng.normal(0, 2, SHAPE).astype(np.float32)
    write_map(path, lines, data)
    right = as_astropy_reads(cards)
    try:
        read = read_observation(path, 250, level="keep")
    except InputError as error:
        return str(error), right is not None and not broken
    y, x = np.nonzero(np.isfinite(read.map.data))
    found = sky_positions(read.map.wcs, x, y)
    if right is None:
        return np.inf, True
    known = np.ravel_multi_index((y, x), SHAPE)
    return float(RADIAN * np.linalg.norm(found - right[known], axis=1).max()), True


def summary(path, seeds):
    """Read many headers; check each and count those that are read."""
    usable = refused = 0
    for seed in seeds:
        answer, possible = read_or_sentence(path, seed)
        usable += possible
        if isinstance(answer, str):
            refused += possible
            assert answer.startswith(str(path)), seed
            assert "\n" not in answer, seed
            assert "expected" in answer, seed
            assert "found" in answer, seed
        else:
            assert answer < WITHIN, (seed, answer)
    return usable, refused


def test_headers_are_read_as_astropy_does_or_refused(tmp_path, capsys):
    usable, _ = summary(tmp_path / "map.fits", range(300))
    assert usable > 150


@pytest.mark.slow
def test_ten_thousand_headers(tmp_path, capsys):
    usable, refused = summary(tmp_path / "map.fits", range(1000, 11000))
    assert refused < 0.5 * usable
