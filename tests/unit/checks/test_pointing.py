"""The pointing of mock fields: known offsets, chance, and too few positions."""

import numpy as np
import pytest

from helpers.mock_fields import CENTER, catalogue, field
from superspire.checks.checks import corrected
from superspire.checks.pointing import (
    CEILING,
    MIN_SIGNIFICANCE,
    Pointing,
    judge_pointing,
    measure_pointing,
)
from superspire.instruments import SPIRE
from superspire.maps.positions import moved

EAST, NORTH = 4.0, -3.0
NONE = {str(band): {"shift_arcsec": [0.0, 0.0], "factor": 1.0} for band in SPIRE}


@pytest.fixture(scope="module")
def maps():
    return field(4)


@pytest.fixture(scope="module")
def off(maps):
    """The map at 250 µm with a pointing error."""
    return moved(maps[250], EAST, NORTH)


def positions(number, min_flux):
    """Positions of some galaxies, good to 0.2 arcsec, as radio catalogues are."""
    galaxies = catalogue(4)
    galaxies = galaxies[galaxies["S250"] > min_flux]
    rng = np.random.default_rng(number)
    rows = rng.choice(len(galaxies), number, replace=False)
    error = rng.normal(0.0, 0.2 / 3600.0, (2, number))
    return galaxies["RA"][rows] + error[0], galaxies["DEC"][rows] + error[1]


@pytest.mark.parametrize(("number", "min_flux"), [(500, 2.0), (60, 10.0), (5, 40.0)])
def test_a_known_offset_is_measured_within_its_error(off, number, min_flux):
    found = measure_pointing(off, *positions(number, min_flux))
    assert found.measured
    assert abs(found.east - EAST) < 3.0 * found.east_error
    assert abs(found.north - NORTH) < 3.0 * found.north_error
    assert 0.1 < found.east_error < 1.5
    assert found.number > 0.95 * number


def test_errors_are_those_of_many_catalogues(off):
    """Radio catalogues of different galaxies scatter as each of them states."""
    pulls = []
    for seed in range(12):
        galaxies = catalogue(4)
        rng = np.random.default_rng(seed)
        bright = np.flatnonzero(galaxies["S250"] > 8.0)
        rows = rng.choice(bright, 25, replace=False)
        found = measure_pointing(off, galaxies["RA"][rows], galaxies["DEC"][rows])
        pulls += [(found.east - EAST) / found.east_error]
        pulls += [(found.north - NORTH) / found.north_error]
    assert 0.5 < np.sqrt(np.mean(np.square(pulls))) < 1.4


@pytest.mark.parametrize("number", [1, 2, 10, 300])
def test_chance_neighbours_give_no_offset(maps, number):
    for seed in range(4):
        rng = np.random.default_rng([seed, number])
        dx, dy = rng.uniform(-0.14, 0.14, (2, number))
        found = measure_pointing(maps[250], CENTER[0] + dx, CENTER[1] + dy)
        assert not found.measured
        record, (warning,) = judge_pointing(found, "vla.fits")
        assert record["offset_arcsec"] is None
        assert f"the {found.number} positions of vla.fits in the field" in warning


def test_a_mixture_of_counterparts_and_strangers_still_gives_the_offset(off):
    ra, dec = positions(60, 10.0)
    rng = np.random.default_rng(9)
    dx, dy = rng.uniform(-0.14, 0.14, (2, 200))
    ra, dec = np.append(ra, CENTER[0] + dx), np.append(dec, CENTER[1] + dy)
    found = measure_pointing(off, ra, dec)
    assert found.measured
    assert abs(found.east - EAST) < 3.0 * found.east_error
    assert abs(found.north - NORTH) < 3.0 * found.north_error
    assert max(found.east_error, found.north_error) < 1.5


def test_one_position_is_too_few_however_bright_its_source(off):
    ra, dec = positions(1, 100.0)
    found = measure_pointing(off, ra, dec)
    assert found.number == 1
    assert 0.9 * CEILING < found.significance < MIN_SIGNIFICANCE
    assert not found.measured


def test_positions_elsewhere_are_none(off):
    found = measure_pointing(off, np.array([10.0, 41.0]), np.array([5.0, 50.0]))
    assert found == Pointing(0)
    assert "the 0 positions of" in judge_pointing(found, "vla.fits")[1][0]


def test_an_offset_beyond_the_search_is_not_reported(maps):
    found = measure_pointing(moved(maps[250], 24.0, 0.0), *positions(500, 5.0))
    assert not found.measured or found.length > 20.0


def test_all_bands_are_moved_by_the_offset(maps, off):
    found = measure_pointing(off, *positions(500, 2.0))
    record, (warning,) = judge_pointing(found, "vla.fits", "; do this")
    assert warning.endswith("of vla.fits; do this")
    assert "4" in warning
    assert "south" in warning
    checks = {"corrections": NONE, "pointing": record}
    for band in SPIRE:
        wrong = moved(maps[band], EAST, NORTH)
        right = corrected(wrong, checks, band, ["pointing"])
        for map_, low, high in ((right, 0.0, 1.5), (wrong, 4.9, 5.1)):
            shift = maps[band].wcs.pixel_to_world(50, 50)
            shift = shift.separation(map_.wcs.pixel_to_world(50, 50)).arcsec
            assert low <= shift < high
        assert corrected(wrong, checks, band, ["scale"]).wcs is not None
    unknown = {"corrections": NONE, "pointing": record | {"offset_arcsec": None}}
    assert corrected(off, unknown, 250, ["pointing"]).wcs is off.wcs


def test_a_small_offset_is_recorded_without_a_warning():
    small = Pointing(50, 0.5, -0.3, 0.2, 0.2, 20.0, 3.0)
    record, warnings = judge_pointing(small, "vla.fits")
    assert record["offset_arcsec"] == [0.5, -0.3]
    assert record["offset_error_arcsec"] == [0.2, 0.2]
    assert warnings == []
