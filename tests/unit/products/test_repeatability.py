"""Two looks at one mock sky: what is repeated, and whether the errors are right."""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table

import compare_looks
from superspire.checks.extended import write_extended
from superspire.errors import InputError
from superspire.evaluation.measures import RAYLEIGH_MEDIAN
from superspire.io import Map, read_json
from superspire.products.repeatability import (
    RADIUS,
    Look,
    expected_median,
    expected_within,
    summarise_looks,
)
from superspire.products.writing import write_superresolved
from superspire.sky.maps import field_wcs

SIDE, NUMBER = 3000, 1500
ERROR, FLUX_ERROR = 0.8, 1.5
OFFSET = (2.0, -1.0)
CENTRE = (150.1, 2.2)


def look(name, x, y, flux, probability, covered=None):
    """A catalogue of sources whose errors are right."""
    rng = np.random.default_rng(sum(map(ord, name)))
    wcs, _ = field_wcs(CENTRE, float(SIDE), 1.0)
    n = len(x)
    x, y = x + rng.normal(0.0, ERROR, n), y + rng.normal(0.0, ERROR, n)
    ra, dec = wcs.all_pix2world(x, y, 0)
    table = Table(
        {
            "RA": ra * u.deg,
            "DEC": dec * u.deg,
            "POS_ERR": np.full(n, ERROR) * u.arcsec,
            "S450": (flux + rng.normal(0.0, FLUX_ERROR, n)) * u.mJy,
            "S450_ERR": np.full(n, FLUX_ERROR) * u.mJy,
            "PROBABILITY": probability,
        }
    )
    covered = np.ones((SIDE, SIDE), bool) if covered is None else covered
    coarse, m = field_wcs(CENTRE, float(SIDE), 6.0)
    return Look(name, table, covered, wcs, Map(np.zeros((m, m), np.uint8), coarse))


@pytest.fixture(scope="module")
def looks():
    """Real sources are in both looks, false ones in one; probabilities are right."""
    rng = np.random.default_rng(3)
    x, y = rng.uniform(40, SIDE - 40, (2, NUMBER))
    flux = rng.uniform(6.0, 40.0, NUMBER)
    result = []
    for name, shift in (("a", (0.0, 0.0)), ("b", OFFSET)):
        probability = rng.uniform(1 / 3, 1.0, NUMBER)
        real = rng.random(NUMBER) < probability
        false = rng.uniform(40, SIDE - 40, (2, NUMBER))
        where = np.where(real, [x, y], false)
        if name == "b":
            where = np.where(rng.random(NUMBER) < 0.1, false, [x, y])
        result.append(
            look(name, where[0] + shift[0], where[1] + shift[1], flux, probability)
        )
    return result


def rows_of(fractions, name, quantity):
    return fractions[(fractions["of"] == name) & (fractions["quantity"] == quantity)]


def test_the_offset_is_fitted_and_removed(looks):
    _, pairs, summary = summarise_looks(looks)
    error = np.array(summary["offset_error_arcsec"])
    expected = np.array([-OFFSET[0], OFFSET[1]])
    assert np.all(np.abs(summary["offset_arcsec"] - expected) < 4 * error)
    assert error == pytest.approx(np.hypot(ERROR, ERROR) / np.sqrt(len(pairs)), rel=0.3)
    assert abs(pairs["dx"].mean()) < 4 * error[0]


def test_probabilities_that_are_right_are_repeated_as_often(looks):
    fractions, _, _ = summarise_looks(looks)
    own = rows_of(fractions, "a", "probability")
    assert own["n"].sum() > 0.95 * NUMBER
    width = own["high"] - own["low"]
    assert np.all(np.abs(own["repeated"] - 0.9 * own["stated"]) < 2.0 * width + 0.02)
    assert np.all(own["chance"] < 0.02)
    assert rows_of(fractions, "b", "flux")["n"].sum() > 0.95 * NUMBER
    both = rows_of(fractions, "both", "flux")
    assert both["n"].sum() == sum(
        rows_of(fractions, name, "flux")["n"].sum() for name in "ab"
    )


def test_errors_that_are_right_give_what_is_expected(looks):
    _, pairs, summary = summarise_looks(looks)
    ratio = summary["median_separation_over_error"]
    expected = summary["expected_median_separation_over_error"]
    assert ratio == pytest.approx(expected, rel=0.08)
    assert summary["flux_difference_over_error_68"] == pytest.approx(1.0, rel=0.1)
    assert summary["median_flux_ratio"] == pytest.approx(1.0, abs=0.02)
    assert (pairs["separation"] <= RADIUS).all()


def test_the_expected_median_is_that_of_separations_within_the_radius():
    assert expected_median(np.full(5, 0.1)) == pytest.approx(RAYLEIGH_MEDIAN)
    rng = np.random.default_rng(1)
    error = rng.uniform(1.0, 4.0, 200000)
    separation = error * rng.rayleigh(size=len(error))
    near = separation < RADIUS
    median = np.median((separation / error)[near])
    assert expected_median(error[near]) == pytest.approx(median, rel=0.01)
    assert expected_within(median, error[near]) == pytest.approx(0.5, abs=0.01)
    assert np.isnan(expected_median(np.full(3, np.nan)))


def test_sources_count_on_sky_that_both_cover_alone(looks):
    one, two = looks
    covered = np.ones((SIDE, SIDE), bool)
    covered[: SIDE // 2] = False
    half = Look("b", two.table, covered, two.wcs, two.extended)
    fractions, _, _ = summarise_looks([one, half])
    for name in "ab":
        n = rows_of(fractions, name, "flux")["n"].sum()
        assert n == pytest.approx(NUMBER / 2, rel=0.1)
    mask = np.ones_like(two.extended.data)
    masked = Look("b", two.table, two.covered, two.wcs, Map(mask, two.extended.wcs))
    with pytest.raises(InputError, match="fields a and b: expected sources of both"):
        summarise_looks([one, masked])


def test_the_script_writes_tables_and_figure(looks, tmp_path):
    files = {"images": [], "catalogues": [], "masks": []}
    for each in looks:
        names = [f"{each.name}_{kind}.fits" for kind in ("image", "table", "mask")]
        paths = [str(tmp_path / name) for name in names]
        image = np.zeros(each.covered.shape, np.float32)
        write_superresolved(paths[0], image, each.covered, each.wcs, {})
        each.table.write(paths[1])
        write_extended(paths[2], each.extended)
        for key, path in zip(files, paths, strict=True):
            files[key].append(path)
    names = ("fractions.csv", "pairs.csv", "summary.json", "looks.pdf", "looks.png")
    keys = ("fractions", "pairs", "summary", "pdf", "png")
    output = {key: str(tmp_path / name) for key, name in zip(keys, names, strict=True)}
    compare_looks.main(
        SimpleNamespace(
            input=SimpleNamespace(**files),
            output=SimpleNamespace(**output),
            wildcards=SimpleNamespace(field="a", other="b"),
        )
    )
    _, pairs, summary = summarise_looks(looks)
    assert read_json(output["summary"])["pairs"] == summary["pairs"] == len(pairs)
    assert (tmp_path / "looks.png").stat().st_size > 10_000
