"""The pictures on which two runs disagree, small enough for a page."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from archspec.errors import UserError, file_problem
from archspec.tables import shortened
from archspec.wording import first_line
from builder.comparison.disagreement import SHOWN, Disagreement
from builder.comparison.record import Record
from builder.pictures.grid import DPI, Grid, draw_grid, white_level

MOST_PAIRS = 3
"""How many pairs have their pictures shown."""
SIDE = 112
"""Pixels of the longer side of a picture on a page; smaller ones are shown as they are, enlarged by the browser."""
LOSSLESS = 48
"""Up to this many pixels a side, pictures stay PNG; larger ones become JPEG, a tenth of the bytes."""
COLUMNS = 6
LONGEST_NAME = 18
RIGHT, WRONG = "#00734f", "#b3261e"


@dataclass(frozen=True)
class Shown:
    """A picture on which one of two runs is right.

    Attributes:
        pixels: uint8 (height, width, channels), as the network sees it.
        address: the picture as the address of an element of a page, `data:...`.
        is_small: whether its pixels are enlarged.
        label: the name of its class.
        predicted: the name of the class that the other run took it for.
        probability: of that class, from 0 to 1.
    """

    pixels: np.ndarray
    address: str
    is_small: bool
    label: str
    predicted: str
    probability: float


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs, and pictures on which only the first is right, and only the second."""

    disagreement: Disagreement
    first: tuple[Shown, ...]
    second: tuple[Shown, ...]


def chosen(pairs: Iterable[Disagreement], group: Callable[[Record], object]) -> list[Disagreement]:
    """The pairs whose pictures are shown, one for any two groups, or for a group alone: first those that a test tells
    apart, and of these and the others those that disagree on the most pictures."""
    differing = [one for one in pairs if one.first_alone + one.second_alone]
    differing = [one for one in differing if group(one.first) is not group(one.second)] or differing
    ordered = sorted(differing, key=lambda one: (not one.differs, -(one.first_alone + one.second_alone)))
    found: dict[object, Disagreement] = {}
    for one in ordered:
        found.setdefault((group(one.first), group(one.second)), one)
    return list(found.values())[:MOST_PAIRS]


def load(pairs: Iterable[Disagreement], group: Callable[[Record], object]) -> tuple[list[Pair], str]:
    """The pictures of the chosen pairs, and why there are none, in words; TensorFlow reads them.

    Args:
        pairs: all pairs.
        group: the group that a run belongs to.
    """
    found, problems = [], []
    for one in chosen(pairs, group):
        try:
            found.append(_pair(one))
        except (UserError, OSError) as error:
            problems.append(f"the pictures could not be read: {first_line(error)}")
    return found, "; ".join(dict.fromkeys(problems))


def _pair(one: Disagreement) -> Pair:
    numbers = [one.pictures_of(is_first)[:SHOWN] for is_first in (True, False)]
    pictures = _pictures(one.first, [*numbers[0], *numbers[1]], one.tested[0].fingerprint)
    white = white_level(pictures)
    sides = []
    for wrong, some in ((one.tested[1], numbers[0]), (one.tested[0], numbers[1])):
        said = wrong.predictions
        sides.append(
            tuple(
                _shown(picture, white, said.labels[place], said.predicted[place], said.probabilities[place])
                for place, picture in zip(some, pictures, strict=False)
            )
        )
        pictures = pictures[len(some) :]
    return Pair(one, sides[0], sides[1])


def _pictures(record: Record, numbers: Sequence[int], fingerprint: str) -> list[np.ndarray]:
    """Validation pictures of a run's data.

    Raises:
        UserError: the data cannot be loaded, or are not those that were evaluated.
    """
    from builder.system.tensorflow_start import import_tensorflow

    import_tensorflow()
    from builder.data.pipeline import validation_pictures

    assert record.run is not None
    if record.run.about.fingerprint != fingerprint:
        raise file_problem(record.directory, "was evaluated on other pictures than its own, which are not shown")
    return validation_pictures(record.run.data(), numbers, record.run.recipe.resizing)


def _shown(picture: np.ndarray, white: int, label: str, predicted: str, probability: float) -> Shown:
    from PIL import Image

    bright = np.minimum(picture.astype(np.float32) * (255 / white), 255).astype(np.uint8)
    image = Image.fromarray(bright if bright.shape[-1] == 3 else bright.mean(-1).astype(np.uint8))
    is_small = max(image.size) <= LOSSLESS
    form = "png" if is_small else "jpeg"
    if not is_small:
        image.thumbnail((SIDE, SIDE))
    data = io.BytesIO()
    image.save(data, form, **({} if is_small else {"quality": 82}))
    address = f"data:image/{form};base64,{base64.b64encode(data.getvalue()).decode()}"
    return Shown(picture, address, is_small, label, predicted, probability)


def sheet(pair: Pair, first: str, second: str) -> Figure:
    """A grid of the pictures of a pair, for a file: first those on which only the first is right."""
    rows = [math.ceil(len(side) / COLUMNS) for side in (pair.first, pair.second)]
    grids = [Grid(count, COLUMNS, cell=1.3, label=0.5, head=0.5, gap=0.12) for count in rows if count]
    figure = Figure((COLUMNS * 1.45, sum(grid.height for grid in grids)), dpi=DPI)
    sides = [(first, second, pair.first), (second, first, pair.second)]
    parts = figure.subfigures(len(grids), 1, height_ratios=[grid.height for grid in grids], squeeze=False).flat
    white = white_level(one.pixels for one in (*pair.first, *pair.second))
    for part, grid, (right, wrong, shown) in zip(parts, grids, (side for side in sides if side[2]), strict=True):
        title = f"recognised by {right} alone, not by {wrong}"
        cells = draw_grid(part, grid, title, [one.pixels for one in shown], white, 11)
        for axes, one in zip(cells, shown, strict=False):
            predicted = f"taken for {shortened(one.predicted, LONGEST_NAME)}, {100 * one.probability:.0f} %"
            for below, line, color in (
                (-0.04, shortened(one.label, LONGEST_NAME), RIGHT),
                (-0.17, predicted, WRONG),
            ):
                axes.text(
                    0.5, below, line, ha="center", va="top", transform=axes.transAxes, color=color, parse_math=False,
                    fontsize=min(8.5, 170 / max(1, len(line))),
                )  # fmt: skip
    return figure
