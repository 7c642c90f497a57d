"""The workflow as a user calls it: plans, targets, answers to bad input."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from helpers import snakemake

ROOT = Path(__file__).parents[2]
TARGETS = [
    *[f"results/fig{i}.{kind}" for i in range(1, 8) for kind in ("pdf", "png")],
    *[f"results/table{i}.{kind}" for i in range(1, 4) for kind in ("tex", "csv")],
    "results/comparison.csv",
    "results/clustering_counts.pdf",
    "results/ultra_red.csv",
]


def plan_of(folder, *targets, config=ROOT / "config/config.yaml", **options):
    """Plan some targets with a configuration of the repository or another."""
    return snakemake.run(folder, "--dry-run", *targets, config=config, **options)


@pytest.mark.parametrize("name", ["config", "paper", "paper_scale", "cosmos"])
def test_everything_is_planned(tmp_path, name):
    plan = plan_of(tmp_path, config=ROOT / f"config/{name}.yaml")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    for target in TARGETS:
        assert target in plan.stdout
    bands = set(re.findall(r"results/(?:skies|cutouts)/\w+/(\d+)\.", plan.stdout))
    assert bands == {"250", "350", "450", "500"}


@pytest.mark.parametrize("name", ["paper", "paper_scale"])
def test_papers_scale(tmp_path, name):
    plan = plan_of(tmp_path, "results/fig2.pdf", config=ROOT / f"config/{name}.yaml")
    assert "results/skies/simulated_1/450.fits" in plan.stdout
    assert "results/skies/simulated_2" not in plan.stdout
    config = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())
    assert config["simulation"]["cutouts"] == 2373
    assert config["simulation"]["field_area"] == 20
    assert config["network"]["base_filters"] == 64


def test_papers_configuration_is_the_paper_and_its_scale_our_recipe():
    paper, scale = (
        yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())
        for name in ("paper", "paper_scale")
    )
    assert paper["loss"] == {"preset": "unit_weights", "pixel": "l1"}
    training = paper["training"]
    assert (training["schedule"], training["keep"]) == ("constant", "last")
    assert training["learning_rate"] == 2e-4
    assert training["flip_simulated"] is False
    assert training["images_per_pass"] == {"simulated": None, "observed": None}
    assert paper["extraction"]["min_flux"] == 0
    assert paper["simulation"]["validation_fraction"] == 0
    assert paper["calibration"]["dataset"] == "observed"
    assert not {"loss", "calibration", "extraction"} & set(scale)
    assert set(scale["training"]) == {"epochs", "images_per_pass"}


@pytest.mark.parametrize(
    ("target", "untouched"),
    [
        ("results/table1.tex", "train_network"),
        ("results/fig1.pdf", "simulate_catalogue"),
        ("results/fig7.pdf", "fig6"),
    ],
)
def test_a_target_runs_just_what_it_needs(tmp_path, target, untouched):
    plan = plan_of(tmp_path, target)
    assert plan.returncode == 0
    assert target in plan.stdout
    assert f"rule {untouched}:" not in plan.stdout


def test_a_variant_is_measured_and_drawn_like_the_configured_network(tmp_path):
    own = "results/variants/simulation_only"
    plan = plan_of(tmp_path, f"{own}/fig2.pdf", f"{own}/comparison.csv")
    assert plan.returncode == 0, plan.stderr
    assert "rule train_variant:" in plan.stdout
    assert "rule train_network:" not in plan.stdout
    for name in ("superresolved", "catalogues", "measures", "stacks", "calibration"):
        assert f"{own}/{name}/" in plan.stdout
        assert f" results/{name}/" not in plan.stdout


def test_the_snakefile_in_the_workflow_folder_plans_the_same(tmp_path):
    plan = plan_of(tmp_path, snakefile=ROOT / "workflow/Snakefile")
    assert plan.returncode == 0, plan.stderr
    assert "results/fig7.pdf" in plan.stdout


@pytest.mark.parametrize(
    ("config", "target", "message"),
    [
        ({"trainng": {}}, "all", "unknown key 'trainng'; did you mean 'training'?"),
        ({"training": {"epochs": 1.5}}, "all", "training.epochs: expected integer"),
        ({}, "results/fields/m31/superresolved.fits", "no field 'm31'"),
        (
            {"fields": {"a": {"maps": {250: "no.fits", 350: "b", 500: "c"}}}},
            "results/fields/a/superresolved.fits",
            "no.fits",
        ),
    ],
)
def test_bad_input_is_answered_in_a_sentence(tmp_path, config, target, message):
    plan = plan_of(tmp_path, target, config=config)
    assert plan.returncode == 1
    assert message in plan.stdout + plan.stderr
    errors = [line for line in plan.stderr.splitlines() if message in line]
    assert len(errors) == 1
    assert "Traceback" not in plan.stderr


@pytest.mark.parametrize("kind", ["maps", "masks", "errors"])
def test_every_file_of_a_field_is_looked_for_before_the_plan(tmp_path, kind):
    field = {"maps": {band: f"{band}.fits" for band in (250, 350, 500)}}
    field["masks"] = {350: "mask.fits"}
    field["errors"] = {350: "error.fits"}
    for files in field.values():
        for name in files.values():
            (tmp_path / name).touch()
    (tmp_path / field[kind][350]).unlink()
    target = "results/fields/a/superresolved.fits"
    plan = plan_of(tmp_path, target, config={"fields": {"a": field}})
    assert plan.returncode == 1
    file = field[kind][350]
    message = f"Error: fields.a.{kind}.350: expected a FITS file, found no file {file}"
    assert plan.stderr.splitlines()[-1] == message
    assert "Traceback" not in plan.stderr


def test_a_field_too_small_for_a_cutout_stops_the_run_with_a_sentence(tmp_path):
    target = "results/cutouts/independent/index.csv"
    done = snakemake.run(tmp_path, target, config={"independent": {"area": 0.01}})
    assert done.returncode == 1
    assert "raise independent.area" in done.stderr
    log = (tmp_path / "logs/cut_cutouts/independent.log").read_text()
    assert log.startswith("Error: a cutout of 424 arcsec")
    assert len(log.splitlines()) == 1


def test_configured_maps_take_the_place_of_the_mock_field(tmp_path):
    maps = {band: f"{band}.fits" for band in (250, 350, 450, 500)}
    for name in maps.values():
        (tmp_path / name).touch()
    plan = plan_of(tmp_path, "all", config={"observed": {"maps": maps}})
    assert plan.returncode == 0, plan.stderr
    assert plan.stdout.count("rule read_observed_map:") == 4
    assert "results/skies/observed/catalogue.fits" not in plan.stdout
    assert "results/catalogues/observed_injected.ecsv" not in plan.stdout


FIELD = "results/fields/a/superresolved.fits"


def with_24_micron(folder, kind):
    """Section of a field that gives a 24 µm map or a list besides; its files exist."""
    maps = {band: f"{band}.fits" for band in (250, 350, 500)}
    field = {"maps": maps}
    if kind == "map":
        maps[24], field["errors"] = "24.fits", {24: "unc.fits"}
        (folder / "unc.fits").touch()
    if kind == "prior":
        field["prior"] = {"file": "mips.fits"}
        (folder / "mips.fits").touch()
    for name in maps.values():
        (folder / name).touch()
    return field


@pytest.mark.parametrize(
    ("kind", "file", "network"),
    [
        ("spire", "250.fits", "spire"),
        ("map", "24.fits", "spire_24"),
        ("prior", "mips.fits", "spire_24"),
    ],
)
def test_the_network_is_chosen_by_what_a_field_gives(tmp_path, kind, file, network):
    config = {"fields": {"a": with_24_micron(tmp_path, kind)}}
    plan = plan_of(tmp_path, FIELD, config=config)
    assert plan.returncode == 0, plan.stderr
    assert file in plan.stdout
    for name in ("network.json", "network.npz", "calibration.json"):
        assert f"resources/pretrained/{network}/{name}" in plan.stdout
    used = set(re.findall(r"resources/pretrained/(\w+)/", plan.stdout))
    assert used == {network}
    assert ("unc.fits" in plan.stdout) == (kind == "map")


def test_a_network_of_ones_own_is_used_for_all_fields(tmp_path):
    config = {"fields": {"a": with_24_micron(tmp_path, "map")}}
    config["deblender"] = {"train": True}
    plan = plan_of(tmp_path, FIELD, config=config)
    assert plan.returncode == 0, plan.stderr
    assert "results/deblender/network.json" in plan.stdout
    assert "pretrained" not in plan.stdout


def test_a_network_that_does_not_come_trained_is_named(tmp_path):
    copy = tmp_path / "workflow"
    for part in ("workflow", "profiles", "envs", "resources", "config"):
        shutil.copytree(ROOT / part, copy / part)
    shutil.copy(ROOT / "Snakefile", copy)
    shutil.rmtree(copy / "resources/pretrained/spire_24")
    config = {"fields": {"a": with_24_micron(tmp_path, "prior")}}
    plan = plan_of(tmp_path, FIELD, config=config, snakefile=copy / "Snakefile")
    assert plan.returncode == 1
    message = plan.stderr.splitlines()[-1]
    assert message.startswith("Error: fields.a: expected a network that comes trained")
    assert "Traceback" not in plan.stderr


def test_a_missing_list_is_named(tmp_path):
    field = with_24_micron(tmp_path, "prior")
    (tmp_path / "mips.fits").unlink()
    plan = plan_of(tmp_path, FIELD, config={"fields": {"a": field}})
    assert plan.returncode == 1
    message = "Error: fields.a.prior.file: expected a table, found no file mips.fits"
    assert plan.stderr.splitlines()[-1] == message
