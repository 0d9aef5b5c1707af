"""Pictures of an evaluation, with names of classes as folders can have them."""

import numpy as np
import pytest
from matplotlib.image import imread

from builder.evaluation.figures import Mistake, draw_confusion, draw_mistakes, layout, mistakes_figure

NAMES = ["$\\bad{$", "日本", "a\nb", "x_1^2$"]


@pytest.mark.parametrize("count", [4, 40, 400])
def test_names_are_shown_as_they_are(count, tmp_path):
    """Matplotlib takes what stands between dollars for mathematics, and fails where it is none."""
    names = [*NAMES, *map(str, range(count - len(NAMES)))]
    matrix = np.ones((count, count), np.int64)
    draw_confusion(tmp_path / "confusion.png", matrix, names, "runs of $\\bad{$ \udce9")
    black = np.zeros((8, 8, 3), np.uint8)
    mistakes = [Mistake(black, name, other, 0.5, f"{name}/{other}") for name in NAMES for other in NAMES]
    draw_mistakes(tmp_path / "mistakes.png", mistakes, "runs of $\\bad{$ \udce9")
    for path in tmp_path.iterdir():
        assert imread(path).std() > 0.01


def texts(count, level=255, name="pictures/cat/0001.jpg"):
    """What a figure of mistakes says: of the figure, and of its pictures."""
    picture = np.full((8, 8, 1), level, np.uint8)
    figure = mistakes_figure([Mistake(picture, "cat", "dog", 0.987, name)] * count, "Most confident mistakes: a on b")
    captions = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    return [text.get_text() for text in figure.texts], [some for some in captions if some], figure


def test_a_mistake_names_its_picture():
    assert texts(2)[1] == [["cat", "taken for dog, 99 %", "pictures/cat/0001.jpg"]] * 2
    assert texts(1, name=f"{'long/' * 9}end.jpg")[1][0][2] == "…g/long/long/long/long/end.jpg"


def test_the_title_says_that_pictures_are_brightened():
    assert texts(3)[0] == ["Most confident mistakes: a on b"]
    assert "".join(texts(3, level=16)[0]).replace("\n", " ").endswith("a on b, brightened (no pixel is above 16)")


@pytest.mark.parametrize(
    ("count", "shape"), [(1, (1, 1)), (5, (1, 5)), (7, (1, 7)), (8, (2, 4)), (9, (2, 5)), (13, (2, 7)), (24, (4, 6))]
)
def test_few_cells_are_blank(count, shape):
    assert layout(count) == shape
    assert len(texts(count)[1]) == count
    assert all(6 * (rows * columns - count) <= rows * columns for rows, columns in [layout(count)])


def test_no_mistakes_are_a_line():
    lines, captions, figure = texts(0)
    assert lines[1] == "none: every picture is classified as its class" and not captions
    assert figure.get_figheight() < 2
