"""Maps and tables keep their values, units, coordinates and provenance."""

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import Table

from superspire.errors import InputError
from superspire.io import (
    Map,
    read_columns,
    read_json,
    read_map,
    read_table,
    write_json,
    write_map,
    write_table,
    write_table_parts,
)
from superspire.seeds import stream
from superspire.sky.maps import field_wcs


@pytest.fixture
def map_():
    wcs, n = field_wcs((150.0, 2.0), 100.0, 10.0)
    data = np.random.default_rng(0).normal(size=(n, n)).astype(np.float32)
    data[0, 0] = np.nan
    return Map(data, wcs)


def test_maps_are_jansky_per_beam_on_disk_and_millijansky_inside(tmp_path, map_):
    path = tmp_path / "map.fits"
    write_map(path, map_, 18.1, SEED=3)
    header = fits.getheader(path)
    assert header["BUNIT"] == "Jy/beam"
    assert header["BMAJ"] * 3600 == pytest.approx(18.1)
    assert header["SEED"] == 3
    assert np.nanmax(fits.getdata(path)) == pytest.approx(np.nanmax(map_.data) / 1e3)
    again = read_map(path)
    assert np.allclose(again.data, map_.data, rtol=1e-6, equal_nan=True)
    positions = [np.ravel(w.wcs_pix2world(3, 4, 0)) for w in (again.wcs, map_.wcs)]
    assert positions[0] == pytest.approx(positions[1])


def test_a_map_in_another_unit_is_refused(tmp_path, map_):
    path = tmp_path / "map.fits"
    write_map(path, map_, 18.1)
    fits.setval(path, "BUNIT", value="MJy/sr")
    with pytest.raises(InputError, match="'Jy/beam', found 'MJy/sr'"):
        read_map(path)


@pytest.mark.parametrize("suffix", ["fits", "ecsv"])
def test_tables_keep_units_and_provenance(tmp_path, suffix):
    path = tmp_path / f"table.{suffix}"
    write_table(path, Table({"S450": [1.0, 2.0] * units.mJy}), SEED=5)
    table = read_table(path)
    assert table["S450"].unit == units.mJy
    assert table.meta["SEED"] == 5
    assert table.meta["CREATOR"].startswith("SuperSPIRE")


def test_json_holds_numpy_values_and_writes_nan_as_null(tmp_path):
    path = tmp_path / "record.json"
    write_json(path, {1: np.float32(0.5), "b": [np.nan, np.int64(3)]})
    assert read_json(path) == {"1": 0.5, "b": [None, 3]}


def test_streams_depend_on_seed_and_name_alone():
    draws = {
        key: stream(*key).integers(2**62)
        for key in [(1, "a"), (1, "b"), (2, "a"), (1, "a", 0), (1, "a", 1)]
    }
    assert len(set(draws.values())) == len(draws)
    assert stream(1, "a").integers(2**62) == draws[1, "a"]


@pytest.mark.parametrize("lengths", [(5,), (3, 0, 400), (1000, 1)])
def test_a_table_written_in_parts_is_the_whole_table(tmp_path, lengths):
    rng = np.random.default_rng(1)
    parts = [
        Table(
            {
                "RA": rng.uniform(0, 360, n) * units.deg,
                "S450": rng.normal(size=n).astype(np.float32) * units.mJy,
                "PASSIVE": rng.random(n) < 0.5,
            },
            meta={"AREA": 2.0, "comments": ["two", "comments"]},
        )
        for n in lengths
    ]
    path = tmp_path / "parts.fits"
    assert write_table_parts(path, iter(parts), SEED=4) == sum(lengths)
    with fits.open(path) as hdus:
        hdus.verify("exception")
    assert path.stat().st_size % 2880 == 0
    table = read_table(path)
    assert table["S450"].unit == units.mJy
    assert (table.meta["AREA"], table.meta["SEED"]) == (2.0, 4)
    assert table.meta["comments"] == ["two", "comments"]
    for name in table.colnames:
        whole = np.concatenate([part[name] for part in parts])
        assert np.array_equal(table[name], whole)
    passive, flux = read_columns(path, "PASSIVE", "S450")
    assert flux.dtype == np.dtype("f4")
    assert flux.dtype.isnative
    assert np.array_equal(flux, table["S450"])
    assert passive.dtype == bool
