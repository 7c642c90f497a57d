"""The calibration against sources whose errors are known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superspire.deblender.calibration import (
    MAX_PROBABILITY,
    MIN_PROBABILITY,
    RADIUS,
    TRUE_EDGES,
    apply,
    bins_of,
    brightest_partner,
    calibrate,
    expectations,
    flux_curve,
    reliability,
    unbiased,
)
from superspire.errors import InputError
from superspire.evaluation.measures import binomial_interval
from superspire.evaluation.selection_function import COLUMNS

SIDE = 2000
SPACING = 20
SHAPE = (SIDE, SIDE)
GAIN, OFFSET = 0.93, 0.22
"""The logarithm of the network's flux is a straight line of that of the true one."""

WORSE = 1.6
"""True over stated error of the logarithm of the flux."""

FARTHER = 1.4
"""True over stated error of the position."""


def real_share(score):
    return 0.1 + 0.85 * score**1.5


def draw(seed, slope=0.0, fields=1):
    """Draw sources and the network's answers, all too far apart to be confused.

    Parameters
    ----------
    slope : float
        Of the logarithm of the counts per logarithm of flux.
    """
    tables = []
    for cutout in range(fields):
        rng = np.random.default_rng([seed, cutout])
        line = np.arange(SPACING // 2, SIDE, SPACING)
        x, y = (a.ravel() + rng.uniform(-3, 3, a.size) for a in np.meshgrid(line, line))
        n = len(x)
        low, high = np.log(2.0), np.log(90.0)
        u = rng.uniform(0, 1, n)
        if slope:
            ends = np.exp(-slope * low), np.exp(-slope * high)
            log_true = -np.log(ends[0] + u * (ends[1] - ends[0])) / slope
        else:
            log_true = low + u * (high - low)
        score = rng.uniform(0.03, 0.97, n)
        real = rng.uniform(0, 1, n) < real_share(score)
        log_error = rng.choice([0.08, 0.12], n)
        distance = rng.choice([0.3, 0.6], n)
        own = OFFSET + GAIN * log_true + WORSE * log_error * rng.standard_normal(n)
        dx, dy = FARTHER * distance * rng.standard_normal((2, n))
        found = pd.DataFrame(
            {
                "cutout": cutout,
                "x": x + dx,
                "y": y + dy,
                "score": score,
                "flux": np.exp(own),
                "log_error": log_error,
                "pos_err": distance,
                "peak": np.exp(own),
            }
        )
        truth = pd.DataFrame(
            {"cutout": cutout, "x": x, "y": y, "flux": np.exp(log_true), "weight": 1.0}
        )
        tables.append((found, truth[real]))
    found, truth = (
        pd.concat(part, ignore_index=True) for part in zip(*tables, strict=True)
    )
    return found, truth


@pytest.fixture(scope="module")
def measured():
    return calibrate(*draw(1), SHAPE)


@pytest.fixture(scope="module")
def independent(measured):
    """Calibrated sources of another sky, with the true flux (NaN for none)."""
    found, truth = draw(2)
    partner, distance = brightest_partner(found, truth)
    true = np.where(partner >= 0, truth["flux"].to_numpy()[partner], np.nan)
    return found, apply(found, measured).assign(true=true, offset=distance)


def binomial_error(fraction, *numbers):
    return 5 * np.sqrt(fraction * (1 - fraction) * sum(1 / n for n in numbers))


def test_s450_is_unbiased_at_a_given_true_flux(independent):
    _, sources = independent
    for low, high in ((3.5, 6), (6, 10), (10, 20), (20, 50)):
        own = sources[sources["true"].between(low, high)]
        ratio = np.log(own["flux"] / own["true"])
        error = 5 * 1.2533 * ratio.std() * np.sqrt(2 / len(own))
        assert np.median(ratio) == pytest.approx(0, abs=error), (low, high)
    biased = independent[0]["flux"] / sources["true"]
    assert abs(np.nanmedian(np.log(biased))) > 0.03


def test_ranges_hold_what_they_say(independent, measured):
    _, sources = independent
    paired = sources[np.isfinite(sources["true"])]
    calibrated = len(draw(1)[1])
    for low, high in ((0, 99), (4, 10), (10, 30), (30, 70)):
        own = paired[paired["deboosted"].between(low, high)]
        fraction = own["true"].between(own["low"], own["high"]).mean()
        part = calibrated * len(own) / len(paired)
        assert fraction == pytest.approx(
            0.6827, abs=binomial_error(0.68, len(own), part)
        )
        above = (own["true"] > own["deboosted"]).mean()
        assert above == pytest.approx(0.5, abs=binomial_error(0.5, len(own), part))


def test_stated_errors_alone_would_be_too_small(independent):
    found, sources = independent
    log_true = np.log(sources["true"])
    raw = np.abs(log_true - np.log(found["flux"])) < found["log_error"]
    assert raw[np.isfinite(log_true)].mean() < 0.6


@pytest.mark.parametrize("slope", [1.0, 2.0])
def test_deboosting_of_steep_counts(slope):
    """The median true flux of sources that look alike: fainter than S450."""
    measured = calibrate(*draw(3, slope, fields=2), SHAPE)
    found, truth = draw(4, slope, fields=2)
    partner, _ = brightest_partner(found, truth)
    sources = apply(found, measured)[partner >= 0]
    true = truth["flux"].to_numpy()[partner[partner >= 0]]
    for low, high in ((3, 6), (6, 20)):
        own = sources["deboosted"].between(low, high).to_numpy()
        assert own.sum() > 300
        above = (true > sources["deboosted"])[own].mean()
        error = binomial_error(0.5, own.sum(), own.sum()) + 0.02
        assert above == pytest.approx(0.5, abs=error)
        held = ((true >= sources["low"]) & (true <= sources["high"]))[own].mean()
        error = binomial_error(0.68, own.sum(), own.sum()) + 0.02
        assert held == pytest.approx(0.6827, abs=error)
    bright = sources[sources["flux"].between(5, 40)]
    assert np.median(bright["deboosted"] / bright["flux"]) < 0.99


def test_probabilities_are_shares_of_real_sources(independent, measured):
    _, sources = independent
    real = np.isfinite(sources["true"])
    for low in np.arange(0.0, 1.0, 0.2):
        own = sources["score"].between(low, low + 0.2)
        expected = sources["probability"][own].mean()
        error = binomial_error(max(expected, 0.05), own.sum(), own.sum())
        assert real[own].mean() == pytest.approx(expected, abs=error)
    assert np.all(np.diff(measured["probability"]) >= 0)
    assert np.all(np.diff(measured["score"]) >= 0)
    worst = np.abs(sources["probability"] - real_share(sources["score"])).max()
    assert worst < 0.12


def test_positional_errors_are_put_right(independent, measured):
    _, sources = independent
    paired = sources[np.isfinite(sources["true"])]
    calibrated = len(draw(1)[1])
    assert measured["position"] == pytest.approx(
        FARTHER, abs=5 * 0.72 * FARTHER / np.sqrt(calibrated)
    )
    for radius, fraction in ((1.0, 1 - np.exp(-0.5)), (2.0, 1 - np.exp(-2.0))):
        held = (paired["offset"] < radius * paired["pos_err"]).mean()
        error = binomial_error(fraction, len(paired), calibrated)
        assert held == pytest.approx(fraction, abs=error)


def test_more_sky_is_one_sample():
    """Fields are told apart by their number."""
    found, truth = draw(5, fields=2)
    both = calibrate(found, truth, SHAPE)
    assert both["position"] == pytest.approx(FARTHER, rel=0.05)
    swapped = calibrate(found.assign(cutout=1 - found["cutout"]), truth, SHAPE)
    assert np.mean(swapped["probability"]) < 0.5 * np.mean(both["probability"])


HAND_MADE = {
    "flux": [[1.0, 2.0], [1.5, 3.0]],
    "deboosting": [[1.0, 2.0], [-1.2, -0.8], [-0.1, 0.1], [0.9, 1.1]],
    "position": 2.0,
    "score": [0.2, 0.6],
    "probability": [0.1, 1.0],
}


def answers(**columns):
    number = len(next(iter(columns.values())))
    filled = {
        "x": np.arange(number) * 30.0,
        "y": np.arange(number) * 10.0,
        "flux": 5.0,
        "log_error": 0.2,
        "pos_err": 0.7,
        "peak": 4.0,
        "score": 0.4,
    }
    return pd.DataFrame(filled | columns)


def test_apply_by_hand():
    log_flux = np.array([0.5, 1.0, 1.5, 2.0, 2.3])
    found = answers(flux=np.exp(log_flux), score=[0.0, 0.2, 0.4, 0.6, 0.9])
    sources = apply(found, HAND_MADE)
    expected = [0.75, 1.5, 2.25, 3.0, 3.3]
    assert np.log(sources["flux"]).tolist() == pytest.approx(expected)
    own = np.interp(log_flux, [1, 2], [0, 1])
    low, centre, high = -1.2 + 0.4 * own, -0.1 + 0.2 * own, 0.9 + 0.2 * own
    for name, pull in (("low", low), ("deboosted", centre), ("high", high)):
        np.testing.assert_allclose(np.log(sources[name]), log_flux + 0.2 * pull)
    width = 0.5 * (np.exp(0.2 * high) - np.exp(0.2 * low)) / np.exp(0.2 * centre)
    np.testing.assert_allclose(sources["error"], width * sources["flux"])
    assert sources["pos_err"].tolist() == pytest.approx([1.4] * 5)
    assert sources["probability"].tolist() == pytest.approx(
        [0.1, 0.1, 0.55, MAX_PROBABILITY, MAX_PROBABILITY]
    )
    for name in ("x", "y", "peak", "score"):
        assert sources[name].tolist() == found[name].tolist()


def test_one_known_flux_gives_a_factor():
    log_flux = np.array([-1.0, 0.0, 2.0])
    assert unbiased(log_flux, [0.5], [0.8]).tolist() == pytest.approx([-0.7, 0.3, 2.3])


@settings(max_examples=100, deadline=None)
@given(steps=st.lists(st.tuples(*[st.floats(1e-4, 1.0)] * 2), min_size=1, max_size=20))
def test_brighter_stays_brighter(steps):
    answer, true = np.cumsum([(0.0, 0.0), *steps], axis=0).T
    log_flux = np.linspace(answer[0] - 1.0, answer[-1] + 1.0, 500)
    prediction = unbiased(log_flux, answer, true)
    assert np.all(np.diff(prediction) > 0)
    np.testing.assert_allclose(unbiased(answer, answer, true), true, atol=1e-9)


def test_equal_values_share_a_bin():
    assert len(bins_of(np.ones(1000), 10, 5)) == 1


def test_apply_to_nothing():
    sources = apply(answers(flux=np.zeros(0)), HAND_MADE)
    assert len(sources) == 0
    assert {"flux", "error", "probability", "deboosted"} <= set(sources)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    number=st.integers(0, 3000),
    minimum=st.integers(1, 200),
    most=st.integers(1, 30),
)
def test_bins_are_a_partition_of_enough_sources_each(seed, number, minimum, most):
    values = np.random.default_rng(seed).exponential(1.0, number)
    bins = bins_of(values, minimum, most)
    assert np.array_equal(np.sort(np.concatenate(bins)), np.arange(number))
    ordered = values[np.concatenate(bins).astype(int)]
    assert np.all(np.diff(ordered) >= 0)
    assert len(bins) <= most
    if len(bins) > 1:
        assert min(map(len, bins)) >= minimum
    if number >= 2 * minimum and most > 1 and len(bins) == 1:
        split = ordered[minimum - 1 : number - minimum] - ordered[0]
        assert split.max() < np.ptp(values) / most


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_partners_are_the_brightest_nearby(seed):
    rng = np.random.default_rng(seed)
    found, truth = (
        pd.DataFrame(
            {
                "cutout": rng.integers(0, 2, n),
                "x": rng.uniform(0, 30, n),
                "y": rng.uniform(0, 30, n),
                "flux": rng.pareto(1.5, n),
            }
        )
        for n in rng.integers(0, 40, 2)
    )
    partner, distance = brightest_partner(found, truth)
    for i in range(len(found)):
        here = truth["cutout"].to_numpy() == found.loc[i, "cutout"]
        separation = np.hypot(
            truth["x"] - found.loc[i, "x"], truth["y"] - found.loc[i, "y"]
        )
        near = np.flatnonzero(here & (separation <= RADIUS))
        if not len(near):
            assert partner[i] == -1
            assert distance[i] == np.inf
            continue
        best = near[np.argmax(truth["flux"].to_numpy()[near])]
        assert partner[i] == best
        assert distance[i] == pytest.approx(separation[best])


def test_flux_curve_is_the_line_of_the_answers():
    answer, true = flux_curve(*draw(1))
    assert np.all(np.diff(answer) > 0)
    assert len(answer) == len(TRUE_EDGES) - 1
    expected = OFFSET + GAIN * np.array(true)
    np.testing.assert_allclose(answer, expected, atol=5 * 1.25 * 0.17 / np.sqrt(120))


def test_flux_curve_leaves_out_fluxes_that_are_mostly_missed():
    found, truth = draw(6)
    partner, _ = brightest_partner(found, truth)
    true = np.where(partner >= 0, truth["flux"].to_numpy()[partner], np.inf)
    missed = (true < 8.0) & (np.arange(len(found)) % 3 > 0)
    _, kept = flux_curve(found[~missed].reset_index(drop=True), truth)
    assert np.exp(kept[0]) > 7.0
    assert np.exp(kept[0]) < 10.0


def test_flux_curve_never_turns_back():
    """Answers that fall with the true flux, as of noise alone, make a flat curve."""
    found, truth = draw(7)
    found["flux"] = np.exp(4.0 - np.log(found["flux"]))
    answer, _ = flux_curve(found, truth)
    assert np.all(np.diff(answer) > 0)


def test_reliability_is_isotonic_of_any_answer():
    rng = np.random.default_rng(0)
    found, truth = draw(8)
    found["score"] = rng.permutation(found["score"])
    score, probability = reliability(found, truth)
    assert np.all(np.diff(score) >= 0)
    assert np.all(np.diff(probability) >= 0)
    expected = len(truth) / len(found)
    centre = probability[len(probability) // 5 : -len(probability) // 5]
    assert centre == pytest.approx(expected, abs=0.06)


def test_a_source_of_another_flux_is_not_real():
    found, truth = draw(9)
    _, bright = reliability(found.assign(flux=found["flux"] * 3.0), truth)
    assert bright.max() < 0.1


@pytest.mark.parametrize("number", [1, 3, 30])
def test_few_sources_are_calibrated_somehow(number):
    found, truth = draw(10)
    partner, _ = brightest_partner(found, truth)
    few = found[partner >= 0].head(number).reset_index(drop=True)
    measured = calibrate(
        few.assign(x=few["x"] + 10, y=few["y"] + 10),
        truth.assign(x=truth["x"] + 10, y=truth["y"] + 10),
        SHAPE,
    )
    sources = apply(found, measured)
    for name in ("flux", "error", "deboosted", "low", "high", "probability"):
        assert np.isfinite(sources[name]).all(), name
    assert sources["probability"].between(0, 1).all()


def test_the_least_of_the_listed_sources_has_the_least_probability():
    found, truth = draw(11)
    calibration = calibrate(found, truth, SHAPE)
    prediction = np.interp(
        calibration["min_score"], calibration["score"], calibration["probability"]
    )
    assert prediction == pytest.approx(MIN_PROBABILITY, abs=0.02)


def test_no_true_source_is_refused():
    found, truth = draw(11)
    with pytest.raises(InputError, match="train for longer"):
        calibrate(found, truth.assign(x=truth["x"] + 1e5), SHAPE)


@pytest.fixture(scope="module")
def expected():
    """Half of the sources is missed, one in five is invented; fluxes are true."""
    found, truth = draw(12)
    partner, _ = brightest_partner(found, truth)
    real = partner >= 0
    exact = found[real].assign(flux=truth["flux"].to_numpy()[partner[real]])
    kept = exact.iloc[::2]
    invented = found[~real].iloc[: len(kept) // 4]
    sources = pd.concat(
        [kept, invented.assign(flux=kept["flux"].to_numpy()[: len(invented)])]
    )
    return expectations(sources, truth, SHAPE), sources, truth


def test_expectations_of_completeness_and_purity(expected):
    table, *_ = expected
    assert list(table.columns) == list(COLUMNS)
    assert set(table["quantity"]) == {"completeness", "purity", "counts"}
    for quantity, fraction in (("completeness", 0.5), ("purity", 0.8)):
        own = table[table["quantity"] == quantity]
        assert len(own) > 10
        error = 5 * np.sqrt(fraction * (1 - fraction) / own["n"])
        assert (np.abs(own["value"] - fraction) < error).all()
        for row in own.itertuples():
            interval = binomial_interval(round(row.value * row.n), row.n)
            assert (row.low, row.high) == pytest.approx(interval)
        assert own["flux"].between(own["flux_min"], own["flux_max"]).all()


def test_expectations_of_counts(expected):
    table, sources, truth = expected
    counts = table[table["quantity"] == "counts"]
    edge = RADIUS
    for row in counts.itertuples():
        numbers = [
            (
                t["flux"].between(row.flux_min, row.flux_max, inclusive="left")
                & t["x"].between(edge, SIDE - 1 - edge)
                & t["y"].between(edge, SIDE - 1 - edge)
            ).sum()
            for t in (truth, sources)
        ]
        factor = numbers[0] / numbers[1]
        assert row.value == pytest.approx(factor)
        assert row.n == numbers[1]
        assert row.high - row.low == pytest.approx(2 * factor / np.sqrt(numbers[1]))
    assert np.average(counts["value"], weights=counts["n"]) == pytest.approx(
        1.6, rel=0.1
    )


def test_expectations_of_nothing():
    found, truth = draw(13)
    table = expectations(found.head(0), truth, SHAPE)
    assert set(table["quantity"]) == {"completeness"}
    assert not table["value"].any()
    assert list(expectations(found.head(0), truth.head(0), SHAPE).columns) == list(
        COLUMNS
    )
