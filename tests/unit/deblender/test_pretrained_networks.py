"""The networks that come trained, on sources far brighter than the model's."""

import numpy as np
import pytest

from helpers.snakemake import ROOT
from superspire.deblender.inference import deblend, load_deblender
from superspire.deblender.inputs import FLUX_BANDS
from superspire.instruments import PAPER_BANDS
from superspire.methods.conditions import Condition
from superspire.methods.observing import observe, simulate
from superspire.seeds import stream
from superspire.sky.maps import field_wcs

CENTER, SIDE, NOISE, DEPTH = (150.0, 2.0), 1200.0, 2.0, 0.015
AREA = (SIDE / 3600.0) ** 2
POWERS = {"star": 2.0, "galaxy at low redshift": 2.6, "lensed galaxy": 0.0}
POSITIONS = [(150.0 + 300.0 * i, 150.0 + 300.0 * j) for i in range(4) for j in range(4)]


@pytest.fixture(scope="module", params=["spire", "spire_24"])
def network(request):
    folder = ROOT / "resources/pretrained" / request.param
    return load_deblender(folder / "network.json", folder / "calibration.json")


@pytest.fixture(scope="module")
def galaxies():
    table = simulate(Condition("", depth_24=DEPTH), CENTER, AREA, stream(3, "bright"))
    return {name: np.asarray(table[name], float) for name in table.colnames}


@pytest.mark.parametrize("power", POWERS.values(), ids=POWERS)
@pytest.mark.parametrize("flux", [60.0, 300.0, 1000.0])
def test_a_bright_source_is_one_source_of_its_flux(network, galaxies, flux, power):
    """With fluxes that fall as a power of wavelength, of a mock 24 µm flux."""
    wcs, size = field_wcs(CENTER, SIDE, 1.0)
    x, y = np.transpose(POSITIONS)
    added = dict(zip(("RA", "DEC"), wcs.wcs_pix2world(x, y, 0), strict=True))
    added |= {f"S{b}": np.full(16, flux * (250.0 / b) ** power) for b in PAPER_BANDS}
    added["S24"] = np.full(16, 0.01 * flux)
    sky = {name: np.append(galaxies[name], added[name]) for name in added}
    maps = observe(
        Condition("", noise=NOISE, depth_24=DEPTH),
        sky,
        CENTER,
        AREA,
        lambda *names: stream(4, *names),
    )
    found = deblend(network, maps, wcs, (size, size), NOISE)[-1]
    east, north = (found[n].to_numpy() - a[:, None] for n, a in (("x", x), ("y", y)))
    near = np.hypot(east, north)
    assert np.median(near.min(axis=1)) < 1.0
    assert np.all(near.min(axis=1) < (2.0 if flux > 60.0 else 3.0))
    own = found.iloc[near.argmin(axis=1)]
    for band in FLUX_BANDS:
        ratio = own[f"flux_{band}"] / (flux * (250.0 / band) ** power)
        assert 0.65 < np.median(ratio) < 1.5
        assert np.all((ratio > 0.5) & (ratio < 2.0))
    others = np.where(near == near.min(axis=1, keepdims=True), np.inf, near) < 12.0
    assert (others & (found["flux"].to_numpy() > 0.2 * flux)).sum() <= 3
