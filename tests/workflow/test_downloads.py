"""Files are downloaded when they are missing, by the real rule, and never else."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from helpers.archive import serve
from superspire.io import Map, read_json, read_map, write_map
from superspire.sky.maps import field_wcs

ROOT = Path(__file__).parents[2]
CONTENT = b"SIMPLE  =                    T".ljust(2880) + bytes(20 * 2880)
FILE = "cosmos/A+B_450 (1).dat"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        "downloads.smk" not in (ROOT / "Snakefile").read_text(),
        reason="the Snakefile does not include the downloads yet",
    ),
]


def snakemake(folder, downloads, *arguments, **sections):
    config = folder / "mine.yaml"
    config.write_text(yaml.safe_dump({"downloads": downloads, **sections}))
    return subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"),
            *("--directory", folder, "--configfile", config, "--cores", "1"),
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "no_proxy": "*"},
    )


def nothing_to_do(run):
    return run.returncode == 0 and "Nothing to be done" in run.stdout + run.stderr


def test_a_missing_file_is_brought_once(tmp_path):
    path = tmp_path / "data" / FILE
    with serve(CONTENT) as archive:
        downloads = {FILE: {"url": f"{archive.url}/map", "sha256": None}}
        run = snakemake(tmp_path, downloads, "download")
        assert run.returncode == 0, run.stdout + run.stderr
        assert path.read_bytes() == CONTENT
        assert path.with_name(f"{path.name}.sha256").exists()
        assert f"{path.name}: 100%" in run.stderr
        elsewhere = {FILE: {"url": f"{archive.url}/elsewhere", "sha256": "0" * 64}}
        again = snakemake(tmp_path, elsewhere, "download", "--forceall")
        assert again.returncode == 0, again.stdout + again.stderr
        check = snakemake(tmp_path, elsewhere, f"data/{FILE}")
        assert check.returncode == 1
        assert f"the SHA-256 {'0' * 64} configured in downloads, found" in check.stderr
        assert path.read_bytes() == CONTENT
        assert len(archive.asked) == 1


def test_a_stopped_download_goes_on_and_a_wrong_file_never_appears(tmp_path):
    path = tmp_path / "data" / FILE
    half = len(CONTENT) // 2
    with serve(CONTENT) as archive:
        archive.tricks = [{"drop": half}, {"status": 404}]
        downloads = {FILE: {"url": f"{archive.url}/map"}}
        run = snakemake(tmp_path, downloads, f"data/{FILE}")
        assert run.returncode == 1
        assert not path.exists()
        assert path.with_name(f"{path.name}.part").read_bytes() == CONTENT[:half]
        record = read_json(path.with_name(f"{path.name}.part.json"))
        assert record["version"]["size"] == len(CONTENT)
        answers = [line for line in run.stderr.splitlines() if "404" in line]
        assert any(line.startswith(f"Error: data/{FILE}: expected") for line in answers)
        assert "Traceback" not in run.stderr
        log = (tmp_path / f"logs/download_file/{FILE}.log").read_text()
        assert "put the file there by hand" in log
        assert snakemake(tmp_path, downloads, f"data/{FILE}").returncode == 0
        assert path.read_bytes() == CONTENT
        assert archive.sent == len(CONTENT)


def test_a_file_put_there_by_hand_serves_and_stays(tmp_path):
    path = tmp_path / "data" / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    downloads = {FILE: {"url": "http://127.0.0.1:9/nobody"}}
    run = snakemake(tmp_path, downloads, "download", f"data/{FILE}")
    assert nothing_to_do(run), run.stdout + run.stderr
    maps = {band: f"data/{FILE}" for band in (250, 350, 450, 500)}
    plan = snakemake(
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
    run = snakemake(tmp_path, downloads, target, observed=observed)
    assert run.returncode == 0, run.stdout + run.stderr
    assert read_map(tmp_path / target).data.shape == (n, n)


def test_cosmos_is_planned_from_its_addresses_on(tmp_path):
    cosmos = yaml.safe_load((ROOT / "config/cosmos.yaml").read_text())
    plan = snakemake(
        tmp_path, cosmos["downloads"], "--dry-run", "all", observed=cosmos["observed"]
    )
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert plan.stdout.count("rule read_observed_map:") == 4
    for file in cosmos["observed"]["maps"].values():
        assert f"output: {file}" in plan.stdout
    assert {Path(file).suffix for file in cosmos["downloads"]} == {".fits"}
    assert len(cosmos["downloads"]) == 5
