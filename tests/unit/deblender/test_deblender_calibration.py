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
    apply_at,
    at_noise,
    band_fluxes,
    bins_of,
    brightest_partner,
    calibrate,
    coverage,
    deboosting_curve,
    expectations,
    flux_curve,
    is_ultra_red,
    redness,
    reliability,
    rising_fraction,
    selection_function_at,
    unbiased,
)
from superspire.deblender.inputs import FLUX_BANDS
from superspire.errors import InputError
from superspire.evaluation.measures import binomial_interval
from superspire.evaluation.selection_function import COLUMNS
from superspire.photometry.matching import match

SIDE = 2000
SPACING = 20
SHAPE = (SIDE, SIDE)
GAIN = dict(zip(FLUX_BANDS, (1.04, 0.88, 0.93, 0.85), strict=True))
OFFSET = dict(zip(FLUX_BANDS, (-0.1, 0.3, 0.22, 0.15), strict=True))
"""The logarithm of the network's flux is a straight line of that of the true one."""

WORSE = dict(zip(FLUX_BANDS, (0.5, 1.2, 1.6, 2.0), strict=True))
"""True over stated error of the logarithm of the flux."""

COLOURS = dict(zip(FLUX_BANDS, (1.8, 1.4, 1.0, 0.8), strict=True))
"""Median flux over that at 450 µm, with a scatter in its logarithm."""

FARTHER = 1.4
"""True over stated error of the position."""


def real_fraction(score):
    return 0.1 + 0.85 * score**1.5


def draw(seed, slope=0.0, fields=1, scatter=0.3):
    """Draw sources and the network's answers, all too far apart to be confused.

    Parameters
    ----------
    slope : float
        Of the logarithm of the counts per logarithm of flux.
    scatter : float
        Of the logarithm of the colours.
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
        real = rng.uniform(0, 1, n) < real_fraction(score)
        log_error = rng.choice([0.08, 0.12], n)
        distance = rng.choice([0.3, 0.6], n)
        dx, dy = FARTHER * distance * rng.standard_normal((2, n))
        found = {
            "cutout": cutout,
            "x": x + dx,
            "y": y + dy,
            "score": score,
            "pos_err": distance,
        }
        truth = {"cutout": cutout, "x": x, "y": y, "flux": np.exp(log_true)}
        for band in FLUX_BANDS:
            log_band = log_true + np.log(COLOURS[band])
            if band != 450:
                log_band += scatter * rng.standard_normal(n)
            width = log_error * (1.0 if band == 450 else rng.uniform(0.8, 1.2, n))
            own = OFFSET[band] + GAIN[band] * log_band
            own += WORSE[band] * width * rng.standard_normal(n)
            found |= {f"flux_{band}": np.exp(own), f"log_error_{band}": width}
            truth[f"flux_{band}"] = np.exp(log_band)
        found = pd.DataFrame(found | {"peak": found["flux_450"]})
        truth = pd.DataFrame(truth | {"weight": 1.0})
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
    """Calibrated sources of another sky, with the true fluxes (NaN for none)."""
    found, truth = draw(2)
    return found, with_truth(apply(found, measured), found, truth)


def with_truth(sources, found, truth):
    partner, distance = brightest_partner(found, truth)
    true = {
        f"true_{band}": np.where(
            partner >= 0, truth[f"flux_{band}"].to_numpy()[partner], np.nan
        )
        for band in FLUX_BANDS
    }
    return sources.assign(**true, true=true["true_450"], offset=distance)


def binomial_error(fraction, *numbers):
    return 5 * np.sqrt(fraction * (1 - fraction) * sum(1 / n for n in numbers))


@pytest.mark.parametrize("band", FLUX_BANDS)
def test_fluxes_are_unbiased_at_a_given_true_flux(independent, band):
    found, sources = independent
    true = sources[f"true_{band}"]
    for low, high in ((3.5, 6), (6, 10), (10, 20), (20, 50)):
        own = true.between(low, high)
        ratio = np.log(sources[f"flux_{band}"] / true)[own]
        error = 5 * 1.2533 * ratio.std() * np.sqrt(2 / len(ratio))
        assert np.median(ratio) == pytest.approx(0, abs=error), (low, high)
    biased = np.log(found[f"flux_{band}"] / true)[true > 20]
    assert abs(np.nanmedian(biased)) > 0.015


def test_the_leading_band_has_names_of_its_own(independent):
    _, sources = independent
    for name in ("flux", "error", "deboosted", "low", "high"):
        assert sources[name].equals(sources[f"{name}_450"])


@pytest.mark.parametrize("band", FLUX_BANDS)
def test_ranges_hold_what_they_say(independent, measured, band):
    _, sources = independent
    listed = sources["score"] >= measured["min_score"]
    paired = sources[np.isfinite(sources["true"]) & listed]
    calibrated = len(draw(1)[1]) * listed.mean()
    true, low, high, centre = (
        paired[f"{name}_{band}"] for name in ("true", "low", "high", "deboosted")
    )
    for limits in ((0, 999), (4, 10), (10, 30), (30, 70)):
        own = centre.between(*limits)
        held = true.between(low, high)[own].mean()
        numbers = own.sum(), calibrated * own.mean()
        error = binomial_error(0.68, *numbers) + 0.01
        assert held == pytest.approx(0.6827, abs=error), limits
        above = (true > centre)[own].mean()
        assert above == pytest.approx(0.5, abs=binomial_error(0.5, *numbers) + 0.01)


@pytest.mark.parametrize("band", FLUX_BANDS)
def test_stated_errors_alone_would_be_wrong(independent, band):
    found, sources = independent
    log_true = np.log(sources[f"true_{band}"])
    offset = np.abs(log_true - np.log(found[f"flux_{band}"]))
    raw = (offset < found[f"log_error_{band}"])[np.isfinite(log_true)].mean()
    assert abs(raw - 0.6827) > 0.05


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


def test_probabilities_are_fractions_of_real_sources(independent, measured):
    _, sources = independent
    real = np.isfinite(sources["true"])
    for low in np.arange(0.0, 1.0, 0.2):
        own = sources["score"].between(low, low + 0.2)
        expected = sources["probability"][own].mean()
        error = binomial_error(max(expected, 0.05), own.sum(), own.sum())
        assert real[own].mean() == pytest.approx(expected, abs=error)
    assert np.all(np.diff(measured["probability"]) >= 0)
    assert np.all(np.diff(measured["score"]) >= 0)
    worst = np.abs(sources["probability"] - real_fraction(sources["score"])).max()
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
    "flux": {
        str(band): [[1.0, 2.0], [1.5 + 0.1 * i, 3.0 + 0.1 * i]]
        for i, band in enumerate(FLUX_BANDS, -2)
    },
    "deboosting": {
        str(band): [
            [1.0, 2.0],
            [-1.2 + 0.1 * i, -0.8 + 0.1 * i],
            [-0.1 + 0.1 * i, 0.1 + 0.1 * i],
            [0.9 + 0.1 * i, 1.1 + 0.1 * i],
        ]
        for i, band in enumerate(FLUX_BANDS, -2)
    },
    "position": 2.0,
    "score": [0.2, 0.6],
    "probability": [0.1, 1.0],
    "ultra_red": [[-1.0, 3.0], [0.0, 0.8]],
}


def answers(flux, **columns):
    number = len(flux)
    filled = {
        "x": np.arange(number) * 30.0,
        "y": np.arange(number) * 10.0,
        **{f"flux_{band}": flux for band in FLUX_BANDS},
        **{f"log_error_{band}": 0.2 for band in FLUX_BANDS},
        "pos_err": 0.7,
        "peak": 4.0,
        "score": 0.4,
    }
    return pd.DataFrame(filled | columns)


def test_apply_by_hand():
    log_flux = np.array([0.5, 1.0, 1.5, 2.0, 2.3])
    found = answers(flux=np.exp(log_flux), score=[0.0, 0.2, 0.4, 0.6, 0.9])
    sources = apply(found, HAND_MADE)
    own = np.interp(log_flux, [1, 2], [0, 1])
    for i, band in enumerate(FLUX_BANDS, -2):
        expected = (np.array([0.75, 1.5, 2.25, 3.0, 3.3]) + 0.1 * i).tolist()
        flux = sources[f"flux_{band}"]
        assert np.log(flux).tolist() == pytest.approx(expected)
        low, centre, high = (
            zero + 0.1 * i + slope * own
            for zero, slope in ((-1.2, 0.4), (-0.1, 0.2), (0.9, 0.2))
        )
        for name, pull in (("low", low), ("deboosted", centre), ("high", high)):
            found_log = np.log(sources[f"{name}_{band}"])
            np.testing.assert_allclose(found_log, log_flux + 0.2 * pull)
        width = 0.5 * (np.exp(0.2 * high) - np.exp(0.2 * low)) / np.exp(0.2 * centre)
        np.testing.assert_allclose(sources[f"error_{band}"], width * flux)
    assert sources["pos_err"].tolist() == pytest.approx([1.4] * 5)
    assert sources["probability"].tolist() == pytest.approx(
        [0.1, 0.1, 0.55, MAX_PROBABILITY, MAX_PROBABILITY]
    )
    assert sources["ultra_red"].tolist() == pytest.approx([0.2] * 5)
    for name in ("x", "y", "peak", "score"):
        assert sources[name].tolist() == found[name].tolist()


def test_redness_is_the_smaller_of_two_significances():
    found = answers(np.full(3, 10.0)).assign(
        flux_250=[10.0, 10.0, 10.0],
        flux_350=[12.0, 20.0, 8.0],
        flux_500=[18.0, 24.0, 16.0],
        log_error_250=0.3,
        log_error_350=0.4,
        log_error_500=0.3,
    )
    expected = 2.0 * np.log([1.2, 1.2, 0.8])
    assert redness(found).tolist() == pytest.approx(expected.tolist())
    found["log_error_500"] = np.sqrt(0.84)
    expected = np.log([1.2, 1.2, 0.8]) / [0.5, 1.0, 0.5]
    assert redness(found).tolist() == pytest.approx(expected.tolist())


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), number=st.integers(1, 400), least=st.integers(1, 90))
def test_a_rising_fraction_is_that_of_its_bins(seed, number, least):
    """It rises, keeps the number of hits, and fits no worse than one for all."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(number)
    hits = (rng.random(number) < 0.3 + 0.2 * np.tanh(values)).astype(float)
    value, fraction = rising_fraction(values, hits, least)
    assert np.all(np.diff(value) > 0)
    assert np.all(np.diff(fraction) >= -1e-12)
    order = np.argsort(values)
    parts = np.array_split(order, max(1, number // least))
    assert min(map(len, parts)) >= min(least, number)
    medians = np.array([np.median(values[part]) for part in parts])
    assert set(value) <= set(medians)
    assert (value[0], value[-1]) == (medians[0], medians[-1])
    numbers = [len(part) for part in parts]
    fitted = np.interp(medians, value, fraction)
    assert np.dot(fitted, numbers) == pytest.approx(hits.sum())
    means = [hits[part].mean() for part in parts]
    if np.all(np.diff(means) >= 0):
        assert fitted.tolist() == pytest.approx(means)


def test_the_probability_of_being_ultra_red_is_the_fraction_that_is():
    """Their number is right among all sources and among the reddest ones."""
    measured = calibrate(*draw(17, scatter=0.7), SHAPE)
    found, truth = draw(16, scatter=0.7)
    partner, _ = brightest_partner(found, truth)
    red = np.zeros(len(found))
    red[partner >= 0] = is_ultra_red(truth.iloc[partner[partner >= 0]])
    sources = apply(found, measured)
    listed = (found["score"] >= measured["min_score"]).to_numpy()
    probable = (redness(found) > 0) & listed
    for own in (listed, probable):
        expected = sources["ultra_red"][own].sum()
        assert expected > 20
        error = 5 * np.sqrt(2 * expected)
        assert red[own].sum() == pytest.approx(expected, abs=error)
    assert red[probable].mean() > 2 * red[listed].mean()
    assert np.all(np.diff(measured["ultra_red"]) >= 0)


def test_ultra_red_is_rising_through_all_bands():
    table = pd.DataFrame(
        [(1, 2, 9, 3), (2, 1, 9, 3), (1, 3, 9, 2), (3, 2, 9, 1), (2, 2, 9, 3)],
        columns=[f"flux_{band}" for band in FLUX_BANDS],
    )
    assert is_ultra_red(table).tolist() == [True, False, False, False, False]


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


def curve_of(found, truth, band=450):
    back, _ = brightest_partner(truth, found.assign(flux=found["flux_450"]))
    columns = (table[f"flux_{band}"].to_numpy() for table in (found, truth))
    return flux_curve(*columns, back)


@pytest.mark.parametrize("band", FLUX_BANDS)
def test_flux_curve_is_the_line_of_the_answers(band):
    answer, true = curve_of(*draw(1), band)
    assert np.all(np.diff(answer) > 0)
    assert len(answer) == len(TRUE_EDGES) - 1
    expected = OFFSET[band] + GAIN[band] * np.array(true)
    np.testing.assert_allclose(answer, expected, atol=5 * 1.25 * 0.2 / np.sqrt(120))


def test_flux_curve_leaves_out_fluxes_that_are_mostly_missed():
    found, truth = draw(6)
    partner, _ = brightest_partner(found, truth)
    true = np.where(partner >= 0, truth["flux"].to_numpy()[partner], np.inf)
    missed = (true < 8.0) & (np.arange(len(found)) % 3 > 0)
    _, kept = curve_of(found[~missed].reset_index(drop=True), truth)
    assert np.exp(kept[0]) > 7.0
    assert np.exp(kept[0]) < 10.0


def test_flux_curve_never_turns_back():
    """Answers that fall with the true flux, as of noise alone, make a flat curve."""
    found, truth = draw(7)
    found["flux_450"] = np.exp(4.0 - np.log(found["flux_450"]))
    answer, _ = curve_of(found, truth)
    assert np.all(np.diff(answer) > 0)
    assert np.ptp(answer) < 1e-3


def test_flux_curve_without_enough_sources_changes_nothing():
    found, truth = draw(7)
    assert curve_of(found.head(9), truth) == [[0.0], [0.0]]


def test_deboosting_curve_is_that_of_a_gaussian():
    """True fluxes of a Gaussian around a line of the answers: quantiles are known."""
    rng = np.random.default_rng(0)
    own = rng.uniform(1.0, 4.0, 60000)
    width = rng.uniform(0.1, 0.3, own.size)
    centre = 0.2 - 0.1 * own
    pull = centre + 1.3 * rng.standard_normal(own.size)
    curve = deboosting_curve(np.exp(own), width, np.exp(own + width * pull))
    known, low, median, high = map(np.array, curve)
    assert np.all(np.diff(known) > 0)
    assert len(known) > 15
    error = 5 * 1.3 * 1.6 / np.sqrt(own.size / len(known))
    for found, shift in ((low, -1.3), (median, 0.0), (high, 1.3)):
        np.testing.assert_allclose(found, 0.2 - 0.1 * known + shift, atol=error)


def test_a_true_source_makes_one_source_real():
    """Two answers for one source, and one for none: a third of them are real."""
    x = np.repeat(100.0 * np.arange(200), 3) + np.tile([0.0, 3.0, 50.0], 200)
    columns = {"cutout": 0, "x": x, "y": 0.0, "score": 0.5, "flux": 8.0}
    truth = {"cutout": 0, "x": x[::3] + 1.0, "y": 0.0, "flux": 8.0}
    _, probability = reliability(pd.DataFrame(columns), pd.DataFrame(truth))
    assert probability[0] == pytest.approx(1 / 3, abs=1e-3)


def test_reliability_is_isotonic_of_any_answer():
    rng = np.random.default_rng(0)
    found, truth = draw(8)
    found["score"] = rng.permutation(found["score"])
    found["flux"] = found["flux_450"]
    score, probability = reliability(found, truth)
    assert np.all(np.diff(score) >= 0)
    assert np.all(np.diff(probability) >= 0)
    expected = len(truth) / len(found)
    centre = probability[len(probability) // 5 : -len(probability) // 5]
    assert centre == pytest.approx(expected, abs=0.06)


def test_a_source_of_another_flux_is_not_real():
    found, truth = draw(9)
    _, bright = reliability(found.assign(flux=found["flux_450"] * 3.0), truth)
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
    assert len(sources) == len(found)
    for name in sources:
        assert np.isfinite(sources[name]).all(), name
    assert sources["probability"].between(0, 1).all()


@pytest.mark.parametrize("minimum", [MIN_PROBABILITY, 0.5])
def test_the_list_begins_where_so_many_are_real_by_the_fluxes_of_the_network(minimum):
    found, truth = draw(11)
    calibration = calibrate(found, truth, SHAPE, minimum)
    curve = reliability(found.assign(flux=found["flux_450"]), truth)
    fraction = np.interp(calibration["min_score"], *curve)
    assert fraction == pytest.approx(minimum, abs=0.02)


def test_the_probability_is_that_of_the_deboosted_flux():
    """Of faint sources whose flux the network doubles and more, all are real again."""
    found, truth = draw(19, scatter=0.1)
    faint = (found["flux_450"] < found["flux_450"].median()).to_numpy()
    found.loc[faint, "score"] *= 0.5
    found.loc[faint, "flux_450"] *= 2.5
    measured = calibrate(found, truth, SHAPE)
    sources = apply(found, measured).assign(cutout=0)
    listed = found["score"] >= measured["min_score"]
    sources, x = sources[listed].reset_index(drop=True), found["score"][listed]
    best = sources.assign(flux=sources["deboosted"])
    real = match(best, truth, 4.0, 2.0, one_to_one=True)[0] >= 0
    for part in np.array_split(np.argsort(x.to_numpy()), 4):
        stated = sources["probability"].to_numpy()[part].mean()
        assert real[part].mean() == pytest.approx(stated, abs=0.03)


def test_no_true_source_is_refused():
    found, truth = draw(11)
    with pytest.raises(InputError, match="train for longer"):
        calibrate(found, truth.assign(x=truth["x"] + 1e5), SHAPE)


def level_of(noise, shift):
    """Calibrate by hand, at one noise."""
    made = {
        "noise": noise,
        "position": 1.0 + shift,
        "score": [0.0, 1.0],
        "probability": [0.0, 1.0 - 0.2 * shift],
        "min_score": 0.3 + 0.1 * shift,
        "flux": {str(b): [[0.0], [shift + 1e-3 * b]] for b in FLUX_BANDS},
        "deboosting": {
            str(b): [[0.0], *([shift + q] for q in (-1.0, 0.0, 1.0))]
            for b in FLUX_BANDS
        },
    }
    return HAND_MADE | made


LEVELS = {"levels": [level_of(6.0, 2.0), level_of(1.5, 0.0), level_of(3.0, 1.0)]}


@pytest.mark.parametrize("level", LEVELS["levels"])
@pytest.mark.parametrize("scalar", [True, False])
def test_at_a_level_the_calibration_is_that_of_the_level(level, scalar):
    found = answers(np.geomspace(2, 50, 9), score=np.linspace(0.7, 0.9, 9))
    noise = level["noise"] if scalar else np.full(9, level["noise"])
    sources = apply_at(found, LEVELS, noise)
    expected = apply(found, level).assign(noise=level["noise"], depth=0.0)
    assert list(sources.columns) == list(expected.columns)
    for name in expected:
        np.testing.assert_allclose(sources[name], expected[name], rtol=1e-9)


@pytest.mark.parametrize(("noise", "nearest"), [(0.1, 1.5), (7.0, 6.0), (99.0, 6.0)])
def test_beyond_the_levels_the_calibration_is_constant(noise, nearest):
    found = answers(np.geomspace(2, 50, 9), score=np.linspace(0.7, 0.9, 9))
    sources, expected = (apply_at(found, LEVELS, n) for n in (noise, nearest))
    pd.testing.assert_frame_equal(
        sources.drop(columns=["noise", "depth"]),
        expected.drop(columns=["noise", "depth"]),
        rtol=1e-9,
    )
    assert np.all(sources["noise"] == noise)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), number=st.integers(0, 30))
def test_between_levels_the_calibration_is_interpolated(seed, number):
    """Each source has the weighted mean of its levels, in the logarithm of noise."""
    rng = np.random.default_rng(seed)
    found = answers(rng.uniform(2, 50, number), score=rng.uniform(0.7, 1.0, number))
    noise = np.exp(rng.uniform(*np.log([1.0, 9.0]), number))
    sources = apply_at(found, LEVELS, noise)
    assert len(sources) == number
    levels = sorted(LEVELS["levels"], key=lambda level: level["noise"])
    tables = [apply(found, level) for level in levels]
    known = np.log([level["noise"] for level in levels])
    for i in range(number):
        for name in tables[0]:
            values = [table.loc[i, name] for table in tables]
            expected = np.interp(np.log(noise[i]), known, values)
            assert sources.loc[i, name] == pytest.approx(expected), name
        assert sources.loc[i, "noise"] == noise[i]


def test_one_level_holds_at_every_noise():
    found = answers(np.geomspace(2, 50, 9), score=np.linspace(0.7, 0.9, 9))
    level = LEVELS["levels"][0]
    sources = apply_at(found, {"levels": [level]}, np.geomspace(0.5, 20.0, 9))
    expected = apply(found, level)
    pd.testing.assert_frame_equal(sources.drop(columns=["noise", "depth"]), expected)


def test_only_sources_of_a_sufficient_score_are_listed():
    """In the row of scores, at the noise of each, and with the rest as it was."""
    rng = np.random.default_rng(0)
    found = answers(rng.uniform(2, 50, 300), score=rng.uniform(0, 1, 300))
    noise = rng.choice([1.5, 3.0, 6.0, 4.2], 300)
    minimum = np.interp(np.log(noise), np.log([1.5, 3.0, 6.0]), [0.3, 0.4, 0.5])
    kept = found["score"] >= minimum
    sources = apply_at(found, LEVELS, noise)
    assert 100 < kept.sum() < 250
    assert sources["score"].tolist() == pytest.approx(found["score"][kept].tolist())
    assert sources["noise"].tolist() == noise[kept].tolist()
    assert sources.index.tolist() == np.flatnonzero(kept).tolist()
    assert "min_score" not in sources


def test_calibration_at_levels_that_were_measured(measured):
    """Two equal levels are one level at any noise between them."""
    found, _ = draw(14)
    levels = [measured | {"noise": 2.0}, measured | {"noise": 8.0}]
    sources = apply_at(found, {"levels": levels}, 4.0)
    listed = apply(found, measured)
    listed = listed[listed["score"] >= measured["min_score"]]
    pd.testing.assert_frame_equal(sources.drop(columns=["noise", "depth"]), listed)


def test_coverage_and_band_fluxes_are_those_of_the_drawn_errors(measured):
    found, truth = draw(15)
    sources = apply(found, measured).assign(cutout=found["cutout"])
    sources = sources[found["score"] >= measured["min_score"]].reset_index(drop=True)
    held = coverage(sources, truth, SHAPE)
    for band in FLUX_BANDS:
        n = (sources[f"deboosted_{band}"] >= 4.0).sum() * 0.6
        error = binomial_error(0.68, n, n) + 0.01
        assert held[f"flux_coverage_{band}"] == pytest.approx(0.6827, abs=error)
    assert held["position_coverage"] == pytest.approx(0.6827, abs=0.03)
    wide = {n: 1.5 * sources[n] for n in sources if n.startswith(("low_", "high_"))}
    shifted = coverage(sources.assign(**wide), truth, SHAPE)
    assert all(shifted[f"flux_coverage_{band}"] < 0.45 for band in FLUX_BANDS)
    fluxes = band_fluxes(sources, truth, SHAPE)
    width = np.sqrt(np.mean([0.08**2, 0.12**2]))
    for band in FLUX_BANDS:
        scatter = WORSE[band] * width / GAIN[band]
        assert fluxes[f"ratio_{band}"] == pytest.approx(1.0, abs=0.03)
        assert fluxes[f"scatter_{band}"] == pytest.approx(scatter, rel=0.1)
    doubled = sources.assign(flux_350=2.0 * sources["flux_350"])
    assert band_fluxes(doubled, truth, SHAPE)["ratio_350"] == pytest.approx(
        2.0 * fluxes["ratio_350"]
    )


@pytest.fixture(scope="module")
def expected():
    """Half of the sources is missed, one in five is invented; fluxes are true."""
    found, truth = draw(12)
    partner, _ = brightest_partner(found, truth)
    real = partner >= 0
    names = ["flux", *(f"flux_{band}" for band in FLUX_BANDS)]
    true = truth.iloc[partner[real]]
    exact = found[real].assign(**{name: true[name].to_numpy() for name in names})
    kept = exact.iloc[::2]
    invented = found[~real].iloc[: len(kept) // 4]
    fluxes = {name: kept[name].to_numpy()[: len(invented)] for name in names}
    sources = pd.concat([kept, invented.assign(**fluxes)])
    return expectations(sources, truth, SHAPE), sources, truth


def test_expectations_of_completeness_and_purity(expected):
    table, *_ = expected
    assert list(table.columns) == list(COLUMNS)
    counts = {f"counts_{band}" for band in FLUX_BANDS}
    assert set(table["quantity"]) == {"completeness", "purity"} | counts
    for quantity, fraction in (("completeness", 0.5), ("purity", 0.8)):
        own = table[table["quantity"] == quantity]
        assert len(own) > 10
        error = 5 * np.sqrt(fraction * (1 - fraction) / own["n"])
        assert (np.abs(own["value"] - fraction) < error).all()
        for row in own.itertuples():
            interval = binomial_interval(round(row.value * row.n), row.n)
            assert (row.low, row.high) == pytest.approx(interval)
        assert own["flux"].between(own["flux_min"], own["flux_max"]).all()


@pytest.mark.parametrize("band", FLUX_BANDS)
def test_expectations_of_counts(expected, band):
    table, sources, truth = expected
    counts = table[table["quantity"] == f"counts_{band}"]
    assert len(counts) > 10
    edge = RADIUS
    for row in counts.itertuples():
        numbers = [
            (
                t[f"flux_{band}"].between(row.flux_min, row.flux_max, inclusive="left")
                & t["x"].between(edge, SIDE - 1 - edge)
                & t["y"].between(edge, SIDE - 1 - edge)
            ).sum()
            for t in (truth, sources)
        ]
        factor = numbers[0] / numbers[1]
        assert row.value == pytest.approx(factor)
        assert row.n == numbers[1]
        assert row.high - row.low == pytest.approx(2 * factor / np.sqrt(numbers[1]))
        assert row.flux_min <= row.flux <= row.flux_max
    assert np.average(counts["value"], weights=counts["n"]) == pytest.approx(
        1.6, rel=0.1
    )


def test_expectations_of_nothing():
    found, truth = draw(13)
    found = found.assign(flux=found["flux_450"])
    table = expectations(found.head(0), truth, SHAPE)
    assert set(table["quantity"]) == {"completeness"}
    assert not table["value"].any()
    assert list(expectations(found.head(0), truth.head(0), SHAPE).columns) == list(
        COLUMNS
    )


def test_expectations_are_interpolated_in_the_logarithm_of_the_noise():
    rows = [
        ("counts_450", 4.0, 6.0, 5.0, 2.0, 1.8, 2.2, 40, 1.0),
        ("counts_450", 4.0, 6.0, 5.0, 4.0, 3.6, 4.4, 30, 4.0),
        ("completeness", 4.0, 6.0, 5.0, 0.9, 0.8, 1.0, 50, 1.0),
        ("completeness", 4.0, 6.0, 5.0, 0.0, 0.0, 0.1, 40, 4.0),
        ("purity", 4.0, 6.0, 5.0, 0.9, 0.8, 1.0, 30, 4.0),
    ]
    table = pd.DataFrame(rows, columns=[*COLUMNS, "noise"]).assign(depth=0.0)
    between = selection_function_at(table, 2.0)
    assert between["quantity"].tolist() == ["counts_450", "completeness"]
    assert between["value"].tolist() == pytest.approx([8.0**0.5, 0.45])
    assert between["low"].tolist() == pytest.approx([(1.8 * 3.6) ** 0.5, 0.4])
    assert between["n"].tolist() == [30, 40]
    for noise, level in ((0.1, 1.0), (1.0, 1.0), (4.0, 4.0), (50.0, 4.0)):
        expected = table[table["noise"] == level]
        found = selection_function_at(table, noise)
        assert found["value"].tolist() == expected["value"].tolist()


DEEP = {
    "levels": [
        *({**level, "depth": 0.0} for level in LEVELS["levels"]),
        {**level_of(2.0, 0.5), "depth": 0.06},
        {**level_of(2.0, 1.5), "depth": 0.015},
    ]
}


@pytest.mark.parametrize("depth", [0.015, 0.06])
def test_at_a_depth_the_calibration_is_that_of_the_depth(depth):
    found = answers(np.geomspace(2, 50, 9), score=np.linspace(0.7, 0.9, 9))
    (level,) = (one for one in DEEP["levels"] if one["depth"] == depth)
    sources = apply_at(found, DEEP, 2.0, depth)
    expected = apply(found, level).assign(noise=2.0, depth=depth)
    pd.testing.assert_frame_equal(sources, expected, rtol=1e-9)


def test_between_depths_the_calibration_is_interpolated_in_the_logarithm():
    found = answers(np.geomspace(2, 50, 9), score=np.linspace(0.7, 0.9, 9))
    low, high, middle = (
        apply_at(found, DEEP, 2.0, depth)["flux"] for depth in (0.015, 0.06, 0.03)
    )
    np.testing.assert_allclose(middle, 0.5 * (low + high), rtol=1e-9)
    np.testing.assert_allclose(apply_at(found, DEEP, 2.0, 0.001)["flux"], low)
    np.testing.assert_allclose(apply_at(found, DEEP, 2.0, 9.0)["flux"], high)


def test_where_a_band_was_not_observed_the_calibration_is_the_one_without_it():
    found = answers(np.geomspace(2, 50, 9), score=np.linspace(0.7, 0.9, 9))
    depth = np.where(np.arange(9) < 4, 0.0, 0.015)
    mixed = apply_at(found, DEEP, 2.0, depth)
    expected = [apply_at(found, DEEP, 2.0, d)["flux"] for d in (0.0, 0.015)]
    np.testing.assert_allclose(mixed["flux"], np.where(depth > 0, *expected[::-1]))
    plain = apply_at(found, LEVELS, 2.0)["flux"]
    np.testing.assert_allclose(expected[0], plain)
    # A calibration without that level takes the shallowest one.
    least = {"levels": DEEP["levels"][3:]}
    expected = apply_at(found, DEEP, 2.0, 0.06)["flux"]
    np.testing.assert_allclose(apply_at(found, least, 2.0, 0.0)["flux"], expected)


def test_levels_and_expectations_are_those_of_the_nearest_depth():
    calibration = DEEP | {"noise": 2.0}
    for depth, nearest in ((0.0, 0.0), (0.004, 0.015), (0.028, 0.015), (0.04, 0.06)):
        assert at_noise(calibration, 2.0, depth)["depth"] == nearest
        rows = [("purity", 4.0, 6.0, 5.0, d, 0.0, 1.0, 40, 2.0, d) for d in DEPTHS]
        table = pd.DataFrame(rows, columns=[*COLUMNS, "noise", "depth"])
        assert selection_function_at(table, 2.0, depth)["value"].tolist() == [nearest]


DEPTHS = (0.0, 0.015, 0.06)
