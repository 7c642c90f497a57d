"""A field with a 24 µm map, or a list of 24 µm sources, and the network for them."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table

from helpers import snakemake
from superspire.instruments import BANDS, SPIRE
from superspire.io import read_json, write_map
from superspire.methods.conditions import Condition
from superspire.methods.observing import observe, simulate
from superspire.seeds import stream

AREA, CENTER, DEPTH, LIMIT = 0.06, (52.9, -27.8), 0.015, 0.075

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sky():
    """Galaxies of a field that was never simulated before."""
    return simulate(Condition("", depth_24=DEPTH), CENTER, AREA, stream(20262))


@pytest.fixture(scope="module")
def run(sky, tmp_path_factory):
    """One field with a Spitzer mosaic in MJy/sr, one with a list, one with neither."""
    folder = tmp_path_factory.mktemp("pretrained_24")
    maps = observe(
        Condition("", depth_24=DEPTH),
        sky,
        CENTER,
        AREA,
        lambda *names: stream(20263, *names),
    )
    for band in SPIRE:
        write_map(folder / f"{band}.fits", maps[band], BANDS[band].fwhm)
    steradian = (BANDS[24].effective_area * u.arcsec**2).to_value(u.sr)
    header = maps[24].wcs.to_header()
    header["BUNIT"], header["INSTRUME"] = "MJy/sr", "MIPS"
    data = (maps[24].data * 1e-9 / steradian).astype("f4")
    fits.writeto(folder / "24.fits", data, header)
    bright = sky[np.asarray(sky["S24"], float) > LIMIT]
    Table({"RA": bright["RA"], "DEC": bright["DEC"], "S24": bright["S24"]}).write(
        folder / "list.fits"
    )
    maps = {band: f"{band}.fits" for band in SPIRE}
    fields = {
        "mapped": {"maps": maps | {24: "24.fits"}},
        "listed": {"maps": maps, "prior": {"file": "list.fits"}},
        "plain": {"maps": maps},
    }
    targets = [f"results/fields/{name}/superresolved.fits" for name in fields]
    done = snakemake.run(folder, *targets, config={"fields": fields}, cores=2)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder / "results/fields"


def completeness(run, name, sky, low, high):
    """Fraction of true sources away from the edges that are listed within 4 arcsec."""
    half = 0.5 * np.sqrt(AREA) - 60.0 / 3600.0
    flux = np.asarray(sky["S450"], float)
    east = (np.asarray(sky["RA"]) - CENTER[0]) * np.cos(np.radians(CENTER[1]))
    north = np.asarray(sky["DEC"]) - CENTER[1]
    true = sky[
        (flux > low) & (flux < high) & (np.maximum(abs(east), abs(north)) < half)
    ]
    assert len(true) > 40
    found = Table.read(run / name / "catalogue.fits")
    positions = [SkyCoord(t["RA"], t["DEC"], unit="deg") for t in (true, found)]
    distance = positions[0].match_to_catalog_sky(positions[1])[1]
    return (distance < 4.0 * u.arcsec).mean()


def test_24_micron_find_more(run, sky):
    plain = completeness(run, "plain", sky, 6.0, 99.0)
    assert completeness(run, "mapped", sky, 6.0, 99.0) > max(0.88, plain + 0.05)
    assert completeness(run, "listed", sky, 6.0, 99.0) > plain + 0.03


def test_each_field_has_the_network_for_what_it_gives(run):
    for name, folder in (
        ("mapped", "spire_24"),
        ("listed", "spire_24"),
        ("plain", "spire"),
    ):
        record = read_json(run / name / "reading.json")
        assert f"pretrained/{folder}/" in record["network"]["file"]


def test_depth_is_measured_and_reported(run):
    depth = Table.read(run / "mapped/catalogue.fits")["DEPTH_24"]
    assert depth.unit == "mJy"
    assert np.nanmedian(depth) == pytest.approx(DEPTH, rel=0.2)
    plain = Table.read(run / "plain/catalogue.fits")["DEPTH_24"]
    assert np.isnan(np.ma.filled(plain, np.nan)).all()


def test_products_are_those_of_any_field(run):
    for name in ("mapped", "listed"):
        table = Table.read(run / name / "catalogue.fits")
        plain = Table.read(run / "plain/catalogue.fits")
        assert table.colnames == plain.colnames
        assert np.isfinite(table["S250"]).all()
        with fits.open(run / name / "residuals.fits") as hdus:
            assert {f"RESIDUAL_{band}" for band in SPIRE} <= {hdu.name for hdu in hdus}
