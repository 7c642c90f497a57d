"""Trained networks on disk, and maps with gaps."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superspire.deblender import inference
from superspire.deblender.architecture import OUTPUTS, build_deblender
from superspire.deblender.inference import (
    Deblender,
    cells_of,
    deblend,
    join_fields,
    load_deblender,
    on_true,
    read_half,
    write_half,
)
from superspire.errors import InputError
from superspire.instruments import BANDS, SPIRE
from superspire.io import Map, write_json
from superspire.maps.cells import on_cells
from superspire.sky.maps import field_wcs
from superspire.storage import stored_in

ARCHITECTURE = {"base_filters": 4, "depths": [1, 1], "widths": [1, 2]}
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
    return np.random.default_rng(seed).normal(0, 5, (1, 16, 16, 3)).astype("f4")


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
@pytest.mark.parametrize("other", [{"base_filters": 3}, {"depths": [1, 2]}])
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


@pytest.mark.parametrize(("ny", "nx"), [(400, 400), (399, 322), (9, 5)])
def test_cells_of_complete_maps(ny, nx):
    maps = make_maps()
    wcs, shape = grid(ny, nx)
    cells, covered = cells_of(maps, wcs, shape)
    assert cells.shape == (-(-ny // 4), -(-nx // 4), 3)
    assert cells.dtype == np.float32
    assert covered.all()
    full = tuple(4 * n for n in cells.shape[:2])
    for channel, band in enumerate(SPIRE):
        expected = on_cells(maps[band], wcs, full)
        np.testing.assert_allclose(cells[..., channel], expected, atol=0.02)


def test_gaps_are_told_and_filled():
    complete = make_maps()
    maps = with_gap(complete)
    wcs, shape = grid(400, 360)
    cells, covered = cells_of(maps, wcs, shape)
    expected = np.isfinite([on_cells(maps[band], wcs, shape) for band in SPIRE])
    assert np.array_equal(covered, expected.all(axis=0))
    assert 0.01 < (~covered).mean() < 0.15
    assert np.isfinite(cells).all()
    whole, _ = cells_of(complete, wcs, shape)
    assert np.array_equal(cells[..., [0, 2]], whole[..., [0, 2]])
    assert np.array_equal(cells[covered], whole[covered])
    beside = cells[..., 1][~covered]
    around = whole[..., 1]
    assert around.min() - 0.1 <= beside.min()
    assert beside.max() <= around.max() + 0.1
    assert np.abs(beside).max() > 0


def test_maps_smaller_than_the_grid():
    maps = make_maps(side=200.0)
    wcs, shape = grid(400, 400)
    cells, covered = cells_of(maps, wcs, shape)
    assert np.isfinite(cells).all()
    rows, columns = np.nonzero(covered)
    reach = (200 // 12 * 12 - 12) / 2
    for axis in (rows, columns):
        assert 4 * axis.min() + 0.5 >= 199.5 - reach - 0.1
        assert 4 * axis.max() + 2.5 <= 199.5 + reach + 0.1
        assert np.ptp(axis) >= 2 * reach / 4 - 2
    assert not cells[0, 0].any()


@pytest.mark.parametrize("gap", [False, True])
@pytest.mark.parametrize("strip", [32, 100])
def test_strips_do_not_show(monkeypatch, strip, gap):
    maps = with_gap(make_maps()) if gap else make_maps()
    wcs, shape = grid(398, 250)
    cells, covered = cells_of(maps, wcs, shape)
    monkeypatch.setattr(inference, "STRIP", strip)
    parts, seen = cells_of(maps, wcs, shape)
    assert np.array_equal(seen, covered)
    np.testing.assert_allclose(parts, cells, atol=0.02)


class Fixed:
    """Network whose map is 7 mJy/beam everywhere, with a source in every sixth cell."""

    def predict_on_batch(self, tile):
        outputs = np.zeros((*tile.shape[:3], OUTPUTS), np.float32)
        outputs[..., :16] = 7.0
        outputs[..., 16] = np.log(2.0)
        outputs[..., 17:21] = -6.0
        outputs[:, ::6, ::6, 17] = 4.0
        return outputs


LEVEL = {
    "flux": [[0.0], [np.log(2.0)]],
    "deboosting": [[1.0], [-1.0], [0.0], [1.0]],
    "position": 1.0,
    "score": [0.5],
    "probability": [0.9],
    "noise": 2.0,
    "min_score": 0.4,
}
CALIBRATION = {"noise": 2.0, "levels": [LEVEL]}


def test_a_field_is_unknown_exactly_where_it_is_not_covered():
    maps = with_gap(make_maps())
    wcs, shape = grid(398, 351)
    reported = []
    image, sigma, covered, sources = deblend(
        Deblender(Fixed(), {}), maps, wcs, shape, show=lambda *p: reported.append(p)
    )
    _, seen = cells_of(maps, wcs, shape)
    expected = np.kron(seen, np.ones((4, 4), bool))[:398, :351]
    assert np.array_equal(covered, expected)
    assert 0 < covered.mean() < 1
    for map_, value in ((image, 7.0), (sigma, 2.0)):
        assert map_.shape == shape
        assert map_.dtype == np.float32
        assert np.array_equal(np.isfinite(map_), covered)
        np.testing.assert_allclose(map_[covered], value, rtol=1e-5)
    assert reported[-1][0] == reported[-1][1] == len(reported)
    assert on_true(covered, sources["x"], sources["y"]).all()
    spacing = np.diff(np.unique(sources["x"].round(2)))
    assert spacing == pytest.approx(24.0, abs=0.01)
    area = covered.sum() / 24.0**2
    assert len(sources) == pytest.approx(area, rel=0.15)
    assert sources.index.tolist() == list(range(len(sources)))


def test_a_field_on_disk_is_that_in_memory(tmp_path):
    maps = with_gap(make_maps())
    wcs, shape = grid(398, 351)
    results = [
        deblend(Deblender(Fixed(), {}), maps, wcs, shape, make=make)
        for make in (np.empty, stored_in(tmp_path))
    ]
    for one, two in zip(*(result[:3] for result in results), strict=True):
        np.testing.assert_array_equal(two[:], one)
    pd.testing.assert_frame_equal(results[0][3], results[1][3])


def test_fluxes_of_a_field_are_calibrated():
    maps = make_maps()
    wcs, shape = grid(100, 100)
    *_, plain = deblend(Deblender(Fixed(), {}), maps, wcs, shape)
    *_, sources = deblend(Deblender(Fixed(), {}, CALIBRATION), maps, wcs, shape)
    assert len(plain) == len(sources) > 0
    np.testing.assert_allclose(sources["flux"], 2.0 * plain["flux"], rtol=1e-6)
    assert {"probability", "low", "high", "error", "deboosted"} <= set(sources)


def test_a_field_is_calibrated_at_its_noise():
    maps = make_maps()
    wcs, shape = grid(100, 100)
    noisy = LEVEL | {"noise": 6.0, "flux": [[0.0], [np.log(3.0)]]}
    picky = LEVEL | {"noise": 1.0, "min_score": 0.99}
    levels = Deblender(Fixed(), {}, CALIBRATION | {"levels": [picky, LEVEL, noisy]})
    fluxes = {n: deblend(levels, maps, wcs, shape, n)[3] for n in (None, 2.5, 5.0, 1.1)}
    np.testing.assert_allclose(fluxes[None]["flux"], fluxes[2.5]["flux"], rtol=1e-6)
    np.testing.assert_allclose(
        fluxes[5.0]["flux"], 1.5 * fluxes[2.5]["flux"], rtol=1e-6
    )
    assert len(fluxes[1.1]) == 0


class Nothing(Fixed):
    def predict_on_batch(self, tile):
        outputs = super().predict_on_batch(tile)
        outputs[..., 17:21] = -6.0
        return outputs


@pytest.mark.parametrize("calibration", [{}, CALIBRATION])
def test_a_field_without_sources(calibration):
    wcs, shape = grid(60, 60)
    *_, sources = deblend(
        Deblender(Nothing(), {}, calibration), make_maps(), wcs, shape
    )
    assert len(sources) == 0
    assert {"x", "y", "flux"} <= set(sources)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_places_on_a_mask(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((7, 11)) < 0.5
    x, y = rng.uniform(-3, 14, 60), rng.uniform(-3, 10, 60)
    for prediction, a, b in zip(
        on_true(mask, x, y), np.round(x), np.round(y), strict=True
    ):
        inside = 0 <= a < 11 and 0 <= b < 7
        assert prediction == (inside and mask[int(b), int(a)])


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
    deeper = build_deblender(**{**ARCHITECTURE, "depths": [2, 1]})
    write_half(deeper, tmp_path / "network.npz")
    with pytest.raises(InputError, match="not the weights"):
        load_deblender(write_network(tmp_path))
