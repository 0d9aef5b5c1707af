"""Pictures of an evaluation, with names of classes as folders can have them."""

import numpy as np
import pytest
from matplotlib.image import imread

from builder.evaluation.figures import Mistake, draw_confusion, draw_mistakes

NAMES = ["$\\bad{$", "日本", "a\nb", "x_1^2$"]


@pytest.mark.parametrize("count", [4, 40, 400])
def test_names_are_shown_as_they_are(count, tmp_path):
    """Matplotlib takes what stands between dollars for mathematics, and fails where it is none."""
    names = [*NAMES, *map(str, range(count - len(NAMES)))]
    matrix = np.ones((count, count), np.int64)
    draw_confusion(tmp_path / "confusion.png", matrix, names, "runs of $\\bad{$ \udce9")
    mistakes = [Mistake(np.zeros((8, 8, 3), np.uint8), name, other, 0.5) for name in NAMES for other in NAMES]
    draw_mistakes(tmp_path / "mistakes.png", mistakes, "runs of $\\bad{$ \udce9")
    for path in tmp_path.iterdir():
        assert imread(path).std() > 0.01
