import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superspire.evaluation.measures import recovered_fraction
from superspire.evaluation.protocols import label
from superspire.evaluation.selection_function import (
    COLUMNS,
    LEAST,
    at_flux,
    expected_fraction,
    expected_ratio,
)


@pytest.fixture(scope="module")
def measured():
    """Completeness in both protocols; in the strict one, a source in four is lost."""
    rng = np.random.default_rng(4)
    n = 2000
    truth = pd.DataFrame(
        {
            "cutout": np.arange(n),
            "x": 200.0,
            "y": 200.0,
            "flux": 3.0 * rng.uniform(size=n) ** -0.7,
            "weight": 1.0,
        }
    )
    found = truth[truth["cutout"] % 4 > 0].reset_index(drop=True)
    tables = {
        "position": recovered_fraction(truth, found, 4.0),
        "position and flux": recovered_fraction(truth, found[:0], 4.0, 2.0),
    }
    paper = label({"position": recovered_fraction(truth, truth, 10.0)}, "paper")
    return pd.concat([paper, label(tables, "strict")])


def test_fraction_is_the_strict_one_by_position(measured):
    table = expected_fraction(measured, "completeness")
    assert tuple(table.columns) == COLUMNS
    assert set(table["quantity"]) == {"completeness"}
    assert len(table) > 4
    assert (table["n"] >= LEAST).all()
    assert np.isfinite(table[["flux_max", "flux"]]).all(axis=None)
    error = np.sqrt(0.25 * 0.75 / table["n"])
    assert (abs(table["value"] - 0.75) < 4.5 * error).all()
    assert table["flux"].between(table["flux_min"], table["flux_max"]).all()


def test_ratio_has_the_quantiles_of_the_colours():
    rng = np.random.default_rng(9)
    n = 20000
    flux = 10.0 ** rng.uniform(np.log10(4.0), np.log10(8.0), n)
    table = expected_ratio(
        flux, flux * np.exp(rng.normal(-0.3, 0.2, n)), edges=[1.0, 4.0, 6.0, 8.0]
    )
    assert tuple(table.columns) == COLUMNS
    assert table["flux_min"].tolist() == [4.0, 6.0]
    assert table["flux_max"].tolist() == [6.0, 8.0]
    assert table["n"].sum() == n
    # Quantiles at 16, 50 and 84 % of n deviates have errors of 1.51, 1.25, 1.51 / √n.
    error = 5 * 0.2 * 1.51 / np.sqrt(table["n"].min())
    for name, sigma in (("low", -0.9945), ("value", 0.0), ("high", 0.9945)):
        np.testing.assert_allclose(np.log(table[name]), -0.3 + 0.2 * sigma, atol=error)
    np.testing.assert_allclose(table["flux"], np.sqrt([24.0, 48.0]), rtol=0.02)


def test_bins_of_few_galaxies_are_left_out():
    flux = np.repeat([5.0, 7.0], [LEAST, LEAST - 1])
    assert expected_ratio(flux, flux, edges=[4.0, 6.0, 8.0])["n"].tolist() == [LEAST]
    empty = expected_ratio(flux[:0], flux[:0])
    assert empty.empty
    assert tuple(empty.columns) == COLUMNS


TABLE = pd.DataFrame(
    [
        ("purity", 8.0, 16.0, 10.0, 0.8, 0.7, 0.84, 30),
        ("purity", 4.0, 8.0, 5.0, 0.5, 0.4, 0.6, 30),
        ("completeness", 1.0, 50.0, 7.0, 0.1, 0.1, 0.1, 30),
    ],
    columns=COLUMNS,
)


@settings(max_examples=100)
@given(flux=st.floats(-5.0, 100.0))
def test_expectation_between_and_beyond_the_bins(flux):
    value, error = at_flux(TABLE, "purity", [flux])
    step = np.clip(np.log2(max(flux, 1e-9) / 5.0), 0.0, 1.0)
    if flux > 0:
        assert value[0] == pytest.approx(0.5 + 0.3 * step)
        assert error[0] == pytest.approx(0.1 - 0.03 * step)
    inside, spread = at_flux(TABLE, "purity", [flux], fainter=False)
    if flux >= 4.0:
        assert (inside[0], spread[0]) == (value[0], error[0])
    else:
        assert np.isnan([inside[0], spread[0]]).all()


def test_what_was_not_measured_is_not_expected():
    for value in at_flux(TABLE, "S500/S450", [5.0, 10.0]):
        assert np.isnan(value).all()
