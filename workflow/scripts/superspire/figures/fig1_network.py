"""Figure 1: schematic of the network, from the layers as built."""

import itertools
import re

import numpy as np
import pandas as pd
from matplotlib.patches import FancyArrowPatch, Polygon, Rectangle

from superspire.figures.style import PAGE, plt
from superspire.instruments import SPIRE, TARGET

ENCODER, DECODER, DATA = "#0072B2", "#D55E00", "#BBBBBB"
GAP = 0.55
"""Space between blocks, in units of the drawing."""

IMAGES = 1.7
"""Space that the input images take, in units of the drawing."""


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
    """Give each block, and the images at both ends, a position and an extent.

    Heights grow with the logarithm of the side of the image, widths with that of the
    number of filters.

    Parameters
    ----------
    blocks : pandas.DataFrame
        What `network_blocks` gives.

    Returns
    -------
    pandas.DataFrame
        The blocks without the input, with ``height``, ``width`` and ``left``.
    """
    boxes = blocks[blocks["kind"] != "input"]
    height = 0.45 * np.log2(boxes["size"].astype(float)) + 0.1
    width = np.maximum(0.12 + 0.07 * np.log2(boxes["filters"].astype(float)), 0.3)
    left = IMAGES + np.concatenate([[0.0], np.cumsum(width + GAP)[:-1]])
    return boxes.assign(height=height, width=width, left=left)


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
    figure, axes = plt.subplots(figsize=(PAGE, 2.6))
    boxes = placed(blocks)
    colours = {"convolution": ENCODER, "de-convolution": DECODER}
    for row in boxes.itertuples():
        draw_box(axes, row, colours[row.kind])
    for before, after in itertools.pairwise(boxes.itertuples()):
        arrow(axes, before.left + before.width + 0.16, after.left - 0.04)
    size = blocks["size"].iloc[0]
    arrow(axes, draw_images(axes, 0.0, SPIRE, size, "input") + 0.05, IMAGES - 0.04)
    last = boxes.iloc[-1]
    end = last["left"] + last["width"] + 0.16
    arrow(axes, end, end + GAP)
    right = draw_images(axes, end + GAP + 0.05, (TARGET,), size, "output")
    connect(axes, boxes)
    axes.set_xlim(-0.3, right + 0.3)
    axes.set_ylim(-2.7, 3.0)
    axes.axis("off")
    return figure


def arrow(axes, start, end, height=0.0):
    """Draw an arrow to the right."""
    style = {"arrowstyle": "-|>", "mutation_scale": 5, "color": "0.3", "lw": 0.6}
    axes.add_patch(FancyArrowPatch((start, height), (end, height), **style))


def draw_images(axes, left, bands, size, name):
    """Draw the images at one end of the network as sheets, and give their right end.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    left : float
        Left end of the sheets.
    bands : sequence of int
        Wavelength of each image [µm].
    size : int
        Side of the images [pixel].
    name : str
        What is written below.

    Returns
    -------
    float
    """
    half, shear, width = 0.225 * np.log2(size), 0.35, 0.3
    style = {"fc": DATA, "ec": "black", "lw": 0.5}
    for i, band in enumerate(bands):
        x = left + i * (width + 0.06)
        corners = [(x, -half), (x + width, shear - half), (x + width, half + shear)]
        axes.add_patch(Polygon([*corners, (x, half)], **style))
        at = (x + width / 2, shear / 2)
        axes.text(*at, f"{band} µm", rotation=90, ha="center", va="center", fontsize=6)
    right = left + len(bands) * (width + 0.06) - 0.06
    middle = 0.5 * (left + right)
    text = {"ha": "center", "fontsize": 6}
    axes.text(middle, -half - 0.1, name, va="top", weight="bold", **text)
    axes.text(middle, -half - 0.33, f"{size}²", va="top", **text)
    return right


def draw_box(axes, row, colour):
    """Draw one block, its filters above, its name and its image side below."""
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
    axes.text(centre + 0.08, -y + 0.28, f"{row.filters:.0f}", va="bottom", **text)
    name = {"weight": "bold", "color": colour, "va": "top", "fontsize": 5.5}
    axes.text(centre, y - 0.1, row.name, **text | name)
    axes.text(centre, y - 0.33, f"{row.size}²", va="top", **text)


def connect(axes, boxes):
    """Draw the concatenations of encoder outputs with decoder outputs."""
    encoder = boxes[boxes["kind"] == "convolution"]
    decoder = boxes[boxes["kind"] == "de-convolution"]
    joined = decoder[decoder["channels"] > decoder["filters"]]
    for after in joined.itertuples():
        before = encoder[encoder["size"] == after.size].iloc[0]
        start = before["left"] + before["width"] / 2 + 0.08
        end = after.left + after.width / 2 + 0.08
        top = max(before["height"], after.height) / 2 + 0.68
        level = 1.5 + 0.032 * (end - start) ** 1.28
        line = {"color": "0.45", "lw": 0.6, "ls": (0, (3, 2))}
        axes.plot([start, start, end], [top, level, level], **line)
        style = {"arrowstyle": "-|>", "mutation_scale": 5, "color": "0.45", "lw": 0.6}
        axes.add_patch(FancyArrowPatch((end, level), (end, top - 0.05), **style))
