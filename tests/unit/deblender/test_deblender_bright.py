"""Bright sources: where they are, what they are divided by, and what replaces them."""

import numpy as np
import pandas as pd
import pytest

from superspire.deblender.bright import (
    BRIGHT,
    LEAST_DEPTH,
    LEAST_NOISE,
    USUAL,
    Peak,
    divide,
    find_peaks,
    multiply,
    near,
    replace_near,
)
from superspire.instruments import SPIRE
from superspire.sky.maps import field_wcs, make_map

CENTER, SIDE = (150.0, 2.0), 900.0


def maps_of(x, y, flux):
    wcs, _ = field_wcs(CENTER, SIDE, 1.0)
    ra, dec = wcs.wcs_pix2world(x, y, 0)
    flux = np.asarray(flux, float)
    return {b: make_map(ra, dec, flux, b, CENTER, SIDE) for b in SPIRE}, wcs


def test_bright_sources_are_found_once_and_faint_ones_are_not():
    """The one within the beam of a brighter one is not a peak of its own."""
    maps, wcs = maps_of(
        [200.0, 600.0, 615.0, 400.0], [300.0, 500.0, 500.0, 800.0], [120, 900, 200, 40]
    )
    maps[250].data[3, 3] = np.nan
    first, second = find_peaks(maps, wcs)
    for peak, place, flux in ((first, (600, 500), 900), (second, (200, 300), 120)):
        assert np.hypot(peak.x - place[0], peak.y - place[1]) < 8.0
        assert peak.factor == pytest.approx(flux / USUAL, rel=0.2)
    assert first.radius > second.radius > 18.0


def test_a_sky_of_faint_sources_has_none():
    maps, wcs = maps_of([200.0], [300.0], [0.9 * BRIGHT])
    assert find_peaks(maps, wcs) == []


@pytest.mark.parametrize("factor", [2.0, 50.0])
def test_signal_is_divided_and_noise_as_far_as_the_training_goes(factor):
    bands = {24: 2, 250: 1, 500: 1}
    rng = np.random.default_rng(0)
    signal = rng.normal(0, 30, (4, 5, 6))
    told = np.stack([np.full((4, 5), v) for v in (0.03, 9.0, 0.7)], axis=-1)
    told[1, 2] = 0.0
    divided = divide(np.concatenate([signal, told], -1).astype("f4"), bands, factor)
    observed = told[..., [0, 0, 0, 0, 1, 2]] > 0
    expected = np.where(observed, signal / factor, 0.0)
    np.testing.assert_allclose(divided[..., :6], expected, rtol=1e-5, atol=1e-6)
    assert not divided[1, 2, 6:].any()
    deep, loud, quiet = divided[0, 0, 6:]
    assert deep == pytest.approx(max(0.03 / factor, LEAST_DEPTH))
    assert loud == pytest.approx(max(9.0 / factor, LEAST_NOISE))
    assert quiet == pytest.approx(0.7)


def table(x, y, flux):
    columns = {"x": x, "y": y, "flux_250": flux, "log_error_250": 0.1, "peak": flux}
    return pd.DataFrame(columns, dtype=float)


def test_fluxes_are_multiplied_and_nothing_else_is():
    one = table([1.0, 2.0], [3.0, 4.0], [5.0, 6.0])
    ten = multiply(one, 10.0)
    for name in one:
        factor = 10.0 if name in ("flux_250", "peak") else 1.0
        np.testing.assert_allclose(ten[name], factor * one[name])


def test_sources_within_the_beam_are_replaced():
    peak = Peak(100.0, 100.0, 5.0, 40.0)
    found = table([100.0, 120.0, 141.0], [100.0, 120.0, 100.0], [1.0, 2.0, 3.0])
    assert near(found, peak).tolist() == [True, True, False]
    replaced = replace_near(found, peak, table([101.0], [99.0], [200.0]))
    assert replaced["flux_250"].tolist() == [3.0, 200.0]
