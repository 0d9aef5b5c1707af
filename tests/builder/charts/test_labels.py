"""Labels at points: apart from each other and from the points, the first ones first."""

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from builder.charts.labels import label_points
from builder.charts.style import STYLE


def labelled(points, count, size=(4, 3)):
    """The numbers of the labelled points, and the boxes of their labels."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(size)
        canvas, axes = FigureCanvasAgg(figure), figure.subplots()
        axes.set(xlim=(0, 1), ylim=(0, 1))
        found = label_points(axes, points, [str(number) for number in range(count)])
        canvas.draw()
        boxes = [text.get_window_extent() for text in axes.texts]
        return found, boxes, axes.transData.transform(points), axes.bbox


def test_no_label_covers_another_or_a_point():
    points = np.random.default_rng(0).random((60, 2)).tolist()
    found, boxes, places, panel = labelled(points, 60)
    assert 30 < len(found) < 60 and found == sorted(found)
    assert not any(one.overlaps(other) for number, one in enumerate(boxes) for other in boxes[:number])
    assert not any(box.contains(*place) for box in boxes for place in places)
    assert all(panel.x0 - 1 <= box.x0 and box.x1 <= panel.x1 + 1 for box in boxes)


def test_the_first_points_get_their_labels_first():
    points = [(0.5, 0.5), *([(0.5 + x / 50, 0.5 + y / 50) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y])]
    found, _, _, _ = labelled(points, 9, (2, 2))
    assert 0 not in found and len(found) > 2  # it is surrounded by points
    assert labelled([(0.5, 0.5), (0.5, 0.5)], 2)[0] == [0, 1]
    assert labelled([(0.001, 0.999)], 1)[0] == [0]
