"""What each band adds: sets of bands, and measures of lists that are known."""

import numpy as np
import pandas as pd
import pytest

from superspire.deblender.bands import band_sets, measure_list
from superspire.deblender.inputs import FLUX_BANDS, SPIRE_BANDS

SIDE = 400


@pytest.mark.parametrize(
    ("extra", "sets"),
    [
        ((), [()]),
        ((24,), [(), (24,)]),
        ((24, 850), [(), (24,), (850,), (24, 850)]),
        ((100, 160), [(), (100, 160)]),
        ((24, 100, 160, 850), [(), (24,), (850,), (100, 160), (24, 100, 160, 850)]),
    ],
)
def test_sets_of_bands(extra, sets):
    found = band_sets(dict.fromkeys(sorted((*extra, *SPIRE_BANDS)), 1))
    assert len(found) == len(sets)
    assert set(found) == set(sets)


def lists():
    """True sources of 4, 7 and 20 mJy on a grid, and what was found of them."""
    x, y = (a.ravel() for a in np.meshgrid(*2 * [np.arange(20.0, SIDE - 15, 30)]))
    flux = np.tile([4.0, 7.0, 20.0], len(x))[: len(x)]
    truth = pd.DataFrame({"cutout": 0, "x": x, "y": y, "flux": flux, "weight": 1.0})
    columns = {f"flux_{band}": 1.1 * flux for band in FLUX_BANDS}
    return truth, pd.DataFrame({"x": x + 1.0, "y": y, "score": 0.8, **columns})


def test_a_complete_list():
    truth, found = lists()
    row = measure_list(found, truth, SIDE)
    assert row["f1"] == row["pure"] == 1.0
    for name in ("3_5", "6_8", "10_inf"):
        assert row[f"complete_{name}"] == 1.0
        assert 0.0 < row[f"complete_{name}_error"] < 0.05
    assert row["offset"] == pytest.approx(1.0)
    assert row["scatter"] == pytest.approx(0.0, abs=1e-9)


def test_what_is_missed_is_missed_in_its_bin():
    truth, found = lists()
    row = measure_list(found[truth["flux"] > 5.0].reset_index(drop=True), truth, SIDE)
    assert row["complete_3_5"] == 0.0
    assert row["complete_6_8"] == row["complete_10_inf"] == 1.0
