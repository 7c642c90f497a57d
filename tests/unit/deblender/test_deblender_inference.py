"""Trained networks on disk, and maps with gaps."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.answers import CHANNELS
from superspire.deblender import inference
from superspire.deblender.architecture import OUTPUTS, build_deblender
from superspire.deblender.inference import (
    Deblender,
    at_positions,
    deblend,
    join_fields,
    load_deblender,
    noise_cells,
    read_half,
    read_inputs,
    typical_noise,
    write_half,
)
from superspire.deblender.inputs import (
    FLUX_BANDS,
    SPIRE_BANDS,
    band_cells,
    noise_by_band,
)
from superspire.errors import InputError
from superspire.instruments import BANDS, SPIRE
from superspire.io import Map, write_json
from superspire.maps.cells import on_cells
from superspire.sky.maps import field_wcs
from superspire.storage import stored_in

ARCHITECTURE = {
    "base_filters": 4,
    "blocks": [1, 1],
    "widths": [1, 2],
    "bands": {"250": 1, "350": 1, "500": 1},
}
META = {"architecture": ARCHITECTURE, "training": {"noise": 2.0, "depth": {}}}
NOISE = {250: 2.0, 350: 3.0, 500: 5.0}
CENTER = (150.0, 2.0)


@pytest.fixture(scope="module")
def network():
    network = build_deblender(**ARCHITECTURE)
    rng = np.random.default_rng(0)
    for variable in network.variables:
        value = rng.normal(0, 0.1, variable.shape)
        variable.assign(np.abs(value) + 0.5 if "variance" in variable.path else value)
    return network


def write_network(folder, architecture=ARCHITECTURE):
    write_json(folder / "network.json", {"architecture": architecture, "seed": 3})
    return folder / "network.json"


def images(seed=0):
    return np.random.default_rng(seed).normal(0, 5, (1, 16, 16, 6)).astype("f4")


def test_half_precision_keeps_eleven_bits(network, tmp_path):
    write_half(network, tmp_path / "network.npz")
    other = build_deblender(**ARCHITECTURE)
    read_half(other, tmp_path / "network.npz")
    for one, two in zip(network.variables, other.variables, strict=True):
        assert two.dtype == "float32"
        np.testing.assert_allclose(
            np.asarray(two), np.asarray(one), rtol=2.0**-11, atol=2.0**-24
        )
    outputs = [n.predict_on_batch(images()) for n in (network, other)]
    scatter = np.ptp(outputs[0])
    np.testing.assert_allclose(*outputs, atol=0.01 * scatter)


def test_a_network_as_trained(network, tmp_path):
    path = write_network(tmp_path)
    network.save_weights(tmp_path / "network.weights.h5")
    loaded = load_deblender(path, folded=False)
    np.testing.assert_array_equal(
        loaded.model.predict_on_batch(images()), network.predict_on_batch(images())
    )
    assert loaded.meta["seed"] == 3
    assert loaded.calibration == {}
    folded = load_deblender(path).model
    assert len(folded.variables) < 0.7 * len(network.variables)
    outputs = network.predict_on_batch(images())
    np.testing.assert_allclose(
        folded.predict_on_batch(images()), outputs, atol=1e-5 * np.ptp(outputs)
    )


def test_a_network_as_published(network, tmp_path):
    path = write_network(tmp_path)
    write_half(network, tmp_path / "network.npz")
    write_json(tmp_path / "calibration.json", {"position": 1.5})
    loaded = load_deblender(path, tmp_path / "calibration.json")
    assert loaded.calibration == {"position": 1.5}
    outputs = loaded.model.predict_on_batch(images())
    expected = network.predict_on_batch(images())
    np.testing.assert_allclose(outputs, expected, atol=0.01 * np.ptp(expected))


def test_weights_as_trained_come_first(network, tmp_path):
    path = write_network(tmp_path)
    network.save_weights(tmp_path / "network.weights.h5")
    (tmp_path / "network.npz").write_bytes(b"not read")
    load_deblender(path)


@pytest.mark.parametrize("present", [False, True])
def test_missing_files_are_named(tmp_path, present):
    path = write_network(tmp_path) if present else tmp_path / "network.json"
    missing = "network.npz" if present else "network.json"
    with pytest.raises(InputError, match="no such file") as raised:
        load_deblender(path)
    if present:
        assert missing in str(raised.value)


@pytest.mark.parametrize("form", ["h5", "npz"])
@pytest.mark.parametrize("other", [{"base_filters": 3}, {"blocks": [1, 2]}])
@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_another_network_are_refused(network, tmp_path, form, other):
    path = write_network(tmp_path, ARCHITECTURE | other)
    if form == "h5":
        network.save_weights(tmp_path / "network.weights.h5")
    else:
        write_half(network, tmp_path / "network.npz")
    with pytest.raises(InputError, match="not the weights of the network"):
        load_deblender(path)


def make_maps(side=600.0, seed=0, smooth=True):
    """Make maps in which every pixel is finite, of different sizes and brightness."""
    rng = np.random.default_rng(seed)
    maps = {}
    for band in SPIRE:
        wcs, n = field_wcs(CENTER, side, BANDS[band].pixel)
        data = rng.standard_normal((n, n))
        if smooth:
            y, x = np.indices((n, n)) / n
            data = 10 * np.sin(6 * x + band) * np.cos(5 * y) + 0.01 * data
        maps[band] = Map(data.astype(np.float32), wcs)
    return maps


def grid(ny, nx):
    wcs, _ = field_wcs(CENTER, 1.0 * max(ny, nx), 1.0)
    wcs.wcs.crpix = [(nx + 1) / 2, (ny + 1) / 2]
    return wcs, (ny, nx)


def with_gap(maps, band=350):
    """Cut a hole around a position that is 60 to 140 arcsec from the middle."""
    map_ = maps[band]
    data = map_.data.copy()
    n = data.shape[0]
    pixel = BANDS[band].pixel
    rows = slice(int(n / 2 + 60 / pixel), int(n / 2 + 140 / pixel))
    data[rows, rows] = np.nan
    return maps | {band: Map(data, map_.wcs)}


def read(maps, wcs, shape, noise=NOISE, bands=SPIRE_BANDS, rows=None):
    return read_inputs(maps, noise, wcs, shape, bands, rows)


@pytest.mark.parametrize(("ny", "nx"), [(400, 400), (399, 322), (9, 5)])
def test_inputs_of_complete_maps(ny, nx):
    maps = make_maps()
    wcs, shape = grid(ny, nx)
    inputs = read(maps, wcs, shape)
    assert inputs.shape == (-(-ny // 4), -(-nx // 4), 6)
    assert inputs.dtype == np.float32
    full = tuple(4 * n for n in inputs.shape[:2])
    for channel, band in enumerate(SPIRE):
        expected = on_cells(maps[band], wcs, full)
        np.testing.assert_allclose(inputs[..., channel], expected, atol=0.02)
        assert np.all(inputs[..., 3 + channel] == NOISE[band])


def test_noise_is_zero_where_a_band_was_not_observed():
    complete = make_maps()
    maps = with_gap(complete)
    wcs, shape = grid(400, 360)
    inputs, whole = (read(m, wcs, shape) for m in (maps, complete))
    assert np.isfinite(inputs).all()
    for channel, band in enumerate(SPIRE):
        observed = np.isfinite(on_cells(maps[band], wcs, shape))
        assert (0.01 < (~observed).mean() < 0.15) == (band == 350)
        signal, noise = inputs[..., channel], inputs[..., 3 + channel]
        np.testing.assert_array_equal(noise, np.where(observed, NOISE[band], 0.0))
        np.testing.assert_array_equal(signal[observed], whole[..., channel][observed])
        assert not signal[~observed].any()


def test_a_cell_of_several_pixels_is_observed_if_all_are():
    maps = with_gap(make_maps(), 250)
    wcs, shape = grid(400, 360)
    bands = {250: 2, 500: 1}
    inputs = read(maps, wcs, shape, bands=bands)
    assert inputs.shape == (100, 90, 4 + 1 + 2)
    image = band_cells(maps[250], wcs, shape, 2)
    observed = np.isfinite(image).all(axis=-1)
    assert (observed != np.isfinite(image).any(axis=-1)).sum() > 10
    np.testing.assert_array_equal(inputs[..., 5], np.where(observed, 2.0, 0.0))
    np.testing.assert_allclose(inputs[..., :4][observed], image[observed], atol=1e-3)
    assert not inputs[..., :4][~observed].any()


def test_maps_smaller_than_the_grid():
    maps = make_maps(side=200.0)
    wcs, shape = grid(400, 400)
    inputs = read(maps, wcs, shape)
    assert np.isfinite(inputs).all()
    for channel, band in enumerate(SPIRE):
        covered = inputs[..., 3 + channel] > 0
        pixel, n = BANDS[band].pixel, maps[band].data.shape[0]
        reach = (n - 1) / 2 * pixel
        for axis in np.nonzero(covered):
            assert 4 * axis.min() + 0.5 >= 199.5 - reach - 0.1
            assert 4 * axis.max() + 2.5 <= 199.5 + reach + 0.1
            assert np.ptp(axis) >= 2 * reach / 4 - 2
    assert not inputs[0, 0].any()


def noise_map(band=350, slope=0.002):
    """Make a map of noise that rises linearly eastward, with holes."""
    map_ = make_maps()[band]
    n = map_.data.shape[0]
    x = (np.arange(n) - (n - 1) / 2) * BANDS[band].pixel
    data = (4.0 + slope * x) * np.ones((n, 1))
    data[:20], data[20:25] = np.nan, 0.0
    return Map(data.astype(np.float32), map_.wcs)


def test_the_noise_of_the_cells_is_that_of_the_map_of_noise():
    maps = make_maps()
    wcs, shape = grid(400, 360)
    noise = NOISE | {350: noise_map()}
    inputs = read(maps, wcs, shape, noise)
    x = 4 * np.arange(90) + 1.5 - 179.5
    expected = 4.0 + 0.002 * x
    level = inputs[..., 4]
    np.testing.assert_allclose(level[60:], expected + 0 * level[60:], atol=2e-3)
    assert np.ptp(expected) > 0.5
    # Where the noise is not known it is the typical one of the map.
    typical = float(np.median(noise[350].data[25:]))
    assert typical == pytest.approx(4.0)
    np.testing.assert_allclose(level[:15], typical, rtol=1e-6)
    assert level.min() > 0
    for channel, band in ((0, 250), (2, 500)):
        assert np.all(inputs[..., 3 + channel] == NOISE[band])


def test_noise_of_cells_is_a_number_or_a_map():
    wcs, shape = grid(40, 40)
    assert noise_cells(2.5, wcs, shape) == 2.5
    flat = noise_map(slope=0.0)
    assert noise_cells(flat, wcs, shape) == pytest.approx(4.0)
    spire = dict.fromkeys(SPIRE, 2.5)
    assert noise_by_band(2.5, {"noise": 1.0}) == spire
    assert noise_by_band(NOISE, {"noise": 1.0}) == NOISE
    deep = {"noise": 2.5, "depth": {"24": 0.015}}
    assert noise_by_band(None, deep) == spire | {24: 0.015}
    assert noise_by_band({24: 0.02}, deep) == spire | {24: 0.02}


@pytest.mark.parametrize("gap", [False, True])
@pytest.mark.parametrize("strip", [32, 100])
def test_strips_do_not_show(monkeypatch, strip, gap):
    maps = with_gap(make_maps()) if gap else make_maps()
    wcs, shape = grid(398, 250)
    noise = NOISE | {350: noise_map()}
    whole = read(maps, wcs, shape, noise)
    monkeypatch.setattr(inference, "STRIP", strip)
    parts = read(maps, wcs, shape, noise)
    np.testing.assert_array_equal(parts > 0, whole > 0)
    np.testing.assert_allclose(parts, whole, atol=0.02)


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_rows_are_those_of_the_whole_field(data):
    maps = with_gap(make_maps(side=240.0))
    wcs, shape = grid(122, 94)
    noise = NOISE | {350: noise_map()}
    first = data.draw(st.integers(0, 30))
    last = data.draw(st.integers(first + 1, 31))
    whole = read(maps, wcs, shape, noise)
    part = read(maps, wcs, shape, noise, rows=slice(first, last))
    np.testing.assert_array_equal(part[..., 3:] > 0, whole[first:last, :, 3:] > 0)
    np.testing.assert_allclose(part, whole[first:last], atol=1e-3)


class Fixed:
    """Network whose map is 7 mJy/beam everywhere, with a source in every sixth cell."""

    def predict_on_batch(self, tile):
        outputs = np.zeros((*tile.shape[:3], OUTPUTS), np.float32)
        outputs[..., CHANNELS["image"]] = 7.0
        outputs[..., CHANNELS["log_sigma"]] = np.log(2.0)
        outputs[..., CHANNELS["logit"]] = -6.0
        outputs[:, ::6, ::6, CHANNELS["logit"].start] = 4.0
        return outputs


def level_of(noise, factor, min_score=0.4):
    """Calibrate at one noise: fluxes are multiplied by a factor."""
    flux = [[0.0], [np.log(factor)]]
    return {
        "flux": {str(band): flux for band in FLUX_BANDS},
        "deboosting": {str(band): [[1.0], [-1.0], [0.0], [1.0]] for band in FLUX_BANDS},
        "position": 1.0,
        "score": [0.5],
        "probability": [0.9],
        "ultra_red": [[0.0], [0.1]],
        "noise": noise,
        "min_score": min_score,
    }


CALIBRATION = {"levels": [level_of(2.0, 2.0)]}


def mean_noise(maps, wcs, shape, noise=NOISE):
    """Geometric mean of the noise of the bands on cells, zero if one is missing."""
    level = read(maps, wcs, shape, noise)[..., 3:].astype(float)
    return np.prod(level, axis=-1) ** (1 / 3)


@pytest.mark.parametrize("band", SPIRE)
def test_a_field_is_unknown_exactly_where_it_is_not_covered(band):
    maps = with_gap(make_maps(), band)
    wcs, shape = grid(398, 351)
    reported = []
    image, sigma, covered, sources = deblend(
        Deblender(Fixed(), META), maps, wcs, shape, show=lambda *p: reported.append(p)
    )
    seen = np.all([np.isfinite(on_cells(maps[b], wcs, (400, 352))) for b in SPIRE], 0)
    expected = np.kron(seen, np.ones((4, 4), bool))[:398, :351]
    assert np.array_equal(covered, expected)
    assert 0 < covered.mean() < 1
    for map_, value in ((image, 7.0), (sigma, 2.0)):
        assert map_.shape == shape
        assert map_.dtype == np.float32
        assert np.array_equal(np.isfinite(map_), covered)
        np.testing.assert_allclose(map_[covered], value, rtol=1e-5)
    assert reported[-1][0] == reported[-1][1] == len(reported)
    assert at_positions(covered, sources["x"], sources["y"]).all()
    spacing = np.diff(np.unique(sources["x"].round(2)))
    assert spacing == pytest.approx(24.0, abs=0.01)
    area = covered.sum() / 24.0**2
    assert len(sources) == pytest.approx(area, rel=0.15)
    assert sources.index.tolist() == list(range(len(sources)))


def test_a_field_on_disk_is_that_in_memory(tmp_path):
    maps = with_gap(make_maps())
    wcs, shape = grid(398, 351)
    results = [
        deblend(Deblender(Fixed(), META), maps, wcs, shape, make=make)
        for make in (np.empty, stored_in(tmp_path))
    ]
    for one, two in zip(*(result[:3] for result in results), strict=True):
        np.testing.assert_array_equal(two[:], one)
    pd.testing.assert_frame_equal(results[0][3], results[1][3])


class Listening(Fixed):
    """Network that keeps what it was asked about."""

    def __init__(self):
        self.tiles = []

    def predict_on_batch(self, tile):
        self.tiles.append(tile.copy())
        return super().predict_on_batch(tile)


@pytest.mark.parametrize(
    ("noise", "told"),
    [
        (None, dict.fromkeys(SPIRE, 2.0)),
        (4.5, dict.fromkeys(SPIRE, 4.5)),
        (NOISE, NOISE),
    ],
)
def test_the_network_is_told_the_noise(noise, told):
    maps = with_gap(make_maps())
    wcs, shape = grid(398, 351)
    network = Listening()
    deblend(Deblender(network, META), maps, wcs, shape, noise)
    expected = read(maps, wcs, shape, told)
    (tile,) = network.tiles
    inside = np.argwhere(tile[0].any(axis=-1))
    (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0) + 1
    np.testing.assert_allclose(tile[0, top:bottom, left:right], expected, atol=1e-5)


def test_fluxes_of_a_field_are_calibrated():
    maps = make_maps()
    wcs, shape = grid(100, 100)
    *_, plain = deblend(Deblender(Fixed(), META), maps, wcs, shape)
    *_, sources = deblend(Deblender(Fixed(), META, CALIBRATION), maps, wcs, shape)
    assert len(plain) == len(sources) > 0
    for band in FLUX_BANDS:
        name = f"flux_{band}"
        np.testing.assert_allclose(sources[name], 2.0 * plain[name], rtol=1e-6)
    assert np.all(np.isclose(sources["noise"], 2.0))
    assert {"probability", "low", "high", "error", "deboosted"} <= set(sources)


LEVELS = {"levels": [level_of(8.0, 3.0), level_of(1.0, 1.0, 0.8), level_of(2.0, 2.0)]}


@pytest.mark.parametrize("noise", [None, 2.0, 5.0, 99.0, NOISE])
def test_a_field_is_calibrated_at_its_noise(noise):
    """The factor is interpolated in the logarithm of the mean noise of the bands."""
    maps = make_maps()
    wcs, shape = grid(100, 100)
    *_, plain = deblend(Deblender(Fixed(), META), maps, wcs, shape)
    deblender = Deblender(Fixed(), META, LEVELS)
    *_, sources = deblend(deblender, maps, wcs, shape, noise)
    mean = np.prod(list(noise.values())) ** (1 / 3) if noise is NOISE else noise or 2.0
    factor = np.interp(np.log(mean), np.log([1.0, 2.0, 8.0]), [1.0, 2.0, 3.0])
    np.testing.assert_allclose(
        sources["flux_250"], factor * plain["flux_250"], rtol=1e-5
    )
    np.testing.assert_allclose(sources["noise"], mean, rtol=1e-5)


def test_sources_below_the_minimum_score_at_their_noise_are_not_listed():
    wcs, shape = grid(100, 100)
    deblender = Deblender(Fixed(), META, LEVELS)
    numbers = [len(deblend(deblender, make_maps(), wcs, shape, n)[3]) for n in (1, 2)]
    assert numbers[0] == 0
    assert numbers[1] > 10


def test_each_source_is_calibrated_at_the_noise_of_its_cell():
    """Sources at the position of the cell of the noise map, whatever its noise."""
    maps = make_maps()
    wcs, shape = grid(398, 351)
    noise = {250: 3.0, 500: 3.0, 350: noise_map(slope=0.01)}
    noise[350] = Map(np.nan_to_num(noise[350].data, nan=4.0) + 0.0, noise[350].wcs)
    *_, plain = deblend(Deblender(Fixed(), META), maps, wcs, shape, noise)
    *_, sources = deblend(Deblender(Fixed(), META, LEVELS), maps, wcs, shape, noise)
    level = mean_noise(maps, wcs, shape, noise)
    column, row = (np.round((sources[k] - 1.5) / 4).astype(int) for k in ("x", "y"))
    expected = level[row, column]
    assert np.ptp(expected) > 0.3
    np.testing.assert_allclose(sources["noise"], expected, rtol=1e-5)
    factor = np.interp(np.log(expected), np.log([1.0, 2.0, 8.0]), [1.0, 2.0, 3.0])
    np.testing.assert_allclose(
        sources["flux_500"], factor * plain["flux_500"], rtol=1e-5
    )


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), bands=st.integers(1, 4))
def test_the_typical_noise_is_the_geometric_mean_of_observed_bands(seed, bands):
    rng = np.random.default_rng(seed)
    noise = rng.uniform(0.3, 20.0, (5, 6, bands)) * (rng.random((5, 6, bands)) < 0.8)
    expected = np.prod(noise, axis=-1) ** (1 / bands)
    np.testing.assert_allclose(typical_noise(noise), expected)


class Nothing(Fixed):
    def predict_on_batch(self, tile):
        outputs = super().predict_on_batch(tile)
        outputs[..., CHANNELS["logit"]] = -6.0
        return outputs


@pytest.mark.parametrize("calibration", [{}, CALIBRATION])
def test_a_field_without_sources(calibration):
    wcs, shape = grid(60, 60)
    *_, sources = deblend(
        Deblender(Nothing(), META, calibration), make_maps(), wcs, shape
    )
    assert len(sources) == 0
    assert {"x", "y", *(f"flux_{band}" for band in FLUX_BANDS)} <= set(sources)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_values_at_positions(seed):
    rng = np.random.default_rng(seed)
    image = rng.standard_normal((7, 11))
    x, y = rng.uniform(-3, 14, 60), rng.uniform(-3, 10, 60)
    for prediction, a, b in zip(
        at_positions(image, x, y), np.round(x), np.round(y), strict=True
    ):
        inside = 0 <= a < 11 and 0 <= b < 7
        assert prediction == (image[int(b), int(a)] if inside else 0.0)


def test_fields_are_joined_with_their_number():
    tables = [
        pd.DataFrame({"x": [1.0, 2.0]}),
        pd.DataFrame({"x": []}),
        pd.DataFrame({"x": [3.0]}),
    ]
    joined = join_fields(tables)
    assert joined["cutout"].tolist() == [0, 0, 2]
    assert joined["x"].tolist() == [1.0, 2.0, 3.0]
    assert joined.index.tolist() == [0, 1, 2]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"no archive"])
def test_damaged_weights_are_refused(content, network, tmp_path):
    path = write_network(tmp_path)
    (tmp_path / "network.npz").write_bytes(content)
    with pytest.raises(InputError, match="not the weights"):
        load_deblender(path)


@pytest.mark.parametrize("text", ["{", "{}", '{"architecture": {"filters": 3}}'])
def test_damaged_records_are_refused(text, network, tmp_path):
    (tmp_path / "network.json").write_text(text)
    write_half(network, tmp_path / "network.npz")
    with pytest.raises(InputError, match="record of a network"):
        load_deblender(tmp_path / "network.json")


def test_weights_of_a_deeper_network_are_refused(tmp_path):
    deeper = build_deblender(**{**ARCHITECTURE, "blocks": [2, 1]})
    write_half(deeper, tmp_path / "network.npz")
    with pytest.raises(InputError, match="not the weights"):
        load_deblender(write_network(tmp_path))
