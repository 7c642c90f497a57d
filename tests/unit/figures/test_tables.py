import numpy as np
import pandas as pd
import pytest

from superspire.figures.tables import (
    instrument_table,
    pull_table,
    with_error,
    write_latex,
)

CONFUSION = pd.DataFrame(
    {
        "wavelength_um": [250, 350, 450, 500],
        "confusion": [5.926, 6.16, 1.344, 5.528],
        "error": [0.031, 0.039, 0.009, 0.042],
    }
)


def test_instruments_of_table_1():
    table = instrument_table(CONFUSION).set_index("wavelength_um")
    assert table["fwhm_arcsec"].to_dict() == {250: 18.1, 350: 24.9, 450: 7.9, 500: 36.6}
    assert table["pixel_arcsec"].to_dict() == {250: 6.0, 350: 8.33, 450: 1.0, 500: 12.0}
    assert table.loc[450, "beam_arcsec2"] == pytest.approx(70.7)
    paper = table["confusion_paper_mJy"].to_dict()
    assert paper == {250: 5.8, 350: 6.3, 450: 1.0, 500: 6.8}
    assert table["confusion_mJy"].tolist() == [5.93, 6.16, 1.34, 5.53]


def test_values_are_written_with_errors_where_there_are_any():
    text = with_error(pd.Series([5.84, 1.0]), pd.Series([0.31, np.nan]), 1)
    assert text == [r"5.8 $\pm$ 0.3", "1.0"]


def test_latex_table(tmp_path):
    table = pd.DataFrame({"Layer": ["a×b", "µ"], "Pull": [0.123, np.nan]})
    write_latex(tmp_path / "t.tex", table, "A caption.", {"Pull": ".2f"})
    text = (tmp_path / "t.tex").read_text()
    assert r"a$\times$b & 0.12 \\" in text
    assert r"$\mu$ & -- \\" in text
    assert r"\caption{A caption.}" in text
    assert (
        text.index(r"\toprule") < text.index(r"\midrule") < text.index(r"\bottomrule")
    )


def test_pulls_keep_the_bins_of_figure_4():
    names = ["flux_min", "flux_max", "flux", "mean", "std", "n", "n_distinct"]
    bins = pd.DataFrame(
        {
            "dataset": "observed",
            "selection": ["super-resolved", "true"],
            **{name: 1.0 for name in names},
            "pull": [0.4, 0.7],
            "pull_error": 0.1,
        }
    )
    table = pull_table(bins)
    assert list(table)[:2] == ["dataset", "flux_min_mJy"]
    assert table["pull"].tolist() == [0.4]


def test_layers_of_table_2_are_read_from_the_network():
    pytest.importorskip("keras")
    from superspire.figures.fig1_network import draw_schematic, network_blocks
    from superspire.figures.style import plt
    from superspire.figures.tables import layer_table
    from superspire.unet.architecture import build_network

    model = build_network(base_filters=4)
    blocks = network_blocks(model)
    assert blocks["size"].tolist() == [
        424, 212, 106, 53, 27, 14, 7, 4, 2, 4, 7, 14, 27, 53, 106, 212, 424,
    ]  # fmt: skip
    assert blocks["parameters"].sum() == model.count_params()
    table = layer_table(blocks, blocks)
    assert table["layer"].tolist()[::8] == ["conv1", "deconv1", "total"]
    assert table["output"].iloc[0] == "212 × 212 × 4"
    assert table["parameters"].iloc[-1] == model.count_params()
    assert table["operation"].str.contains("dropout").sum() == 3
    plt.close(draw_schematic(blocks))
