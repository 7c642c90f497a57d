import numpy as np
import pandas as pd
import pytest

from superspire.evaluation import claims


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def offsets_of(separation, angle, weight=1.0):
    columns = {"separation": separation, "angle": angle, "weight": weight}
    return {
        "offsets": pd.DataFrame(columns).assign(selection="super-resolved", chance=0.3)
    }


def fluxes_of(flux, flux_sr, weight=1.0):
    columns = {"flux": flux, "flux_sr": flux_sr, "weight": weight}
    table = pd.DataFrame(columns)
    return {"fluxes": table.assign(selection="super-resolved", measure="aperture")}


def test_far_sources_count_against_the_offsets(rng):
    tables = offsets_of([1.0, 14.0, 40.0, np.nan], 0.0)
    quoted = claims.offsets_near(tables, rng)
    assert quoted["value"] == 0.5
    assert (quoted["n"], quoted["chance"]) == (4, pytest.approx(0.3))


@pytest.mark.parametrize(("angle", "expected"), [(45, 2.0), (225, -2.0), (135, 0.0)])
def test_offsets_towards_the_north_west(angle, expected, rng):
    """West is at 0, North at 90 degrees."""
    quoted = claims.offset_north_west(offsets_of(np.full(9, 2.0), float(angle)), rng)
    assert quoted["value"] == pytest.approx(expected, abs=1e-9)


def test_pulls_are_those_of_the_bins_of_figure_4(rng):
    flux = rng.uniform(3, 40, 4000)
    tables = fluxes_of(flux, 1.1 * flux + rng.normal(0, 2, 4000))
    bins = claims.pull_bins(tables["fluxes"])
    assert bins["flux"].between(9, 24).all()
    quoted = claims.pull_median(tables, rng)
    assert quoted["value"] == bins["pull"].median()
    assert quoted["low"] < quoted["value"] < quoted["high"]
    highest = claims.pull_max(tables, rng)
    assert highest["value"] == bins["pull"].max()
    assert claims.pulls_above_one(tables, rng)["value"] == (bins["pull"] > 1).sum()


def test_median_pull_has_the_error_of_repeated_measurements(rng):
    def measured():
        flux = rng.uniform(4, 30, 1600)
        tables = fluxes_of(flux, flux + 1.0 + rng.normal(0, 2, 1600))
        return claims.pull_median(tables, rng)

    quoted = [measured() for _ in range(60)]
    errors = [0.5 * (row["high"] - row["low"]) for row in quoted]
    scatter = np.std([row["value"] for row in quoted])
    assert np.mean(errors) == pytest.approx(scatter, rel=0.3)


def test_chance_of_pulls_is_what_unbiased_fluxes_give(rng):
    quoted = []
    for _ in range(40):
        flux = np.sort(rng.uniform(9.5, 23.5, 90))
        bins = claims.equal_count_bins(flux, flux, np.ones(90))
        center = np.repeat(bins["flux"], bins["n"].astype(int))
        tables = fluxes_of(flux, center + rng.normal(0, 2, 90))
        quoted.append([f(tables, rng) for f in (claims.pull_median, claims.pull_max)])
    for rows in zip(*quoted, strict=True):
        values, chance = ([row[k] for row in rows] for k in ("value", "chance"))
        assert np.median(values) == pytest.approx(np.median(chance), rel=0.25)


def test_flux_ratio_counts_bright_true_sources(rng):
    tables = fluxes_of([5.0, 10.0, 20.0, 30.0], [50.0, 11.0, 24.0, 36.0])
    quoted = claims.flux_ratio(tables, rng)
    assert quoted["n"] == 3
    assert quoted["value"] == pytest.approx(1.2)


def test_eddington_bias_is_seen_when_sources_are_selected_by_what_came_out(rng):
    flux = 3.0 * rng.pareto(2.0, 20000) + 3.0
    found = flux + rng.normal(0, 2, 20000)
    chosen = found > 8.0
    biased = claims.eddington_bias(fluxes_of(flux[chosen], found[chosen]), rng)
    fair = claims.eddington_bias(fluxes_of(flux, found), rng)
    assert fair["value"] == pytest.approx(1.0, abs=0.1)
    assert biased["value"] > 1.4
    assert biased["low"] > 1.4


def test_resolved_sources_below_the_confusion_limit(rng):
    tables = fluxes_of([3.0, 6.7, 6.9, 20.0], 10.0, [1.0, 0.5, 0.5, 1.0])
    quoted = claims.resolved_below_confusion(tables, rng)
    assert quoted["value"] == pytest.approx(0.5)
    assert (quoted["n"], quoted["n_distinct"]) == (4, 3.0)


def test_bootstrap_of_a_median_has_its_known_error(rng):
    """Standard error of a median: (pi / 2 n)^0.5 sigma."""
    rows = pd.DataFrame({"weight": np.ones(900)})
    errors = []
    for _ in range(20):
        quoted = claims.of_quantile(rows, rng.normal(5, 2, 900), 0.5, rng)
        errors.append(0.5 * (quoted["high"] - quoted["low"]))
    assert np.mean(errors) == pytest.approx(2 * np.sqrt(np.pi / 1800), rel=0.15)


def test_overlapping_cutouts_do_not_shrink_errors(rng):
    rows = pd.DataFrame({"weight": np.full(900, 0.25)})
    quoted = claims.of_mean(rows, rng.normal(5, 2, 900), rng)
    assert quoted["n_distinct"] == 225
    half = 0.5 * (quoted["high"] - quoted["low"])
    assert half == pytest.approx(2 / np.sqrt(225), rel=0.2)


def test_nothing_measured_is_nothing_quoted(rng):
    empty = {
        name: pd.DataFrame(columns=columns, dtype=float)
        for name, columns in {
            "completeness": ["measure", "flux_min", "flux_max"],
            "purity": [
                "measure",
                "flux_min",
                "flux_max",
                "measurable",
                "n_distinct",
                "fraction",
            ],
            "confusion": ["measure"],
            "offsets": ["selection", "separation", "angle", "weight"],
            "fluxes": ["selection", "measure", "flux", "flux_sr", "weight"],
        }.items()
    }
    for function in (
        claims.bright_completeness,
        claims.completeness_at_ten,
        claims.faint_completeness,
        claims.min_purity,
        claims.offsets_near,
        claims.offset_radius,
        claims.offset_north_west,
        claims.pull_median,
        claims.pull_max,
        claims.pulls_above_one,
        claims.flux_ratio,
        claims.eddington_bias,
        claims.resolved_below_confusion,
    ):
        assert np.isnan(function(empty, rng)["value"])
        assert function(empty, rng)["n"] == 0
