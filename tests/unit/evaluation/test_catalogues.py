import numpy as np
import pandas as pd
import pytest
from astropy import units
from astropy.table import Table
from astropy.wcs import WCS

from superspire.evaluation.catalogues import (
    add_sky_columns,
    coverage_weights,
    evaluated_rows,
    measure_backgrounds,
    project_injected,
    round_columns,
    sky_systems,
)
from superspire.io import Map, write_map


def test_weights_are_one_over_the_number_of_cutouts():
    index = pd.DataFrame(
        {"cutout": [7, 8, 9], "sky": ["a", "a", "b"], "x0": [0, 200, 0], "y0": 0}
    )
    weight = coverage_weights(index, [7, 7, 8, 9], [10, 300, 100, 10], [5, 5, 5, 5])
    assert weight.tolist() == [1.0, 0.5, 0.5, 1.0]
    assert coverage_weights(index, [7], [210], [50], border=20).tolist() == [1.0]


def test_sources_count_only_in_cutouts_that_judge_them():
    """At x = 205 the second cutout shows the source, in its border, and drops it."""
    index = pd.DataFrame({"cutout": [0, 1], "sky": "a", "x0": [0, 200], "y0": 0})
    table = Table({"cutout": [0, 0, 1], "x": [205.0, 220.0, 20.0], "y": [50.0] * 3})
    wcs = {"a": WCS(naxis=2)}
    assert add_sky_columns(table, index, wcs)["weight"].tolist() == [1.0, 0.5, 0.5]


def test_backgrounds_of_maps_with_known_noise():
    rng = np.random.default_rng(2)
    generated = rng.normal(-0.2, 0.1, (2, 424, 424))
    target = rng.normal(0.1, 1.0, (2, 424, 424))
    index = pd.DataFrame({"cutout": [3, 4], "sky": "a", "x0": [0, 212], "y0": 0})
    table = measure_backgrounds(generated, target, index)
    assert table["cutout"].tolist() == [3, 4]
    assert table["sr_rms"].to_numpy() == pytest.approx([0.1, 0.1], rel=0.03)
    assert table["target_mean"].to_numpy() == pytest.approx([0.1, 0.1], abs=0.01)
    assert table["sr_min"].tolist() == generated.min((1, 2)).tolist()
    assert table["sr_negative"].to_numpy() == pytest.approx([0.977, 0.977], abs=0.002)
    assert table["weight"].to_numpy() == pytest.approx([0.75, 0.75], abs=0.03)


def test_rounded_columns_keep_their_units():
    table = Table({"peak": [1.23456789] * units.mJy, "n": [3]})
    rounded = round_columns(table)
    assert rounded["peak"].unit == units.mJy
    assert rounded["peak"].value.tolist() == [1.2346]


def test_injected_sources_land_on_their_pixels(sky):
    _, (x, y, flux), wcs, index = sky
    ra, dec = wcs.all_pix2world(x, y, 0)
    catalogue = {"mock": Table({"RA": ra, "DEC": dec, "S450": flux})}
    table = project_injected(catalogue, index, {"mock": wcs}, limit=2.0)
    assert len(table) == np.sum(flux >= 2.0)
    own = index.set_index("cutout").loc[np.asarray(table["cutout"])]
    found = np.sort(own["x0"].to_numpy() + table["x"].value)
    assert found == pytest.approx(np.sort(x[flux >= 2.0]), abs=1e-5)
    back = wcs.all_world2pix(table["ra"].value, table["dec"].value, 0)
    assert back[1] - own["y0"].to_numpy() == pytest.approx(table["y"].value, abs=1e-5)


def test_systems_are_named_after_their_folder(tmp_path, sky):
    image, _, wcs, _ = sky
    (tmp_path / "mock").mkdir()
    path = tmp_path / "mock" / "450.fits"
    write_map(path, Map(image[:9, :9].astype(np.float32), wcs), fwhm=7.9)
    assert sky_systems([path])["mock"].wcs.crval == pytest.approx([150.0, 2.0])


def test_evaluated_rows_follow_the_cutout_number():
    index = pd.DataFrame({"cutout": [3, 1, 2]})
    assert evaluated_rows(index, pd.DataFrame({"cutout": [2, 3]})).tolist() == [2, 0]
