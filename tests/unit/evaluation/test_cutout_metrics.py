"""Completeness, purity, fluxes and counts in ranges of flux."""

import numpy as np
import pandas as pd
import pytest

from superspire.evaluation.cutout_metrics import catalogue, recovery_by_flux

SIZE = 100


def table(*sources):
    return pd.DataFrame(sources, columns=["cutout", "x", "y", "flux"], dtype=float)


TRUTH = table(
    (0, 20, 20, 7), (0, 60, 60, 8), (1, 20, 20, 10), (1, 60, 60, 11), (1, 80, 20, 20)
)


def test_a_perfect_catalogue_scores_one():
    rows = recovery_by_flux(TRUTH, TRUTH, 4.0)
    assert rows["n"].tolist() == [2, 2, 1]
    for name in ("completeness", "purity", "flux_ratio", "counts"):
        assert rows[name].tolist() == [1, 1, 1]
    assert rows["flux_scatter"].tolist() == rows["offset"].tolist() == [0, 0, 0]


def test_measures_are_those_counted_by_hand():
    found = table(
        (0, 22, 20, 8.4), (0, 90, 90, 7), (1, 20, 23, 8), (1, 60, 60, 13), (1, 5, 5, 30)
    )
    rows = recovery_by_flux(TRUTH, found, 4.0)
    assert rows["completeness"].tolist() == [0.5, 1, 0]
    assert rows["purity"].tolist()[0] == pytest.approx(2 / 3)
    assert np.isnan(rows["purity"][1])
    assert rows["purity"].tolist()[2] == 0.5
    assert rows["counts"].tolist() == [1.5, 0, 2]
    assert rows["flux_ratio"][0] == pytest.approx(1.2)
    assert rows["flux_ratio"][1] == pytest.approx((0.8 + 13 / 11) / 2)
    assert rows["offset"].tolist()[:2] == [2, 1.5]


def test_nothing_found_is_no_completeness():
    rows = recovery_by_flux(TRUTH, TRUTH[:0], 4.0)
    assert rows["completeness"].tolist() == [0, 0, 0]
    assert rows[["purity", "flux_ratio", "offset"]].isna().all(axis=None)


def test_sources_are_extracted_image_by_image():
    y, x = np.indices((SIZE, SIZE))
    images = np.zeros((3, SIZE, SIZE))
    for image, flux in zip(images[::2], (10, 20), strict=True):
        image += flux * np.exp(-((x - 40) ** 2 + (y - 30) ** 2) / 22.5)
    found = catalogue(images, 5.0, 1.0)
    assert found["cutout"].tolist() == [0, 2]
    assert found["x"].tolist() == pytest.approx([40, 40], abs=0.01)
    assert found["flux"].tolist() == pytest.approx([10, 20], rel=0.02)
    assert len(catalogue(images[1:2], 5.0, 1.0)) == 0
