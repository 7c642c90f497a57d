"""The common grid against the sky itself."""

import numpy as np
import pytest

from superspire.instruments import BANDS, SPIRE
from superspire.io import Map
from superspire.maps.grid import resample
from superspire.sky.maps import field_wcs

CENTER = (150.0, 2.0)


@pytest.mark.parametrize("band", SPIRE)
def test_resampling_errs_by_less_than_a_thousandth(band):
    """Sources at the edges, whose jump from one to the other must not ring."""
    pixel, side = BANDS[band].pixel, 500.0
    rng = np.random.default_rng(band)
    east, north = rng.uniform(-0.6 * side, 0.6 * side, (2, 80))
    flux = rng.uniform(10.0, 200.0, 80)

    def sky(wcs, n, step):
        y, x = (np.indices((n, n)) - (n - 1) / 2) * step
        squared = (x + east[:, None, None]) ** 2 + (y - north[:, None, None]) ** 2
        shape = np.exp(-0.5 * squared / BANDS[band].sigma ** 2)
        return np.tensordot(flux, shape, axes=1)

    wcs, n = field_wcs(CENTER, side, pixel)
    map_ = Map(sky(wcs, n, pixel).astype(np.float32), wcs)
    grid, m = field_wcs(CENTER, 0.5 * side, 3.0)
    image, observed = resample(map_, grid, (m, m))
    truth = sky(grid, m, 3.0)
    assert observed.all()
    assert np.abs(image - truth).max() < 1e-3 * truth.max()
