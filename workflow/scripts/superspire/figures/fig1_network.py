"""Figure 1: schematic of the network, from the layers as built."""

import re

import numpy as np
import pandas as pd
from matplotlib.patches import FancyArrowPatch, Polygon, Rectangle

from superspire.figures.style import PAGE, plt

ENCODER, DECODER, DATA = "#0072B2", "#D55E00", "#BBBBBB"
GAP = 0.55
"""Space between blocks, in units of the drawing."""


def network_blocks(model):
    """List the convolutions of the network with what leaves each of their blocks.

    Parameters
    ----------
    model : keras.Model
        The network, with layers ``conv1`` to ``conv8`` and ``deconv1`` to
        ``deconv8``, and what follows each of them named after it.

    Returns
    -------
    pandas.DataFrame
        ``name``, ``kind`` (input, convolution or de-convolution), ``kernel``,
        ``stride``, ``filters``, ``size`` (side after cropping), ``normalised``,
        ``dropout``, ``channels`` (after concatenation), ``activation`` and
        ``parameters`` of the block.
    """
    bands = model.input.shape
    rows = [{"name": "input", "kind": "input", "size": bands[1], "channels": bands[-1]}]
    for layer in model.layers:
        if not re.fullmatch(r"(de)?conv\d", layer.name):
            continue
        block = {
            item.name.removeprefix(f"{layer.name}_"): item
            for item in model.layers
            if item.name.startswith(f"{layer.name}_")
        }
        last = block.get("concat") or block.get("norm") or block.get("crop") or layer
        cropped = block.get("crop", layer)
        weights = sum(item.count_params() for item in [layer, *block.values()])
        rows.append(
            {
                "name": layer.name,
                "kind": "de-convolution" if "de" in layer.name else "convolution",
                "kernel": layer.kernel_size[0],
                "stride": layer.strides[0],
                "filters": layer.filters,
                "size": cropped.output.shape[1],
                "channels": last.output.shape[-1],
                "normalised": "norm" in block,
                "dropout": block["dropout"].rate if "dropout" in block else 0.0,
                "activation": "leaky ReLU" if "relu" in block else "sigmoid",
                "parameters": weights,
            }
        )
    return pd.DataFrame(rows)


def placed(blocks):
    """Give each block its place and its extent in the drawing.

    Height grows with the logarithm of the size of the image, width with that of the
    number of its filters.
    """
    height = 0.45 * np.log2(blocks["size"].astype(float)) + 0.1
    filters = blocks["filters"].fillna(blocks["channels"]).astype(float)
    width = 0.12 + 0.07 * np.log2(filters)
    left = np.concatenate([[0.0], np.cumsum(width + GAP)[:-1]])
    return blocks.assign(height=height, width=width, left=left, shown=filters)


def draw_schematic(blocks):
    """Draw the network as a row of boxes with its connections.

    Parameters
    ----------
    blocks : pandas.DataFrame
        What `network_blocks` gives.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plt.subplots(figsize=(PAGE, 3.0))
    blocks = placed(blocks)
    colours = {"input": DATA, "convolution": ENCODER, "de-convolution": DECODER}
    for row in blocks.itertuples():
        box(axes, row, colours[row.kind])
    for before, after in zip(
        blocks.iloc[:-1].itertuples(), blocks.iloc[1:].itertuples(), strict=True
    ):
        arrow = {"arrowstyle": "-|>", "mutation_scale": 5, "color": "0.3", "lw": 0.6}
        start, end = before.left + before.width + 0.16, after.left - 0.04
        axes.add_patch(FancyArrowPatch((start, 0.0), (end, 0.0), **arrow))
    connect(axes, blocks)
    legend(axes, blocks)
    right = blocks["left"].iloc[-1] + 0.9
    axes.set_xlim(-0.5, right)
    axes.set_ylim(-4.3, 3.1)
    axes.set_aspect("auto")
    axes.axis("off")
    return figure


def box(axes, row, colour):
    """Draw one block as a box with its size below and its filters above."""
    depth = 0.16
    x, y = row.left, -row.height / 2
    style = {"ec": "black", "lw": 0.5}
    axes.add_patch(Rectangle((x, y), row.width, row.height, fc=colour, **style))
    top = [(x, -y), (x + depth, -y + 0.2), (x + row.width + depth, -y + 0.2)]
    side = [(x + row.width, y), (x + row.width + depth, y + 0.2), top[-1]]
    corner = (x + row.width, -y)
    axes.add_patch(Polygon([*top, corner], fc=colour, alpha=0.55, **style))
    axes.add_patch(Polygon([*side, corner], fc=colour, alpha=0.75, **style))
    text = {"ha": "center", "fontsize": 6}
    centre = x + row.width / 2
    axes.text(centre, y - 0.12, f"{row.size}²", va="top", **text)
    axes.text(centre + 0.08, -y + 0.28, f"{row.shown:.0f}", va="bottom", **text)
    if row.name != "input":
        label = row.name.replace("deconv", "D").replace("conv", "C")
        style = {"va": "center", "weight": "bold", "fontsize": 5}
        wide = row.width > 0.3
        place = (centre, 0.0) if wide else (x + row.width + depth + 0.22, 0.0)
        axes.text(*place, label, color="white" if wide else "black", **text | style)


def connect(axes, blocks):
    """Draw the concatenations of encoder outputs with decoder outputs."""
    encoder = blocks[blocks["kind"] == "convolution"]
    decoder = blocks[blocks["kind"] == "de-convolution"]
    joined = decoder[decoder["channels"] > decoder["filters"]]
    for after in joined.itertuples():
        before = encoder[encoder["size"] == after.size].iloc[0]
        start = before["left"] + before["width"] / 2 + 0.08
        end = after.left + after.width / 2 + 0.08
        top = max(before["height"], after.height) / 2 + 0.68
        level = 1.5 + 0.032 * (end - start) ** 1.28
        line = {"color": "0.45", "lw": 0.6, "ls": (0, (3, 2))}
        axes.plot([start, start, end], [top, level, level], **line)
        arrow = {"arrowstyle": "-|>", "mutation_scale": 5, "color": "0.45", "lw": 0.6}
        axes.add_patch(FancyArrowPatch((end, level), (end, top - 0.05), **arrow))


def legend(axes, blocks):
    """Explain the boxes in one line of text."""
    conv = blocks[blocks["kind"] == "convolution"].iloc[0]
    dropout = blocks.loc[blocks["dropout"] > 0, "dropout"]
    share = f", dropout {dropout.iloc[0]:g} in D1 to D{len(dropout)}"
    lines = [
        f"C: convolution {conv['kernel']:.0f}×{conv['kernel']:.0f}, stride "
        f"{conv['stride']:.0f}, batch normalisation, leaky ReLU",
        f"D: transposed convolution, the same{share if len(dropout) else ''}; "
        f"{blocks['name'].iloc[-1].replace('deconv', 'D')}: sigmoid",
        "dashed: concatenation with the encoder's output of the same size",
    ]
    parameters = blocks["parameters"].sum() / 1e6
    lines.append(
        f"numbers: filters above, image side below; {parameters:.1f} M weights"
    )
    axes.text(-0.4, -2.65, "\n".join(lines), fontsize=6.5, va="top", linespacing=1.4)
