"""Files are downloaded when they are missing, by the real rule, and never else."""

import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from helpers import snakemake
from helpers.archive import serve
from superspire.io import Map, read_map, write_map
from superspire.sky.maps import field_wcs

ROOT = Path(__file__).parents[2]
CONTENT = b"SIMPLE  =                    T".ljust(2880) + bytes(20 * 2880)
FILE = "cosmos/A+B_450 (1).dat"

pytestmark = pytest.mark.slow


def run_with(folder, downloads, *arguments, **sections):
    """Run the workflow with a section on downloads, and others."""
    environment = {**os.environ, "no_proxy": "*"}
    config = {"downloads": downloads, **sections}
    return snakemake.run(folder, *arguments, config=config, env=environment)


def test_a_missing_file_is_brought_once(tmp_path):
    path = tmp_path / "data" / FILE
    with serve(CONTENT) as archive:
        downloads = {FILE: {"url": f"{archive.url}/map", "sha256": None}}
        run = run_with(tmp_path, downloads, "download")
        assert run.returncode == 0, run.stdout + run.stderr
        assert path.read_bytes() == CONTENT
        assert path.with_name(f"{path.name}.sha256").exists()
        assert f"{path.name}: 100%" in run.stderr
        elsewhere = {FILE: {"url": f"{archive.url}/elsewhere", "sha256": "0" * 64}}
        check = run_with(tmp_path, elsewhere, "download", "--forceall")
        assert check.returncode == 1
        assert f"the SHA-256 {'0' * 64} configured in downloads, found" in check.stderr
        assert path.read_bytes() == CONTENT
        assert len(archive.asked) == 1


def test_a_failed_download_ends_in_a_sentence_and_leaves_no_file(tmp_path):
    path = tmp_path / "data" / FILE
    with serve(CONTENT) as archive:
        archive.tricks, archive.stubborn = [{"status": 404}], True
        downloads = {FILE: {"url": f"{archive.url}/map"}}
        run = run_with(tmp_path, downloads, f"data/{FILE}")
        assert run.returncode == 1
        assert not path.exists()
        answers = [line for line in run.stderr.splitlines() if "404" in line]
        assert any(line.startswith(f"Error: data/{FILE}: cannot") for line in answers)
        assert "Traceback" not in run.stderr
        log = (tmp_path / f"logs/download_file/{FILE}.log").read_text()
        assert "put the file there by hand" in log
        archive.tricks = [{"drop": len(CONTENT) // 2}, {}]
        assert run_with(tmp_path, downloads, f"data/{FILE}").returncode == 0
        assert path.read_bytes() == CONTENT


def test_a_file_put_there_by_hand_serves_and_stays(tmp_path):
    path = tmp_path / "data" / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    downloads = {FILE: {"url": "http://127.0.0.1:9/nobody"}}
    run = run_with(tmp_path, downloads, "download")
    assert run.returncode == 0, run.stdout + run.stderr
    assert path.read_bytes() == CONTENT
    assert path.with_name(f"{path.name}.sha256").exists()
    maps = {band: f"data/{FILE}" for band in (250, 350, 450, 500)}
    plan = run_with(
        tmp_path, downloads, "--dry-run", "all", "--forceall", observed={"maps": maps}
    )
    assert plan.returncode == 0, plan.stderr
    assert "rule download_file:" not in plan.stdout
    assert plan.stdout.count("rule read_observed_map:") == 4


def test_a_map_is_brought_and_read(tmp_path):
    wcs, n = field_wcs((150.1, 2.2), 300.0, 6.0)
    data = np.random.default_rng(0).normal(size=(n, n)).astype(np.float32)
    archived = tmp_path / "archived.fits"
    write_map(archived, Map(data - data.mean(), wcs), 18.1)
    downloads = {"cosmos/250.fits": {"url": archived.as_uri()}}
    maps = {band: "data/cosmos/250.fits" for band in (250, 350, 450, 500)}
    target, observed = "results/skies/observed/250.fits", {"maps": maps}
    run = run_with(tmp_path, downloads, target, observed=observed)
    assert run.returncode == 0, run.stdout + run.stderr
    assert read_map(tmp_path / target).data.shape == (n, n)


def test_cosmos_is_planned_from_its_addresses_on(tmp_path):
    cosmos = yaml.safe_load((ROOT / "config/cosmos.yaml").read_text())
    plan = run_with(
        tmp_path, cosmos["downloads"], "--dry-run", "all", observed=cosmos["observed"]
    )
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert plan.stdout.count("rule read_observed_map:") == 4
    for file in cosmos["observed"]["maps"].values():
        assert f"output: {file}" in plan.stdout
    assert {Path(file).suffix for file in cosmos["downloads"]} == {".fits"}
    assert len(cosmos["downloads"]) == 5
