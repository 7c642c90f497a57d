"""Comparison of a field with a published catalogue, on replicas of one."""

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table

from superspire.errors import InputError
from superspire.fields.reference import (
    compare_with_reference,
    read_reference,
    summarise_pairs,
)
from superspire.figures.reference import draw_reference
from superspire.sky.maps import field_wcs

STUDIES = Path(__file__).parents[4] / "shared" / "real" / "studies_catalogue"
SIDE = 1500
SHIFT = (1.5, -0.5)
RATIO = 0.9


@pytest.fixture(scope="module")
def world():
    """A field that finds two thirds of the published sources, and some more."""
    rng = np.random.default_rng(3)
    wcs, _ = field_wcs((150.1, 2.2), float(SIDE), 1.0)
    n = 300
    x, y = rng.uniform(20, SIDE - 20, (2, n))
    flux = 4.0 * rng.uniform(size=n) ** -0.6
    ra, dec = wcs.all_pix2world(x, y, 0)
    published = Table(
        {"RA": ra, "Dec": dec, "S450": flux, "S450_total_err": 0.1 * flux}
    )
    for name, unit in (("RA", "deg"), ("Dec", "deg"), ("S450", "mJy")):
        published[name].unit = unit
    published["S450_total_err"].unit = "mJy"
    seen = np.arange(n) % 3 > 0
    spurious = rng.uniform(20, SIDE - 20, (2, 40))
    fx = np.concatenate([x[seen] + SHIFT[0], spurious[0]])
    fy = np.concatenate([y[seen] + SHIFT[1], spurious[1]])
    ra, dec = wcs.all_pix2world(fx, fy, 0)
    catalogue = Table(
        {
            "RA": ra * u.deg,
            "DEC": dec * u.deg,
            "S450": np.concatenate([RATIO * flux[seen], np.full(40, 5.0)]) * u.mJy,
            "NEAR_EDGE": np.zeros(len(fx), bool),
        }
    )
    return published, catalogue, np.ones((SIDE, SIDE), bool), wcs


@pytest.fixture
def reference(world, tmp_path):
    world[0].write(tmp_path / "studies.fits")
    return read_reference(tmp_path / "studies.fits")


def test_layout_of_studies_is_read(world, reference):
    assert reference.colnames == ["RA", "DEC", "S450", "S450_ERR"]
    assert reference["S450"].unit == u.mJy
    assert np.allclose(reference["S450"], world[0]["S450"])


def test_names_and_unit_of_a_csv_file(world, tmp_path):
    path = tmp_path / "other.csv"
    table = world[0]["RA", "Dec", "S450"].copy()
    table["S450"] /= 1000
    table.rename_columns(table.colnames, ["lon", "lat", "peak"])
    table.write(path, format="ascii.csv")
    columns = {"ra": "lon", "dec": "lat", "flux": "peak"}
    read = read_reference(path, columns, "Jy")
    assert np.allclose(read["S450"], world[0]["S450"], rtol=1e-6)
    assert "S450_ERR" not in read.colnames


def test_offsets_ratios_and_shares_come_back(world, reference):
    measures, pairs = compare_in(world, reference, 4.0)
    assert pairs["dx"].median() == pytest.approx(SHIFT[0], abs=0.01)
    assert pairs["dy"].median() == pytest.approx(SHIFT[1], abs=0.01)
    ratios = summarise_pairs(pairs)
    assert ratios["n"].sum() == len(pairs)
    assert ratios["ratio"].to_numpy() == pytest.approx(RATIO, abs=0.02)
    recovered = measures[measures["measure"] == "recovered"]
    total = np.average(
        recovered["fraction"][recovered["n"] > 0][:-1],
        weights=recovered["n_unique"][recovered["n"] > 0][:-1],
    )
    assert total == pytest.approx(2 / 3, abs=0.03)
    assert recovered["chance"].dropna().max() < 0.1
    confirmed = measures[measures["measure"] == "confirmed"]
    spurious_bin = confirmed[(confirmed["flux_min"] < 5) & (confirmed["flux_max"] > 5)]
    assert 0.4 < spurious_bin["fraction"].iloc[0] < 0.95
    assert confirmed[confirmed["flux_min"] == 12]["fraction"].iloc[0] > 0.97


def compare_in(world, reference, radius):
    catalogue, covered, wcs = reversed_world(world)
    return compare_with_reference(catalogue, reference, covered, wcs, radius)


def reversed_world(world):
    """Order the fixture as the arguments after the reference."""
    _, catalogue, covered, wcs = world
    return catalogue, covered, wcs


def test_sources_near_edges_and_outside_the_published_sky_do_not_count(
    world, reference
):
    catalogue, covered, wcs = reversed_world(world)
    edge = catalogue.copy()
    edge["NEAR_EDGE"] = True
    measures, pairs = compare_with_reference(edge, reference, covered, wcs, 4.0)
    assert pairs.empty
    assert measures[measures["measure"] == "confirmed"]["n"].sum() == 0
    west = reference[reference["RA"] > 150.1]
    measures, _ = compare_with_reference(catalogue, west, covered, wcs, 4.0)
    confirmed = measures[(measures["measure"] == "confirmed")]
    assert confirmed[confirmed["flux_min"] == 12]["fraction"].iloc[0] > 0.97


def test_a_catalogue_of_other_sky_is_told(world, reference):
    catalogue, covered, wcs = reversed_world(world)
    away = reference.copy()
    away["DEC"] = np.asarray(away["DEC"]) + 5
    with pytest.raises(InputError, match="published sources in the field"):
        compare_with_reference(catalogue, away, covered, wcs, 4.0)


def test_a_missing_column_is_named(world, tmp_path):
    path = tmp_path / "none.fits"
    world[0]["RA", "Dec"].write(path)
    with pytest.raises(
        InputError, match=r"reference\.columns\.flux: .*s450.* found RA"
    ):
        read_reference(path)


def test_figure_has_offsets_fluxes_and_shares(world, reference):
    catalogue, covered, wcs = reversed_world(world)
    measures, pairs = compare_with_reference(catalogue, reference, covered, wcs, 10.0)
    figure = draw_reference(measures, pairs, summarise_pairs(pairs), 10.0)
    assert [axes.get_xlabel()[:4] for axes in figure.axes] == ["Offs", "Publ", "Flux"]
    draw_reference(measures, pairs[:0], summarise_pairs(pairs[:0]), 10.0).canvas.draw()


@pytest.mark.skipif(not STUDIES.is_dir(), reason="no STUDIES catalogue")
def test_the_catalogue_of_studies():
    table = read_reference(next(STUDIES.glob("*.fits")))
    assert len(table) == 479
    assert table["S450"].max() == pytest.approx(45.2, abs=0.1)
    assert table["S450_ERR"].min() > 0
