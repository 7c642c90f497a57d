"""Bands are data: a row more in the table of instruments changes no loop."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from superspire.instruments import BANDS, PAPER_BANDS, SPIRE, TARGET, beam_area

WORKFLOW = Path(__file__).parents[3] / "workflow"


def uses_of_the_table(path):
    """Lines of a module that do anything with BANDS but look up or set one band."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    looked_up = {node.value for node in nodes if isinstance(node, ast.Subscript)}
    return [
        f"{path.name}:{node.lineno}"
        for node in nodes
        if isinstance(node, ast.Name) and node.id == "BANDS"
        if node not in looked_up and not isinstance(node.ctx, ast.Store)
    ]


def test_no_code_loops_over_every_band_of_the_table():
    modules = sorted((WORKFLOW / "scripts").rglob("*.py"))
    assert [line for path in modules for line in uses_of_the_table(path)] == []


def test_no_rule_loops_over_every_band_of_the_table():
    rules = sorted((WORKFLOW / "rules").glob("*.smk"))
    assert rules
    for path in rules:
        assert not re.search(r"\bBANDS\b", path.read_text(encoding="utf-8")), path.name


def test_the_papers_bands_are_four_of_the_table():
    assert PAPER_BANDS == (250, 350, 450, 500)
    assert set(PAPER_BANDS) == {*SPIRE, TARGET}
    assert set(BANDS) > set(PAPER_BANDS)


@pytest.mark.parametrize("wavelength", BANDS)
def test_rows_are_plausible(wavelength):
    band = BANDS[wavelength]
    assert band.wavelength == wavelength
    assert band.lambda_min < wavelength < band.lambda_max
    assert band.pixel < band.fwhm / 2.0
    assert band.effective_area > beam_area(band.fwhm)


def test_edges_have_the_moments_of_the_true_responses():
    moments = {24: (23.843, 2.039), 100: (102.458, 11.220), 160: (166.187, 24.549)}
    for wavelength, (mean, rms) in moments.items():
        band = BANDS[wavelength]
        assert 0.5 * (band.lambda_min + band.lambda_max) == pytest.approx(
            mean, abs=2e-3
        )
        width = (band.lambda_max - band.lambda_min) / np.sqrt(12.0)
        assert width == pytest.approx(rms, abs=2e-3)


def test_area_of_mips_gives_the_aperture_correction_of_the_handbook():
    band = BANDS[24]
    core = -np.expm1(-0.5 * (3.5 / band.sigma) ** 2) * beam_area(band.fwhm)
    assert band.effective_area / core == pytest.approx(2.56, rel=1e-3)


def test_area_of_scuba2_is_that_of_two_components():
    for wavelength, parts in {
        450: ((7.9, 0.94), (25.0, 0.06)),
        850: ((13.0, 0.98), (48.0, 0.02)),
    }.items():
        area = sum(amplitude * beam_area(fwhm) for fwhm, amplitude in parts)
        assert BANDS[wavelength].effective_area == pytest.approx(area, rel=1e-3)
