"""A user's own maps and the network that comes trained: one command, no training."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from mocpy import MOC

from helpers import snakemake
from superspire.instruments import BANDS, SPIRE
from superspire.io import Map, read_json, write_map
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.dust import load_library
from superspire.sky.maps import make_map

AREA = 0.1
CENTER = (52.9, -27.8)
NOISE = 2.0

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sky():
    """Galaxies of a field that was never simulated before."""
    dust = load_library("compact")
    return simulate_catalogue(AREA, 20261, center=CENTER, dust=dust)


@pytest.fixture(scope="module")
def run(sky, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained")
    ra, dec = (np.asarray(sky[name], float) for name in ("RA", "DEC"))
    side = 3600.0 * np.sqrt(AREA)
    rng = np.random.default_rng(5)
    for band in SPIRE:
        flux = np.asarray(sky[f"S{band}"], float)
        map_ = make_map(ra, dec, flux, band, CENTER, side)
        white = rng.normal(0.0, NOISE, map_.data.shape).astype("f4")
        write_map(
            folder / f"{band}.fits", Map(map_.data + white, map_.wcs), BANDS[band].fwhm
        )
    config = {"fields": {"mine": {"maps": {b: f"{b}.fits" for b in SPIRE}}}}
    target = "results/fields/mine/superresolved.fits"
    done = snakemake.run(folder, target, config=config, cores=2)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def inner(table, margin=60.0):
    """Take the sources away from the edges of the field."""
    half = 0.5 * np.sqrt(AREA) - margin / 3600.0
    east = (table["RA"] - CENTER[0]) * np.cos(np.radians(CENTER[1]))
    return table[(abs(east) < half) & (abs(table["DEC"] - CENTER[1]) < half)]


def separations(first, second):
    """Distance of the nearest source of another table [arcsec]."""
    positions = [SkyCoord(t["RA"], t["DEC"], unit="deg") for t in (first, second)]
    return positions[0].match_to_catalog_sky(positions[1])[1].to_value(u.arcsec)


def test_nothing_was_simulated_or_trained(run):
    assert not (run / "results/skies").exists()
    assert not (run / "results/training").exists()


def test_bright_sources_are_found_where_they_are(run, sky):
    found = Table.read(run / "results/fields/mine/catalogue.fits")
    bright = inner(sky[np.asarray(sky["S450"], float) > 12.0])
    assert len(bright) > 20
    distance = separations(bright, found)
    assert (distance < 10.0).mean() > 0.9
    assert np.median(distance) < 2.0


def test_bright_catalogue_is_pure(run, sky):
    found = inner(Table.read(run / "results/fields/mine/catalogue.fits"))
    true = sky[np.asarray(sky["S450"], float) > 2.0]
    bright = found[found["S450"] > 12.0]
    assert len(bright) > 20
    assert (separations(bright, true) < 6.0).mean() > 0.85


def test_stated_range_of_fluxes_holds_most_true_ones(run, sky):
    found = inner(Table.read(run / "results/fields/mine/catalogue.fits"))
    found = found[found["S450_DEBOOSTED"] > 6.0]
    true = sky[np.asarray(sky["S450"], float) > 1.0]
    positions = [SkyCoord(t["RA"], t["DEC"], unit="deg") for t in (found, true)]
    i, j, _, _ = positions[1].search_around_sky(positions[0], 4.0 * u.arcsec)
    best = np.zeros(len(found))
    np.maximum.at(best, i, np.asarray(true["S450"], float)[j])
    paired = best > 0
    hit = (best >= found["S450_DEBOOSTED_LO"]) & (best <= found["S450_DEBOOSTED_HI"])
    assert paired.sum() > 40
    assert 0.55 < hit[paired].mean() < 0.82


def test_map_has_uncertainty_and_coverage(run):
    with fits.open(run / "results/fields/mine/superresolved.fits") as hdus:
        names = [hdu.name for hdu in hdus]
        image, sigma = hdus["IMAGE"].data, hdus["UNCERTAINTY"].data
        covered = hdus["COVERAGE"].data == 1
        snr, header = hdus["SNR"].data, hdus[0].header
    assert names == ["IMAGE", "UNCERTAINTY", "SNR", "COVERAGE"]
    assert header["BUNIT"] == "Jy/beam"
    assert header["BMAJ"] * 3600 == pytest.approx(7.9)
    assert len(header["NETWORK"]) == 12
    np.testing.assert_array_equal(np.isfinite(image), covered)
    assert (sigma[covered] > 0).all()
    np.testing.assert_allclose(snr[covered], (image / sigma)[covered], rtol=1e-5)


def test_record_names_the_network(run):
    record = read_json(run / "results/fields/mine/reading.json")
    assert "pretrained" in record["network"]["file"]
    assert record["sources"] > 0


@pytest.mark.skipif(not shutil.which("fitsverify"), reason="no fitsverify on the PATH")
def test_products_pass_fitsverify(run):
    for file in sorted(run.glob("results/fields/mine/*.fits")):
        verdict = subprocess.run(
            ["fitsverify", "-q", file], capture_output=True, text=True, check=False
        )
        assert verdict.stdout.startswith("verification OK"), verdict.stdout


def test_the_coverage_holds_every_source_and_the_area(run):
    moc = MOC.load(run / "results/fields/mine/coverage.moc.fits", "fits")
    record = read_json(run / "results/fields/mine/reading.json")
    area = moc.sky_fraction * (4.0 * np.pi * u.sr).to_value(u.deg**2)
    assert area == pytest.approx(record["clear_deg2"], rel=0.02)
    assert record["clear_deg2"] == record["covered_deg2"]
    sources = Table.read(run / "results/fields/mine/catalogue.fits")
    assert moc.contains_lonlat(sources["RA"].quantity, sources["DEC"].quantity).all()
    assert not sources["EXTENDED"].any()


@pytest.fixture
def run_code(run, sky, tmp_path, monkeypatch):
    """Run the code of a page, on this field in place of the tutorial's."""
    for folder in ("skies/independent", "fields"):
        (tmp_path / "results" / folder).mkdir(parents=True)
    sky.write(tmp_path / "results/skies/independent/catalogue.fits")
    (tmp_path / "results/fields/mock").symlink_to(run / "results/fields/mine")
    monkeypatch.chdir(tmp_path)

    def execute(page, blocks):
        text = (snakemake.ROOT / "docs" / page).read_text(encoding="utf-8")
        found = re.findall("^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        assert len(found) == blocks
        for block in found:
            names = {}
            exec(compile(block, page, "exec"), names)
        return names

    return execute


def test_the_tutorial_counts_sources_as_it_says(run_code, capsys):
    counts = run_code("tutorial.md", 2)["counts"]
    assert "PROBABILITY" in capsys.readouterr().out
    assert len(counts) > 5
    true = counts["true"] * 0.5 / AREA
    error = np.hypot(counts["error"], np.sqrt(true / (AREA * np.diff(bins(counts)))))
    assert np.mean(np.abs(counts["dNdS"] - true) < 3.0 * error) > 0.8


def bins(counts):
    return [*counts["flux_min"], counts["flux_max"].iloc[-1]]


def test_counterparts_of_the_page_are_as_reliable_as_they_say(run_code):
    names = run_code("counterparts.md", 3)
    right, stated = names["right"], names["stated"]
    assert len(stated) > 500
    for low, high in ((0.0, 0.5), (0.5, 0.8), (0.8, 1.0)):
        own = (stated > low) & (stated <= high)
        error = np.sqrt(stated[own].mean() * (1 - stated[own].mean()) / own.sum())
        assert abs(right[own].mean() - stated[own].mean()) < 3.0 * error + 0.05
