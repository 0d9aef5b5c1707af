"""Sheets of pictures with maps over them, drawn with Matplotlib."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from archspec.tables import shortened
from archspec.wording import printable
from builder.charts.style import STYLE
from builder.pictures.grid import white_level
from builder.system.files import replacing

DPI = 120
COLORS = "viridis"
"""The colours of a map: of even steps for the eye, also for colour-blind people and in print (van der Walt and Smith
2015)."""
OPACITY = 0.7
"""The opacity of a map over its picture."""
DARKEST, LIGHTEST = 0.3, 0.9
"""The greys of black and white under a map: of little contrast, so that a colour means the same on both."""
PER_ROW = 3
"""Pictures in a row, each with its map beside it."""
CELL, GAP, BETWEEN, LABEL = 1.5, 0.06, 0.3, 0.5
"""Lengths in inches: the side of a picture, between a picture and its map, between two pairs, and of a caption."""
HEAD, FOOT, MARGIN = 0.75, 0.7, 0.25
LONGEST = 42
"""The number of characters of a line of a caption."""


@dataclass(frozen=True, eq=False)
class Cell:
    """A picture and what is shown of it.

    Attributes:
        picture: uint8 (height, width, channels).
        map: float32 (rows, columns), positive where a part of the picture speaks for the class.
        lines: the lines of the caption.
    """

    picture: np.ndarray
    map: np.ndarray
    lines: tuple[str, ...]


def draw(path: Path, title: str, subtitle: str, cells: Sequence[Cell]) -> None:
    """Writes a PNG with each picture, and beside it the picture in grey under its map.

    A map is coloured from 0 to its own maximum, as how strongly a part speaks for a class can be compared within a
    picture only; what speaks against the class counts as 0.

    Args:
        path: the file.
        title, subtitle: lines of text above.
        cells: the pictures, at least one.

    Raises:
        FileError: the file cannot be written.
    """
    with matplotlib.rc_context(STYLE):
        per_row = min(PER_ROW, len(cells))
        rows = math.ceil(len(cells) / per_row)
        pair = 2 * CELL + GAP
        width = max(2 * MARGIN + per_row * pair + (per_row - 1) * BETWEEN, 5.2)
        height = HEAD + rows * (CELL + LABEL) + FOOT
        figure = Figure((width, height), dpi=DPI)
        figure.text(MARGIN / width, 1 - 0.25 / height, printable(title), fontsize=11, weight="bold", parse_math=False)
        white = white_level([cell.picture for cell in cells])
        brighter = f"; pixels of {white} and more are shown as white" if white < 255 else ""
        second = f"{printable(subtitle)}{brighter}"
        figure.text(MARGIN / width, 1 - 0.47 / height, second, fontsize=9, parse_math=False)
        for number, cell in enumerate(cells):
            row, column = divmod(number, per_row)
            left = MARGIN + column * (pair + BETWEEN)
            bottom = height - HEAD - row * (CELL + LABEL) - CELL
            plain, mapped = (
                figure.add_axes((begin / width, bottom / height, CELL / width, CELL / height))
                for begin in (left, left + CELL + GAP)
            )
            _draw_picture(plain, cell.picture, white)
            _draw_map(mapped, cell, white)
            for line, text in enumerate(cell.lines):
                below = (bottom - 0.14 - 0.16 * line) / height
                shown = shortened(printable(text), LONGEST)
                size = 8.5 if len(shown) <= 34 else 8.5 * 34 / len(shown)
                figure.text(left / width, below, shown, fontsize=size, va="center", parse_math=False)
        _draw_legend(figure, width, height)
        _save(figure, path)


def _draw_picture(axes: Axes, picture: np.ndarray, white: int) -> None:
    axes.set_axis_off()
    shown = np.minimum(picture / white, 1.0)
    if shown.shape[-1] == 3:
        axes.imshow(shown, interpolation=_interpolation(picture))
    else:
        axes.imshow(shown.mean(-1), "gray", vmin=0, vmax=1, interpolation=_interpolation(picture))


def _draw_map(axes: Axes, cell: Cell, white: int) -> None:
    axes.set_axis_off()
    height, width = cell.picture.shape[:2]
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    grey = DARKEST + (LIGHTEST - DARKEST) * np.minimum(cell.picture / white, 1.0).mean(-1)
    axes.imshow(grey, "gray", vmin=0, vmax=1, interpolation=_interpolation(cell.picture), extent=extent)
    heat = enlarged(shares_of(cell.map), (height, width))
    axes.imshow(heat, COLORS, vmin=0, vmax=1, alpha=OPACITY, extent=extent, interpolation="nearest")


def shares_of(values: np.ndarray) -> np.ndarray:
    """A map from 0 to 1, its maximum; 0 throughout where nothing speaks for the class."""
    positive = np.maximum(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), 0.0)
    return positive / positive.max() if positive.max() > 0 else positive


def enlarged(values: np.ndarray, size: tuple[int, int], least: int = 128) -> np.ndarray:
    """A map, bilinearly interpolated to at least a size and `least` elements along a side, as its elements lie over the
    picture: the first and the last half an element from its edges."""
    for axis, wanted in enumerate(size):
        count = values.shape[axis]
        places = (np.arange(max(wanted, least)) + 0.5) * count / max(wanted, least) - 0.5
        places = np.clip(places, 0, count - 1)
        below = np.minimum(np.floor(places).astype(int), count - 1)
        above, part = np.minimum(below + 1, count - 1), places - below
        part = part[:, np.newaxis] if axis == 0 else part
        values = np.take(values, below, axis) * (1 - part) + np.take(values, above, axis) * part
    return values


def _draw_legend(figure: Figure, width: float, height: float) -> None:
    axes = figure.add_axes((MARGIN / width, 0.42 / height, 2.2 / width, 0.11 / height))
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 1), COLORS), cax=axes, orientation="horizontal", ticks=[0, 1], alpha=OPACITY
    )
    bar.outline.set_visible(False)
    axes.set_xticklabels(["0, or speaks against it", "most"], fontsize=8)
    first, last = axes.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    text = "how much a part of the picture speaks for the class, as a share of the picture's own maximum"
    figure.text((MARGIN + 2.35) / width, 0.47 / height, text, fontsize=8, va="center", wrap=True)


def _interpolation(picture: np.ndarray) -> str:
    return "nearest" if max(picture.shape[:2]) < CELL * DPI else "antialiased"


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)  # a box is drawn instead
        FigureCanvasAgg(figure).print_png(temporary)
