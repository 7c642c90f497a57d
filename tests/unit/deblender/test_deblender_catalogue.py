"""Sources read from answers that are known."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from helpers.answers import pack
from superspire.deblender.architecture import OUTPUTS, unpack
from superspire.deblender.catalogue import (
    BESIDE,
    HALO,
    MIN_SCORE,
    SAME,
    SHARE,
    StripLister,
    drop_doubles,
    highest,
    list_sources,
    super_resolved,
)
from superspire.deblender.labels import REACH, source_labels
from superspire.instruments import PAPER_BANDS
from superspire.maps.cells import CELL, to_pixels

COLOURS = np.array([2.0, 1.5, 1.0, 0.7])
"""Fluxes of a source in all bands over that at 450 µm."""

NAMES = [f"flux_{band}" for band in PAPER_BANDS]


def perfect(x, y, flux, size, **heads):
    """Give the outputs of a network that has learned its labels.

    Where nothing is asked, it points to a source outside of the cell.
    """
    labels = source_labels(x, y, np.outer(flux, COLOURS), 2 * size, 2).astype(float)
    score, dx, dy, weight, *log_flux = np.moveaxis(labels, -1, 0)
    dx = np.where(weight > 0, dx, REACH)
    fluxes = {f"log_{name}": band for name, band in zip(NAMES, log_flux, strict=True)}
    heads = {"logit": logit(np.clip(score, 1e-6, 0.999)), **heads}
    return pack(size, **fluxes, dx=dx, dy=dy, **heads)


def apart(seed, number, side, distance):
    """Draw positions that are some distance from each other."""
    rng = np.random.default_rng(seed)
    kept = np.empty((0, 2))
    for position in rng.uniform(4, side - 5, (number, 2)):
        if not len(kept) or np.hypot(*(kept - position).T).min() > distance:
            kept = np.vstack([kept, position])
    return *kept.T, rng.pareto(1.5, len(kept)) + 1.0


def by_place(table):
    return table.sort_values(["x", "y"]).reset_index(drop=True)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_labels_as_answer_give_the_sources(seed):
    """Sources 12 arcsec apart, anywhere, come back as they are, and no others."""
    size = 24
    x, y, flux = apart(seed, 40, 4 * size, 12.0)
    found = list_sources(perfect(x, y, flux, size))
    truth = by_place(pd.DataFrame({"x": x, "y": y, "flux": flux}))
    found = by_place(found)
    assert len(found) == len(truth)
    np.testing.assert_allclose(found[["x", "y"]], truth[["x", "y"]], atol=1e-4)
    expected = np.outer(truth["flux"], COLOURS)
    np.testing.assert_allclose(found[NAMES], expected, rtol=1e-5)


@pytest.mark.parametrize("x", [19.5, 20.0, 20.5, 21.0, 21.5])
@pytest.mark.parametrize("y", [31.5, 32.5, 33.49])
def test_a_source_between_cells_is_listed_once(x, y):
    """Two or four cells are equally sure of it."""
    found = list_sources(perfect(*np.array([[x], [y], [7.0]]), 16))
    assert len(found) == 1
    assert found.loc[0, ["x", "y"]].tolist() == pytest.approx([x, y])
    assert found.loc[0, NAMES].tolist() == pytest.approx((7.0 * COLOURS).tolist())


@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (63.0, 30.0), (30.0, 63.4)])
def test_sources_at_the_edge_are_listed(x, y):
    found = list_sources(perfect(*np.array([[x], [y], [7.0]]), 16))
    assert found[["x", "y"]].to_numpy() == pytest.approx(np.array([[x, y]]), abs=1e-4)


def test_errors_score_and_peak_are_those_of_the_source():
    x, y, flux = np.array([20.3, 50.1]), np.array([40.2, 12.7]), np.array([30.0, 4.0])
    rows, columns = np.indices((32, 32)) * 2.0 + 0.5
    nearer = (columns - 20.3) ** 2 + (rows - 40.2) ** 2 < 100
    image = np.zeros((64, 64))
    image[41, 19], image[13, 52], image[16, 50] = 28.0, 3.5, 9.0
    answer = perfect(
        x,
        y,
        flux,
        16,
        **{
            f"log_error_{band}": np.where(nearer, np.log(0.1), np.log(0.5)) + 0.1 * i
            for i, band in enumerate(PAPER_BANDS)
        },
        log_pos_err=np.where(nearer, np.log(0.3), np.log(2.0)),
        image=image,
    )
    found = by_place(list_sources(answer))
    for i, band in enumerate(PAPER_BANDS):
        expected = [0.1 * np.exp(0.1 * i), 0.5 * np.exp(0.1 * i)]
        assert found[f"log_error_{band}"].tolist() == pytest.approx(expected)
    assert found["pos_err"].tolist() == pytest.approx([0.3, 2.0])
    assert found["peak"].tolist() == pytest.approx([28.0, 3.5])
    distance2 = np.array([0.2**2 + 0.3**2, 0.4**2 + 0.2**2])
    assert found["score"].tolist() == pytest.approx(
        np.exp(-0.5 * distance2 / 3.4**2).tolist(), abs=5e-3
    )


def spots(positions, size=12, **heads):
    """Answer with single cells of known probability: row, column and score."""
    image = np.full((2 * size, 2 * size), -8.0)
    for row, column, score in positions:
        image[row, column] = logit(score)
    return pack(size, logit=image, **heads)


def test_the_threshold():
    answer = spots([(3, 3, 0.5), (3, 13, 0.2), (15, 4, 0.031), (15, 15, 0.029)])
    assert list_sources(answer)["score"].tolist() == pytest.approx([0.5, 0.2, 0.031])
    assert MIN_SCORE == 0.03
    assert len(list_sources(answer, 0.3)) == 1
    assert len(list_sources(answer, 0.01)) == 4


def test_the_most_certain_is_first():
    rng = np.random.default_rng(0)
    positions = [(r, c, rng.uniform(0.1, 0.9)) for r in (2, 9, 16) for c in (3, 10, 20)]
    score = list_sources(spots(positions))["score"].to_numpy()
    assert score == pytest.approx(np.sort([h for *_, h in positions])[::-1], abs=1e-4)


def test_neighbours_of_a_maximum_are_no_sources():
    answer = spots([(5, 5, 0.9), (5, 6, 0.8), (6, 6, 0.7), (4, 4, 0.85)])
    assert list_sources(answer)["score"].tolist() == pytest.approx([0.9])


def by_chance(x, flux, probable, size=12):
    """Answer with the expected labels of two sources, each there by chance."""
    y = np.full(2, 24.5)
    first, second, both = (
        source_labels(x[own], y[own], np.outer(flux[own], COLOURS), 2 * size, 2)
        for own in ([0], [1], [0, 1])
    )
    p, q = probable
    score = p * q * both[..., 0] + p * (1 - q) * first[..., 0]
    score += q * (1 - p) * second[..., 0]
    return perfect(x, y, flux, size, logit=logit(np.clip(score, 1e-6, 0.999)))


@pytest.mark.parametrize("separation", [5.0, 6.5])
@pytest.mark.parametrize("probable", [(0.9, 0.5), (0.8, 0.3), (0.6, 0.6)])
def test_a_source_beside_a_more_probable_one(separation, probable):
    """Its score may have no maximum of its own."""
    x, flux = np.array([22.5, 22.5 + separation]), np.array([20.0, 8.0])
    answer = by_chance(x, flux, probable)
    found = by_place(list_sources(answer, 0.1, beside=True))
    maximum = len(list_sources(answer, 0.1)) == 2
    np.testing.assert_allclose(found["x"], x, atol=1e-4)
    np.testing.assert_allclose(found["flux_450"], flux, rtol=1e-5)
    expected = np.multiply(probable, [1.0, 1.0 if maximum else BESIDE])
    np.testing.assert_allclose(found["score"], expected, atol=0.15)


@pytest.mark.parametrize(("brighter", "number"), [(20.0, 2), (50.0, 1)])
def test_nothing_is_listed_beside_a_bright_source(brighter, number):
    answer = by_chance(
        np.array([22.5, 27.5]), np.array([brighter, 8.0]), (0.9, 0.4), 12
    )
    assert len(list_sources(answer, 0.1, beside=True)) == number
    assert len(list_sources(answer, 0.1)) == 1


def test_what_a_maximum_adds_is_no_source():
    """Cells that locate a source in themselves, but no more probable than that."""
    rows, columns = 2.0 * np.indices((24, 24))
    score = 0.9 * np.exp(-0.5 * ((rows - 24) ** 2 + (columns - 24) ** 2) / SHARE**2)
    answer = pack(12, logit=logit(np.clip(score, 1e-6, 1)))
    found = list_sources(answer, beside=True)
    assert found["score"].tolist() == pytest.approx([0.9])


def test_an_empty_sky():
    found = list_sources(pack(8))
    assert len(found) == 0
    errors = {f"log_error_{band}" for band in PAPER_BANDS}
    assert {"x", "y", "score", "pos_err", "peak", *NAMES, *errors} == set(found)


def test_answers_that_mean_one_source_are_one_source():
    """Two maxima two cells apart that point to the same position: the surer stays."""
    dx = np.zeros((24, 24))
    dx[5, 5], dx[5, 7] = 2.0, -1.5
    answer = spots([(5, 5, 0.6), (5, 7, 0.7), (5, 12, 0.5)], dx=dx)
    found = list_sources(answer)
    assert found["score"].tolist() == pytest.approx([0.7, 0.5])
    assert found["x"].tolist() == pytest.approx([13.0, 24.5])


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), number=st.integers(0, 40))
def test_doubles_are_dropped_as_one_would_by_hand(seed, number):
    """From the first on, each source drops those near it that come later."""
    positions = np.random.default_rng(seed).uniform(0, 25, (number, 2))
    kept = []
    for i, position in enumerate(positions):
        if all(np.hypot(*(position - positions[j])) > SAME for j in kept):
            kept.append(i)
    table = pd.DataFrame(
        {"x": positions[:, 0], "y": positions[:, 1], "row": range(number)}
    )
    found = drop_doubles(table)
    assert found["row"].tolist() == kept
    assert found.index.tolist() == list(range(len(kept)))


def test_the_highest_pixel_nearby():
    cells = np.random.default_rng(0).standard_normal((5, 7, CELL**2))
    image = to_pixels(cells, CELL)
    x, y = np.array([10.4, 0.2, 27.4, 31.0]), np.array([7.6, 19.1, -0.4, 5.0])
    for value, a, b in zip(
        highest(cells, x, y), [10, 0, 27, 27], [8, 19, 0, 5], strict=True
    ):
        part = image[max(b - 2, 0) : b + 3, max(a - 2, 0) : a + 3]
        assert value == part.max()


def test_the_map_and_its_error():
    rng = np.random.default_rng(0)
    image, log_sigma = rng.standard_normal((24, 24)), rng.uniform(-1, 1, (6, 6))
    found, sigma = super_resolved(pack(6, image=image, log_sigma=log_sigma))
    np.testing.assert_allclose(found, image, rtol=1e-6)
    np.testing.assert_allclose(sigma, np.exp(log_sigma), rtol=1e-5)


def test_answers_beyond_all_doubt_raise_no_warnings():
    answer = pack(4, logit=np.where(np.eye(8) > 0, 500.0, -500.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = list_sources(answer)
    assert found["score"].max() == 1.0
    assert expit(unpack(answer).logit).min() == 0.0


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    edges=st.sets(st.integers(1, 39), max_size=9),
    beside=st.booleans(),
)
def test_sources_of_strips_are_those_of_the_field(seed, edges, beside):
    rng = np.random.default_rng(seed)
    answer = rng.normal(0.0, 1.0, (40, 12, OUTPUTS)).astype(np.float32)
    lister = StripLister(12, beside=beside)
    for first, last in itertools.pairwise([0, *sorted(edges), 40]):
        lister.add(answer[first:last])
        assert len(lister.rows) <= last - first + 3 * HALO
    expected = list_sources(answer, beside=beside)
    pd.testing.assert_frame_equal(lister.sources(), expected)
