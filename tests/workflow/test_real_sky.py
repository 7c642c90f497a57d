"""Two observations of the same real sky, as docs/real_sky.md compares them."""

import numpy as np
import pandas as pd
import pytest
import yaml
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table

from helpers import snakemake
from helpers.shared import real
from superspire.io import read_json

LOOKS = {
    "beta_and_2013": ("spire_hsa_level2_beta_and", ("psw", "pmw", "plw")),
    "beta_and_2011": ("spire_hsa_beta_and_2011", ("-250", "-350", "-500")),
}
STAR, GALAXY = (17.43390, 35.62022), (17.44757, 35.59062)
NGC_404 = (17.3625, 35.7181)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Both fields as in config/beta_and.yaml, and their comparison."""
    folder = tmp_path_factory.mktemp("real_sky")
    sections = yaml.safe_load((snakemake.ROOT / "config/beta_and.yaml").read_text())
    fields = {}
    for name, (source, keys) in LOOKS.items():
        files = [str(real(f"{source}/*{key}*")) for key in keys]
        fields[name] = sections["fields"][name] | {
            "maps": dict(zip((250, 350, 500), files, strict=True)),
            "reference": {
                "file": str(snakemake.ROOT / "config/beta_and_positions.csv"),
                "columns": {"flux": None},
            },
        }
    first, second = LOOKS
    target = f"results/fields/{first}/repeated/{second}/repeatability.png"
    done = snakemake.run(folder, target, config={"fields": fields}, cores=2)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder / "results/fields"


@pytest.fixture(scope="module")
def comparison(run):
    first, second = LOOKS
    folder = run / first / "repeated" / second
    return pd.read_csv(folder / "fractions.csv"), read_json(folder / "summary.json")


def test_probable_sources_are_repeated_and_doubtful_ones_less(comparison):
    fractions, _ = comparison
    own = fractions[fractions["of"] == "both"]
    for quantity, high in (("probability", 0.85), ("flux", 20.0)):
        rows = own[own["quantity"] == quantity]
        sure = rows[rows["low_edge"] >= high]
        doubtful = rows[
            rows["high_edge"] <= (0.5 if quantity == "probability" else 8.0)
        ]
        assert sure["n"].sum() > 10
        assert np.average(sure["repeated"], weights=sure["n"]) > 0.8
        assert np.average(doubtful["repeated"], weights=doubtful["n"]) < 0.6
        assert rows["chance"].max() < 0.06


def test_offsets_and_fluxes_differ_no_more_than_their_errors(comparison):
    _, summary = comparison
    offset, error = (
        np.array(summary[k]) for k in ("offset_arcsec", "offset_error_arcsec")
    )
    assert np.all(np.abs(offset) < 3.0 * np.hypot(error, 0.3))
    expected = summary["expected_median_separation_over_error"]
    assert 0.7 < summary["median_separation_over_error"] / expected < 1.2
    assert summary["flux_difference_over_error_68"] < 1.1
    assert 0.85 < summary["median_flux_ratio"] < 1.15


@pytest.mark.parametrize("field", LOOKS)
def test_star_and_galaxy_are_at_their_positions(run, field):
    pointing = read_json(run / field / "checks.json")["pointing"]
    assert 1.0 < np.hypot(*pointing["offset_arcsec"]) < 4.0
    table = Table.read(run / field / "catalogue.fits")
    sources = SkyCoord(table["RA"], table["DEC"])
    for position in (STAR, GALAXY):
        row, distance, _ = SkyCoord(*position, unit="deg").match_to_catalog_sky(sources)
        assert distance[0] < 1.5 * u.arcsec
        assert not table["EXTENDED"][row]
        assert table["PROBABILITY"][row] > 0.9
        assert 100.0 < table["S250"][row] < 800.0


@pytest.mark.parametrize("field", LOOKS)
def test_sources_in_front_of_ngc_404_are_flagged(run, field):
    table = Table.read(run / field / "catalogue.fits")
    galaxy = SkyCoord(*NGC_404, unit="deg")
    near = SkyCoord(table["RA"], table["DEC"]).separation(galaxy) < 3.0 * u.arcmin
    assert near.sum() > 5
    assert table["EXTENDED"][near].mean() > 0.95
    nearest = SkyCoord(table["RA"], table["DEC"]).separation(galaxy) < 1.0 * u.arcmin
    assert nearest.any()
    assert (table["EXTENDED"] | table["POOR_FIT"])[nearest].mean() > 0.8
    counts = pd.read_csv(run / field / "counts.csv").groupby("band")["n"].sum()
    assert (counts <= (~table["EXTENDED"]).sum()).all()


@pytest.mark.parametrize("field", LOOKS)
def test_few_sources_of_clear_sky_fit_poorly(run, field):
    """Most of those that do are at edges."""
    table = Table.read(run / field / "catalogue.fits")
    clear = table[~table["EXTENDED"]]
    assert len(clear) > 100
    assert 0.02 < clear["POOR_FIT"].mean() < 0.18
    star = SkyCoord(*STAR, unit="deg")
    beside = SkyCoord(clear["RA"], clear["DEC"]).separation(star) < 1.5 * u.arcmin
    assert clear["POOR_FIT"][beside].mean() < 0.3
    assert clear["POOR_FIT"][~beside & ~clear["NEAR_EDGE"]].mean() < 0.1
    assert table["POOR_FIT"][table["EXTENDED"]].mean() > 0.35
