"""Fits at the positions of a 24 µm list, against fluxes that are known."""

import numpy as np
import pytest

from helpers.classical_skies import COLOURS, observe, position
from superspire.evaluation.methods import field_catalogue
from superspire.instruments import BANDS, SPIRE
from superspire.io import Map
from superspire.methods.list_24 import List24, list_sources
from superspire.methods.observing import pixel_noise
from superspire.methods.prior_fit import (
    fit_map,
    fit_map_search,
    fit_nnls,
    search_residuals,
    whiten,
)
from superspire.methods.prior_knowledge import (
    BANDS_FITTED,
    Knowledge,
    Prior,
    f1_score,
    identify,
    learn,
    measure_prior,
    tune_search,
)
from superspire.sky.beams import beam_of
from superspire.sky.maps import field_wcs, make_map

BEAMS = {band: beam_of(band) for band in (24, *SPIRE)}
CENTRE, SIDE = (10.0, 0.0), 1200.0
RATIOS = np.array([COLOURS[str(band)] for band in SPIRE] + [1.0])
WEIGHTS = 1.0 / RATIOS[:3] / 3
FAINT = (1e-4 * np.outer(RATIOS[:3], RATIOS[:3])).tolist()


def prior_of(flux, width):
    """The same prior for all sources, of given S450 and relative width of each band."""
    return Prior(np.zeros(1), np.log(flux * RATIOS)[None], width**2 * np.eye(4)[None])


def knowledge_of(flux, width, least_snr=5.0):
    prior = prior_of(flux, width)
    statistics = {"colours": COLOURS, "confusion": FAINT}
    return Knowledge(prior, prior, statistics, WEIGHTS, least_snr)


def listed_at(x, y):
    ra, dec = position(np.asarray(x, float), np.asarray(y, float))
    return List24(ra, dec, np.ones(len(ra)))


def sky_24(x, y, flux, depth, seed=0):
    """A 24 µm map of sources at offsets from the centre [arcsec]."""
    ra, dec = position(x, y)
    map_ = make_map(ra, dec, np.asarray(flux, float), 24, CENTRE, SIDE)
    noise = pixel_noise(depth, BEAMS[24], BANDS[24].pixel)
    white = np.random.default_rng(seed).standard_normal(map_.data.shape)
    return Map((map_.data + noise * white).astype(np.float32), map_.wcs)


def test_nnls_recovers_noiseless_isolated_sources():
    x, y = np.array([-300.0, 0.0, 250.0]), np.array([200.0, -30.0, 310.0])
    flux = np.array([4.0, 20.0, 9.0])
    listed = listed_at(x, y)
    table = fit_nnls(observe(listed.ra, listed.dec, flux), BEAMS, listed, WEIGHTS)
    assert np.asarray(table["S250"]) == pytest.approx(1.8 * flux, rel=0.02)
    assert np.asarray(table["flux"]) == pytest.approx(flux, rel=0.05)


def test_map_recovers_isolated_sources_under_a_wide_prior():
    x, y = np.array([-300.0, 0.0, 250.0]), np.array([200.0, -30.0, 310.0])
    flux = np.array([4.0, 20.0, 9.0])
    listed = listed_at(x, y)
    maps = observe(listed.ra, listed.dec, flux, 0.02)
    table = fit_map(maps, BEAMS, listed, knowledge_of(8.0, 3.0))
    for band in SPIRE:
        expected = COLOURS[str(band)] * flux
        assert np.asarray(table[f"S{band}"]) == pytest.approx(expected, rel=0.05)


def test_no_flux_is_negative():
    rng = np.random.default_rng(1)
    listed = listed_at(*rng.uniform(-500, 500, (2, 200)))
    maps = observe(*position([0.0], [0.0]), [0.0], 3.0)
    for table in (
        fit_nnls(maps, BEAMS, listed, WEIGHTS),
        fit_map(maps, BEAMS, listed, knowledge_of(2.0, 1.0)),
    ):
        for name in ("flux", "S250", "S350", "S500"):
            assert np.all(np.asarray(table[name]) >= 0.0)


def test_a_prior_without_width_is_returned():
    listed = listed_at([-100.0, 50.0, 60.0], [0.0, 20.0, 25.0])
    maps = observe(listed.ra, listed.dec, [30.0, 1.0, 12.0], 1.0)
    table = fit_map(maps, BEAMS, listed, knowledge_of(7.0, 1e-5))
    assert np.asarray(table["flux"]) == pytest.approx(7.0, rel=1e-3)
    assert np.asarray(table["S250"]) == pytest.approx(7.0 * 1.8, rel=1e-3)


@pytest.mark.parametrize("apart", [8.0, 14.0])
def test_blended_pairs_are_split_where_positions_are_known(apart):
    x, y = np.array([-apart / 2, apart / 2]), np.zeros(2)
    flux = np.array([6.0, 18.0])
    listed = listed_at(x, y)
    maps = observe(listed.ra, listed.dec, flux, 0.02)
    known = knowledge_of(10.0, 1.0)
    for table in (
        fit_nnls(maps, BEAMS, listed, WEIGHTS),
        fit_map(maps, BEAMS, listed, known),
    ):
        assert np.asarray(table["S250"]) == pytest.approx(1.8 * flux, rel=0.06)


def test_target_is_the_conditional_mean():
    listed = listed_at([0.0], [0.0])
    maps = observe(listed.ra, listed.dec, [20.0], 0.01)
    covariance = 0.5 * np.ones((1, 4, 4)) + 1e-4 * np.eye(4)
    prior = Prior(np.zeros(1), np.log(10.0 * RATIOS)[None], covariance)
    statistics = {"colours": COLOURS, "confusion": FAINT}
    known = Knowledge(prior, prior, statistics, WEIGHTS)
    assert fit_map(maps, BEAMS, listed, known)["flux"][0] == pytest.approx(20, rel=0.03)


def test_the_search_finds_what_the_list_does_not_have():
    x, y = np.array([-200.0, 0.0, 14.0]), np.array([100.0, 0.0, 0.0])
    flux = np.array([15.0, 20.0, 15.0])
    every = listed_at(x, y)
    maps = observe(every.ra, every.dec, flux, 1.0)
    known = knowledge_of(15.0, 0.3)
    listed = listed_at(x[:2], y[:2])
    first = fit_map(maps, BEAMS, listed, known)
    added = search_residuals(maps, BEAMS, first, known.statistics, 5.0)
    assert len(added) == 1
    table = fit_map_search(maps, BEAMS, listed, known)
    assert len(table) == 3
    assert np.isnan(table["S24"][2])
    off = 3600 * np.hypot(table["ra"][2] - every.ra[2], table["dec"][2] - every.dec[2])
    assert off < 3.5
    assert np.asarray(table["flux"]) == pytest.approx(flux, rel=0.25)
    whole = fit_map(maps, BEAMS, every, known)
    assert len(search_residuals(maps, BEAMS, whole, known.statistics, 5.0)) == 0


def test_whitened_noise_and_confusion_have_unit_variance():
    rng = np.random.default_rng(3)
    n, side = 6000, SIDE
    ra, dec = position(*rng.uniform(-side / 2 - 30, side / 2 + 30, (2, n)))
    flux = rng.uniform(0.0, 2.0, n)
    maps = observe(ra, dec, flux, 1.0)
    for band in SPIRE:
        power = np.sum((COLOURS[str(band)] * flux) ** 2) / (side + 60) ** 2
        image = whiten(maps[band], BEAMS[band], power)[0]
        assert np.std(image[5:-5, 5:-5]) == pytest.approx(1.0, rel=0.08)


@pytest.mark.parametrize("depth", [0.015, 0.06])
def test_a_list_holds_isolated_bright_sources_at_their_fluxes(depth):
    x, y = (c.ravel() for c in np.meshgrid(*2 * [np.linspace(-500, 500, 12)]))
    flux = np.random.default_rng(4).uniform(20, 60, len(x)) * depth
    listed = list_sources(sky_24(x, y, flux, depth), BEAMS[24], depth, least_snr=6.0)
    assert len(listed) == len(x)
    wcs, n = field_wcs(CENTRE, SIDE, 1.0)
    own = np.column_stack(wcs.all_world2pix(listed.ra, listed.dec, 0)) - (n - 1) / 2
    distance = np.hypot(*(own[:, None] - np.column_stack([x, y])).transpose(2, 0, 1))
    partner = distance.argmin(axis=1)
    assert sorted(partner) == list(range(len(x)))
    assert distance.min(axis=1).max() < 1.0
    pull = (listed.flux - flux[partner]) / depth
    assert np.std(pull) == pytest.approx(1.0, rel=0.2)
    assert abs(np.mean(pull)) < 0.5


def test_a_list_splits_blends_and_is_empty_without_sources():
    map_ = sky_24(np.array([0.0, 5.0]), np.array([0.0, 0.0]), [0.4, 0.3], 0.015)
    listed = list_sources(map_, BEAMS[24], 0.015, least_snr=6.0)
    assert len(listed) == 2
    assert np.sort(listed.flux) == pytest.approx([0.3, 0.4], rel=0.15)
    blank = sky_24(np.array([0.0]), np.array([0.0]), [0.0], 0.015)
    assert len(list_sources(blank, BEAMS[24], 0.015, least_snr=7.0)) == 0


def test_the_prior_is_mean_and_covariance_of_logarithms():
    rng = np.random.default_rng(5)
    n = 20_000
    log_24 = rng.normal(-2.0, 0.6, n)
    scatter = rng.multivariate_normal(np.zeros(2), [[0.25, 0.1], [0.1, 0.09]], n)
    log = 0.8 * log_24[:, None] + np.array([2.0, 1.0]) + scatter
    prior = measure_prior(np.exp(log_24), np.exp(log), 1000)
    mean, covariance = prior.at(np.exp(np.array([-2.5, -2.0, -1.5])))
    expected = 0.8 * np.array([-2.5, -2.0, -1.5])[:, None] + [2.0, 1.0]
    assert mean == pytest.approx(expected, abs=0.05)
    assert covariance == pytest.approx(
        np.broadcast_to([[0.25, 0.1], [0.1, 0.09]], (3, 2, 2)), abs=0.03
    )


def test_listed_sources_are_the_galaxies_that_are_brightest_at_24():
    ra, dec = position(np.array([0.0, 1.0, 50.0, 90.0]), np.zeros(4))
    galaxies = {"RA": ra, "DEC": dec, "S24": np.array([1.0, 3.0, 1.0, 1.0])}
    listed = listed_at([0.2, 50.0, 200.0], [0.0, 0.0, 0.0])
    wcs, _ = field_wcs(CENTRE, SIDE, 1.0)
    assert identify(listed, galaxies, wcs).tolist() == [1, 2, -1]


def test_all_is_learnt_from_a_simulated_sky():
    rng = np.random.default_rng(6)
    n = 1200
    x, y = rng.uniform(-560, 560, (2, n))
    ra, dec = position(x, y)
    s450 = np.exp(rng.normal(1.5, 0.6, n))
    s24 = 0.03 * s450 * np.exp(rng.normal(0.0, 0.4, n))
    s24[::6] /= 50.0
    galaxies = {"RA": ra, "DEC": dec, "S24": s24}
    galaxies |= {f"S{b}": r * s450 for b, r in zip(BANDS_FITTED, RATIOS, strict=True)}
    maps = observe(ra, dec, s450, 1.0)
    listed = list_sources(sky_24(x, y, s24, 0.015), BEAMS[24], 0.015, 4.0)
    area = (SIDE / 3600) ** 2
    known = learn(maps, BEAMS, listed, galaxies, area)
    assert known.weights.min() >= 0.0
    fitted = fit_nnls(maps, BEAMS, listed, known.weights)
    assert np.median(np.asarray(fitted["flux"])) == pytest.approx(
        np.median(s450), rel=0.35
    )
    assert np.all(np.diff(known.prior.mean[:, 3]) > 0)
    wcs, size = field_wcs(CENTRE, SIDE, 1.0)
    truth = field_catalogue(ra, dec, s450, wcs)
    assert f1_score(truth, truth, size) == 1.0
    assert f1_score(truth[:0], truth, size) == 0.0
    tuned = tune_search(maps, BEAMS, listed, known, truth, size, wcs)
    added = fit_map_search(maps, BEAMS, listed, tuned)
    columns = [
        [np.asarray(t[c]) for c in ("ra", "dec", "flux")]
        for t in (added, fit_map(maps, BEAMS, listed, known))
    ]
    scores = [f1_score(field_catalogue(*c, wcs), truth, size) for c in columns]
    assert scores[0] > scores[1]
