"""Plans count the jobs of a configuration and what they take."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from superspire.errors import InputError
from superspire.io import Map, write_map
from superspire.planning.rates import (
    Rate,
    fit_rates,
    line,
    own_rates,
    read_rates,
)
from superspire.planning.stages import (
    Stage,
    deblender_stages,
    field_stages,
    map_area,
    paper_stages,
    training_images,
)
from superspire.planning.table import pieces, plan_stages, plan_surveys
from superspire.sky.maps import field_wcs

ROOT = Path(__file__).parents[3]
HEADER = "s\th:m:s\tmax_rss\tmax_vms\n"


@pytest.fixture
def config():
    return yaml.safe_load((ROOT / "config/config.yaml").read_text())


@pytest.fixture
def rates():
    return fit_rates(read_rates(ROOT / "resources/rates.csv"))


def by_rule(stages):
    return {stage.rule: stage for stage in stages}


def test_lines_go_through_what_was_measured_and_never_fall():
    assert line([1, 3, 10], [7, 11, 25]) == pytest.approx((5, 2))
    start, slope = line([1, 10], [5, 4])
    assert slope == 0
    assert 4 < start < 5
    assert line([4, 4], [10, 14]) == (0, 3)


def test_rates_of_the_table_give_back_the_run_that_they_come_from(config, rates):
    table = plan_stages(paper_stages(config), rates).set_index("rule")
    assert table["hours"].sum() * 60 == pytest.approx(14, abs=3)
    assert table["disk_gb"].sum() == pytest.approx(3.9, abs=0.8)
    assert table.loc["train_network", "hours"] * 3600 == pytest.approx(528, rel=0.01)
    assert table.loc["make_maps", "memory_gb"] == pytest.approx(0.86, rel=0.2)
    assert not table.isna().any().any()


def test_jobs_follow_the_configuration(config):
    config["simulation"] |= {"fields": 2, "field_area": 20.0, "cutouts": 2373}
    stages = by_rule(paper_stages(config))
    assert stages["simulate_catalogue"].jobs == {
        "simulated_0": 20.0,
        "simulated_1": 20.0,
        "observed": 0.5,
        "independent": 1.0,
    }
    assert stages["interpolate_cutouts"].jobs["simulated"] == 2373
    config["observed"]["maps"] = {"250": "a.fits"}
    assert "observed" not in by_rule(paper_stages(config))["make_maps"].jobs


def test_training_images_are_those_of_all_passes(config):
    config["training"]["images_per_pass"] = {"simulated": 10, "observed": None}
    numbers = {"simulated": 100, "observed": 4}
    assert training_images(config, numbers) == pytest.approx(8 * (10 + 3 * 28))
    config["network"]["base_filters"] = 64
    ratio = training_images(config, numbers) / (8 * 94)
    assert ratio == pytest.approx(6.6, rel=0.01)


def test_the_deblender_counts_where_it_is_trained(config):
    assert deblender_stages(config) == []
    config["deblender"]["train"] = True
    stages = by_rule(deblender_stages(config))
    assert len(stages["simulate_training_field"].jobs) == 12 + 1 + 8
    assert stages["train_deblender"].size == 6 * 4000


def test_fields_have_the_area_of_their_maps(config, tmp_path):
    wcs, n = field_wcs((150.0, 2.0), 1800.0, 6.0)
    write_map(tmp_path / "250.fits", Map(np.zeros((n, n), np.float32), wcs), 18.1)
    assert map_area(tmp_path / "250.fits") == pytest.approx(0.25, rel=0.01)
    maps = {"250": str(tmp_path / "250.fits")}
    config["fields"] = {"here": {"maps": maps}, "missing": {"maps": {"250": "no"}}}
    stages = field_stages(config)
    assert [stage.rule for stage in stages] == ["check_field", "deblend_field"]
    assert stages[0].jobs == {"here": pytest.approx(0.25, rel=0.01)}


def test_own_benchmarks_take_the_place_of_the_table(tmp_path, rates):
    stages = [
        Stage("make_maps", "deg2", {"observed": 1.0, "independent": 2.0}),
        Stage("train_network", "images of 16 filters", {"": 100.0}),
        Stage("cut_cutouts", "deg2", {"observed": 1.0}),
    ]
    (tmp_path / "make_maps").mkdir()
    slow = 3 * rates["make_maps"].seconds(2.0)
    text = f"{HEADER}{slow}\t0:00:00\t500\t1\n"
    (tmp_path / "make_maps/independent.tsv").write_text(text)
    (tmp_path / "make_maps/observed.tsv").write_text(f"{HEADER}0.1\t0\t-\t-\n")
    (tmp_path / "train_network.tsv").write_text(f"{HEADER}50\t0\t4000\t1\n")
    own, measured = own_rates(rates, tmp_path, stages)
    assert measured == ["make_maps", "train_network"]
    assert own["make_maps"].seconds(7.0) == pytest.approx(
        3 * rates["make_maps"].seconds(7.0)
    )
    assert own["make_maps"].megabytes(2.0) == pytest.approx(500)
    assert own["train_network"].seconds(100) == pytest.approx(50)
    assert own["cut_cutouts"] == rates["cut_cutouts"]


def test_surveys_are_cut_to_pieces_that_fit_in_memory():
    rates = {
        "check_field": Rate(1.0, 3.0, 100.0, 10.0),
        "deblend_field": Rate(20.0, 6.0, 1000.0, 500.0),
    }
    row = plan_surveys({"all": 600.0}, rates, memory=6000.0).iloc[0]
    assert (row["pieces"], row["piece_deg2"], row["jobs"]) == (60, 10.0, 120)
    assert row["memory_gb"] == pytest.approx(6.0)
    assert row["hours"] * 3600 == pytest.approx(60 * (1 + 20) + 600 * (3 + 6))
    assert pieces(0.5, 10.0) == {"0": 0.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rule,size,unit,wall_s\na,1,b,2\n", "found no peak_mb"),
        ("rule,size,unit,wall_s,peak_mb\na,0,b,2,3\n", "expected positive sizes"),
    ],
)
def test_a_bad_table_is_answered_in_a_sentence(tmp_path, text, message):
    path = tmp_path / "rates.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_rates(path)
