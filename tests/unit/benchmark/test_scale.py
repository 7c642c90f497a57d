"""The benchmark of a field runs what it says it measures."""

from pathlib import Path

from superspire.benchmark.scale import deblend, make_mock

PRETRAINED = Path(__file__).parents[3] / "resources/pretrained/spire"


def test_a_mock_field_is_deblended(tmp_path, monkeypatch):
    # Another test of this process may have used TensorFlow, which is too late.
    monkeypatch.setattr("superspire.training.backend.set_threads", lambda threads: None)
    make_mock(0.01, tmp_path)
    network = (PRETRAINED / f"{name}.json" for name in ("network", "calibration"))
    seconds, sources = deblend(tmp_path, *network, threads=1)
    assert seconds > 0.0
    assert sources > 0
