"""The filters of a network's first layer, as a picture (Krizhevsky et al. 2012, figure 3)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from archspec import Spec
from archspec.ops import show
from archspec.tables import filled
from archspec.wording import counted, printable
from builder.explanation.targets import first_convolutions
from builder.system.files import replacing

DPI = 120
SIDE = 44
"""About the width of a filter, in pixels of the picture."""
GAP = 4
"""Pixels between two filters."""
MARGIN, LINE, LABEL, BLOCK = 24, 17, 21, 14
"""Pixels around everything, of a line of text, of the line above filters, and between two layers."""
WIDEST = 16
"""The most filters in a row: AlexNet's 96 are then in six rows, those of each GPU in three."""
LEAST_WIDTH = 520
"""The least width of the picture, for its text."""
KERNEL = "{}/kernel"


def draw(path: Path, spec: Spec, weights: Mapping[str, np.ndarray]) -> bool:
    """Writes a PNG of the filters of the first layer, those of several towers or branches one below the other.

    Each filter is divided by its largest weight, whatever its sign, so that a weight of 0 is grey. Where the picture
    has three channels, their weights are the colours; else the filter is grey, and of several channels their mean.

    Args:
        path: the file.
        spec: the network.
        weights: its weights, by `layer/variable`.

    Returns:
        Whether it was written: the first layer may be no convolution, or one whose filters are a single pixel.

    Raises:
        FileError: the file cannot be written.
    """
    from matplotlib import rc_context  # a third of a second, needed once
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from builder.charts.style import STYLE

    nodes = first_convolutions(spec.graph)
    if not nodes:
        return False
    kernels = [np.asarray(weights[KERNEL.format(node.name)], np.float32) for node in nodes]
    mosaics = [mosaic(kernel) for kernel in kernels]
    width = max(LEAST_WIDTH, 2 * MARGIN + max(one.shape[1] for one in mosaics))
    labels = [
        f"{printable(node.name)}: {counted(kernel.shape[-1], 'filter')} of {show(kernel.shape[:2])}"
        for node, kernel in zip(nodes, kernels, strict=True)
    ]
    caption = filled(_caption(kernels), (width - 2 * MARGIN) // 6).splitlines()
    height = 2 * MARGIN + LINE + sum(one.shape[0] + LABEL + BLOCK for one in mosaics) + LINE * len(caption)
    with rc_context(STYLE):
        figure = Figure((width / DPI, height / DPI), dpi=DPI)
        title = f"{printable(spec.name)}: what its first layer responds to"
        top = height - MARGIN
        figure.text(MARGIN / width, top / height, title, fontsize=9.5, weight="bold", va="top", parse_math=False)
        top -= LINE + 6
        for label, tiles in zip(labels, mosaics, strict=True):
            figure.text(MARGIN / width, top / height, label, fontsize=8, va="top", parse_math=False)
            top -= LABEL + tiles.shape[0]
            figure.figimage(tiles, MARGIN, top, origin="upper", vmin=0, vmax=1)
            top -= BLOCK
        for line in caption:
            figure.text(MARGIN / width, top / height, line, fontsize=7.5, va="top", parse_math=False)
            top -= LINE
        with replacing(path) as temporary:
            FigureCanvasAgg(figure).print_png(temporary)
    return True


def _caption(kernels: Sequence[np.ndarray]) -> str:
    channels = {kernel.shape[2] for kernel in kernels}
    if channels == {3}:
        what = "the colours are its weights for red, green and blue"
    elif channels == {1}:
        what = "white is positive and black negative"
    else:
        what = "white is positive and black negative, the mean over the channels"
    return f"Each filter is divided by its largest weight: grey is 0, {what}."


def mosaic(kernel: np.ndarray) -> np.ndarray:
    """The filters of a kernel side by side, row by row, in their order.

    Args:
        kernel: float32 (height, width, channels, filters).

    Returns:
        RGB from 0 to 1, float32 (height, width, 3), with white between the filters.
    """
    height, width, _, count = kernel.shape
    enlargement = max(1, round(SIDE / max(height, width)))
    columns = WIDEST if count > 2 * WIDEST else min(count, WIDEST // 2)
    rows = math.ceil(count / columns)
    tall, wide = height * enlargement, width * enlargement
    sheet = np.ones((rows * (tall + GAP) - GAP, columns * (wide + GAP) - GAP, 3), np.float32)
    for number in range(count):
        row, column = divmod(number, columns)
        tile = shown(kernel[..., number]).repeat(enlargement, 0).repeat(enlargement, 1)
        top, left = row * (tall + GAP), column * (wide + GAP)
        sheet[top : top + tall, left : left + wide] = tile
    return sheet


def shown(weights: np.ndarray) -> np.ndarray:
    """One filter, float32 (height, width, channels), as RGB from 0 to 1, in which a weight of 0 is grey."""
    colours = weights if weights.shape[-1] == 3 else weights.mean(-1, keepdims=True)
    largest = float(np.abs(colours).max())
    if not 0 < largest < math.inf:  # a filter of zeros, or of a training that diverged
        return np.full((*weights.shape[:2], 3), 0.5, np.float32)
    return np.broadcast_to(0.5 + colours / (2 * largest), (*weights.shape[:2], 3))
