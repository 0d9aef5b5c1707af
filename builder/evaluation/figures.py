"""The figures of an evaluation: the confusion matrix, and the most confident mistakes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from archspec.palette import LIGHT
from archspec.tables import filled, shortened
from archspec.wording import columns as columns_of
from archspec.wording import printable
from builder.charts.style import STYLE
from builder.evaluation.metrics import confused_pairs
from builder.pictures.grid import DPI, Grid, brightening, draw_grid, white_level
from builder.system.files import replacing

NUMBERED = 25
"""Up to this many classes the cells show their counts."""
NAMED = 120
"""Up to this many classes the rows and columns show their names."""
CELLS = 250
"""The largest number of cells along a side."""
PAIRS = 20
"""The number of most frequent mistakes that are listed."""
COLUMNS = 6
"""How many pictures stand beside each other, where that leaves no cells blank."""
CELL = 1.75
"""The width of a picture, in inches."""
LEAST_WIDTH = 6.5
"""The width of the figure of few pictures, in inches, in which its title has room."""
CHARACTERS = 11
"""How many characters of a title fit into an inch."""
IMAGE_STYLE: Any = {**STYLE, "axes.grid": False, "axes.spines.top": True, "axes.spines.right": True}
LONGEST_NAME = 18
"""The number of characters of a class's name that are shown."""
LONGEST_PATH = 30
"""The number of characters of a picture's name that are shown."""


@dataclass(frozen=True)
class Mistake:
    """A picture that was taken for another class.

    Attributes:
        picture: uint8 (height, width, channels).
        label: the name of its class.
        predicted: the name of the class it was taken for.
        probability: the probability of that class, from 0 to 1.
        name: the path of its file, or its number if it has none, as `pictures.csv` has it.
    """

    picture: np.ndarray
    label: str
    predicted: str
    probability: float
    name: str


def draw_confusion(path: Path, matrix: np.ndarray, names: Sequence[str], title: str) -> None:
    """Writes a PNG of the confusion matrix.

    Rows are the classes of pictures, and columns the classes they were taken for. The darker a cell, the larger its
    share of the row. If there are many classes, the most frequent mistakes are listed beside the matrix.

    Args:
        path: the file.
        matrix: numbers of pictures, int64 (classes, classes).
        names: the names of the classes.
        title: a line of text above, in which file names may be no UTF-8.
    """
    with matplotlib.rc_context(IMAGE_STYLE):
        _save(_confusion(matrix, names, title), path)


def _confusion(matrix: np.ndarray, names: Sequence[str], title: str) -> Figure:
    count = len(names)
    side = min(12.0, max(4.5, 0.42 * count + 1.5)) if count <= NUMBERED else 12.0
    beside = 0.0 if count <= NUMBERED else 3.2
    figure = Figure((side + beside + 0.9, side + (0.5 if count <= NUMBERED else 0.9)), layout="constrained", dpi=DPI)
    if beside:
        axes, text = figure.subplots(1, 2, width_ratios=[side + 0.9, beside])
        _list_pairs(text, matrix, names)
    else:
        axes = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    # The square root shows rare mistakes beside a full diagonal.
    image = axes.imshow(
        _coarser(shares),
        "Blues",
        norm=PowerNorm(0.5, 0, 1),
        interpolation="nearest",
        extent=(-0.5, count - 0.5, count - 0.5, -0.5),
    )
    if count <= NUMBERED:
        for (row, column), number in np.ndenumerate(matrix):
            if number:
                color = LIGHT["paper"] if shares[row, column] > 0.3 else LIGHT["ink"]
                axes.text(
                    column, row, f"{number}", ha="center", va="center", color=color, fontsize=9 if number < 1000 else 7
                )
    if count <= NAMED:
        shown = [shortened(name, LONGEST_NAME) for name in names]
        size = 9 if count <= NUMBERED else max(4.5, min(9, 560 / count))
        long = max(map(len, shown)) > 3
        axes.set_xticks(range(count), shown, fontsize=size, rotation=90 if long else 0, parse_math=False)
        axes.set_yticks(range(count), shown, fontsize=size, parse_math=False)
        axes.tick_params(length=2 if count > NUMBERED else 3)
    axes.set(xlabel="taken for", ylabel="class" if count <= NAMED else "class (by number)")
    axes.set_title(printable(title), parse_math=False)
    bar = figure.colorbar(image, ax=axes, shrink=0.5, aspect=30, ticks=[0, 0.01, 0.05, 0.2, 0.5, 1], pad=0.01)
    bar.ax.set_yticklabels(["0", "1 %", "5 %", "20 %", "50 %", "100 %"], fontsize=8)
    bar.set_label("share of the class's pictures", fontsize=8)
    bar.outline.set_visible(False)
    return figure


def _coarser(shares: np.ndarray) -> np.ndarray:
    """The matrix in at most CELLS cells along a side, so that each can be seen: the largest share in each block."""
    block = math.ceil(len(shares) / CELLS)
    if block == 1:
        return shares
    padding = -len(shares) % block
    blocks = np.pad(shares, ((0, padding), (0, padding))).reshape(
        len(shares) // block + bool(padding), block, -1, block
    )
    return blocks.max((1, 3))


def _list_pairs(axes: Axes, matrix: np.ndarray, names: Sequence[str]) -> None:
    """Lists the most frequent mistakes, one below the other."""
    axes.set_axis_off()
    lines = ["Most frequent mistakes", ""]
    for row, column, number in confused_pairs(matrix, PAIRS):
        first, second = shortened(names[row], LONGEST_NAME), shortened(names[column], LONGEST_NAME)
        lines.append(f"{number:>5,} of {matrix[row].sum():,}  {first}\n             for {second}")
    axes.text(0, 1, "\n".join(lines), va="top", fontsize=9, linespacing=1.35, parse_math=False)


def draw_mistakes(path: Path, mistakes: Sequence[Mistake], title: str) -> None:
    """Writes the PNG of `mistakes_figure`."""
    with matplotlib.rc_context(IMAGE_STYLE):
        _save(mistakes_figure(mistakes, title), path)


def mistakes_figure(mistakes: Sequence[Mistake], title: str) -> Figure:
    """Draws pictures, each with its class, the class it was taken for, the probability of that class, and the picture's
    name."""
    rows, columns = layout(len(mistakes))
    needed = columns * (CELL + 0.2)
    width = max(needed, LEAST_WIDTH)
    grid = Grid(rows, columns, CELL, label=0.62, head=0.62, gap=0.12, share=needed / width)
    if not mistakes:
        grid = replace(grid, cell=0.3)
    pictures = [mistake.picture for mistake in mistakes]
    white = white_level(pictures)
    figure = Figure((width, grid.height), dpi=DPI)
    lines = filled(printable(title) + brightening(white), int(width * CHARACTERS))
    cells = draw_grid(figure, grid, lines, pictures, white)
    if not mistakes:
        figure.text(0.5, 0.3, "none: every picture is classified as its class", ha="center")
    for axes, mistake in zip(cells, mistakes, strict=False):
        _caption(axes, mistake)
    return figure


def _caption(axes: Axes, mistake: Mistake) -> None:
    """Writes what is said of a mistake below its picture, line by line."""
    label, predicted = shortened(mistake.label, LONGEST_NAME), shortened(mistake.predicted, LONGEST_NAME)
    lines = [
        (label, LIGHT["ink"], "bold"),
        (f"taken for {predicted}, {100 * mistake.probability:.0f} %", LIGHT["removed"], "normal"),
        (_tail(mistake.name), LIGHT["muted"], "normal"),
    ]
    for row, (line, color, weight) in enumerate(lines):
        axes.annotate(
            line,
            (0.5, 0),
            (0, -3 - 11 * row),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=min(8.5, 205 / max(1, columns_of(line))),
            color=color,
            fontweight=weight,
            parse_math=False,
        )


def layout(count: int) -> tuple[int, int]:
    """The rows and columns of so many pictures: those with the fewest blank cells, of equal ones the nearest to
    COLUMNS."""
    if count <= COLUMNS:
        return 1, max(count, 1)
    shapes = [(-(-count // columns), columns) for columns in range(COLUMNS - 2, COLUMNS + 2)]
    return min(shapes, key=lambda shape: (shape[0] * shape[1] - count, abs(shape[1] - COLUMNS)))


def _tail(name: str) -> str:
    """The end of a path, which tells pictures apart."""
    name = printable(name)
    return name if len(name) <= LONGEST_PATH else f"…{name[1 - LONGEST_PATH :]}"


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)  # a box is drawn instead
        FigureCanvasAgg(figure).print_png(temporary)
