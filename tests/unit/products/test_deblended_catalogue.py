"""The catalogue of four fluxes: its columns, and what is expected at each noise."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superspire.evaluation.selection_function import COLUMNS as EXPECTED
from superspire.instruments import BANDS, PAPER_BANDS
from superspire.photometry.flags import blend_fraction
from superspire.products.catalogue import expected_fractions
from superspire.products.deblended_catalogue import (
    COLUMNS,
    build_catalogue,
    fractions_at_noise,
)

NOISES = (1.0, 2.0, 5.0)
FRACTIONS = ("COMPLETENESS", "COMPLETENESS_ERR", "PURITY", "PURITY_ERR")


def selection_function():
    """Completeness and purity that fall with the noise; colours have no noise."""
    rows = []
    for noise in NOISES:
        for i, (low, flux, high) in enumerate(((4, 5, 6), (6, 8, 10), (10, 20, 40))):
            for quantity, value in (("completeness", 0.5), ("purity", 0.7)):
                value = (value + 0.1 * i) / noise**0.1
                row = (quantity, low, high, flux, value, value - 0.1, value + 0.1, 50)
                rows.append((*row, noise))
    rows.append(("S500/S450", 4, 40, 9, 0.8, 0.7, 0.9, 50, np.nan))
    return pd.DataFrame(rows, columns=[*EXPECTED, "noise"]).assign(depth=0.0)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), number=st.integers(0, 20))
def test_fractions_are_those_of_the_nearest_noise(seed, number):
    rng = np.random.default_rng(seed)
    flux = np.exp(rng.uniform(*np.log([3.0, 50.0]), number))
    noise = np.exp(rng.uniform(*np.log([0.5, 9.0]), number))
    table = selection_function()
    found = fractions_at_noise(flux, noise, np.zeros(number), table)
    assert tuple(found) == FRACTIONS
    assert {values.shape for values in found.values()} == {(number,)}
    for i in range(number):
        nearest = min(NOISES, key=lambda n: abs(np.log(n / noise[i])))
        own = table[table["noise"] == nearest]
        expected = expected_fractions(flux[i : i + 1], own)
        for name in FRACTIONS:
            np.testing.assert_array_equal(found[name][i], expected[name][0])
    assert np.array_equal(np.isnan(found["PURITY"]), flux < 4.0)


def test_no_selection_function_gives_no_fractions():
    flux = np.array([5.0, 20.0])
    found = fractions_at_noise(
        flux, np.ones(2), np.zeros(2), selection_function().iloc[:0]
    )
    for name in FRACTIONS:
        assert np.isnan(found[name]).all()


@pytest.fixture
def sources():
    rng = np.random.default_rng(0)
    number = 12
    table = {
        "x": rng.uniform(40, 250, number),
        "y": rng.uniform(60, 250, number),
        "pos_err": rng.uniform(0.3, 2, number),
        "probability": rng.uniform(0.4, 1, number),
        "ultra_red": rng.uniform(0, 0.3, number),
        "noise": rng.uniform(1, 6, number),
        "depth": np.where(np.arange(number) % 3, rng.uniform(0.01, 0.05, number), 0),
        "poor_fit": rng.random(number) < 0.3,
        **{f"chi2_{band}": rng.uniform(0.5, 2, number) for band in (250, 350, 500)},
    }
    for band in PAPER_BANDS:
        for name in ("flux", "error", "deboosted", "low", "high"):
            table[f"{name}_{band}"] = rng.uniform(4, 40, number)
    for name in ("flux", "error", "deboosted", "low", "high"):
        table[name] = table[f"{name}_450"]
    return pd.DataFrame(table)


def test_columns_are_those_of_the_sources(sources, painted_field):
    _, covered, wcs = painted_field
    table = build_catalogue(sources, covered, wcs, [], selection_function())
    assert set(table.colnames) == set(COLUMNS)
    order = np.argsort(-sources["flux_450"].to_numpy())
    own = sources.iloc[order]
    assert table["ID"].tolist() == list(range(1, 13))
    suffixes = {"": "flux", "_ERR": "error", "_DEBOOSTED": "deboosted"}
    suffixes |= {"_DEBOOSTED_LO": "low", "_DEBOOSTED_HI": "high"}
    for band in PAPER_BANDS:
        for suffix, name in suffixes.items():
            column = table[f"S{band}{suffix}"]
            assert column.unit == "mJy"
            np.testing.assert_array_equal(column.value, own[f"{name}_{band}"])
        expected = blend_fraction(
            *(own[name].to_numpy() for name in ("x", "y", f"deboosted_{band}")),
            BANDS[band].fwhm,
        )
        np.testing.assert_allclose(table[f"BLEND_FRACTION_{band}"], expected)
    assert np.ptp(table["BLEND_FRACTION_500"]) > 0.1
    assert table["NOISE"].unit == "mJy / beam"
    np.testing.assert_array_equal(table["NOISE"].value, own["noise"])
    assert table["DEPTH_24"].unit == "mJy"
    expected = np.where(own["depth"] > 0, own["depth"], np.nan)
    np.testing.assert_array_equal(table["DEPTH_24"].value, expected)
    np.testing.assert_array_equal(table["PROBABILITY"], own["probability"])
    np.testing.assert_array_equal(table["POOR_FIT"], own["poor_fit"])
    np.testing.assert_allclose(table["SNR"], own["flux"] / own["error"])
    expected = fractions_at_noise(
        *(own[name].to_numpy() for name in ("flux", "noise", "depth")),
        selection_function(),
    )
    for name in FRACTIONS:
        np.testing.assert_array_equal(table[name], expected[name])


def test_a_catalogue_of_nothing_has_all_columns(sources, painted_field):
    _, covered, wcs = painted_field
    table = build_catalogue(sources.iloc[:0], covered, wcs, [], selection_function())
    assert len(table) == 0
    assert set(table.colnames) == set(COLUMNS)
