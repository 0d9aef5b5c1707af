"""Labels of points, each where it covers neither a point nor another label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

SIZE = 8.0
"""The size of the font, in points."""
WIDTH, HEIGHT = 0.62, 1.15
"""The width of a digit and the height of a line, as shares of the font's size: an estimate, as measuring takes long."""
RADIUS = 3.5
"""The room that a point takes, in points (1/72 inch)."""
SIDES = ((-1, 1), (0, 1), (-1, 0), (1, 1), (1, 0), (-1, -1), (0, -1), (1, -1))
"""Where a label may stand: left or right of its point, above or below, the best place first."""


def label_points(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    is_below: bool = False,
    line: Sequence[tuple[float, float]] = (),
) -> list[int]:
    """Writes texts at points, as many as there is room for, in the order given.

    Args:
        axes: a panel with its final place, scales and limits.
        points: all points that it shows, in its coordinates.
        texts: of the first points, in the order in which they get a place.
        is_below: whether a place below a point is better than one above it.
        line: the corners of a line of horizontal and vertical parts, which no label crosses.

    Returns:
        The numbers of the points whose text has found room.
    """
    axes.get_xlim(), axes.get_ylim()  # which are computed when they are asked for
    figure = axes.get_figure(root=True)
    assert figure is not None
    scale = 72 / figure.dpi
    places = axes.transData.transform(np.asarray(points, float).reshape(-1, 2)) * scale
    panel = np.asarray(axes.bbox.extents) * scale
    corners = axes.transData.transform(np.asarray(line, float).reshape(-1, 2)) * scale
    parts = np.concatenate([np.minimum(corners[:-1], corners[1:]), np.maximum(corners[:-1], corners[1:])], axis=1)
    taken = np.concatenate([places - RADIUS, places + RADIUS], axis=1)
    taken = np.concatenate([taken, parts.reshape(-1, 4) + np.array([-1, -1, 1, 1])])
    labelled = []
    for number, text in enumerate(texts):
        for box, (side, height) in _boxes(places[number], text, is_below):
            others = np.delete(taken, number, axis=0)
            if _is_inside(box, panel) and not _overlaps(box, others):
                axes.annotate(
                    text,
                    points[number],
                    ((RADIUS + 0.5) * side, (RADIUS + 0.5) * height),
                    textcoords="offset points",
                    ha={-1: "right", 0: "center", 1: "left"}[side],
                    va={-1: "top", 0: "center", 1: "bottom"}[height],
                    fontsize=SIZE,
                    zorder=6,
                    parse_math=False,
                )
                taken = np.concatenate([taken, box[None]])
                labelled.append(number)
                break
    return labelled


def _boxes(place: np.ndarray, text: str, is_below: bool) -> list[tuple[np.ndarray, tuple[int, int]]]:
    """The boxes that a label may take, (left, bottom, right, top) in points, each with its side."""
    width, height = WIDTH * SIZE * len(text), HEIGHT * SIZE
    found = []
    for side, up in SIDES:
        up = -up if is_below else up
        x, y = place[0] + (RADIUS + 0.5 + width / 2) * side, place[1] + (RADIUS + 0.5 + height / 2) * up
        found.append((np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2]), (side, up)))
    return found


def _is_inside(box: np.ndarray, panel: np.ndarray) -> bool:
    return bool((box[:2] >= panel[:2]).all() and (box[2:] <= panel[2:]).all())


def _overlaps(box: np.ndarray, others: np.ndarray) -> bool:
    return bool(((box[:2] < others[:, 2:]) & (box[2:] > others[:, :2])).all(axis=1).any())
