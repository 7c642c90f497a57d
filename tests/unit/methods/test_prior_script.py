"""The script that measures fits at 24 µm positions, on a tiny sky."""

from types import SimpleNamespace

import pandas as pd

import measure_prior_methods
from superspire.evaluation.prior_methods import LISTED


def test_each_method_has_a_row(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(measure_prior_methods, "LEARNING_AREA", 0.03)
    files = {name: tmp_path / f"{name}.csv" for name in ("summary", "list_24")}
    job = SimpleNamespace(
        params=SimpleNamespace(
            seed=1,
            area=0.02,
            dust_library="compact",
            match_radius=10.0,
            strict_radius=4.0,
        ),
        wildcards=SimpleNamespace(condition="mips_15"),
        output=SimpleNamespace(**files),
    )
    measure_prior_methods.main(job)
    table = pd.read_csv(files["summary"])
    assert table["method"].tolist() == ["nnls", "map", "map_search"]
    for name in LISTED:
        assert table[name].between(0.3, 1.0).all()
    assert table["faint_24_complete"].is_monotonic_increasing
    listed = pd.read_csv(files["list_24"])
    assert 300 < len(listed) < 900
    assert listed["flux"].min() >= 0.03
    assert "residuals above" in capsys.readouterr().out
