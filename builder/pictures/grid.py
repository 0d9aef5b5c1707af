"""A grid of pictures with room for captions, drawn with Matplotlib."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from archspec.wording import printable

DPI = 120
DARK = 128
"""Pictures whose highest pixel is lower are shown brighter: those of few levels, such as scikit-learn's digits."""


@dataclass(frozen=True)
class Grid:
    """The layout of a grid. Lengths are in inches.

    Attributes:
        rows, columns: the number of pictures.
        cell: the width of a picture.
        label: the height of a caption.
        head: the height of the title.
        gap: the room between neighbours, as a share of a cell.
        share: how much of the figure's width the pictures take, in its middle.
    """

    rows: int
    columns: int
    cell: float
    label: float
    head: float
    gap: float
    share: float = 1.0

    @property
    def height(self) -> float:
        """The height of the whole grid."""
        return self.rows * (self.cell + self.label) + self.head


def white_level(pictures: Iterable[np.ndarray]) -> int:
    """The pixel value to show as white: 255, or the highest pixel of dark pictures."""
    peak = max((int(picture.max()) for picture in pictures), default=255)
    return max(peak, 1) if peak < DARK else 255


def brightening(white: int) -> str:
    """What a title adds where pictures are shown brighter than they are: nothing if `white` is 255."""
    return f", brightened (no pixel is above {white})" if white < 255 else ""


def draw_grid(
    figure: Figure | SubFigure, grid: Grid, title: str, pictures: Sequence[np.ndarray], white: int, size: float = 12
) -> list[Axes]:
    """Draws pictures below a title, row by row.

    Args:
        figure: an empty figure, of the grid's height.
        grid: the layout, with room for all pictures.
        title: a line or two of text, shown as it is.
        pictures: uint8 (height, width, channels) each; those without three channels are shown as grey.
        white: the pixel value to show as white.
        size: the font size of the title, in points.

    Returns:
        The axes of all cells, row by row, to put captions below.
    """
    above = 1 - grid.head / 2 / grid.height
    title = "\n".join(map(printable, title.split("\n")))
    figure.text(0.5, above, title, fontsize=size, ha="center", va="center", parse_math=False)
    cells = figure.subplots(
        grid.rows,
        grid.columns,
        squeeze=False,
        gridspec_kw={
            "left": 0.5 - 0.48 * grid.share,
            "right": 0.5 + 0.48 * grid.share,
            "bottom": grid.label / grid.height,
            "top": 1 - grid.head / grid.height,
            "wspace": grid.gap,
            "hspace": grid.label / grid.cell,
        },
    )
    for axes in cells.flat:
        axes.set_axis_off()
    for axes, picture in zip(cells.flat, pictures, strict=False):
        shown = np.minimum(picture / white, 1.0)
        shown = shown if shown.shape[-1] == 3 else shown.mean(-1)
        is_enlarged = max(picture.shape[:2]) < grid.cell * DPI
        axes.imshow(shown, "gray", vmin=0, vmax=1, interpolation="nearest" if is_enlarged else "antialiased")
    return list(cells.flat)
