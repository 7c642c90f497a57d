"""Figure of the bias of stacks."""

import pandas as pd
import pytest

from superspire.figures.stacking_bias import draw_stacking_bias


def test_stacks_and_ratios_of_every_noise_and_statistic_are_drawn():
    rows = [
        {
            "noise": noise,
            "statistic": statistic,
            "flux_min": low,
            "flux_max": 2 * low,
            "flux": 1.5 * low,
            "superresolved": low / noise,
            "true": low,
            "ratio": 1.0 / noise,
            "superresolved_error": 0.1,
            "ratio_error": 0.01,
        }
        for noise in (2.0, 9.0)
        for statistic in ("mean", "median")
        for low in (0.5, 1.0, 2.0)
    ]
    left, right = draw_stacking_bias(pd.DataFrame(rows)).axes
    shown = left.get_legend_handles_labels()[1]
    assert shown == [
        "true map, mean",
        "true map, median",
        "2 mJy/beam, mean",
        "2 mJy/beam, median",
        "9 mJy/beam, mean",
        "9 mJy/beam, median",
    ]
    ratios = [box.lines[0].get_ydata().tolist() for box in right.containers]
    assert ratios == [pytest.approx([1.0 / n] * 3) for n in (2, 2, 9, 9)]
