"""The whole workflow at toy scale, and what its results say."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from helpers import snakemake
from superspire.instruments import BANDS, CUTOUT, PAPER_BANDS
from superspire.io import read_json

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "tests/smoke/config/config.yaml"
FIELD = "results/fields/mock/superresolved.fits"
EXPORTS = [f"results/{name}.mrt" for name in ("fields/mock/catalogue", "table3")]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run everything, then super-resolve the independent sky as a user's field."""
    folder = tmp_path_factory.mktemp("smoke")
    done = snakemake.run(folder, "all", config=CONFIG, cores=2)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    config = yaml.safe_load(CONFIG.read_text())
    maps = {b: f"results/skies/independent/{b}.fits" for b in (250, 350, 500)}
    config["fields"] = {"mock": {"maps": maps}}
    targets = (FIELD, *EXPORTS, "poster")
    done = snakemake.run(folder, *targets, config=config, cores=2)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def observed_run(run):
    """Take the mock field for an observed one with a published catalogue."""
    folder = run / "observed"
    folder.mkdir()
    config = yaml.safe_load(CONFIG.read_text())
    config["observed"] = {
        "maps": {
            band: f"../results/skies/observed/{band}.fits" for band in PAPER_BANDS
        },
        "reference": {"file": "published.fits"},
        "grid": 1,
    }
    config["training"]["epochs"] = 1
    sky = Table.read(run / "results/skies/observed/catalogue.fits")
    bright = sky[sky["S450"] > 4]["RA", "DEC", "S450"]
    bright.write(folder / "published.fits")
    targets = ("results/measures/holdout_completeness.csv", "results/fig7.pdf")
    done = snakemake.run(folder, *targets, config=config, cores=2)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def images(run, dataset):
    """Give super-resolved and target images and the rows of the index."""
    rows = pd.read_csv(run / f"results/superresolved/{dataset}.csv")
    target = np.load(run / f"results/cutouts/{dataset}/450.npy")[rows["cutout"]]
    return np.load(run / f"results/superresolved/{dataset}.npy"), target, rows


def test_nothing_is_left_to_do(run):
    plan = snakemake.run(run, "--dry-run", "all", config=run / "mine.yaml")
    assert "Nothing to be done" in plan.stdout + plan.stderr


def test_maps_have_units_beams_and_the_same_sky(run):
    for band in PAPER_BANDS:
        with fits.open(run / f"results/skies/observed/{band}.fits") as hdus:
            header, data = hdus[0].header, hdus[0].data
        assert header["BUNIT"] == "Jy/beam"
        assert header["BMAJ"] * 3600 == pytest.approx(BANDS[band].fwhm)
        assert WCS(header).wcs.crval == pytest.approx([150.12, 2.21])
        assert abs(data.mean()) < 5 * 2e-3 / np.sqrt(data.size)
        assert 1e-3 < data.std() < 1.5e-2


def test_training_lowered_the_loss_of_both_sets(run):
    history = pd.read_csv(run / "results/training/history.csv")
    for _, one in history.groupby("kind"):
        assert one["loss"].iloc[-1] < 0.5 * one["loss"].iloc[0]
    assert len(history) == 5 * history["epoch"].max()


def test_super_resolved_sky_resembles_the_target_it_never_saw(run):
    generated, target, rows = images(run, "independent")
    assert generated.shape[1:] == (CUTOUT, CUTOUT)
    assert len(rows) == len(generated)
    own = np.corrcoef(generated.ravel(), target.ravel())[0, 1]
    other = np.corrcoef(generated[:, ::-1].ravel(), target.ravel())[0, 1]
    assert own > 0.3
    assert own > other + 0.2


def test_bright_sources_are_recovered_more_often_than_by_chance(run):
    table = pd.read_csv(run / "results/measures/observed_completeness.csv")
    bright = table[(table["flux_min"] == 15) & (table["protocol"] == "paper")].iloc[0]
    assert bright["n"] > 0
    assert bright["fraction"] > bright["chance"] + 0.3


def test_calibration_is_near_one(run):
    record = read_json(run / "results/calibration/observed.json")
    assert record["n_pixels"] > 100
    assert 0.3 < record["factor"] < 3
    assert record["factor_error"] > 0


def test_comparison_states_every_claim_in_both_protocols(run):
    table = pd.read_csv(run / "results/comparison.csv")
    assert set(table["dataset"]) == {"simulated", "observed", "independent"}
    assert table["claim"].nunique() >= 14
    assert not table.duplicated(["claim", "dataset", "protocol"]).any()
    assert table["mock"].all()
    fractions = table[table["claim"].str.contains("completeness")]
    for protocol in ("paper", "strict"):
        own = fractions[fractions["protocol"] == protocol]
        for column in ("value", "chance"):
            values = own[column].dropna()
            assert len(values) > 0
            assert values.between(0, 1).all()


@pytest.mark.skipif(not shutil.which("fitsverify"), reason="no fitsverify on the PATH")
def test_every_fits_file_passes_fitsverify(run):
    files = sorted(run.glob("results/**/*.fits"))
    assert len(files) > 15
    for file in files:
        verdict = subprocess.run(
            ["fitsverify", "-q", file], capture_output=True, text=True, check=False
        )
        assert verdict.stdout.startswith("verification OK"), verdict.stdout


def test_tables_are_those_of_the_paper(run):
    one = pd.read_csv(run / "results/table1.csv")
    assert {18.1, 24.9, 36.6, 7.9} <= set(
        one.select_dtypes("number").to_numpy().ravel()
    )
    two = (run / "results/table2.csv").read_text()
    for shape in ("212", "106", "53", "27", "14", "424"):
        assert shape in two
    for number in (1, 2, 3):
        assert r"\begin{tabular}" in (run / f"results/table{number}.tex").read_text()


def test_figures_are_pictures_without_a_date(run):
    for number in range(1, 8):
        pdf = (run / f"results/fig{number}.pdf").read_bytes()
        assert pdf.startswith(b"%PDF")
        assert b"CreationDate" not in pdf
        png = (run / f"results/fig{number}.png").read_bytes()
        assert png.startswith(b"\x89PNG")


def test_a_field_is_super_resolved_as_its_cutouts_are(run):
    generated, _, rows = images(run, "independent")
    factor = read_json(run / "results/calibration/simulated.json")["factor"]
    sky = WCS(fits.getheader(run / "results/skies/independent/450.fits"))
    with fits.open(run / FIELD) as hdus:
        header, field = hdus[0].header, hdus[0].data * 1e3
    assert header["BUNIT"] == "Jy/beam"
    assert header["BMAJ"] * 3600 == pytest.approx(7.9)
    row = rows.iloc[0]
    border = 60
    y, x = np.mgrid[border : CUTOUT - border : 7, border : CUTOUT - border : 7]
    world = sky.wcs_pix2world(x.ravel() + row["x0"], y.ravel() + row["y0"], 0)
    u, v = np.round(WCS(header).celestial.wcs_world2pix(*world, 0)).astype(int)
    cutout = generated[0][y.ravel(), x.ravel()] * factor
    assert np.corrcoef(cutout, field[v, u])[0, 1] > 0.9


def test_field_catalogue_has_units_and_lies_on_the_field(run):
    table = Table.read(run / "results/fields/mock/catalogue.fits")
    units = {"RA": "deg", "DEC": "deg", "S450": "mJy", "S450_ERR": "mJy"}
    assert {name: str(table[name].unit) for name in units} == units
    assert (np.hypot(table["RA"] - 34.5, table["DEC"] + 5.0) < 0.15).all()
    regions = (run / "results/fields/mock/regions.reg").read_text()
    assert regions.count("circle") == len(table)


def test_an_observed_field_has_a_holdout_that_training_never_touches(observed_run):
    cutouts = observed_run / "results/cutouts"
    training = pd.read_csv(cutouts / "observed/index.csv")
    holdout = pd.read_csv(cutouts / "holdout/index.csv")
    assert len(holdout) > 0
    for one in training.itertuples():
        apart = np.maximum(abs(holdout["x0"] - one.x0), abs(holdout["y0"] - one.y0))
        assert (apart > CUTOUT).all()


def test_a_published_catalogue_is_the_truth_of_an_observed_field(observed_run):
    published = Table.read(observed_run / "published.fits")
    for dataset in ("observed", "holdout"):
        found = Table.read(observed_run / f"results/catalogues/{dataset}_injected.ecsv")
        assert 0 < len(found) <= len(published)
        assert found["flux"].min() >= 4
        measures = observed_run / f"results/measures/{dataset}_completeness.csv"
        assert {"paper", "strict"} == set(pd.read_csv(measures)["protocol"])


def test_the_poster_has_eleven_figures(run):
    figures = [*run.glob("results/poster/*.pdf")]
    figures += [run / f"results/{name}.pdf" for name in ("fig1", "fig3")]
    assert len(figures) == 11
    assert all(file.stat().st_size > 5000 for file in figures)


def test_exported_tables_are_read(run):
    catalogue = Table.read(run / EXPORTS[0], format="ascii.mrt")
    original = Table.read((run / FIELD).with_name("catalogue.fits"))
    assert catalogue.colnames == original.colnames
    assert len(catalogue) == len(original)
    pulls = Table.read(run / EXPORTS[1], format="ascii.mrt")
    assert len(pulls) == len(pd.read_csv(run / "results/table3.csv"))


def test_the_report_opens_with_the_comparison(run):
    report = run / "report.html"
    style = ROOT / "workflow/report/style.css"
    options = ("--report", report, "--report-stylesheet", style, "--", "all")
    done = snakemake.run(run, *options, config=CONFIG)
    assert done.returncode == 0, done.stderr[-3000:]
    text = report.read_text()
    assert "Comparison with the paper" in text
    assert text.index("completeness above 15 mJy") > 0
    assert all(f"fig{number}.pdf" in text for number in range(1, 8))
