"""True sources of a sky as a table."""

import numpy as np

from superspire.instruments import PAPER_BANDS
from superspire.methods.observing import truth_of
from superspire.sky.maps import field_wcs

CENTER, SIDE = (150.0, 2.0), 600.0


def galaxies(x, y, **fluxes):
    wcs, _ = field_wcs(CENTER, SIDE, 1.0)
    ra, dec = wcs.wcs_pix2world(x, y, 0)
    return {"RA": ra, "DEC": dec, **fluxes}


def test_truth_is_a_table_of_positions_and_fluxes():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 600, (2, 200))
    fluxes = {f"S{band}": rng.uniform(0, 6, 200) for band in PAPER_BANDS}
    area = (SIDE / 3600.0) ** 2
    for limit, options in ((1.0, {}), (3.0, {"min_flux": 3.0})):
        truth, size, wcs = truth_of(galaxies(x, y, **fluxes), CENTER, area, **options)
        kept = fluxes["S450"] >= limit
        assert 50 < kept.sum() < 190
        np.testing.assert_allclose(truth["x"], x[kept], atol=1e-4)
        np.testing.assert_allclose(truth["y"], y[kept], atol=1e-4)
        for band in PAPER_BANDS:
            expected = fluxes[f"S{band}"][kept]
            np.testing.assert_array_equal(truth[f"flux_{band}"], expected)
        assert truth["flux"].equals(truth["flux_450"].rename("flux"))
        assert truth["cutout"].eq(0).all()
        assert truth["weight"].eq(1.0).all()
        assert truth.index.tolist() == list(range(kept.sum()))
        assert size == 600
        assert wcs.to_header() == field_wcs(CENTER, SIDE, 1.0)[0].to_header()


def test_truth_of_a_sky_without_bright_sources():
    faint = {f"S{band}": np.full(3, 0.9) for band in PAPER_BANDS}
    x = np.array([10.0, 20.0, 30.0])
    truth, *_ = truth_of(galaxies(x, x, **faint), CENTER, (SIDE / 3600.0) ** 2)
    assert len(truth) == 0
    assert {"x", "y", "flux", *(f"flux_{band}" for band in PAPER_BANDS)} <= set(truth)
