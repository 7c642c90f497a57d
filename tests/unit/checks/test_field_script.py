import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from mocpy import MOC

from helpers import layouts
from superspire.checks.extended import write_extended
from superspire.checks.inputs import read_bands
from superspire.errors import InputError
from superspire.evaluation.selection_function import COLUMNS
from superspire.instruments import BANDS, PAPER_BANDS, SPIRE
from superspire.io import Map, read_json, read_table, write_json

SCRIPT = Path(__file__).parents[3] / "workflow" / "scripts" / "super_resolve_field.py"
OUTPUTS = {
    "image": "superresolved.fits",
    "catalogue": "catalogue.fits",
    "regions": "regions.reg",
    "quicklook": "quicklook.png",
    "coverage": "coverage.moc.fits",
    "reading": "reading.json",
}
ARCHITECTURE = {"base_filters": 2, "dropout": 0.5, "leaky_slope": 0.2}


def hand_through(path):
    """Save weights that average 250 µm over 2 x 2 pixels, past all deeper layers."""
    from superspire.unet.architecture import build_network

    model = build_network(**ARCHITECTURE, output_bias=-3.0)
    first = np.zeros(model.get_layer("conv1").kernel.shape)
    last = np.zeros(model.get_layer("deconv8").kernel.shape)
    centre = slice(1, 3)
    skipped = ARCHITECTURE["base_filters"]
    first[centre, centre, 0, 0] = 0.25
    last[centre, centre, 0, skipped] = 4.0
    model.get_layer("conv1").kernel.assign(first)
    model.get_layer("deconv8").kernel.assign(last)
    model.save_weights(path)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Folder of a network that hands 250 µm through."""
    folder = tmp_path_factory.mktemp("network")
    hand_through(folder / "network.weights.h5")
    scale = {str(band): [-20.0, 100.0] for band in PAPER_BANDS}
    write_json(
        folder / "network.json",
        {
            "architecture": ARCHITECTURE,
            "normalisation": {"scale": scale},
            "sky_level": {str(band): -1.5 for band in PAPER_BANDS},
        },
    )
    return folder


@pytest.fixture
def inputs(network, tmp_path):
    """A network and HSA maps of 10 x 10 arcmin."""
    write_json(
        tmp_path / "calibration.json",
        {"factor": 1.2, "offset": 0.3, "peak_factor": 1.5},
    )
    flux = np.linspace(5.0, 50.0, 100)
    pairs = {"protocol": "strict", "cutout": 0, "flux": flux, "flux_sr": flux / 1.5}
    pd.DataFrame(pairs).to_csv(tmp_path / "fluxes.csv", index=False)
    rows = [
        ("S500/S450", 4.0, 6.0, 5.0, 0.8, 0.7, 0.9, 30),
        ("purity", 4.0, 6.0, 5.0, 0.9, 0.8, 1.0, 30),
    ]
    pd.DataFrame(rows, columns=COLUMNS).to_csv(
        tmp_path / "selection_function.csv", index=False
    )
    write_json(tmp_path / "checks.json", {"corrections": {}, "warnings": ["Beware."]})
    maps = {}
    for band in SPIRE:
        n = int(600 / BANDS[band].pixel)
        path = tmp_path / f"hspire{band}.fits"
        data = 0.3 * layouts.signal((n, n), band) + 4.0
        maps[f"map_{band}"] = str(
            layouts.hsa(path, data, "MJy/sr", pixel=BANDS[band].pixel)
        )
    wcs = WCS(fits.getheader(maps["map_250"], "image"))
    mask = np.zeros((100, 100), np.uint8)
    mask[:50] = 1
    write_extended(tmp_path / "extended.fits", Map(mask, wcs))
    return dict(
        maps,
        extended=str(tmp_path / "extended.fits"),
        network=str(network / "network.json"),
        weights=str(network / "network.weights.h5"),
        calibration=str(tmp_path / "calibration.json"),
        fluxes=str(tmp_path / "fluxes.csv"),
        selection_function=str(tmp_path / "selection_function.csv"),
        checks=str(tmp_path / "checks.json"),
    )


RUNNER = """
import json, runpy, sys
from types import SimpleNamespace
from snakemake.iocontainers import OutputFiles

class Files(dict):
    __getattr__ = dict.__getitem__

script, record = sys.argv[1], json.loads(sys.argv[2])
record = {key: Files(part) for key, part in record.items()}
record["output"] = OutputFiles(fromdict=record["output"])
job = SimpleNamespace(**record, threads=1, log=[])
runpy.run_path(script, {"snakemake": job}, "__main__")
"""


def run(inputs, folder, **options):
    """Run the script in a process of its own, as Snakemake does."""
    record = {
        "input": inputs,
        "output": {key: str(folder / name) for key, name in OUTPUTS.items()},
        "params": {
            "options": options,
            "threshold": 5.0,
            "min_flux": 0.01,
            "seed": 7,
        },
        "wildcards": {"field": "a_field"},
    }
    return subprocess.run(
        [sys.executable, "-c", RUNNER, str(SCRIPT), json.dumps(record)],
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parent)},
        capture_output=True,
        text=True,
    )


def test_products_of_a_field(inputs, tmp_path):
    done = run(inputs, tmp_path)
    assert done.returncode == 0, done.stderr
    with fits.open(tmp_path / "superresolved.fits") as hdus:
        header, data = hdus[0].header, hdus[0].data
        covered = hdus["COVERAGE"].data == 1
        snr, noise = hdus["SNR"].data, hdus["SNR"].header["NOISE"]
        level = hdus["SNR"].header["LEVEL"]
    assert header["OBJECT"] == "a_field"
    assert header["SEED"] == 7
    assert len(header["NETWORK"]) == 12
    assert header["INPUT350"] == "hspire350.fits"
    assert header["SKY250"] == pytest.approx(4.0 * 11.03 + 1.5, rel=0.02)
    assert WCS(header).wcs.radesys == "ICRS"
    np.testing.assert_array_equal(np.isfinite(data), covered)
    assert 0.0 < np.nanmax(data) * 1e3 <= 100.0 * 1.2
    assert header["CALFACT"] == 1.2
    assert header["PEAKFACT"] == 1.5
    np.testing.assert_allclose(snr, (data - level) / noise, atol=0.02)
    record = read_json(tmp_path / "reading.json")
    assert record["maps"]["500"]["unit"] == "MJy/sr"
    assert record["maps"]["500"]["coverage"] == "HDU 3 (coverage)"
    assert record["calibration_factor"] == 1.2
    assert record["peak_factor"] == 1.5
    assert record["noise_mjy_beam"] == pytest.approx(1e3 * noise)
    assert record["noise_mjy_beam"] >= 0.01 / 5.0
    for band in SPIRE:
        digest = hashlib.sha256(Path(inputs[f"map_{band}"]).read_bytes()).hexdigest()
        assert record["maps"][str(band)]["sha256"] == digest
    table = read_table(tmp_path / "catalogue.fits")
    assert record["sources"] == len(table)
    assert table.meta["OBJECT"] == "a_field"
    assert table.meta["CALFACT"] == 1.2
    assert len(table) > 0
    assert table["SNR"].min() >= 5.0
    assert table.meta["NOISE"] == "scatter on independent sky"
    assert (table["S450_ERR"] >= 0.499 * table["S450"]).all()
    assert record["covered_deg2"] == pytest.approx(covered.sum() / 3600**2)
    assert record["clear_deg2"] == pytest.approx(record["covered_deg2"] / 2, rel=0.1)
    lower = table["DEC"] < layouts.DEC - 1 / 3600
    np.testing.assert_array_equal(table["EXTENDED"], lower)
    moc = MOC.load(tmp_path / "coverage.moc.fits", "fits")
    inside = moc.contains_lonlat(table["RA"].quantity, table["DEC"].quantity)
    np.testing.assert_array_equal(inside, ~table["EXTENDED"])
    assert (tmp_path / "regions.reg").read_text().count("circle(") == len(table)
    assert (tmp_path / "quicklook.png").stat().st_size > 50_000


def test_bad_map_is_one_sentence(inputs, tmp_path):
    fits.setval(inputs["map_350"], "CTYPE1", value="LINEAR", extname="image")
    done = run(inputs, tmp_path)
    assert done.returncode == 1
    error = done.stderr.strip().splitlines()
    assert error[-1].startswith("Error: ")
    assert "hspire350.fits" in error[-1]
    assert "celestial WCS" in error[-1]
    assert not (tmp_path / "superresolved.fits").exists()


class Files(dict):
    __getattr__ = dict.__getitem__


@pytest.mark.parametrize("key", ["map_350", "error_250"])
def test_a_file_that_changed_since_its_download_is_refused(inputs, key):
    inputs["error_250"] = inputs["map_250"]
    file = Path(inputs[key])
    file.with_name(f"{file.name}.sha256").write_text("0" * 64 + f"  {file.name}\n")
    with pytest.raises(InputError, match=f"{file.name}: expected the SHA-256 000"):
        read_bands(Files(inputs), {}, {})
