import numpy as np
import pandas as pd
import pytest
from astropy.wcs import WCS

from helpers.evaluation_skies import draw_sources, paint

SIZE = 424


@pytest.fixture(scope="session")
def sky():
    """Four cutouts side by side: map, sources and WCS."""
    rng = np.random.default_rng(11)
    side = 2 * SIZE
    x, y, flux = draw_sources(rng, side)
    image = paint(side, x, y, flux)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [150.0, 2.0]
    wcs.wcs.crpix = [side / 2 + 0.5] * 2
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    corners = [(0, 0), (SIZE, 0), (0, SIZE), (SIZE, SIZE)]
    index = pd.DataFrame(
        [
            {"cutout": i, "sky": "mock", "x0": x0, "y0": y0}
            for i, (x0, y0) in enumerate(corners)
        ]
    )
    return image - image.mean(), (x, y, flux), wcs, index
