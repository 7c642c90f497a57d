"""Learning curves."""

import pandas as pd
import pytest

from superspire.figures.learning import draw_learning


def history(scored):
    rows = []
    for epoch in (1, 2, 3):
        terms = {"loss": 1 / epoch, "pixel": 0.1 / epoch, "epoch": epoch}
        rows.append({**terms, "kind": "simulated"})
        rows += [{**terms, "kind": "observed", "spurious": number} for number in (3, 5)]
        if scored:
            scores = {"completeness": 0.2 * epoch, "purity": 0.9, "score": 0.1 * epoch}
            rows.append({**terms, "kind": "validation", **scores})
    return pd.DataFrame(rows)


def curves(axes):
    return {
        line.get_label(): line.get_ydata()
        for line in axes.get_lines()
        if not line.get_label().startswith("_")
    }


def test_every_term_and_score_is_drawn():
    figure = draw_learning(history(scored=True), kept=2)
    shown = {axes.get_title(): axes for axes in figure.axes if axes.get_visible()}
    assert list(shown) == [
        "Loss",
        "Spurious sources",
        "Pixel term",
        "Validation, within 4 arcsec",
    ]
    assert set(curves(shown["Loss"])) == {"simulated", "observed", "validation"}
    assert curves(shown["Spurious sources"])["observed"].tolist() == [4, 4, 4]
    scores = curves(shown["Validation, within 4 arcsec"])
    assert scores["completeness"].tolist() == pytest.approx([0.2, 0.4, 0.6])


def test_a_training_without_validation_has_no_scores():
    figure = draw_learning(history(scored=False), kept=3)
    titles = [axes.get_title() for axes in figure.axes if axes.get_visible()]
    assert titles == ["Loss", "Spurious sources", "Pixel term"]
