"""Stacks on the super-resolved map over those on the true one."""

import numpy as np

from superspire.figures.style import PAGE, plt

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
"""Colours of the noise levels (Okabe & Ito 2008)."""

MARKERS = {"mean": ("o", "-"), "median": ("s", "--")}
"""Marker and line of the statistics."""

TICKS = (0.3, 1, 3, 10)


def draw_stacking_bias(table):
    """Draw stacks against true flux, and their ratio to those on the true map.

    Parameters
    ----------
    table : pandas.DataFrame
        ``noise`` [mJy/beam] and the columns of
        `superspire.evaluation.stacking_bias.stacking_bias`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 3.1))
    colours = dict(zip(table["noise"].unique(), COLOURS, strict=False))
    for (noise, statistic), rows in table.groupby(["noise", "statistic"]):
        marker, line = MARKERS[statistic]
        look = {"color": colours[noise], "marker": marker, "ls": line, "lw": 0.9}
        look["label"] = f"{noise:g} mJy/beam, {statistic}"
        left.errorbar(
            rows["flux"], rows["superresolved"], rows["superresolved_error"], **look
        )
        right.errorbar(rows["flux"], rows["ratio"], rows["ratio_error"], **look)
    # The true map has no noise: any level will do.
    for statistic, rows in table[table["noise"] == table["noise"].min()].groupby(
        "statistic"
    ):
        marker, line = MARKERS[statistic]
        left.plot(
            rows["flux"],
            rows["true"],
            color="black",
            marker=marker,
            ls=line,
            lw=0.9,
            label=f"true map, {statistic}",
        )
    low, high = table["flux_min"].min(), table["flux_max"].max()
    diagonal = np.array([low, high])
    left.plot(diagonal, diagonal, color="0.7", lw=0.6, zorder=0)
    left.set(yscale="log", ylabel="Stack minus random positions [mJy/beam]")
    right.axhline(1.0, color="0.7", lw=0.6, zorder=0)
    right.set(ylim=(0.0, 1.1), ylabel="Super-resolved / true map")
    for axes in (left, right):
        axes.set(xscale="log", xlim=(low, high), xlabel="True S450 [mJy]")
        axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes.set_xticks([], minor=True)
    figure.legend(
        *left.get_legend_handles_labels(), loc="outside upper center", ncols=3
    )
    return figure
