"""The score of catalogues whose worth is known."""

import numpy as np
import pandas as pd
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import Table

from helpers.classical_skies import COLOURS, NO_CONFUSION
from superspire.errors import InputError
from superspire.evaluation.measures import FLUX_EDGES
from superspire.evaluation.methods import (
    best_threshold,
    field_catalogue,
    field_fractions,
    flux_ratios,
    recovered_counts,
    spread,
    summarise,
    threshold_curve,
)
from superspire.instruments import PAPER_BANDS, SPIRE
from superspire.io import Map
from superspire.methods.methods import MethodInputs, find
from superspire.methods.pairs import (
    FLUX,
    FLUX_FACTOR,
    ROWS,
    draw_background,
    field_side,
    observe_pairs,
    place_pairs,
    resolved,
    to_sky,
)
from superspire.methods.tuning import cut_map, held_out_box, sources_in
from superspire.sky.beams import beam_of
from superspire.sky.maps import field_wcs

SIZE = 1200
BEAMS = {band: beam_of(band) for band in SPIRE}
SHARES = (
    *("complete_strict", "complete_strict_faint", "complete_paper"),
    *("complete_paper_faint", "recovered", "pure"),
)


@pytest.fixture(scope="module")
def truth():
    rng = np.random.default_rng(4)
    x, y = (np.ravel(a) for a in np.meshgrid(*2 * [np.arange(40.0, 1180.0, 60.0)]))
    flux = 3.0 * 2.0 ** rng.uniform(0, 4, len(x))
    return pd.DataFrame({"cutout": 0, "x": x, "y": y, "flux": flux, "weight": 1.0})


def as_target(truth):
    jansky = units.mJy
    columns = {name: truth[name].to_numpy() for name in ("x", "y")}
    flux = truth["flux"].to_numpy() * jansky
    columns |= {"aperture_flux": flux, "peak": flux, "snr": truth["flux"].to_numpy()}
    return Table(columns)


def test_the_truth_scores_one(truth):
    row = summarise(truth, truth, 10.0, 4.0, SIZE)
    assert [row[name] for name in SHARES] == [1.0] * 6
    assert (row["ratio"], row["scatter"], row["offset"]) == (1.0, 0.0, 0.0)
    assert row["n_true"] == row["n_found"] == np.sum(truth["flux"] >= 10)
    assert row["recovered_low"] < 1.0 == row["recovered_high"]
    fractions = field_fractions(truth, as_target(truth), truth, 10.0, 4.0, SIZE)
    counted = fractions[(fractions["n"] > 0)]
    assert set(counted["protocol"]) == {"paper", "strict"}
    assert np.all(counted["fraction"] == 1.0)
    counts = recovered_counts(truth, truth, SIZE)
    assert np.all(counts["ratio"][counts["n_true"] > 0] == 1.0)
    assert np.all(flux_ratios(truth, truth, 4.0, SIZE)["ratio"].dropna() == 1.0)


def test_an_empty_catalogue_scores_zero(truth):
    none = field_catalogue([], [], [], None)
    row = summarise(none, truth, 10.0, 4.0, SIZE)
    assert [row[name] for name in SHARES[:5]] == [0.0] * 5
    assert np.isnan(row["pure"])
    assert np.isnan(row["ratio"])
    assert row["n_found"] == 0
    curve = threshold_curve(none, [], truth, (SIZE, SIZE), 4.0)
    assert np.all(curve["f1"] == 0)
    fractions = field_fractions(none, as_target(truth), truth, 10.0, 4.0, SIZE)
    complete = fractions[(fractions["quantity"] == "completeness") & fractions["n"]]
    assert np.all(complete["fraction"] == 0)
    assert np.all(recovered_counts(none, truth, SIZE)["n"] == 0)


def test_each_measure_sees_what_it_should(truth):
    found = truth.copy()
    bright = np.flatnonzero(truth["flux"] >= 10)
    found.loc[bright[::2], "x"] += 6.0
    row = summarise(found, truth, 10.0, 4.0, SIZE)
    half = 1 - len(bright[::2]) / len(bright)
    assert row["complete_strict"] == pytest.approx(half)
    assert row["recovered"] == pytest.approx(half)
    assert row["pure"] == pytest.approx(half)
    assert row["complete_paper"] == 1.0
    assert row["complete_strict_faint"] == 1.0
    found = truth.assign(flux=2.5 * truth["flux"])
    row = summarise(found, truth, 10.0, 4.0, SIZE)
    assert (row["complete_strict"], row["recovered"]) == (1.0, 0.0)
    assert row["ratio"] == pytest.approx(2.5)
    shifted = truth.assign(x=truth["x"] + 2.0)
    assert summarise(shifted, truth, 10.0, 4.0, SIZE)["offset"] == pytest.approx(2.0)
    bias = flux_ratios(found, truth, 4.0, SIZE)
    assert np.allclose(bias["ratio"].dropna(), 2.5)


def test_threshold_of_the_best_f1():
    rng = np.random.default_rng(8)
    n = 200
    x, y = rng.uniform(20, 5000, (2, n))
    truth = pd.DataFrame({"cutout": 0, "x": x, "y": y, "flux": 8.0, "weight": 1.0})
    wrong = truth.assign(x=truth["x"] + 5000.0)
    found = pd.concat([truth, wrong], ignore_index=True)
    snr = np.concatenate([np.full(n, 5.0), np.full(n, 3.0)])
    curve = threshold_curve(found, snr, truth, (5100, 10100), 4.0)
    low, high = curve["threshold"] <= 3.0, curve["threshold"] > 5.0
    assert curve.loc[low, "purity"].iloc[0] == pytest.approx(0.5)
    assert curve.loc[low, "f1"].iloc[0] == pytest.approx(2 / 3)
    assert curve.loc[high, "f1"].max() == 0.0
    assert best_threshold(curve) == 5.0


def test_median_error_and_scatter_of_a_normal_sample():
    values = np.random.default_rng(1).normal(2.0, 0.3, 4000)
    median, error, scatter = spread(values)
    assert median == pytest.approx(2.0, abs=5 * error)
    assert scatter == pytest.approx(0.3, rel=5 * 0.02)
    assert error == pytest.approx(0.3 * np.sqrt(np.pi / 2 / 4000), rel=0.1)


def test_counts_are_per_area_and_flux(truth):
    counts = recovered_counts(truth, truth, SIZE)
    area = ((SIZE - 20) / 3600) ** 2
    total = np.sum(counts["dNdS"] * (counts["flux_max"] - counts["flux_min"])) * area
    inside = truth["flux"].between(FLUX_EDGES[0], FLUX_EDGES[-1])
    assert total == pytest.approx(np.sum(inside))


@pytest.mark.parametrize("separation", [6.0, 15.0])
def test_pairs_lie_as_far_apart_as_they_should(separation):
    pairs = place_pairs(separation, 1)
    assert pairs.shape == (ROWS**2, 2, 2)
    assert np.hypot(*(pairs[:, 1] - pairs[:, 0]).T) == pytest.approx(separation)
    centre = pairs.mean(axis=1)
    assert np.abs(pairs).max() < 0.5 * field_side() - 40
    assert np.allclose(centre, place_pairs(9.0, 1).mean(axis=1))
    assert not np.allclose(centre, place_pairs(separation, 2).mean(axis=1))
    angle = np.arctan2(*(pairs[:, 1] - pairs[:, 0]).T) % np.pi
    assert np.mean(angle) == pytest.approx(np.pi / 2, abs=5 * np.pi / 12**0.5 / ROWS)


def test_background_has_the_density_and_fluxes_of_the_catalogue():
    rng = np.random.default_rng(2)
    flux = rng.exponential(2.0, 30000)
    catalogue = {250: 2 * flux, 350: flux, 450: flux, 500: 0.8 * flux}
    positions, fluxes = draw_background(catalogue, 1.0, 1800.0, 3)
    expected = 30000 / 4
    assert len(positions) == pytest.approx(expected, abs=5 * expected**0.5)
    assert np.abs(positions).max() <= 900.0
    assert fluxes[450].mean() == pytest.approx(2.0, rel=5 / expected**0.5)
    assert np.allclose(fluxes[250], 2 * fluxes[450])
    again = draw_background(catalogue, 1.0, 1800.0, 3)
    assert np.array_equal(again[0], positions)
    other = draw_background(catalogue, 1.0, 1800.0, 4)
    assert len(other[0]) != len(positions) or not np.allclose(other[0], positions)


def test_pairs_are_resolved_by_both_their_members_alone():
    pairs = place_pairs(12.0, 1)
    ra, dec = to_sky(pairs.reshape(-1, 2), field_side())
    table = Table({"ra": ra, "dec": dec, "flux": np.full(len(ra), FLUX)})
    assert resolved(table, pairs, 12.0).all()
    assert not resolved(table[::2], pairs, 12.0).any()
    table["flux"] *= 1.01 * FLUX_FACTOR
    assert not resolved(table, pairs, 12.0).any()
    centre = to_sky(pairs.mean(axis=1), field_side())
    blended = Table({"ra": centre[0], "dec": centre[1], "flux": np.full(256, FLUX)})
    assert not resolved(blended, place_pairs(6.0, 1), 6.0).any()
    assert not resolved(blended[:0], pairs, 12.0).any()


def test_wide_pairs_are_resolved_and_close_ones_are_not():
    empty = (np.zeros((0, 2)), {band: np.zeros(0) for band in PAPER_BANDS})
    noise = {str(band): 1.0 for band in SPIRE}
    for separation, expected in ((6.0, 0.0), (30.0, 1.0)):
        pairs = place_pairs(separation, 1)
        maps = observe_pairs(pairs, empty, COLOURS, BEAMS, noise, 1)
        found = find("matched_filter", maps, MethodInputs(NO_CONFUSION))
        found = found[found["snr"] > 5]
        fraction = resolved(found, pairs, separation).mean()
        assert fraction == pytest.approx(expected, abs=0.03)


def test_tuning_sky_is_that_of_the_test():
    rows = [("sky_0", 0, 0, "train"), ("sky_0", 55, 900, "test")]
    rows += [("sky_0", 479, 900, "test"), ("sky_1", 0, 0, "test")]
    index = pd.DataFrame(rows, columns=["sky", "x0", "y0", "split"])
    assert held_out_box(index) == ("sky_0", (55, 900, 903, 1324))
    with pytest.raises(InputError, match="found none"):
        held_out_box(index[index["split"] == "train"])


def test_cutting_keeps_the_places_of_pixels():
    wcs, n = field_wcs((10.0, 2.0), 1200.0, 6.0)
    header = field_wcs((10.0, 2.0), 1200.0, 1.0)[0].to_header()
    data = np.arange(n * n, dtype=np.float32).reshape(n, n)
    part = cut_map(Map(data, wcs), fits.Header(header), (300, 600, 900, 1200))
    assert part.data.shape == (100, 100)
    ra, dec = part.wcs.all_pix2world([0, 99], [0, 99], 0)
    x, y = np.round(wcs.all_world2pix(ra, dec, 0)).astype(int)
    assert np.array_equal(data[y, x], part.data[[0, 99], [0, 99]])
    near, far = wcs.all_pix2world(0, 0, 0), part.wcs.all_pix2world(50, 50, 0)
    ra, dec = np.array([near, far]).T
    listed = sources_in(ra, dec, np.ones(2), fits.Header(header), (300, 600, 900, 1200))
    assert len(listed) == 1
    assert listed["X"][0] == pytest.approx(302.5, abs=0.01)
