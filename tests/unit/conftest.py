import numpy as np
import pytest
from astropy.wcs import WCS

from helpers import painted
from superspire.products.catalogue import build_catalogue


@pytest.fixture(scope="session")
def wcs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [17.4, 35.6]
    wcs.wcs.crpix = [160.0, 150.0]
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    wcs.wcs.radesys = "ICRS"
    return wcs


@pytest.fixture(scope="session")
def painted_field(wcs):
    """Map of three sources without its lowest rows, coverage and WCS."""
    image = painted.paint()
    image[:30] = np.nan
    return image, np.isfinite(image), wcs


@pytest.fixture
def catalogue(painted_field):
    return build_catalogue(*painted_field, threshold=5.0)
