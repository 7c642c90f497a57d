import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from superspire.evaluation.catalogues import (
    coverage_weights,
    evaluated_rows,
    project_injected,
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
